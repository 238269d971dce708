"""A training run as one value: what a config returns and the loop carries out."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from tirjax.tasks.base import Task
from tirjax.typing import Array, Key, PyTree


class Feed(Protocol):
    """Where batches come from: drawn on the host, made on the device."""

    @property
    def batch(self) -> int:
        """Examples of a step, over all devices."""
        ...

    def read(
        self, step: int, part: slice = slice(None)
    ) -> tuple[PyTree, tuple[str, ...]]:
        """Arrays of a step, a function of their number alone, and problems on the way.

        Args:
          step: from 0.
          part: which of the step's examples; a process reads its own.
        """
        ...

    def describe(self) -> Any:
        """What it is made of, for the record: data sets with digests, settings."""
        ...

    def make(self, raw: PyTree, key: Key[Array, ""]) -> PyTree:
        """What the task takes, from what was drawn. Pure.

        Args:
          raw: of some examples of a step, not always of all.
          key: of the run, the same at every step.
        """
        ...


class Eval(NamedTuple):
    """A measurement during training.

    Attributes:
      every: steps between two of them.
      measure: ``variables -> {metric: value}``.
    """

    every: int
    measure: Callable[[PyTree], Mapping[str, float]]


@dataclasses.dataclass(frozen=True)
class Run:
    """An experiment.

    Attributes:
      task: what to learn.
      feed: from what.
      steps: how long.
      seed: of parameters and data.
      tracker: name of the tracker whose network this is; for the record.
      evals: by name; a metric is called ``NAME/METRIC``.
      best: metric whose best checkpoint is kept beside the newest ones.
      save_every: steps between two checkpoints.
      log_every: steps between two lines of metrics.
      show_every: steps between two pictures of predictions; 0 makes none.
      keep: newest checkpoints kept.
      workers: processes that draw batches; 0 draws in a thread.
    """

    task: Task
    feed: Feed
    steps: int
    seed: int = 0
    tracker: str = ""
    evals: Mapping[str, Eval] = dataclasses.field(default_factory=dict)
    best: str | None = None
    save_every: int = 500
    log_every: int = 10
    show_every: int = 500
    keep: int = 3
    workers: int = 0


class Blend(NamedTuple):
    """Several feeds in every batch, each with its own share.

    Attributes:
      feeds: their examples have the same shapes, and every part of a batch that a
        process or a device takes holds whole examples of each.
    """

    feeds: tuple[Feed, ...]

    @property
    def batch(self) -> int:
        """Examples of a step of all feeds."""
        return sum(feed.batch for feed in self.feeds)

    def read(
        self, step: int, part: slice = slice(None)
    ) -> tuple[PyTree, tuple[str, ...]]:
        """What each feed reads; ``part`` is the same share of each."""
        start, stop, _ = part.indices(self.batch)
        share = lambda n: slice(start * n // self.batch, stop * n // self.batch)
        read = [feed.read(step, share(feed.batch)) for feed in self.feeds]
        raw, problems = zip(*read, strict=True)
        return raw, sum(problems, ())

    def describe(self) -> list[Any]:
        """What each feed is made of."""
        return [feed.describe() for feed in self.feeds]

    def make(self, raw: PyTree, key: Key[Array, ""]) -> PyTree:
        """What each feed makes, one after the other."""
        keys = jax.random.split(key, len(self.feeds))
        parts = zip(self.feeds, raw, keys, strict=True)
        made = [feed.make(some, k) for feed, some, k in parts]
        return jax.tree.map(lambda *x: jnp.concatenate(x), *made)
