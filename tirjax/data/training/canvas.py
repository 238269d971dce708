"""Frames of any size as arrays of one size, around their target."""

import dataclasses
from typing import Literal

import cv2
import numpy as np

from tirjax.data.sequence import DataError, Sequence
from tirjax.data.training.samples import Sample


@dataclasses.dataclass(frozen=True)
class Canvas:
    """Arrays of one size that frames of any size are put into, top left.

    A frame that fits is copied. Of a larger one the part around the target is kept:
    what ``reach`` asks for, and more where the canvas has room. If even that does not
    fit, it is shrunk. Outside the true size the canvas is 0.

    Attributes:
      size: ``(rows, cols)``.
      channels: 1 or 3, of every frame.
      reach: side of the square around the target that crops can need, over
        ``sqrt(w h)`` of the box: search scale plus range of the centre's jitter, times
        the largest size jitter. Crops beyond it repeat the border of the part. 20 is
        DiMP's 5 + 4.5 times two standard deviations of its 0.5 on both sides.
    """

    size: tuple[int, int] = (480, 640)
    channels: Literal[1, 3] = 3
    reach: float = 20.0

    def __post_init__(self):
        if min(self.size) < 1 or self.channels not in (1, 3) or not self.reach > 0:
            raise DataError(
                f"canvas {self.size}, {self.channels} channels, reach {self.reach}: "
                "sizes and reach must be above 0, channels 1 or 3"
            )


def place(
    frame: np.ndarray, box: np.ndarray, canvas: Canvas
) -> tuple[np.ndarray, np.ndarray]:
    """A frame as it lies on the canvas.

    Args:
      frame: ``[rows, cols, 1 or 3]``, uint8 or float in 0..255, red green blue.
      box: ``[4]``, pixels of the frame, ``w, h > 0``.
      canvas: what it must fit into.

    Returns:
      uint8 pixels ``[r, c, channels]`` of the true size, none larger than the canvas,
      and the box in them, float32.
    """
    side = canvas.reach * float(np.sqrt(box[2] * box[3]))
    spans = [
        _span(length, room, start + extent / 2, side)
        for length, room, start, extent in zip(
            frame.shape[:2], canvas.size, box[1::-1], box[:1:-1], strict=True
        )
    ]
    (top, rows), (left, cols) = spans
    part = _with_channels(frame[top : top + rows, left : left + cols], canvas.channels)
    moved = box - np.array([left, top, 0, 0])
    shrink = min(canvas.size[0] / rows, canvas.size[1] / cols)
    if shrink < 1:
        # No pixel is lost to rounding where a side is to fill the canvas exactly.
        new = [max(1, round(length * shrink)) for length in (rows, cols)]
        part = cv2.resize(part, (new[1], new[0]), interpolation=cv2.INTER_AREA)
        part = part.reshape(*new, canvas.channels)
        moved = moved * np.tile([new[1] / cols, new[0] / rows], 2)
    if part.dtype != np.uint8:
        part = np.clip(np.rint(part), 0, 255).astype(np.uint8)
    return part, moved.astype(np.float32)


def read_sample(sequence: Sequence, chosen: np.ndarray, canvas: Canvas) -> Sample:
    """Reads frames of a sequence onto canvases.

    Args:
      sequence: with a box for each of the frames.
      chosen: ``[n]`` numbers of frames; a repeated one is decoded once.
      canvas: what they are put into.

    Raises:
      DataError: a frame cannot be read; names the file.
    """
    pixels = np.zeros((len(chosen), *canvas.size, canvas.channels), np.uint8)
    sizes = np.zeros((len(chosen), 2), np.int32)
    boxes = np.zeros((len(chosen), 4), np.float32)
    for number in np.unique(chosen):
        part, box = place(sequence.frames[number], sequence.boxes[number], canvas)
        rows, cols = part.shape[:2]
        for slot in np.flatnonzero(chosen == number):
            pixels[slot, :rows, :cols] = part
            sizes[slot], boxes[slot] = (rows, cols), box
    return Sample._make((pixels, sizes, boxes))


def _span(length: int, room: int, centre: float, side: float) -> tuple[int, int]:
    """Start and length of what is kept of one axis.

    As long as the canvas has room, so that a small target keeps its surroundings;
    pushed inside the image, where a window over the border would be cut short.
    """
    if length <= room:
        return 0, length
    kept = min(length, max(room, int(np.ceil(side)) + 3))
    return int(np.clip(np.floor(centre - kept / 2), 0, length - kept)), kept


def _with_channels(frame: np.ndarray, channels: int) -> np.ndarray:
    if frame.shape[2] == channels:
        return np.ascontiguousarray(frame)
    if channels == 3:
        return np.repeat(frame, 3, axis=2)
    pixels = frame if frame.dtype == np.uint8 else frame.astype(np.float32)
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return grey[..., None]
