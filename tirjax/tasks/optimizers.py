"""Optimisers whose learning rates differ between parts of a network."""

from collections.abc import Hashable, Mapping
from typing import Any

import jax
import optax

from tirjax.typing import PyTree


def step_decay(every: int, factor: float = 0.2) -> optax.Schedule:
    """A factor of 1 that is multiplied by ``factor`` each ``every`` steps."""
    return optax.exponential_decay(1.0, every, factor, staircase=True)


def grouped(
    rates: Mapping[str, float],
    factor: optax.Schedule = optax.constant_schedule(1.0),
    *,
    decay: float = 0.0,
    clip: float | None = None,
) -> optax.GradientTransformation:
    """Adam with a learning rate for each part; what no part names stays as it is.

    Args:
      rates: learning rate by part, a path in the parameters such as ``'backbone'`` or
        ``'classifier/filter_optimizer'``; the longest that fits counts. ``''`` is
        everything.
      factor: ``step -> factor`` on all rates.
      decay: decoupled weight decay, times the learning rate.
      clip: largest global norm of the gradients.
    """

    def adam(rate):
        return optax.adamw(lambda step: rate * factor(step), weight_decay=decay)

    parts: dict[Hashable, Any] = {part: adam(rate) for part, rate in rates.items()}
    parts[_STILL] = optax.set_to_zero()
    chosen = optax.partition(parts, lambda params: _labels(params, rates))
    return optax.chain(optax.clip_by_global_norm(clip), chosen) if clip else chosen


def from_nothing(peak: float, steps: int, warm: int) -> optax.GradientTransformation:
    """For a network whose variables are all drawn: a warm start, then a cosine.

    Args:
      peak: highest learning rate, of all parts.
      steps: how long the training is.
      warm: steps until the peak; no more than a quarter of all.
    """
    factor = optax.warmup_cosine_decay_schedule(
        0.0, 1.0, min(warm, steps // 4), steps, 0.01
    )
    return grouped({"": peak}, factor, decay=1e-4, clip=100.0)


_STILL = "(still)"


def _labels(params: PyTree, rates: Mapping[str, float]) -> PyTree:
    """The part that each leaf belongs to."""

    def label(keys, _):
        path = [key.key for key in keys]
        heads = ["/".join(path[:length]) for length in range(len(path), -1, -1)]
        return next((head for head in heads if head in rates), _STILL)

    return jax.tree_util.tree_map_with_path(label, params)
