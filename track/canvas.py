"""Frames of any size into chunks of one shape.

A canvas is a frame's size rounded up to a bucket; the true size travels as data. Every
clip within a bucket, whatever its length, then runs in one compiled program.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from tirjax.data.sequence import DataError

# Four chunks are alive at a time (see ``prefetch``), so this bounds them to 128 MiB.
CHUNK_BYTES = 32 << 20
# Longer ones gained nothing (MOSSE at 2,500 frames/s) and keep a watcher waiting.
CHUNK_FRAMES = 16


class Canvas(NamedTuple):
    """What one compilation serves.

    Attributes:
      shape: ``(rows, columns, channels)``, rows and columns multiples of the bucket.
      dtype: name of the pixels' type.
    """

    shape: tuple[int, int, int]
    dtype: str


class Chunk(NamedTuple):
    """Some steps of one or more clips in lock-step.

    Attributes:
      pixels: ``[n, clips, rows, columns, channels]``; zeros where a clip has ended.
      size: ``[n, clips, 2]`` int32, true ``(rows, columns)``.
      present: ``[n, clips]`` bool, False where a clip has ended.
      count: steps that are filled, from the front.
    """

    pixels: np.ndarray
    size: np.ndarray
    present: np.ndarray
    count: int


def canvas_of(frames: Iterable[np.ndarray], bucket: int) -> Canvas:
    """The smallest canvas that holds every one of ``frames``.

    Raises:
      DataError: they differ in channels or type, or one is no frame at all.
    """
    frames = list(frames)
    for frame in frames:
        _check(frame, frames[0].shape[2:], str(frames[0].dtype), "a first frame")
    up = lambda axis: -(-max(f.shape[axis] for f in frames) // bucket) * bucket
    return Canvas((up(0), up(1), frames[0].shape[2]), str(frames[0].dtype))


def chunk_frames(canvas: Canvas, clips: int = 1) -> int:
    """Length of a chunk that keeps within the byte budget; at least 1."""
    frame = int(np.prod(canvas.shape)) * np.dtype(canvas.dtype).itemsize * clips
    return int(np.clip(CHUNK_BYTES // frame, 1, CHUNK_FRAMES))


def chunks(
    steps: Iterable[tuple[np.ndarray | None, ...]],
    canvas: Canvas,
    clips: int,
    length: int,
    start: int = 0,
) -> Iterator[Chunk]:
    """Copies steps into chunks of ``length``; the last one may be partly filled.

    Args:
      steps: one frame per clip, ``None`` after a clip's end.
      canvas: what the frames are copied onto.
      clips: how many run in lock-step.
      length: steps a chunk holds.
      start: number of the first step, for messages.

    Raises:
      DataError: a frame does not fit; like any error of ``steps`` it comes after the
        chunk of the frames before it.
    """
    steps = iter(steps)
    failure = None
    while failure is None:
        chunk = blank(canvas, clips, length)
        count = 0
        try:
            for step in itertools.islice(steps, length):
                _fill(chunk, count, step, canvas, start + count)
                count += 1
        except Exception as error:
            failure = error
        if count:
            yield chunk._replace(count=count)
        if failure is None and count < length:
            return
        start += count
        del chunk
    raise failure


def blank(canvas: Canvas, clips: int, length: int) -> Chunk:
    """A new chunk of zeros; never reused, for the device may still read the last."""
    pixels = np.zeros((length, clips, *canvas.shape), canvas.dtype)
    # Even where there is no frame the size is one that a tracker can crop from.
    size = np.tile(np.array(canvas.shape[:2], np.int32), (length, clips, 1))
    return Chunk(pixels, size, np.zeros((length, clips), bool), 0)


def _fill(chunk: Chunk, row: int, step: tuple, canvas: Canvas, number: int) -> None:
    """Copies the frames of one step."""
    for clip, frame in enumerate(step):
        if frame is not None:
            place(chunk, (row, clip), frame, canvas, number)


def place(
    chunk: Chunk, at: tuple[int, int], frame: np.ndarray, canvas: Canvas, number: int
) -> None:
    """Copies a frame to a step and clip of a chunk.

    Args:
      chunk: written to.
      at: step and clip.
      frame: the picture.
      canvas: the chunk's.
      number: of the frame in its clip, for messages.

    Raises:
      DataError: it does not fit.
    """
    _check(frame, canvas.shape[2:], canvas.dtype, f"frame {number}")
    rows, cols = frame.shape[:2]
    if rows > canvas.shape[0] or cols > canvas.shape[1]:
        raise DataError(
            f"frame {number} is {rows}x{cols}, the clip began smaller (room for "
            f"{canvas.shape[0]}x{canvas.shape[1]}); resize the frames to one size"
        )
    chunk.pixels[at][:rows, :cols] = frame
    chunk.size[at] = rows, cols
    chunk.present[at] = True


def _check(frame: np.ndarray, channels: tuple, dtype: str, what: str) -> None:
    """Raises DataError unless the frame is one, of these channels and type."""
    if frame.ndim != 3 or frame.size == 0:
        raise DataError(
            f"{what} has shape {frame.shape}; a frame is [rows, columns, channels]"
        )
    if str(frame.dtype) not in ("uint8", "float32"):
        raise DataError(
            f"{what} holds {frame.dtype}; give uint8, or float32 in 0..255 "
            "(`--window` maps 16-bit counts)"
        )
    if frame.shape[2:] != channels or str(frame.dtype) != dtype:
        raise DataError(
            f"{what} has {frame.shape[2]} channels of {frame.dtype}, the clip began "
            f"with {channels[0]} of {dtype}; convert the frames to one kind"
        )
