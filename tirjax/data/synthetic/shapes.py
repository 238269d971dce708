"""Soft superellipses: their coverage of pixels, their exact extent, and painting them.

Every visible thing is a stack of parts. A part is the unit shape ``|u|^n + |v|^n <= 1``
(``n`` 2: ellipse, 8: rounded rectangle) under a 2 x 2 map, so that its bounding box is
known in closed form (the support function of the dual norm) and boxes need no search.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Bool, Float, Int

TEMPERATURE, COLOUR, TARGET = 0, slice(1, 4), 4
CHANNELS = 5


class Parts(NamedTuple):
    """Shapes in image pixels, painted in order; later ones hide earlier ones.

    Attributes:
      centre: ``[p, 2]`` (x, y), pixels.
      axes: ``[p, 2, 2]``, maps the unit shape to pixels around the centre.
      boxy: ``[p]`` bool, rounded rectangle instead of ellipse.
      solid: ``[p]`` in [0, 1], opacity; 0 is not there.
      value: ``[p, 5]``, what it shows on each channel of the canvas.
      detail: ``[p, 5]``, how strongly roundness and grain show on each channel.
      rough: ``[p]``, grain of the part relative to its roundness.
    """

    centre: Float[Array, "p 2"]
    axes: Float[Array, "p 2 2"]
    boxy: Bool[Array, " p"]
    solid: Float[Array, " p"]
    value: Float[Array, "p 5"]
    detail: Float[Array, "p 5"]
    rough: Float[Array, " p"]


class Grain(NamedTuple):
    """A texture fixed to an object: products of plane waves of many directions.

    Attributes:
      waves: ``[7, 3]``: two wave numbers per object unit, and a phase.
      origin: ``[2]`` of the object, pixels.
      inverse: ``[2, 2]``, pixels to object units.
    """

    waves: Float[Array, "7 3"]
    origin: Float[Array, "2"]
    inverse: Float[Array, "2 2"]


def extent(
    centre: Float[Array, "p 2"],
    axes: Float[Array, "p 2 2"],
    boxy: Bool[Array, " p"],
    solid: Float[Array, " p"],
) -> Float[Array, "4"]:
    """The tight box ``(x, y, w, h)`` around all parts that are there."""
    ellipse = jnp.sqrt((axes**2).sum(-1))
    # 8/7 is the exponent dual to 8; the floor keeps the power differentiable.
    rectangle = (jnp.maximum(jnp.abs(axes), 1e-6) ** (8 / 7)).sum(-1) ** (7 / 8)
    half = jnp.where(boxy[:, None], rectangle, ellipse)
    there = (solid > 0)[:, None]
    low = jnp.where(there, centre - half, jnp.inf).min(0)
    high = jnp.where(there, centre + half, -jnp.inf).max(0)
    return jnp.concatenate([low, high - low])


def inverted(matrix: Float[Array, "*n 2 2"]) -> Float[Array, "*n 2 2"]:
    """Inverse in closed form: no solver to compile."""
    (a, b), (c, d) = jnp.moveaxis(matrix, (-2, -1), (0, 1))
    adjugate = jnp.stack([jnp.stack([d, -b], -1), jnp.stack([-c, a], -1)], -2)
    return adjugate / (a * d - b * c)[..., None, None]


def coverage(
    parts: Parts,
    inverse: Float[Array, "p 2 2"],
    x: Float[Array, " cols"],
    y: Float[Array, " rows"],
    smear: Float[Array, "2"],
) -> tuple[Float[Array, "p rows cols"], Float[Array, "p rows cols"]]:
    """How much of each pixel each part covers, and how round it looks there.

    Args:
      parts: what to draw.
      inverse: of their axes; an argument, so that it is not redone for each pixel.
      x: centres of the columns, pixels.
      y: centres of the rows, pixels.
      smear: image motion during the exposure, pixels; edges across it soften.

    Returns:
      Opacity in [0, 1], one half exactly on the outline; and ``1 - r^2``, clipped at
      0, which is 1 at the centre of the part and 0 at its outline.
    """
    each = lambda values: values[:, None, None]
    dx = x[None, None, :] - each(parts.centre[:, 0])
    dy = y[None, :, None] - each(parts.centre[:, 1])
    u = (each(inverse[:, 0, 0]) * dx + each(inverse[:, 0, 1]) * dy) ** 2
    v = (each(inverse[:, 1, 0]) * dx + each(inverse[:, 1, 1]) * dy) ** 2
    squared = jnp.where(each(parts.boxy), jnp.sqrt(jnp.sqrt(u**4 + v**4)), u + v)
    reciprocal = jax.lax.rsqrt(dx**2 + dy**2 + 1e-6)
    # Distance to the outline along the ray from the centre, negative inside.
    beyond = (1.0 - jax.lax.rsqrt(squared + 1e-12)) / reciprocal
    soft = 1.0 + jnp.abs(smear[0] * dx + smear[1] * dy) * reciprocal
    opacity = jnp.clip(0.5 - beyond / soft, 0.0, 1.0) * each(parts.solid)
    return opacity, jnp.maximum(1.0 - squared, 0.0)


def pattern(
    grain: Grain, x: Float[Array, " cols"], y: Float[Array, " rows"]
) -> Float[Array, "rows cols"]:
    """The texture at pixel centres, about -2 to 2."""
    waves = grain.waves[:, :2] @ grain.inverse
    across = waves[:, :1] * (x - grain.origin[0])
    down = waves[:, 1:] * (y - grain.origin[1]) + grain.waves[:, 2:]
    # The sine of a sum as a product of thin matrices: no sine is taken once a pixel.
    left = jnp.stack([jnp.sin(down), jnp.cos(down)], axis=2)
    right = jnp.stack([jnp.cos(across), jnp.sin(across)], axis=1)
    wave = jnp.matmul(left, right, precision="highest")
    return wave[0] * wave[1] + wave[2] * wave[3] + wave[4] * wave[5] + 0.5 * wave[6]


def pixel_centres(start: Int[Array, ""], count: int) -> Float[Array, " count"]:
    """Coordinates of ``count`` pixels from index ``start``, edge-based."""
    return start + jnp.arange(count) + 0.5


def silhouette(
    parts: Parts, start: Int[Array, "2"], side: int, smear: Float[Array, "2"]
) -> Float[Array, "side side"]:
    """Opacity of the whole stack on a square with first pixel ``start`` (row, col)."""
    y, x = (pixel_centres(start[axis], side) for axis in (0, 1))
    inverse = inverted(parts.axes)
    return 1.0 - jnp.prod(1.0 - coverage(parts, inverse, x, y, smear)[0], axis=0)


def paint(
    canvas: Float[Array, "5 rows cols"],
    parts: Parts,
    grain: Grain,
    smear: Float[Array, "2"],
    start: Int[Array, "2"],
    shape: tuple[int, int],
) -> Float[Array, "5 rows cols"]:
    """Lays the parts over a window of the canvas.

    Args:
      canvas: temperature, red, green, blue, and how much of the target shows.
      start: (row, column) of the window's first pixel; it must lie in the canvas.
      shape: (rows, columns) of the window. Static.
    """
    corner = (jnp.int32(0), start[0], start[1])
    window = jax.lax.dynamic_slice(canvas, corner, (CHANNELS, *shape))
    y, x = pixel_centres(start[0], shape[0]), pixel_centres(start[1], shape[1])
    texture = pattern(grain, x, y)

    def lay(window, one):
        part, inverse = one
        alone = jax.tree.map(lambda leaf: leaf[None], part)
        opacity, roundness = coverage(alone, inverse[None], x, y, smear)
        look = roundness + part.rough * texture
        shown = part.value[:, None, None] + part.detail[:, None, None] * look
        return window + opacity * (shown - window), None

    # One part after the other: twice as fast as all at once, which spills the cache.
    window = jax.lax.scan(lay, window, (parts, inverted(parts.axes)))[0]
    return jax.lax.dynamic_update_slice(canvas, window, corner)
