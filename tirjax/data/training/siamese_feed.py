"""Batches of Siamese pairs drawn from data sets on disk.

Every sequence has its turn once an epoch; one that cannot give what is asked for is
replaced at random.

Source: the published training code of CFNet, MLSSNet and MMNet (which pairs are drawn).
"""

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from tirjax.data.sequence import DataError, Sequence
from tirjax.data.training.canvas import Canvas, read_sample
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.on_disk import MOST_FAILURES, OnDisk
from tirjax.data.training.siamese_pairs import (
    EASY,
    HARD,
    UNKNOWN,
    Cropping,
    Drawn,
    Pairs,
    make_pair,
)
from tirjax.data.training.turns import turns
from tirjax.typing import Array, Key


class Mix(NamedTuple):
    """Which pairs are drawn; defaults are those of MLSSNet and MMNet.

    Attributes:
      shares: of positive pairs, easy and hard negatives; they sum to 1.
      gap: most positions between the frames of a positive pair, at least 1.
      apart: a hard negative's frames are further apart than this many positions.
    """

    shares: tuple[float, float, float] = (0.6, 0.2, 0.2)
    gap: int = 100
    apart: int = 25

    def check(self) -> None:
        """Raises ``DataError`` if the settings make no sense."""
        fits = min(self.shares) >= 0 and abs(sum(self.shares) - 1) < 1e-6
        if not fits or self.gap < 1 or self.apart < 0:
            raise DataError(
                f"{self}: shares must be at least 0 and sum to 1, gap at least 1, "
                "apart at least 0"
            )


MIX = Mix()
# SiamFC and CFNet learn from positive pairs alone.
POSITIVES = Mix((1.0, 0.0, 0.0))
CANVAS = Canvas(channels=1, reach=6.0)
CROPPING = Cropping()


@dataclasses.dataclass(frozen=True)
class SiameseFeed(OnDisk[Drawn]):
    """A feed of pairs from data sets on disk.

    Attributes:
      mixture: where sequences come from; of an easy negative both of one or of two of
        its data sets.
      mix: which pairs of them.
      cropping: of the frames, on the device.
      canvas: what frames are put into. Its border is all that a larger crop sees.
      classes: class from 0 by name of the sequence; others are unknown.
      batch: pairs of a step, over all devices.
      seed: another seed is another run; at least 0.
      on_error: what a frame or sequence that cannot be read does: ``'skip'`` draws
        again and notes the problem, ``'stop'`` raises.

    Raises:
      DataError: settings that make no sense.
    """

    mixture: Mixture
    mix: Mix = MIX
    cropping: Cropping = CROPPING
    canvas: Canvas = CANVAS
    classes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    batch: int = 8
    seed: int = 0
    on_error: Literal["skip", "stop"] = "skip"

    def __post_init__(self):
        self.check()
        self.mix.check()

    def make(self, raw: tuple[Array, Drawn], key: Key[Array, ""]) -> Pairs:
        """Crops and labels.

        Args:
          raw: numbers and frames of pairs.
          key: of the whole run.
        """
        one = lambda number, drawn: make_pair(
            drawn, jax.random.fold_in(key, number), self.cropping
        )
        return jax.vmap(one)(*raw)

    def describe(self) -> dict[str, Any]:
        """What it is made of, for the record of a run."""
        return super().describe() | {"classes": len(self.classes)}

    def draw(self, number: int, rng: np.random.Generator) -> Callable[[], Drawn]:
        """A pair of a random kind; its first try is of the sequences in turn."""
        kind = int(rng.choice(3, p=self.mix.shares))
        planned = [*turns(self.mixture, self.seed, number)]
        return lambda: self._draw(kind, rng, planned)

    def _draw(
        self, kind: int, rng: np.random.Generator, planned: list[tuple[int, int]]
    ) -> Drawn:
        """Of sequences ``planned``, which leave the list, or of others."""
        least = {EASY: 1, HARD: self.mix.apart + 2}.get(kind, 2)
        mine, others = planned[:1], planned[1:]
        planned.clear()
        first, sequence = self._sequence(mine, least, rng)
        chosen = draw_two(sequence.visible, kind, self.mix, rng)
        if kind == EASY:
            _, other = self._sequence(others, 1, rng, but=first)
            alone = rng.choice(np.flatnonzero(other.visible), 1)
            frames = [(sequence, chosen[:1]), (other, alone)]
        else:
            frames = [(sequence, chosen)]
        parts = [read_sample(*pair, self.canvas) for pair in frames]
        sample = jax.tree.map(lambda *x: np.concatenate(x), *parts)
        class_id = self.classes.get(sequence.name, UNKNOWN)
        return Drawn._make((sample, np.int32(kind), np.int32(class_id)))

    def _sequence(
        self,
        planned: list[tuple[int, int]],
        least: int,
        rng: np.random.Generator,
        but: tuple[int, int] | None = None,
    ) -> tuple[tuple[int, int], Sequence]:
        """The first that shows its target often enough, another than ``but``."""
        drawn = (self.mixture.draw(rng) for _ in range(10 * MOST_FAILURES))
        for at in itertools.chain(planned, drawn):
            if at == but:
                continue
            opened = self.mixture.open(*at)
            if int(opened.visible.sum()) >= least:
                return at, opened
        other = "" if but is None else "other "
        raise NothingUsable(
            f"no {other}sequence shows its target on {least} frames; add data sets, or "
            "change the shares of the pairs"
        )


def draw_two(
    visible: np.ndarray, kind: int, mix: Mix, rng: np.random.Generator
) -> np.ndarray:
    """Draws the frames of the exemplar and of the search region from one sequence.

    Args:
      visible: ``[t]`` bool; distances count visible frames only.
      kind: of the pair; the search region of an easy negative is not of use.
      mix: distances.
      rng: where chance comes from.

    Returns:
      ``[2]`` int64, frame numbers, not the same unless only one is visible.
    """
    frames = np.flatnonzero(visible)
    places = np.arange(len(frames))
    here = int(rng.integers(len(frames)))
    distance = np.abs(places - here)
    if kind == HARD:
        # A place in the middle of a short sequence has nothing far enough.
        if distance.max() <= mix.apart:
            here = int(rng.choice([0, len(frames) - 1]))
            distance = np.abs(places - here)
        near = distance > mix.apart
    else:
        near = (distance <= mix.gap) & (distance > 0)
    other = int(rng.choice(places[near])) if near.any() else here
    return frames[[here, other]]
