"""Trackers and targets of one clip, a frame at a time; targets come and go between."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from tirjax.trackers.base import Tracker

from .canvas import Canvas, Chunk, canvas_of, chunks
from .programs import Layout
from .runner import BUCKET, Job, Result, advance, begin


@dataclasses.dataclass
class _Crew:
    """A job that has begun, and the numbers of its targets in the team."""

    job: Job
    numbers: list[int]
    state: Any = None

    @property
    def layout(self) -> Layout:
        return "targets" if len(self.numbers) > 1 else "one"


class Team:
    """Follows the targets of jobs; a result a target, in the order of the jobs.

    Args:
      jobs: whom to follow from the first frame on.
      frame: the first; all must have its size.

    Raises:
      DataError: a box is no target, or the frame is none.
    """

    def __init__(self, jobs: Sequence[Job], frame: np.ndarray):
        self._canvas: Canvas = canvas_of([frame], BUCKET)
        self._crews: list[_Crew] = []
        self.results: list[Result] = []
        for job in jobs:
            self.add(job, frame)

    def step(self, frame: np.ndarray) -> list[Result]:
        """Results in the next frame.

        Raises:
          DataError: the frame cannot be used.
        """
        part = self._chunk(frame)
        for crew in self._crews:
            crew.state, (found,) = advance(crew.layout, crew.job, crew.state, part)
            self._tell(crew.numbers, found)
        return self.results

    def add(self, job: Job, frame: np.ndarray) -> None:
        """Begins to follow the targets of another job in this frame."""
        start = len(self.results)
        crew = _Crew(job, list(range(start, start + len(job.boxes))))
        crew.state, found = begin(crew.layout, job, self._chunk(frame), (frame,), 1)
        self._crews.append(crew)
        self.results += found

    def restart(
        self, number: int, tracker: Tracker, box: np.ndarray, frame: np.ndarray
    ) -> None:
        """Begins anew with one target; the others notice nothing.

        Args:
          number: of the target.
          tracker: for the new box.
          box: ``(x, y, w, h)``, pixels.
          frame: where the target is there.

        Raises:
          DataError: the box is no target.
        """
        crew = next(c for c in self._crews if number in c.numbers)
        slot = crew.numbers.index(number)
        same = tracker == crew.job.tracker
        # With the box in every slot the job's own program serves, and no slot's box
        # can be one that it refuses.
        boxes = [box] * (len(crew.numbers) if same else 1)
        keys = crew.job.keys if same else [crew.job.keys[slot]]
        job = Job(tracker, crew.job.params, boxes, keys)
        layout = crew.layout if same else "one"
        state, found = begin(layout, job, self._chunk(frame), (frame,), 1)
        if same and layout == "targets":
            put = lambda old, new: old.at[slot].set(new[slot])
            crew.state = jax.tree.map(put, crew.state, state)
        elif same:
            crew.state = state
        else:
            self._leave(crew, slot)
            self._crews.append(_Crew(job, [number], state))
        self.results[number] = found[slot if same else 0]

    def _leave(self, crew: _Crew, slot: int) -> None:
        """Takes a target, whose tracker is now another one, out of its job."""
        stay = [i for i in range(len(crew.numbers)) if i != slot]
        if not stay:
            self._crews.remove(crew)
            return
        pick = np.array(stay) if len(stay) > 1 else stay[0]
        crew.state = jax.tree.map(lambda x: x[pick], crew.state)
        of = lambda items: [items[i] for i in stay]
        crew.job = crew.job._replace(boxes=of(crew.job.boxes), keys=of(crew.job.keys))
        crew.numbers = of(crew.numbers)

    def _chunk(self, frame: np.ndarray) -> Chunk:
        (part,) = chunks([(frame,)], self._canvas, 1, 1)
        return part

    def _tell(self, numbers: list[int], found: Sequence[Result | None]) -> None:
        for number, result in zip(numbers, found, strict=True):
            assert result is not None, "the clip has not ended"
            self.results[number] = result
