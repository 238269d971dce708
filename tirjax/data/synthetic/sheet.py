"""A contact sheet of clips: frames in a row, thermal above colour, boxes drawn in."""

from collections.abc import Sequence

import cv2
import numpy as np

from tirjax.data.synthetic.clips import Clip


def contact_sheet(
    *clips: Clip, frames: int = 6, shrink: int = 2, names: Sequence[str] = ()
) -> np.ndarray:
    """Lays out clips for looking at: ``docs/synthetic.jpg`` is eight of them.

    The file is written by ``cv2.imwrite("docs/synthetic.jpg", sheet[..., ::-1])`` with
    ``sheet = contact_sheet(*[render(jax.random.key(i), PRESETS["mixed"]) ...])``.

    Args:
      clips: each becomes a row of thermal frames and one of colour frames.
      frames: how many frames of each, evenly spaced.
      shrink: whole factor by which frames are made smaller.
      names: a caption for each clip, drawn in its first frame.

    Returns:
      ``[rows, cols, 3]`` uint8. Boxes are green where at least half of the target
      shows, red where less does.
    """
    captions = [*names, *[""] * (len(clips) - len(names))]
    return np.concatenate(
        [_strip(c, frames, shrink, n) for c, n in zip(clips, captions, strict=True)]
    )


def _strip(clip: Clip, frames: int, shrink: int, name: str) -> np.ndarray:
    """Two rows of one clip."""
    chosen = np.linspace(0, len(clip.boxes) - 1, frames).round().astype(int)
    tiles = []
    for t in chosen:
        thermal = np.repeat(np.asarray(clip.tir[t]), 3, axis=-1)
        pair = [_tile(thermal, clip, t, shrink)]
        pair.append(_tile(np.asarray(clip.rgb[t]), clip, t, shrink))
        if name and t == chosen[0]:
            at, font = (3, 10), cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(pair[0], name, at, font, 0.33, (255, 255, 0), 1, cv2.LINE_AA)
        tiles.append(np.concatenate(pair))
    return np.concatenate(tiles, axis=1)


def _tile(picture: np.ndarray, clip: Clip, t: int, shrink: int) -> np.ndarray:
    """One frame, smaller, with its box."""
    size = picture.shape[1] // shrink, picture.shape[0] // shrink
    tile = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    x, y, w, h = np.asarray(clip.boxes[t], float) / shrink
    colour = (0, 255, 0) if clip.visible[t] >= 0.5 else (255, 60, 60)
    low, high = (round(x), round(y)), (round(x + w) - 1, round(y + h) - 1)
    cv2.rectangle(tile, low, high, colour, 1)
    return tile
