"""Batches of frames drawn from data sets on disk.

A batch is a function of seed and step: each example has a generator of its own, made of
the seed and its number in the whole run. So resuming is setting the step, and neither
the hosts that share a batch nor the workers that read it change what is in it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import jax
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.data.training.canvas import Canvas, read_sample
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.processing import DIMP, Processing, process
from tirjax.data.training.sampler import Sampling, draw_frames
from tirjax.data.training.samples import Examples, Sample
from tirjax.typing import Array, Key

_Drawn = TypeVar("_Drawn")
MOST_FAILURES = 50  # draws in a row, after which the data is broken and not a file


@dataclasses.dataclass(frozen=True)
class ClipFeed:
    """A feed of frames from disk.

    Attributes:
      mixture: where sequences come from.
      sampling: which frames of them; its train frames are those of ``processing``.
      canvas: what frames are put into.
      processing: of the frames, on the device.
      batch: examples of a step, over all devices.
      seed: another seed is another run; at least 0.
      on_error: what a frame or sequence that cannot be read does: ``'skip'`` draws
        again and notes the problem, ``'stop'`` raises.
    """

    mixture: Mixture
    sampling: Sampling
    canvas: Canvas
    processing: Processing = DIMP
    batch: int = 8
    seed: int = 0
    on_error: Literal["skip", "stop"] = "skip"

    def __post_init__(self):
        if self.batch < 1 or self.seed < 0:
            raise DataError(
                f"batch {self.batch}, seed {self.seed}: at least 1 and at least 0"
            )
        if self.on_error not in ("skip", "stop"):
            raise DataError(f"on_error {self.on_error!r}: choose 'skip' or 'stop'")
        if self.sampling.train != self.processing.train_frames:
            raise DataError(
                f"{self.sampling.train} train frames are drawn and "
                f"{self.processing.train_frames} expected; make them equal"
            )

    def read(
        self, step: int, part: slice = slice(None)
    ) -> tuple[tuple[np.ndarray, Sample], tuple[str, ...]]:
        """Numbers and frames of a step's examples, read now, and problems on the way.

        Args:
          step: from 0.
          part: which of the step's examples.

        Raises:
          DataError: a data set cannot be used at all, every draw fails, or a file is
            bad and ``on_error`` is ``'stop'``.
        """
        numbers = step * self.batch + np.arange(self.batch, dtype=np.uint32)[part]
        found: list[str] = []
        examples = [self._example(int(number), found) for number in numbers]
        arrays = (np.stack(parts) for parts in zip(*examples, strict=True))
        return (numbers, Sample._make(arrays)), tuple(found)

    def make(self, raw: tuple[Array, Sample], key: Key[Array, ""]) -> Examples:
        """Crops and labels.

        Args:
          raw: numbers and frames of examples.
          key: of the whole run.
        """

        def one(number, sample):
            return process(sample, jax.random.fold_in(key, number), self.processing)

        return jax.vmap(one)(*raw)

    def describe(self) -> dict[str, Any]:
        """What it is made of, for the record of a run."""
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return settings | {"mixture": self.mixture.describe()}

    def _example(self, number: int, found: list[str]) -> Sample:
        rng = np.random.default_rng((self.seed, number))

        def draw():
            sequence = self.mixture.draw_usable(self.sampling, rng)
            chosen = draw_frames(sequence.visible, self.sampling, rng)
            return read_sample(sequence, chosen, self.canvas)

        return first_good(draw, self.on_error, found)


def first_good(draw: Callable[[], _Drawn], on_error: str, found: list[str]) -> _Drawn:
    """What a draw gives once it can be read.

    Args:
      draw: another one at each call.
      on_error: ``'skip'`` draws again, ``'stop'`` raises.
      found: problems on the way are added to it.

    Raises:
      DataError: every draw fails, nothing can be drawn at all, or ``on_error`` is
        ``'stop'``.
    """
    for _ in range(MOST_FAILURES):
        try:
            return draw()
        except NothingUsable:
            raise
        except DataError as error:
            if on_error == "stop":
                raise
            found.append(str(error))
    raise DataError(f"{MOST_FAILURES} draws in a row failed; the last: {found[-1]}")
