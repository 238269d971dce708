"""Batches of pairs for correlation filters: from data sets on disk, or rendered.

Source: the published training code of DCFNet (which pairs are drawn).
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import jax
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.data.synthetic import Settings
from tirjax.data.training.canvas import Canvas, read_sample
from tirjax.data.training.filter_pairs import FilterPairs, Stretch, make_filter_pair
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.numbered import Numbered, keys_of
from tirjax.data.training.on_disk import MOST_FAILURES, OnDisk
from tirjax.data.training.rendered import Modality, render_sample
from tirjax.data.training.samples import Sample
from tirjax.data.training.siamese_pairs import grey
from tirjax.typing import Array, Int, Key

GAP = 10
CANVAS = Canvas(channels=1, reach=8.0)
STRETCH = Stretch()


@dataclasses.dataclass(frozen=True)
class FilterFeed(OnDisk[Sample]):
    """A feed of pairs from data sets on disk.

    Attributes:
      mixture: where sequences come from.
      stretch: how frames are cropped.
      gap: most visible frames from the target's to the one searched, which is later.
      canvas: what frames are put into.
      batch: pairs of a step, over all devices.
      seed: another seed is another run; at least 0.
      on_error: what a frame or sequence that cannot be read does: ``'skip'`` draws
        again and notes the problem, ``'stop'`` raises.

    Raises:
      DataError: settings that make no sense.
    """

    mixture: Mixture
    stretch: Stretch = STRETCH
    gap: int = GAP
    canvas: Canvas = CANVAS
    batch: int = 32
    seed: int = 0
    on_error: Literal["skip", "stop"] = "skip"

    def __post_init__(self):
        self.check()
        if self.gap < 1:
            raise DataError(f"gap {self.gap}: at least 1")

    def make(self, raw: tuple[Array, Sample], key: Key[Array, ""]) -> FilterPairs:
        """Crops. Nothing in them is by chance."""
        del key
        return jax.vmap(lambda sample: make_filter_pair(sample, self.stretch))(raw[1])

    def draw(self, number: int, rng: np.random.Generator) -> Callable[[], Sample]:
        """A frame of a sequence and one after it."""
        del number
        return lambda: self._draw(rng)

    def _draw(self, rng: np.random.Generator) -> Sample:
        for _ in range(10 * MOST_FAILURES):
            sequence = self.mixture.open(*self.mixture.draw(rng))
            if sequence.visible.sum() >= 2:
                chosen = draw_ahead(sequence.visible, self.gap, rng)
                return read_sample(sequence, chosen, self.canvas)
        raise NothingUsable(
            "no sequence shows its target on 2 frames; add data sets of videos"
        )


def draw_ahead(visible: np.ndarray, gap: int, rng: np.random.Generator) -> np.ndarray:
    """Draws a frame, never the last, and one of the next ``gap``.

    Args:
      visible: ``[t]`` bool, at least two; distances count visible frames only.
      gap: largest distance.
      rng: where chance comes from.

    Returns:
      ``[2]`` int64, frame numbers.
    """
    frames = np.flatnonzero(visible)
    here = int(rng.integers(len(frames) - 1))
    ahead = int(rng.integers(1, min(gap, len(frames) - 1 - here) + 1))
    return frames[[here, here + ahead]]


@dataclasses.dataclass(frozen=True)
class RenderedFilterPairs(Numbered):
    """A feed without files: two frames of a synthetic scene a pair.

    Attributes:
      settings: of the world.
      stretch: how frames are cropped.
      gap: most frames between the two.
      batch: pairs of a step.
      modality: ``'tir'`` or ``'rgb'``, the latter in grey.
      lanes: scenes rendered at once: 1 suits a CPU, an accelerator more.
      seed: another seed is other scenes.
    """

    settings: Settings
    stretch: Stretch = STRETCH
    gap: int = GAP
    batch: int = 32
    modality: Modality = "tir"
    lanes: int = 1
    seed: int = 0

    def __post_init__(self):
        if min(self.batch, self.gap, self.lanes) < 1:
            raise DataError(
                f"batch {self.batch}, gap {self.gap}, lanes {self.lanes}: at least 1"
            )

    def make(self, raw: Int[Array, " b"], key: Key[Array, ""]) -> FilterPairs:
        """Renders and crops the pairs with these numbers.

        Args:
          raw: their numbers.
          key: of the whole run.
        """

        def one(k):
            sample = render_sample(k, self.settings, (1, 1), self.gap, self.modality)
            pair = make_filter_pair(sample, self.stretch)
            return FilterPairs(grey(pair.target), grey(pair.search))

        return self.rendered(one, keys_of(jax.random.fold_in(key, self.seed), raw))
