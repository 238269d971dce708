"""Which sequences share a batch, how many advance at a time, and what that wastes.

A pool is a queue of sequences in front of a few slots of a batch. The longest is taken
first and a slot that is free takes the next, so slots stand idle at the end only.
"""

import heapq
from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from tirjax.trackers import Tracker

from .canvas import Canvas

# A smaller picture joins a larger canvas if it fills this share of it. For LSOTB-TIR's
# boxes and a batch of 32 this means 7 canvases and 10,300 steps in place of 81 and
# 61,200, for 1.9 times the pixels that are copied; trackers cut out what they look at.
FILLED = 0.25


class Item(Protocol):
    """What is known of a sequence."""

    @property
    def tracker(self) -> Tracker:
        """Equal ones share a compilation."""
        ...

    @property
    def canvas(self) -> Canvas:
        """Holds its frames."""
        ...

    @property
    def length(self) -> int:
        """Frames."""
        ...


T = TypeVar("T", bound=Item)


class Pool(NamedTuple, Generic[T]):
    """Sequences that one compiled program serves.

    Attributes:
      items: the longest first.
      canvas: holds the frames of all.
      slots: how many advance at a time.
    """

    items: tuple[T, ...]
    canvas: Canvas
    slots: int


def pools(items: Iterable[T], batch: int, devices: int = 1) -> list[Pool[T]]:
    """Sorts sequences by tracker, kind of frame, size and length.

    Args:
      items: sequences.
      batch: most that advance at a time, a multiple of ``devices``.
      devices: the slots are shared out evenly among them; one alone is not.
    """
    found: list[tuple[Canvas, list[T]]] = []
    for item in sorted(items, key=lambda i: (-_area(i.canvas), i.canvas.shape)):
        fitting = (c for c in found if _joins(item, *c))
        home = min(fitting, key=lambda c: _area(c[0]), default=None)
        if home is None:
            found.append((item.canvas, [item]))
        else:
            home[1].append(item)
    sort = lambda same: tuple(sorted(same, key=lambda i: -i.length))
    return [
        Pool(sort(same), canvas, slots([i.length for i in same], batch, devices))
        for canvas, same in found
    ]


def slots(lengths: Sequence[int], batch: int, devices: int = 1) -> int:
    """The fewest slots with which the work takes no more steps than with a batch.

    Args:
      lengths: frames of each sequence.
      batch: most slots, a multiple of ``devices``.
      devices: slots are a multiple of it, or 1.
    """
    if len(lengths) == 1 or batch == 1:
        return 1
    most = min(batch, -(-len(lengths) // devices) * devices)
    least = steps(lengths, most)
    every = range(devices, most + 1, devices)
    return next(n for n in every if steps(lengths, n) == least)


def steps(lengths: Sequence[int], slots: int) -> int:
    """Frames that each slot is computed for until all sequences have ended."""
    ends = [0] * min(slots, len(lengths))
    for length in sorted(lengths, reverse=True):
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


def _joins(item: Item, canvas: Canvas, same: Sequence[Item]) -> bool:
    rows, cols, channels = item.canvas.shape
    alike = (channels, item.canvas.dtype) == (canvas.shape[2], canvas.dtype)
    fits = rows <= canvas.shape[0] and cols <= canvas.shape[1]
    large = _area(item.canvas) >= FILLED * _area(canvas)
    return alike and fits and large and item.tracker == same[0].tracker


def _area(canvas: Canvas) -> int:
    return canvas.shape[0] * canvas.shape[1]
