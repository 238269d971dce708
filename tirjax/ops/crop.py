"""Crops by bilinear interpolation from a window that may leave the image.

A crop is separable: per axis, each output position reads two source indices with a
fraction between them. The window is data and only the output size is static, so one
compilation serves every box; pixels outside the true image repeat its border.
"""

from typing import NamedTuple

import jax.numpy as jnp

from tirjax.ops.stored import stored
from tirjax.typing import Array, Float, Frame, Int, Num


class Taps(NamedTuple):
    """Where one axis of a crop reads: ``lower + fraction * (upper - lower)``.

    Attributes:
      lower: ``[n]`` int32 source index.
      upper: ``[n]`` int32 source index.
      fraction: ``[n]`` float in [0, 1], weight of ``upper``.
    """

    lower: Int[Array, " n"]
    upper: Int[Array, " n"]
    fraction: Float[Array, " n"]


def taps(position: Float[Array, " n"], size: Int[Array, ""]) -> Taps:
    """Bilinear taps at ``position`` (index coordinates: pixel ``i`` sits at ``i``)."""
    position = jnp.clip(position, 0.0, size - 1.0)
    lower = jnp.floor(position)
    lower_index = lower.astype(jnp.int32)
    upper = jnp.minimum(lower_index + 1, size - 1)
    return Taps(lower_index, upper, position - lower)


def gather(
    pixels: Num[Array, "rows cols c"], rows: Taps, cols: Taps
) -> Float[Array, "h w c"]:
    """Reads the taps of both axes; rows first, so columns work on a small array."""
    rows, cols = stored((rows, cols), rows.lower[0] >= 0)
    dtype = rows.fraction.dtype
    fy, fx = rows.fraction[:, None, None], cols.fraction[None, :, None]
    top, low = pixels[rows.lower].astype(dtype), pixels[rows.upper].astype(dtype)
    band = top + fy * (low - top)
    left, right = band[:, cols.lower], band[:, cols.upper]
    return left + fx * (right - left)


def crop(
    frame: Frame, region: Float[Array, "4"], shape: tuple[int, int]
) -> Float[Array, "{shape[0]} {shape[1]} c"]:
    """Resamples ``region`` of the frame to ``shape``, without antialiasing.

    Args:
      frame: source; its border is repeated outside ``frame.size``.
      region: ``(x, y, w, h)``, pixels, may be fractional and leave the image.
      shape: ``(rows, columns)`` of the result. Static.

    Returns:
      float32 pixels in the range of the frame's.
    """
    x, y, w, h = region.astype(jnp.float32)
    at = lambda start, length, n: start + (jnp.arange(n) + 0.5) * length / n - 0.5
    rows = taps(at(y, h, shape[0]), frame.size[0])
    cols = taps(at(x, w, shape[1]), frame.size[1])
    return gather(frame.pixels, rows, cols)
