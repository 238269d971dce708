"""Radiometric counts to the working range 0..255, and polarity.

A thermal camera gives 14- or 16-bit counts (or temperatures as floats) of which a scene
uses a few hundred. A *window* ``(low, high)`` is the interval of counts that is spread
over 0..255; what lies outside is clipped. The functions take numpy or jax arrays and
return the same kind, so a reader and a compiled step share one definition.
"""

import numpy as np

from tirjax.typing import Array, Float, Num

Pixels = np.ndarray | Array


def to_working(
    counts: Num[Pixels, "*s"], low: float | Pixels, high: float | Pixels
) -> Float[Pixels, "*s"]:
    """Spreads ``low..high`` over 0..255.

    Args:
      counts: pixels of any integer or float type; NaN marks a dead pixel.
      low: count that becomes 0, a number or an array that broadcasts.
      high: count that becomes 255.

    Returns:
      float32 in [0, 255], always finite: clipped outside the window, 0 where ``counts``
      is NaN, and 0 everywhere when ``high <= low`` (a flat picture has no contrast).
    """
    xp = counts.__array_namespace__()
    low, high = xp.asarray(low, xp.float32), xp.asarray(high, xp.float32)
    span = high - low
    inside = xp.clip(counts.astype(xp.float32), low, xp.maximum(low, high)) - low
    share = inside / xp.where(span > 0, span, 1)
    return xp.where((span > 0) & ~xp.isnan(share), share * 255, 0).astype(xp.float32)


def percentile_window(
    counts: Num[Pixels, "*s"], percent: tuple[float, float]
) -> Float[Pixels, "2"]:
    """Window between two percentiles of all pixels, as ``[low, high]`` counts.

    Args:
      counts: pixels, finite or NaN; NaN is left out.
      percent: lower and upper percentile, 0..100. The further out, the less a small hot
        target saturates; the further in, the less a dead pixel matters.
    """
    xp = counts.__array_namespace__()
    return xp.nanpercentile(counts.astype(xp.float32), xp.asarray(percent))


def invert(pixels: Num[Pixels, "*s"]) -> Num[Pixels, "*s"]:
    """Swaps white-hot and black-hot pixels of the working range; its own inverse."""
    return 255 - pixels
