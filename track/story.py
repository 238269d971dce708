"""What became of a target, in constant memory: the files have all of it."""

from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from . import view
from .records import Journal
from .runner import Result

T = TypeVar("T")

HISTORY = 4096  # results of a target that are kept for the plot, at most


class Thinned(Generic[T]):
    """Items with their frames' numbers, spread evenly over a run of any length.

    Attributes:
      items: those that are kept, every one of ``2^n`` frames.

    Args:
      most: how many may be kept.
    """

    def __init__(self, most: float):
        self.items: list[tuple[int, T]] = []
        self._most, self._stride = most, 1

    def add(self, number: int, item: T) -> None:
        """Keeps the item of a frame, if it is its turn."""
        if number % self._stride == 0:
            self.items.append((number, item))
        if len(self.items) > self._most:
            self._stride *= 2
            self.items = [kept for kept in self.items if kept[0] % self._stride == 0]


class Story:
    """One target of one tracker, and what became of it so far.

    Attributes:
      name: of the tracker, with the target's number if there are several.
      colour: red, green, blue.
      tracker: name of the tracker alone.
      target: number of the target, from 0.
      newest: the last result, in pixels of the frames as they are tracked.
      told: the same in pixels of the frame as it arrived.
      history: results as ``newest``.

    Args:
      whole: keep all of the history, for a clip whose truth is in memory as well.
    """

    newest: Result
    told: Result

    def __init__(
        self,
        name: str,
        colour: tuple[int, int, int],
        tracker: str,
        target: int,
        whole: bool = False,
    ):
        self.name, self.colour = name, colour
        self.tracker, self.target = tracker, target
        self.history: Thinned[Result] = Thinned(float("inf") if whole else HISTORY)
        self._journal: Journal | None = None

    def add(
        self, number: int, result: Result, scale: tuple[float, float], out: Path
    ) -> None:
        """Writes the result of a frame and keeps it.

        Args:
          number: of the frame; of the first one it is how many had gone before.
          result: in pixels of the frames as they are tracked.
          scale: ``(x, y)``, from those to the frame as it arrived.
          out: folder of the files.

        Raises:
          OSError: they cannot be written.
        """
        if self._journal is None:
            self._journal = Journal(out, self.name, start=number)
        self.newest = result
        self.told = result._replace(box=result.box * np.array([*scale, *scale]))
        self._journal.add(*self.told)
        self.history.add(number, result)

    def close(self) -> list[Path]:
        """Completes the files; returns the boxes', if there are any."""
        if self._journal is None:
            return []
        self._journal.close()
        return [self._journal.path]

    def mark(self, result: Result) -> view.Mark:
        """How a result is drawn."""
        box, score, status, _ = result
        return view.Mark(self.name, self.colour, box, score, status)

    def numbers(self) -> np.ndarray:
        """Frames of the history."""
        return np.array([number for number, _ in self.history.items], int)

    def results(self) -> list[Result]:
        """The history without its numbers."""
        return [result for _, result in self.history.items]
