"""Precise RoI pooling without a custom kernel.

A feature map is read as the bilinear surface through its nodes, zero outside; a bin of
a region is the exact mean of that surface. Bilinear interpolation is a tensor product
of hats, so the integral over a rectangle factorises as well.

Source: Jiang et al., Acquisition of Localization Confidence for Accurate Object
Detection, ECCV 2018 (precise RoI pooling).
"""

import jax.numpy as jnp
from jax.lax import Precision

from tirjax.typing import Array, Float


def _hat_integral(t):
    """Integral of the unit hat ``max(0, 1 - |s|)`` over ``s`` in (-inf, t]."""
    t = jnp.clip(t, -1.0, 1.0)
    return jnp.where(t < 0, 0.5 * (t + 1) ** 2, 1 - 0.5 * (1 - t) ** 2)


def _bin_means(start, length, bins: int, size: int):
    """Mean of each node's hat over each bin, ``[n, bins, size]``; 0 for empty bins."""
    inside = length > 0
    length = jnp.where(inside, length, 1.0)[:, None]
    edges = start[:, None] + length * (jnp.arange(bins + 1) / bins)
    nodes = jnp.arange(size, dtype=edges.dtype)
    mass = jnp.diff(_hat_integral(edges[..., None] - nodes), axis=1)
    return jnp.where(inside[:, None, None], mass / (length[..., None] / bins), 0.0)


def prroi_pool(
    features: Float[Array, "h w c"], boxes: Float[Array, "n 4"], bins: tuple[int, int]
) -> Float[Array, "n {bins[0]} {bins[1]} c"]:
    """Mean of the bilinear surface over each bin of each box.

    All bins of all boxes are the rows of one matrix product with the flattened map. It
    batches under ``vmap`` and differentiates with respect to the boxes, which is what
    refinement by predicted overlap needs.

    Args:
      features: feature map; node ``(i, j)`` sits at the integer coordinate ``(j, i)``.
      boxes: regions ``(x, y, w, h)`` in *feature* coordinates: crop pixels over the
        stride, without a half-pixel shift. May leave the map.
      bins: number of bins ``(rows, columns)``. Static.

    Returns:
      Pooled features. A box of zero or negative area gives 0 and gradient 0.
    """
    rows, cols, channels = features.shape
    x, y, w, h = boxes.T
    across = _bin_means(x, w, bins[1], cols)
    down = _bin_means(y, h, bins[0], rows)
    means = down[:, :, None, :, None] * across[:, None, :, None, :]
    pooled = jnp.matmul(
        means.reshape(-1, rows * cols),
        features.reshape(rows * cols, channels),
        precision=Precision.HIGHEST,
    )
    return pooled.reshape(len(boxes), *bins, channels)
