"""Chunks of frames for the slots of a batch: a free slot takes the next sequence.

A chunk ends where a slot falls free while sequences wait, so that none stands idle
before the queue is empty. Frames are decoded in threads, one slot each.
"""

import collections
import dataclasses
import functools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from tirjax.data import DataError, Frames

from .canvas import Canvas, Chunk, blank, chunk_frames, place


class Start(NamedTuple):
    """A sequence that takes a slot.

    Attributes:
      slot: where.
      index: which sequence.
      chunk: its first frame, a chunk of one.
    """

    slot: int
    index: int
    chunk: Chunk


class Part(NamedTuple):
    """What happens next.

    Attributes:
      starts: sequences that take slots, in order; before the chunk.
      chunk: frames of all slots; none is present where only the rest matters.
      owners: sequence of each slot during the chunk; None where it stands idle.
      ended: sequences that are complete after it.
      failed: sequences that end in it with an error.
    """

    starts: tuple[Start, ...]
    chunk: Chunk
    owners: tuple[int | None, ...]
    ended: tuple[int, ...]
    failed: dict[int, DataError]


@dataclasses.dataclass
class _Slot:
    """A sequence on its way: its frames, and how many are read and left."""

    index: int
    frames: Iterator[np.ndarray]
    read: int
    left: int


def parts(clips: Sequence[Frames], canvas: Canvas, slots: int) -> Iterator[Part]:
    """Frames of many sequences through a few slots, in the order given.

    Args:
      clips: frames of each sequence.
      canvas: holds all of them.
      slots: how many advance at a time.
    """
    waiting = collections.deque(enumerate(clips))
    running: list[_Slot | None] = [None] * slots
    length = chunk_frames(canvas, slots)
    with ThreadPoolExecutor(min(slots, os.cpu_count() or 1)) as threads:
        while True:
            failed: dict[int, DataError] = {}
            starts, ended = _start(running, waiting, canvas, failed)
            active = [(i, slot) for i, slot in enumerate(running) if slot]
            if not active:
                if starts or failed:
                    nothing = blank(canvas, slots, 1)
                    yield Part(starts, nothing, (None,) * slots, ended, failed)
                return
            left = [slot.left for _, slot in active]
            count = min(length, min(left) if waiting else max(left))
            chunk = blank(canvas, slots, length)._replace(count=count)
            owners = tuple(slot.index if slot else None for slot in running)
            fill = functools.partial(_fill, chunk, canvas)
            errors = threads.map(fill, *zip(*active, strict=True))
            for (i, slot), error in zip(active, errors, strict=True):
                if error:
                    failed[slot.index] = error
                elif slot.left == 0:
                    ended += (slot.index,)
                if error or slot.left == 0:
                    running[i] = None
            yield Part(starts, chunk, owners, ended, failed)
            del chunk


def _start(
    running: list[_Slot | None],
    waiting: collections.deque[tuple[int, Frames]],
    canvas: Canvas,
    failed: dict[int, DataError],
) -> tuple[tuple[Start, ...], tuple[int, ...]]:
    """Gives free slots to waiting sequences; those that start, and of them those that
    have but one frame."""
    starts, ended = [], []
    for i in range(len(running)):
        while running[i] is None and waiting:
            index, clip = waiting.popleft()
            slot = _Slot(index, iter(clip), 0, len(clip))
            chunk = blank(canvas, 1, 1)._replace(count=1)
            error = _fill(chunk, canvas, 0, slot)
            if error or not slot.read:
                empty = DataError("the clip has no frames; nothing to track")
                failed[index] = error or empty
                continue
            starts.append(Start(i, index, chunk))
            if slot.left:
                running[i] = slot
            else:
                ended.append(index)
    return tuple(starts), tuple(ended)


def _fill(chunk: Chunk, canvas: Canvas, column: int, slot: _Slot) -> DataError | None:
    """Reads as many frames as the chunk holds, or the sequence has left."""
    try:
        for row in range(min(chunk.count, slot.left)):
            frame = next(slot.frames, None)
            if frame is None:  # shorter than it said
                slot.left = 0
                return None
            place(chunk, (row, column), frame, canvas, slot.read)
            slot.read, slot.left = slot.read + 1, slot.left - 1
    except DataError as error:
        return error
    return None
