"""From sequences to encoded pictures, one after the other, and tables of the rest."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tirjax.data import pixels
from tirjax.data.images import ImageFrames, quiet
from tirjax.data.sequence import DataError, Dataset, Frames, Sequence
from tirjax.data.training.prepared import BOXES, FRAMES, SEQUENCES, VISIBLE

# Pictures of which it is remembered that they are written already; about 200 MB.
REMEMBERED = 1_000_000

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG"
_TEXTS = ("name", "attributes", "modality")
_COLUMNS = (
    *_TEXTS,
    *("first_frame", "frames", "first_box", "boxes", "rows", "columns", "channels"),
)


class Table:
    """What is known of sequences beside their pictures.

    Attributes:
      rows: one a sequence.
      frames: of all of them.
    """

    def __init__(self):
        self.rows: list[tuple] = []
        self._records: list[np.ndarray] = []
        self._boxes: list[np.ndarray] = []
        self._visible: list[np.ndarray] = []
        self.frames, self._marks = 0, 0

    def add(self, clip: Sequence, records: list[int], shape: tuple[int, ...]) -> None:
        """The next sequence: the record of each frame, and the shape of all of them."""
        texts = clip.name, "\n".join(clip.attributes), clip.modality
        counts = self.frames, len(records), self._marks, len(clip.boxes)
        row = (*texts, *counts, *shape)
        self.rows.append(row)
        self._records.append(np.array(records, np.int64))
        self._boxes.append(np.asarray(clip.boxes, np.float64).reshape(-1, 4))
        self._visible.append(np.asarray(clip.visible, bool).reshape(-1))
        self.frames += len(records)
        self._marks += len(clip.boxes)

    def save(self, folder: Path) -> None:
        """Writes the columns as files that can be mapped."""
        kinds: list[tuple[str, str]] = [(column, "i8") for column in _COLUMNS]
        for i, column in enumerate(_TEXTS):
            longest = max(len(row[i]) for row in self.rows)
            kinds[i] = (column, f"U{max(longest, 1)}")
        np.save(folder / SEQUENCES, np.array(self.rows, kinds))
        np.save(folder / FRAMES, np.concatenate(self._records))
        np.save(folder / BOXES, np.concatenate(self._boxes))
        np.save(folder / VISIBLE, np.concatenate(self._visible))


class Packing:
    """Pictures of a data set in order, each once; iterating fills the table.

    Attributes:
      table: of the sequences given so far.
      records: pictures given so far.
      skipped: why sequences were left out, a line each.
    """

    def __init__(
        self,
        source: Dataset,
        skip: Callable[[str], None] | None = None,
        watch: Callable[[int], None] = lambda frames: None,
    ):
        self._source, self._skip, self._watch = source, skip, watch
        self._known: dict[tuple, int] = {}
        self.table, self.records = Table(), 0
        self.skipped: list[str] = []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Examples for the builder.

        Raises:
          DataError: a sequence is bad and none may be left out; names it and the file.
        """
        for index in range(len(self._source)):
            count = 0
            try:
                clip = self._source[index]
                count = len(clip.frames)
                shape = self._verify(clip)
            except DataError as error:
                self._leave_out(named(self._source, index, error))
            else:
                yield from self._pack(clip, shape)
            self._watch(count)

    def _leave_out(self, line: str) -> None:
        if self._skip is None:
            raise DataError(line)
        self.skipped.append(line)
        self._skip(line)

    def _verify(self, clip: Sequence) -> tuple[int, ...]:
        """Shape of the frames, once all that are not yet written were decoded."""
        frames = clip.frames
        fresh = [i for i in range(len(frames)) if _key(frames, i) not in self._known]
        for _, error in undecodable(frames, fresh):
            raise error
        if isinstance(frames, ImageFrames):
            return (*frames.format.size, frames.format.channels)
        return frames[0].shape

    def _pack(self, clip: Sequence, shape: tuple) -> Iterator[dict[str, Any]]:
        """Pictures that are new; the sequence enters the table when all are given."""
        numbers = []
        for i, encode in enumerate(_encoders(clip.frames)):
            key = _key(clip.frames, i)
            number = self._known.get(key, self.records) if key else self.records
            numbers.append(number)
            if number < self.records:
                continue
            self.records += 1
            if key:
                self._known[key] = number
            source = f"{clip.name}: frame {i}"
            yield {"image": encode(), "number": number, "source": source}
        self.table.add(clip, numbers, shape)
        # Between sequences, so that within one none is forgotten.
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]


def named(source: Dataset, index: int, error: DataError) -> str:
    """The error as a line that names the sequence."""
    names = getattr(source, "names", None)
    return f"{names[index] if names else f'sequence {index}'}: {error}"


def undecodable(
    frames: Frames, indices: Iterable[int] | None = None
) -> Iterator[tuple[int, DataError]]:
    """Frames that cannot be decoded, in order, each with its reason.

    Args:
      frames: pictures are decoded in parallel, a video from its start.
      indices: which to look at; all by default.
    """
    chosen = range(len(frames)) if indices is None else list(indices)
    if not isinstance(frames, ImageFrames) and len(chosen) == len(frames):
        yield from _run_through(frames)
        return

    def look(index: int) -> DataError | None:
        try:
            frames[index]
        except DataError as error:
            return error
        return None

    if len(chosen) < 2:  # sets of single pictures have a million of these
        yield from ((i, error) for i in chosen if (error := look(i)))
        return
    # Quiet as a whole: pictures that go in and out of silence in parallel would not
    # all find the level they have to restore.
    with quiet(), ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(look, chosen))
    yield from ((i, error) for i, error in zip(chosen, found, strict=True) if error)


def _run_through(frames: Frames) -> Iterator[tuple[int, DataError]]:
    """The first frame at which reading in order stops."""
    done = 0
    try:
        for _ in frames:
            done += 1
    except DataError as error:
        yield done, error
        return
    if done < len(frames):
        short = f"ends after {done} of {len(frames)} frames; copy the file again"
        yield done, DataError(short)


def _key(frames: Frames, index: int) -> tuple | None:
    """What two frames of equal pictures have in common; None if that is not known."""
    if isinstance(frames, ImageFrames):
        return str(frames.paths[index]), frames.format
    return None


def _encoders(frames: Frames) -> Iterator[Callable[[], bytes]]:
    """For each frame, what gives its bytes; a video is decoded in order."""
    if isinstance(frames, ImageFrames):
        yield from (functools.partial(_picture, frames, i) for i in range(len(frames)))
    else:
        yield from (functools.partial(_png, frame) for frame in frames)


def _picture(frames: ImageFrames, index: int) -> bytes:
    """The file itself where it needs no conversion but that of colours."""
    plain = pixels.PixelFormat(
        frames.format.size, np.dtype(np.uint8), frames.format.channels, None
    )
    if frames.format == plain:
        data = frames.paths[index].read_bytes()
        if data.startswith((_JPEG, _PNG)):
            return data
    return _png(frames[index])


def _png(frame: np.ndarray) -> bytes:
    """The frame in 8 bits, without loss if it has no more."""
    eight = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
    if eight.shape[2] == 3:
        eight = cv2.cvtColor(eight, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", eight)
    if not done:
        raise DataError(f"a frame of shape {frame.shape} cannot be encoded as PNG")
    return encoded.tobytes()
