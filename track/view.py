"""Pictures of tracking: boxes on frames, contact sheets, and annotated video."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tirjax.data.images import quiet

from .records import STATUS

# Told apart with every common colour blindness and on grey (after Okabe and Ito); RGB.
PALETTE = (
    (230, 159, 0),
    (86, 180, 233),
    (204, 121, 167),
    (0, 158, 115),
    (213, 94, 0),
    (0, 114, 178),
    (153, 153, 51),
)
TRUTH = (255, 255, 255)
INK, STRIP = (235, 235, 235), (32, 32, 32)
FILM_WIDTH = 960  # pixels; smaller frames are enlarged by a whole factor to about this
LENS_BELOW = 1 / 12  # of the frame's width: targets below it are shown enlarged as well

_FONT, _LINE = cv2.FONT_HERSHEY_SIMPLEX, 20


class Mark(NamedTuple):
    """What is drawn for one target of one tracker.

    Attributes:
      name: as the legend calls it.
      colour: red, green, blue.
      box: ``(x, y, w, h)``, pixels of the frame.
      score: NaN is not shown.
      status: index into ``STATUS``; a lost target is drawn broken.
    """

    name: str
    colour: tuple[int, int, int]
    box: np.ndarray
    score: float = float("nan")
    status: int = 0


def film_width(cols: int) -> int:
    """Width to draw a frame of ``cols`` columns at, pixels."""
    return cols * max(1, round(FILM_WIDTH / cols))


def draw(
    frame: np.ndarray,
    marks: Sequence[Mark],
    truth: np.ndarray | None,
    caption: str,
    width: int,
) -> np.ndarray:
    """The frame with boxes, under a strip that names them.

    Args:
      frame: ``[rows, columns, 1 or 3]``, 0..255.
      marks: what trackers say; the first lies on top.
      truth: annotated box; None or NaN is not drawn.
      caption: what the strip begins with.
      width: of the picture, pixels; the frame is resized to it.

    Returns:
      ``[rows, width, 3]`` uint8, blue green red; rows depend on the frame's size and
      the number of marks only.
    """
    zoom = width / frame.shape[1]
    picture = _resized(to_bgr(frame), zoom)
    shown = [*marks]
    if truth is not None and np.isfinite(truth).all():
        shown.append(Mark("ground truth", TRUTH, truth))
    _lens(picture, frame, shown)
    for mark in reversed(shown):
        _box(picture, np.asarray(mark.box) * zoom, mark.colour, mark.status)
    return np.concatenate([_strip(caption, marks, truth, width), picture])


def shorten(picture: np.ndarray, height: int, frame: np.ndarray) -> np.ndarray:
    """The picture without the last lines of its legend, if it is higher than that.

    Args:
      picture: what ``draw`` made.
      height: rows to leave; that of a picture of the same clip with fewer marks.
      frame: what is drawn.
    """
    end = picture.shape[0] - _drawn_rows(picture, frame)
    extra = picture.shape[0] - height
    return np.delete(picture, slice(end - extra, end), axis=0) if extra > 0 else picture


def to_frame(box: np.ndarray, picture: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """A box in pixels of a picture that ``draw`` made, in pixels of the frame."""
    top = picture.shape[0] - _drawn_rows(picture, frame)
    zoom = picture.shape[1] / frame.shape[1]
    return (np.asarray(box, np.float32) - [0, top, 0, 0]) / zoom


def to_bgr(frame: np.ndarray) -> np.ndarray:
    """uint8 blue green red of any frame."""
    frame = np.clip(np.nan_to_num(frame), 0, 255).astype(np.uint8)
    code = cv2.COLOR_GRAY2BGR if frame.shape[2] == 1 else cv2.COLOR_RGB2BGR
    return cv2.cvtColor(frame, code)


def sheet(pictures: Sequence[np.ndarray], columns: int = 4) -> np.ndarray:
    """Pictures in a grid, each padded to the largest."""
    rows = max(p.shape[0] for p in pictures)
    cols = max(p.shape[1] for p in pictures)
    gap = 6
    blank = np.full((rows + gap, cols + gap, 3), 255, np.uint8)
    cells = []
    for picture in pictures:
        cell = blank.copy()
        cell[: picture.shape[0], : picture.shape[1]] = picture
        cells.append(cell)
    cells += [blank] * (-len(cells) % columns)
    lines = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    return np.concatenate([np.concatenate(line, axis=1) for line in lines])


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Writes a PNG or JPEG, by the name's ending.

    Raises:
      OSError: it cannot be written.
    """
    made, data = cv2.imencode(path.suffix, picture)
    if not made:
        raise OSError(f"cannot encode {path}")
    path.write_bytes(data.tobytes())


class Film:
    """An MP4 that is written picture by picture; whole only after ``close``."""

    def __init__(self, path: Path, fps: float):
        self.path, self.fps, self.count = path, fps, 0
        self._writer: cv2.VideoWriter | None = None

    def add(self, picture: np.ndarray) -> None:
        """Appends a picture; all must have the first one's size.

        Raises:
          OSError: the file cannot be opened.
        """
        even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
        if self._writer is None:
            self.path.unlink(missing_ok=True)
            code = cv2.VideoWriter.fourcc(*"mp4v")
            size = even.shape[1], even.shape[0]
            with quiet():
                self._writer = cv2.VideoWriter(str(self.path), code, self.fps, size)
            if not self._writer.isOpened():
                raise OSError(
                    f"cannot write a video to {self.path}; is it a place for it?"
                )
        self._writer.write(np.ascontiguousarray(even))
        self.count += 1

    def close(self) -> None:
        """Completes the file and looks whether it holds every picture.

        Raises:
          OSError: it does not; the writer itself says nothing when a disk is full.
        """
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        with quiet():
            film = cv2.VideoCapture(str(self.path))
            held = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
            film.release()
        if held < self.count:
            raise OSError(
                f"{self.path} holds {max(held, 0)} of {self.count} frames; "
                "is the disk full?"
            )


def _resized(picture: np.ndarray, zoom: float) -> np.ndarray:
    """Enlarged with hard pixels, so that a target of ten of them stays what it is."""
    size = round(picture.shape[1] * zoom), round(picture.shape[0] * zoom)
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_NEAREST
    return cv2.resize(picture, size, interpolation=how)


def _drawn_rows(picture: np.ndarray, frame: np.ndarray) -> int:
    """Rows of the picture below its legend."""
    return round(frame.shape[0] * picture.shape[1] / frame.shape[1])


def _box(
    picture: np.ndarray, box: np.ndarray, colour, status: int, thick: int = 0
) -> None:
    """A box drawn outside of the target, with a dark rim; corners only when lost."""
    limit = 4.0 * max(picture.shape)
    x, y, w, h = np.clip(box, -limit, limit)
    thick = thick or max(1, round(picture.shape[1] / 640))
    corner = max(3, round(min(w, h) / 4)) if STATUS[status] == "lost" else None
    for k in range(thick + 1):
        low = round(x) - 1 - k, round(y) - 1 - k
        high = round(x + w) + k, round(y + h) + k
        _outline(picture, low, high, colour[::-1] if k < thick else (0, 0, 0), corner)


def _outline(picture: np.ndarray, low, high, colour, corner: int | None) -> None:
    """A rectangle one pixel wide, or its corners."""
    if corner is None:
        cv2.rectangle(picture, low, high, colour, 1)
        return
    for x, dx in ((low[0], corner), (high[0], -corner)):
        for y, dy in ((low[1], corner), (high[1], -corner)):
            cv2.line(picture, (x, y), (x + dx, y), colour, 1)
            cv2.line(picture, (x, y), (x, y + dy), colour, 1)


def _lens(picture: np.ndarray, frame: np.ndarray, shown: Sequence[Mark]) -> None:
    """Copies the surroundings of a small first target into a corner, enlarged."""
    if not shown or not np.isfinite(shown[0].box).all():
        return
    x, y, w, h = shown[0].box
    if max(w, h) > LENS_BELOW * frame.shape[1]:
        return
    side = 2.5 * max(w, h, 4.0)
    out = picture.shape[0] // 4
    corner = np.array([x + w / 2 - side / 2, y + h / 2 - side / 2])
    zoom = out / side
    matrix = np.array([[zoom, 0, -corner[0] * zoom], [0, zoom, -corner[1] * zoom]])
    how = cv2.INTER_NEAREST
    view = cv2.warpAffine(to_bgr(frame), matrix, (out, out), flags=how)
    for mark in reversed(shown):
        at = (np.asarray(mark.box) - [*corner, 0, 0]) * zoom
        _box(view, at, mark.colour, mark.status, thick=2)
    # The corner that the target is not in.
    left = x + w / 2 > frame.shape[1] / 2 and y + h / 2 < frame.shape[0] / 2
    start = 0 if left else picture.shape[1] - out
    picture[:out, start : start + out] = view
    end = (start + out - 1, out - 1)
    cv2.rectangle(picture, (start, 0), end, INK, 1)


def _strip(caption: str, marks: Sequence[Mark], truth, width: int) -> np.ndarray:
    """The legend above the picture; as many lines for every frame of a clip."""
    size = 0.45 if width < 640 else 0.5
    strip = np.full((_LINE * (1 + len(marks)) + 4, width, 3), STRIP, np.uint8)
    write = lambda text, x, line, colour: cv2.putText(
        strip, text, (x, _LINE * line + 15), _FONT, size, colour[::-1], 1, cv2.LINE_AA
    )
    write(caption, 6, 0, INK)
    if truth is not None:
        text = "ground truth"
        room = cv2.getTextSize(text, _FONT, size, 1)[0][0]
        write(text, width - room - 6, 0, TRUTH)
    for line, mark in enumerate(marks, 1):
        score = "" if np.isnan(mark.score) else f"   score {mark.score:.2f}"
        word = "" if np.isnan(mark.score) else f"   {STATUS[mark.status]}"
        write(f"{mark.name}{score}{word}", 6, line, mark.colour)
    return strip
