"""Bicubic resampling along an axis, as a matrix of weights.

Keys' kernel with a = -0.5, widened when shrinking, which is MATLAB's ``imresize``.
Lengths and starts are data and may be traced: a matrix over *all* pixels of the source
has a static shape, whatever is read of it. Index coordinates: pixel ``i`` sits at
``i``. OpenCV's cubic (a = -0.75, never widened) is another function; that of
``jax.image.resize`` differs at the border only.

Source: Keys, Cubic Convolution Interpolation for Digital Image Processing, IEEE
Transactions on Acoustics, Speech, and Signal Processing, 1981.
"""

import math

import jax.numpy as jnp
from jax.lax import Precision

from tirjax.typing import Array, Float, Int

Scalar = Float[Array, ""] | Int[Array, ""] | float | int


def keys(x: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """Keys' kernel: 1 at 0, zero at other integers and from 2 on."""
    x = jnp.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return jnp.where(x <= 1, near, jnp.where(x < 2, far, 0))


def _kernel(at, spacing, pixels):
    """Unscaled weights of ``pixels``, broadcast to ``[n, ...]``."""
    return keys((at[:, None] - pixels) / jnp.maximum(spacing, 1.0))


def _total(at, spacing, shrink):
    """Sum of the weights of all pixels near each position, outside ones included."""
    reach = math.ceil(2 * max(shrink, 1.0))
    near = jnp.floor(at)[:, None] + jnp.arange(-reach, reach + 2)
    return _kernel(at, spacing, near).sum(1, keepdims=True)


def sampling(
    at: Float[Array, " n"], spacing: Scalar, size: int, shrink: float
) -> Float[Array, "n {size}"]:
    """Weights of every pixel of an axis in samples of it.

    Args:
      at: positions, index coordinates; may lie outside.
      spacing: distance of neighbouring samples, pixels; positive.
      size: pixels of the axis. Static.
      shrink: most that ``spacing`` can be; weights are wrong beyond it. Static.

    Returns:
      Rows that sum to one less the weight of pixels outside, which count as zero.
    """
    weights = _kernel(at, spacing, jnp.arange(size, dtype=at.dtype))
    return weights / _total(at, spacing, shrink)


def resizing(
    length: Scalar,
    target: Scalar,
    *,
    rows: int,
    size: int,
    start: Scalar = 0,
    shrink: float = 1.0,
) -> Float[Array, "{rows} {size}"]:
    """Weights of every pixel of an axis in a resized part of it.

    The part is mirrored at its ends, also where it leaves the axis; it must be longer
    than two output pixels.

    Args:
      length: pixels of the part, whole.
      target: length after resizing, whole.
      rows: of the matrix, at least ``target``; later ones hold no meaning. Static.
      size: pixels of the axis. Static.
      start: first pixel of the part, whole; may lie outside the axis.
      shrink: most that ``length / target`` can be; weights are wrong beyond it. Static.

    Returns:
      Row ``i`` is the ``i``-th output; pixels outside the axis count as zero.
    """
    length = jnp.asarray(length, jnp.float32)
    spacing = length / target
    at = (jnp.arange(rows) + 0.5) * spacing - 0.5
    pixel = jnp.arange(size, dtype=at.dtype) - start
    mirrors = (pixel, -1 - pixel, 2 * length - 1 - pixel)
    weights = sum(_kernel(at, spacing, mirror) for mirror in mirrors)
    inside = (pixel >= 0) & (pixel < length)
    return jnp.where(inside, weights, 0.0) / _total(at, spacing, shrink)


def apply(
    rows: Float[Array, "h ih"],
    cols: Float[Array, "w iw"],
    image: Float[Array, "ih iw c"],
) -> Float[Array, "h w c"]:
    """Resamples both axes of an image."""
    band = jnp.einsum("ir,rxc->ixc", rows, image, precision=Precision.HIGHEST)
    return jnp.einsum("jx,ixc->ijc", cols, band, precision=Precision.HIGHEST)


def resize(
    image: Float[Array, "h w c"], shape: tuple[int, int]
) -> Float[Array, "{shape[0]} {shape[1]} c"]:
    """MATLAB's ``imresize(image, shape)``; ``shape`` is static."""
    rows, cols = (
        resizing(n, m, rows=m, size=n, shrink=n / m)
        for n, m in zip(image.shape[:2], shape, strict=True)
    )
    return apply(rows, cols, image)
