"""Stochastic gradient descent as MatConvNet does it.

The learning rate is outside of the momentum, so a lower one acts at once, and every
parameter has factors of its own on the learning rate and on the weight decay.

Source: Vedaldi and Lenc, MatConvNet, ACM MM 2015 (``cnn_train_dag``).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tirjax.typing import Array, PyTree

# Factor of a parameter by its path, such as ('backbone', 'conv1', 'bias').
Multipliers = Callable[[tuple[str, ...]], float]


class SgdState(NamedTuple):
    """Of the optimiser.

    Attributes:
      count: number of updates made.
      velocity: of every parameter, without the learning rate.
    """

    count: Array
    velocity: PyTree


def one(path: tuple[str, ...]) -> float:
    """The factor that changes nothing, for every parameter."""
    del path
    return 1.0


def log_spaced(
    first: float, last: float, epochs: int, epoch_steps: int
) -> optax.Schedule:
    """A learning rate for each epoch, logarithmically spaced; then the last one stays.

    Args:
      first: of the first epoch, above 0.
      last: of epoch number ``epochs``, above 0.
      epochs: in which it changes, at least 1.
      epoch_steps: updates of an epoch, at least 1.
    """
    rates = np.geomspace(first, last, epochs).astype(np.float32)

    def rate(step: Any) -> Array:
        return jnp.asarray(rates)[jnp.minimum(step // epoch_steps, epochs - 1)]

    return rate


def matconvnet_sgd(
    schedule: optax.Schedule,
    lr_multipliers: Multipliers = one,
    decay: float = 5e-4,
    decay_multipliers: Multipliers = one,
    momentum: float = 0.9,
) -> optax.GradientTransformation:
    """Gradient descent with momentum and weight decay.

    With gradient ``g`` and velocity ``v`` of a parameter ``p``: ``g += decay * p``,
    ``v = momentum * v - g``, ``p += rate * v``; rate and decay times their factors.

    Args:
      schedule: ``step -> learning rate``.
      lr_multipliers: ``path -> factor``; of 0 the parameter stays as it is.
      decay: weight decay.
      decay_multipliers: ``path -> factor``.
      momentum: share of the velocity kept, 0 to 1.
    """

    def init(params):
        return SgdState(jnp.int32(0), jax.tree.map(jnp.zeros_like, params))

    def update(updates, state, params=None):
        if params is None:
            raise ValueError("weight decay needs the parameters")
        decays = _by_path(decay_multipliers, params)
        velocity = jax.tree.map(
            lambda v, g, p, factor: momentum * v - (g + decay * factor * p),
            state.velocity,
            updates,
            params,
            decays,
        )
        rate, factors = schedule(state.count), _by_path(lr_multipliers, params)
        steps = jax.tree.map(lambda v, f: rate * f * v, velocity, factors)
        count = jnp.asarray(optax.safe_increment(state.count))
        return steps, SgdState(count, velocity)

    return optax.GradientTransformation(init, update)


def _by_path(multipliers: Multipliers, params: PyTree) -> PyTree:
    factor = lambda keys, _: multipliers(tuple(key.key for key in keys))
    return jax.tree_util.tree_map_with_path(factor, params)
