"""Squares of several sides around one point, resampled to one size.

Two ways to cut them. ``exact`` reads each square where it is. ``parity`` does as the
published MATLAB code: whole-pixel sides, one patch for all squares, resized twice, and
a rule for the first pixel that sits half a pixel to a pixel up and left of the centre.
Pixels outside the image have the mean colour of the first frame.

Sides are data. Both ways are products with matrices over all pixels of the image, whose
static size bounds nothing but the shrinking: sides stay within ``limits``.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops, section 3.1, and its published settings.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.ops import bicubic
from tirjax.typing import Array, Float, Frame

LEAST = 8.0  # pixels; below, whole-pixel sides say nothing about scales
MOST = 4.0  # sides of the image; beyond, there is nothing but padding to see


class Layout(NamedTuple):
    """Whole-pixel geometry of a pyramid, as floats.

    Attributes:
      start: ``[2]`` first pixel ``(x, y)`` of the patch, zero-based.
      patch: side of the patch, image pixels.
      search: side of the patch after the first resizing.
      sides: ``[n]`` sides of the levels before resizing, image pixels.
      levels: ``[n]`` sides of the levels within the resized patch.
      starts: ``[n]`` first pixels of the levels within it, zero-based; may be -1.
    """

    start: Float[Array, "2"]
    patch: Float[Array, ""]
    search: Float[Array, ""]
    sides: Float[Array, "n"]
    levels: Float[Array, "n"]
    starts: Float[Array, "n"]


def half_up(x: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """Rounds halves away from zero."""
    return jnp.sign(x) * jnp.floor(jnp.abs(x) + 0.5)


def mean_colour(frame: Frame) -> Float[Array, " c"]:
    """Mean of the frame's pixels, channel by channel."""
    pixels = jnp.where(_inside(frame), frame.pixels.astype(jnp.float32), 0.0)
    return pixels.sum((0, 1)) / frame.size.prod()


def limits(frame: Frame) -> tuple[float, Float[Array, ""]]:
    """Least and largest side of a pyramid's middle level, pixels."""
    return LEAST, MOST * frame.size.max().astype(jnp.float32)


def layout(
    centre: Float[Array, "2"], side: Float[Array, ""], scales: np.ndarray, size: int
) -> Layout:
    """Where the published code cuts.

    Args:
      centre: ``(x, y)``, edge coordinates.
      side: of the middle level, pixels, from ``LEAST``.
      scales: ratios of the sides, odd in number. Static.
      size: side of every level after resizing. Static.
    """
    sides = half_up(side * jnp.asarray(scales, jnp.float32))
    least, most = sides.min(), sides.max()
    levels = half_up(size * sides / least)
    search = half_up(size * most / least)
    # One-based in the original, whose centre is that of the box's numbers.
    return Layout(
        start=half_up(centre + 1 - (most + 1) / 2) - 1,
        patch=most,
        search=search,
        sides=sides,
        levels=levels,
        starts=half_up((search - levels) / 2) - 1,
    )


def parity(
    frame: Frame,
    colour: Float[Array, " c"],
    centre: Float[Array, "2"],
    side: Float[Array, ""],
    scales: np.ndarray,
    size: int,
) -> Float[Array, "n {size} {size} c"]:
    """Levels as the published code cuts them.

    Args:
      frame: source.
      colour: of pixels outside.
      centre: ``(x, y)``, edge coordinates.
      side: of the middle level, pixels, within ``limits``.
      scales: ratios of the sides, odd in number. Static.
      size: side of every level after resizing. Static.
    """
    plan = layout(centre, side, scales, size)
    canvas = _canvas(size, scales)
    shrink = _shrink(frame, scales, size)

    def patch(axis):
        return bicubic.resizing(
            plan.patch,
            plan.search,
            rows=canvas,
            size=frame.pixels.shape[axis],
            start=plan.start[1 - axis],
            shrink=shrink,
        )

    def level(side, start):
        once = bicubic.resizing(
            side, size, rows=size, size=canvas, start=start, shrink=canvas / size
        )
        return bicubic.apply(once, once, resized)

    resized = bicubic.apply(patch(0), patch(1), _without(frame, colour))
    return jax.vmap(level)(plan.levels, plan.starts) + colour


def exact(
    frame: Frame,
    colour: Float[Array, " c"],
    centre: Float[Array, "2"],
    side: Float[Array, ""],
    scales: np.ndarray,
    size: int,
) -> Float[Array, "n {size} {size} c"]:
    """Levels whose centre is ``centre`` and whose sides are exact.

    Args:
      frame: source.
      colour: of pixels outside.
      centre: ``(x, y)``, edge coordinates.
      side: of the middle level, pixels, within ``limits``.
      scales: ratios of the sides. Static.
      size: side of every level after resizing. Static.
    """
    shrink = _shrink(frame, scales, size)
    image = _without(frame, colour)

    def level(scale):
        spacing = side * scale / size
        offset = (jnp.arange(size) - (size - 1) / 2) * spacing - 0.5
        weights = lambda axis: bicubic.sampling(
            centre[1 - axis] + offset, spacing, image.shape[axis], shrink
        )
        return bicubic.apply(weights(0), weights(1), image)

    return jax.vmap(level)(jnp.asarray(scales, jnp.float32)) + colour


def _inside(frame):
    rows, cols = (jnp.arange(n) < frame.size[i] for i, n in _axes(frame))
    return (rows[:, None] & cols)[..., None]


def _axes(frame):
    return enumerate(frame.pixels.shape[:2])


def _without(frame, colour):
    """The image less a colour, so that zero is the padding."""
    return jnp.where(_inside(frame), frame.pixels.astype(jnp.float32) - colour, 0.0)


def _shrink(frame, scales, size):
    """Most that the largest level shrinks, within ``limits``."""
    return (MOST * max(frame.pixels.shape[:2]) * max(scales) + 1) / size


def _canvas(size, scales):
    """Largest side of the resized patch: sides are rounded, the more the smaller."""
    ratio = (LEAST * max(scales) + 0.5) / (LEAST * min(scales) - 0.5)
    return math.ceil(size * ratio) + 1
