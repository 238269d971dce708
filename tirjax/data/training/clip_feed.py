"""Batches of frames drawn from data sets on disk."""

import dataclasses
from collections.abc import Callable
from typing import Literal

import jax
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.data.training.canvas import Canvas, read_sample
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.on_disk import OnDisk
from tirjax.data.training.processing import DIMP, Processing, process
from tirjax.data.training.sampler import Sampling, draw_frames
from tirjax.data.training.samples import Examples, Sample
from tirjax.typing import Array, Key


@dataclasses.dataclass(frozen=True)
class ClipFeed(OnDisk[Sample]):
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
        self.check()
        if self.sampling.train != self.processing.train_frames:
            raise DataError(
                f"{self.sampling.train} train frames are drawn and "
                f"{self.processing.train_frames} expected; make them equal"
            )

    def make(self, raw: tuple[Array, Sample], key: Key[Array, ""]) -> Examples:
        """Crops and labels.

        Args:
          raw: numbers and frames of examples.
          key: of the whole run.
        """

        def one(number, sample):
            return process(sample, jax.random.fold_in(key, number), self.processing)

        return jax.vmap(one)(*raw)

    def draw(self, number: int, rng: np.random.Generator) -> Callable[[], Sample]:
        """Frames of one sequence, as the sampling has it."""
        del number

        def one():
            sequence = self.mixture.draw_usable(self.sampling, rng)
            chosen = draw_frames(sequence.visible, self.sampling, rng)
            return read_sample(sequence, chosen, self.canvas)

        return one
