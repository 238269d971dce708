"""Where the target is in a score map, and how far to trust it, for DiMP and ATOM.

The highest peak is the target unless a second one, outside its neighbourhood, is nearly
as high. Then the one that the target could have reached is believed; if that does not
decide, the frame is uncertain.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019,
section 3.4, and its published settings.
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp

from tirjax.trackers.base import FOUND, LOST, UNCERTAIN
from tirjax.typing import Array, Float, Int

NORMAL, HARD_NEGATIVE, UNDECIDED, NOT_FOUND = 0, 1, 2, 3
STATUS = (FOUND, FOUND, UNCERTAIN, LOST)


@dataclasses.dataclass(frozen=True)
class Trust:
    """Thresholds of the decision; defaults are the published ones.

    Attributes:
      not_found: peaks below this score are no target.
      distractor: a second peak above this share of the first is a rival.
      hard_negative: a second peak above this share is worth learning from.
      displacement: how far a target may move, over half the side of the map.
      neighbourhood: side of the area that belongs to a peak, in sizes of the target.
    """

    not_found: float = 0.25
    distractor: float = 0.8
    hard_negative: float = 0.5
    displacement: float = 0.8
    neighbourhood: float = 2.2


class Found(NamedTuple):
    """The decision.

    Attributes:
      offset: ``(row, col)`` of the target from the map's centre, cells.
      score: of the highest peak.
      flag: ``NORMAL``, ``HARD_NEGATIVE``, ``UNDECIDED`` or ``NOT_FOUND``; int32.
    """

    offset: Float[Array, "2"]
    score: Float[Array, ""]
    flag: Int[Array, ""]


def _peak(scores):
    at = jnp.stack(jnp.unravel_index(scores.argmax(), scores.shape))
    return scores.max(), at.astype(scores.dtype)


def _hide(scores, peak, sides):
    """The map with zeros in the neighbourhood of a peak."""
    low = jnp.round(peak - sides / 2)
    high = jnp.round(peak + sides / 2 + 1)
    inside = lambda i: (
        (jnp.arange(scores.shape[i]) >= low[i])
        & (jnp.arange(scores.shape[i]) < high[i])
    )
    return jnp.where(inside(0)[:, None] & inside(1), 0.0, scores)


def localize(
    scores: Float[Array, "rows cols"],
    centre: Float[Array, "2"] | tuple[float, float],
    target: Float[Array, "2"],
    previous: Float[Array, "2"],
    trust: Trust,
) -> Found:
    """Finds the target.

    Args:
      scores: one value a cell.
      centre: cell ``(row, col)`` that means no motion against the patch's centre.
      target: size ``(rows, cols)`` of the target, cells.
      previous: offset ``(row, col)`` of the last known place, cells.
      trust: thresholds. Static.
    """
    rows, cols = scores.shape
    reach = trust.displacement * (rows * cols) ** 0.5 / 2
    centre = jnp.asarray(centre, scores.dtype)
    first, at_first = _peak(scores)
    second, at_second = _peak(_hide(scores, at_first, trust.neighbourhood * target))
    one, two = at_first - centre, at_second - centre
    far_one = jnp.linalg.norm(one - previous)
    far_two = jnp.linalg.norm(two - previous)

    rival = second > trust.distractor * first
    stay = (far_two > reach) & (far_one < reach)
    switch = (far_two < reach) & (far_one > reach)
    decided = jnp.where(stay | switch, HARD_NEGATIVE, UNDECIDED)
    worth = (second > trust.hard_negative * first) & (second > trust.not_found)
    flag = jnp.where(rival, decided, jnp.where(worth, HARD_NEGATIVE, NORMAL))
    lost = ~(first >= trust.not_found)  # also when the score is not a number
    flag = jnp.where(lost, NOT_FOUND, flag).astype(jnp.int32)
    offset = jnp.where(rival & switch & ~lost, two, one)
    return Found(offset, first, flag)


def status(flag: Int[Array, ""]) -> Int[Array, ""]:
    """The ``Prediction.status`` of a flag: a hard negative is a found target."""
    return jnp.array(STATUS, jnp.int32)[flag]
