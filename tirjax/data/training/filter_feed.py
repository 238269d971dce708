"""Batches of pairs for correlation filters: from data sets on disk, or rendered.

Source: the published training code of DCFNet (which pairs are drawn).
"""

import dataclasses
from typing import Any, Literal

import jax
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.data.synthetic import Settings
from tirjax.data.training.canvas import Canvas, read_sample
from tirjax.data.training.clip_feed import MOST_FAILURES, first_good
from tirjax.data.training.filter_pairs import FilterPairs, Stretch, make_filter_pair
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.numbered import Numbered
from tirjax.data.training.rendered import Modality, render_sample
from tirjax.data.training.samples import Sample
from tirjax.data.training.siamese_pairs import grey
from tirjax.typing import Array, Int, Key

GAP = 10
CANVAS = Canvas(channels=1, reach=8.0)
STRETCH = Stretch()


@dataclasses.dataclass(frozen=True)
class FilterFeed:
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
        if min(self.batch, self.gap) < 1 or self.seed < 0:
            raise DataError(
                f"batch {self.batch}, gap {self.gap}, seed {self.seed}: at least 1, 1 "
                "and 0"
            )
        if self.on_error not in ("skip", "stop"):
            raise DataError(f"on_error {self.on_error!r}: choose 'skip' or 'stop'")

    def read(
        self, step: int, part: slice = slice(None)
    ) -> tuple[Sample, tuple[str, ...]]:
        """Frames of a step's pairs, read now, and problems on the way.

        Args:
          step: from 0.
          part: which of the step's pairs.

        Raises:
          DataError: no pairs can be drawn, every draw fails, or a file is bad and
            ``on_error`` is ``'stop'``.
        """
        numbers = step * self.batch + np.arange(self.batch, dtype=np.uint32)[part]
        found: list[str] = []
        drawn = [self._example(int(number), found) for number in numbers]
        return jax.tree.map(lambda *x: np.stack(x), *drawn), tuple(found)

    def make(self, raw: Sample, key: Key[Array, ""]) -> FilterPairs:
        """Crops. Nothing in them is by chance."""
        del key
        return jax.vmap(lambda sample: make_filter_pair(sample, self.stretch))(raw)

    def describe(self) -> dict[str, Any]:
        """What it is made of, for the record of a run."""
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return settings | {"mixture": self.mixture.describe()}

    def _example(self, number: int, found: list[str]) -> Sample:
        rng = np.random.default_rng((self.seed, number))
        return first_good(lambda: self._draw(rng), self.on_error, found)

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
        of = jax.random.fold_in(key, self.seed)
        keys = jax.vmap(lambda number: jax.random.fold_in(of, number))(raw)

        def one(k):
            sample = render_sample(k, self.settings, (1, 1), self.gap, self.modality)
            pair = make_filter_pair(sample, self.stretch)
            return FilterPairs(grey(pair.target), grey(pair.search))

        return jax.lax.map(one, keys, batch_size=self.lanes)
