"""Who follows whom: jobs for the runner, and a story for every target of a tracker."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from . import catalogue, view
from .runner import Job
from .story import Story
from .weights import Weights


def plan(
    trackers: Mapping[str, Weights],
    boxes: Sequence[np.ndarray],
    seed: int,
    *,
    whole: bool = False,
    after: Sequence[Story] = (),
) -> tuple[list[Job], list[Story]]:
    """Jobs, and the stories of their targets in the same order.

    Targets that a tracker has one program for share a job, a batched call.

    Args:
      trackers: weights by name.
      boxes: targets, ``(x, y, w, h)``, pixels.
      seed: of every random draw.
      whole: as for ``Story``.
      after: stories that there are already; numbers and colours go on from theirs.
    """
    first = 1 + max((story.target for story in after), default=-1)
    several = first + len(boxes) > 1
    jobs: list[Job] = []
    stories: list[Story] = []
    for name, (params, _) in trackers.items():
        groups: dict = {}
        for number, box in enumerate(boxes, first):
            groups.setdefault(catalogue.build(name, box), []).append((number, box))
        for tracker, members in groups.items():
            key = jax.random.key(seed)
            keys = [jax.random.fold_in(key, number) for number, _ in members]
            jobs.append(Job(tracker, params, [box for _, box in members], keys))
            for number, _ in members:
                colour = view.PALETTE[(len(after) + len(stories)) % len(view.PALETTE)]
                label = f"{name}-{number + 1}" if several else name
                stories.append(Story(label, colour, name, number, whole))
    return jobs, stories
