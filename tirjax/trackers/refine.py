"""Box refinement: gradient ascent on the overlap that a network predicts.

Boxes are ``(x, y, w, h)`` patch pixels.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.2, and the published settings of DiMP and SuperDiMP.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Bool, Float

Predict = Callable[[Float[Array, "n 4"]], Float[Array, " n"]]


@dataclasses.dataclass(frozen=True)
class Refinement:
    """Settings; defaults are those of ATOM and DiMP.

    Attributes:
      proposals: number of random boxes beside the given one.
      jitter: largest random change of position and size, over the box's side, twice.
      relative: climb in centre over size and log size instead of pixels.
      steps: number of steps.
      rates: step lengths of position and size.
      best: number of boxes to average.
      max_aspect: boxes more oblong than this are dropped.
    """

    proposals: int = 9
    jitter: tuple[float, float] = (0.1, 0.5)
    relative: bool = False
    steps: int = 5
    rates: tuple[float, float] = (1.0, 1.0)
    best: int = 3
    max_aspect: float = 6.0


class Choice(NamedTuple):
    """The average of the best boxes.

    Attributes:
      box: ``[4]``; the first box when none was good.
      good: whether any box kept a sensible shape.
      score: the average of their scores; 0 when none was good.
    """

    box: Float[Array, "4"]
    good: Bool[Array, ""]
    score: Float[Array, ""]


def propose(
    box: Float[Array, "4"], uniform: Float[Array, "n 4"], jitter: tuple[float, float]
) -> Float[Array, "n+1 4"]:
    """The box itself and random ones around it.

    Args:
      box: classifier's box.
      uniform: draws in [0, 1).
      jitter: as in ``Refinement``. Static.
    """
    reach = jnp.sqrt(box[2] * box[3]) * jnp.repeat(jnp.array(jitter, box.dtype), 2)
    change = (uniform - 0.5) * reach
    size = jnp.maximum(box[2:] + change[:, 2:], box[2:].min() / 3)
    centre = box[:2] + box[2:] / 2 + change[:, :2]
    return jnp.concatenate([box[None], jnp.concatenate([centre - size / 2, size], 1)])


def to_relative(
    boxes: Float[Array, "*n 4"], size: Float[Array, "2"]
) -> Float[Array, "*n 4"]:
    """Centre over a reference size, and the logarithm of the sides."""
    centre = (boxes[..., :2] + boxes[..., 2:] / 2) / size
    return jnp.concatenate([centre, jnp.log(boxes[..., 2:])], -1)


def from_relative(
    code: Float[Array, "*n 4"], size: Float[Array, "2"]
) -> Float[Array, "*n 4"]:
    """Inverts ``to_relative``."""
    sides = jnp.exp(code[..., 2:])
    return jnp.concatenate([code[..., :2] * size - sides / 2, sides], -1)


def refine(
    predict: Predict, boxes: Float[Array, "n 4"], settings: Refinement
) -> tuple[Float[Array, "n 4"], Float[Array, " n"]]:
    """Climbs from every box.

    Args:
      predict: score of each box; one box must not change another's.
      boxes: where to start.
      settings: space, number and length of the steps. Static.

    Returns:
      Boxes after the last step and their scores *before* it, as published.
    """
    rates = jnp.repeat(jnp.array(settings.rates, boxes.dtype), 2)
    size = boxes[0, 2:]
    decode = lambda x: from_relative(x, size) if settings.relative else x
    score = lambda x: (lambda s: (s.sum(), s))(predict(decode(x)))
    climb = jax.value_and_grad(score, has_aux=True)

    def step(x, _):
        (_, scores), slope = climb(x)
        # In pixels a step is as long as the box is large.
        unit = 1.0 if settings.relative else jnp.tile(x[:, 2:], 2)
        return x + rates * slope * unit, scores

    start = to_relative(boxes, size) if settings.relative else boxes
    x, scores = jax.lax.scan(step, start, length=settings.steps)
    return decode(x), scores[-1]


def choose(
    boxes: Float[Array, "n 4"], scores: Float[Array, " n"], settings: Refinement
) -> Choice:
    """Averages the boxes of highest score among those of sensible shape."""
    corner, size = boxes[:, :2], jnp.maximum(boxes[:, 2:], 1.0)
    boxes = jnp.concatenate([corner, size], -1)
    aspect = size[:, 0] / size[:, 1]
    kept = (aspect < settings.max_aspect) & (aspect > 1 / settings.max_aspect)
    # A diverged climb must not reach the state.
    kept = kept & jnp.isfinite(boxes).all(-1) & jnp.isfinite(scores)
    best, at = jax.lax.top_k(
        jnp.where(kept, scores, -jnp.inf), min(settings.best, len(scores))
    )
    use = jnp.isfinite(best)
    total = jnp.where(use[:, None], boxes[at], 0.0).sum(0)
    mean = total / jnp.maximum(use.sum(), 1)
    score = jnp.where(use, best, 0.0).sum() / jnp.maximum(use.sum(), 1)
    return Choice(jnp.where(use.any(), mean, boxes[0]), use.any(), score)
