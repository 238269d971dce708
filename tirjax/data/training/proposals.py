"""Boxes around the target that an overlap predictor learns to judge.

Two kinds: *perturbed* boxes of a sensible overlap, and draws from a *mixture* of
Gaussians whose densities are known. The mixture is relative: centres in sides of the
target, sides as logarithms, both as differences from the target.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.2; Danelljan et al., Probabilistic Regression for Visual Tracking, CVPR 2020,
section 3; and the published training code.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.ops.boxes import centre, from_centre, iou
from tirjax.typing import Array, Float, Key

SPREADS = (0.01, 0.05, 0.1, 0.2, 0.3)
SHRINK = 0.9
MIN_OVERLAP = 0.1
TRIES = 24


class Proposals(NamedTuple):
    """Boxes, and what is known of them.

    Attributes:
      boxes: ``[p, 4]``, crop pixels.
      overlaps: ``[p]`` intersection over union with the target, 0..1.
      log_density: ``[p]`` logarithm of the density they were drawn from, 0 if unknown.
      target_density: ``[p]`` density of the label at each, 0 if unknown.
    """

    boxes: Float[Array, "p 4"]
    overlaps: Float[Array, " p"]
    log_density: Float[Array, " p"]
    target_density: Float[Array, " p"]


def perturbed(
    box: Float[Array, "4"], key: Key[Array, ""], count: int, tries: int = TRIES
) -> Proposals:
    """Moved and resized boxes, each the first try that overlaps by over 0.1.

    A failed try shrinks the next one's spread, so all are drawn at once. The published
    code gives up after 100 tries instead of 24; neither is ever reached in practice.

    Args:
      box: target, crop pixels.
      key: randomness.
      count: number of boxes. Static.
      tries: how often to try; the last try is kept if none succeeds. Static.

    Returns:
      Boxes in whole pixels, but for sides of 1 or less, which become a random share of
      the target's; densities are 0.
    """
    for_spread, for_move, for_side = jax.random.split(key, 3)
    spread = jax.random.choice(for_spread, jnp.array(SPREADS, box.dtype), (count, 1, 1))
    spread = spread * jnp.sqrt(box[2] * box[3])
    spread = spread * SHRINK ** jnp.arange(tries, dtype=box.dtype)[:, None]
    move = spread * jax.random.normal(for_move, (count, tries, 4), box.dtype)
    shares = jax.random.uniform(for_side, (2, count, tries, 2), box.dtype, 0.15, 0.5)
    size = box[2:] + move[..., 2:]
    size = jnp.where(size > 1, size, box[2:] * shares[0])
    tried = jnp.round(from_centre(centre(box) + move[..., :2], size))
    size = jnp.where(tried[..., 2:] > 1, tried[..., 2:], box[2:] * shares[1])
    tried = jnp.concatenate([tried[..., :2], size], -1)
    overlap = iou(tried, jnp.broadcast_to(box, tried.shape))
    good = overlap > MIN_OVERLAP
    pick = jnp.where(good.any(1), good.argmax(1), tries - 1)
    boxes = jnp.take_along_axis(tried, pick[:, None, None], 1)[:, 0]
    overlap = jnp.take_along_axis(overlap, pick[:, None], 1)[:, 0]
    return Proposals(boxes, overlap, jnp.zeros(count), jnp.zeros(count))


def _log_gaussian(x, deviation):
    """Logarithm of the density of independent Gaussians around 0, by last axis."""
    each = -0.5 * (x / deviation) ** 2 - jnp.log(deviation * jnp.sqrt(2 * jnp.pi))
    return each.sum(-1)


def mixture(
    box: Float[Array, "4"],
    key: Key[Array, ""],
    count: int,
    spreads: tuple[tuple[float, float], ...] = ((0.05, 0.05), (0.5, 0.5)),
    label: tuple[float, float] = (0.05, 0.05),
) -> Proposals:
    """Draws from Gaussians of equal weight around the target.

    Args:
      box: target, crop pixels.
      key: randomness.
      count: number of boxes. Static.
      spreads: standard deviations of position and of log size, one pair a Gaussian,
        relative to the target. Static.
      label: those of the Gaussian that describes how sure the target's box is. Static.
    """
    for_part, for_move = jax.random.split(key)
    deviations = jnp.repeat(jnp.array(spreads, box.dtype), 2, axis=1)
    part = jax.random.randint(for_part, (count,), 0, len(spreads))
    move = deviations[part] * jax.random.normal(for_move, (count, 4), box.dtype)
    point = centre(box) + move[:, :2] * box[2:]
    boxes = from_centre(point, box[2:] * jnp.exp(move[:, 2:]))
    each = _log_gaussian(move[:, None], deviations)
    log_density = jax.nn.logsumexp(each, axis=1) - jnp.log(float(len(spreads)))
    wanted = jnp.repeat(jnp.array(label, box.dtype), 2)
    target_density = jnp.exp(_log_gaussian(move, wanted))
    overlap = iou(boxes, jnp.broadcast_to(box, boxes.shape))
    return Proposals(boxes, overlap, log_density, target_density)
