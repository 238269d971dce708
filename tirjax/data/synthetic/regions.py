"""The regions of a background: ground and road, sky, trees, buildings, small things.

Each function paints over a picture ``[4, rows, cols]`` of temperature (degrees) and
reflectance (red, green, blue). Temperature and colour share the outline of a region and
some of its texture, not its values.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.synthetic.plan import mix, usual
from tirjax.typing import Array, Float, Int

STREET, ABOVE, SKY = range(3)


class Site(NamedTuple):
    """What kind of place it is.

    Attributes:
      view: ``STREET``, ``ABOVE`` or ``SKY``.
      horizon: row of the horizon, world coordinates, pixels; far above the world when
        looking down, far below when looking up.
      air: temperature of the surroundings, degrees Celsius.
      sun: brightness of the light for colour, 1 by day.
      mess: contrast of small things, degrees.
      grade: height of grown texture, degrees.
      typical: as in ``Settings``.
    """

    view: Int[Array, ""]
    horizon: Float[Array, ""]
    air: Float[Array, ""]
    sun: Float[Array, ""]
    mess: Float[Array, ""]
    grade: Float[Array, ""]
    typical: Float[Array, ""]


class Sheet(NamedTuple):
    """What regions are drawn on.

    Attributes:
      x: ``[1, cols]`` world coordinates of the pixels.
      y: ``[rows, 1]``.
      noise: ``[4, rows, cols]`` of unit variance: clouds, lumps, streaks along the
        ground, grains.
      scale: shorter side of a frame, pixels; regions are shares of it.
    """

    x: Float[Array, "1 cols"]
    y: Float[Array, "rows 1"]
    noise: Float[Array, "4 rows cols"]
    scale: float


def over(below, mask, value):
    """Paints ``value`` (``[4]``, or a picture) where the mask is 1."""
    value = value.reshape(4, 1, 1) if value.ndim == 1 else value
    return below + mask * (value - below)


def soft(distance, width=1.0):
    """1 well inside (positive distance), 0 outside."""
    return jnp.clip(0.5 + distance / width, 0.0, 1.0)


def hue(draws: Float[Array, "4"], low, high, tint=0.2) -> Float[Array, "3"]:
    """A colour near grey, between ``low`` and ``high``."""
    grey = mix(low, high, draws[0])
    return jnp.clip(grey + tint * (draws[1:] - 0.5), 0.02, 1.0)


def material(degrees, colour: Float[Array, "3"]) -> Float[Array, "4"]:
    """Temperature and reflectance as one value."""
    return jnp.concatenate([jnp.reshape(degrees, (1,)), colour])


def textured(value: Float[Array, "4"], degrees, shade) -> Float[Array, "4 rows cols"]:
    """A material with texture: added to the temperature, a factor on the colour."""
    colour = value[1:, None, None] * (1.0 + shade)
    return jnp.concatenate([(value[0] + degrees)[None], colour])


def ground(draws: Float[Array, "16"], site: Site, sheet: Sheet):
    """Open ground with a road; the road converges on the horizon of a street."""
    at, wide, angle, side, mark, mottle = draws[2:8]
    warm, heat = usual(draws[:2], site.typical)
    x, y, noise, scale = sheet
    street = site.view == STREET
    green = jnp.array([0.30, 0.36, 0.20]) * mix(0.6, 1.3, mark)
    earth = jnp.where(side < 0.5, green, hue(draws[8:12], 0.3, 0.6, 0.1))
    # Seen at a flat angle the ground is drawn out sideways.
    rough = jnp.where(street, noise[2], 0.7 * (noise[1] + noise[3]))
    rough = rough * mix(0.7, 1.3, mottle)
    base = material(site.air + mix(-3.0, 4.0, warm), earth)
    base = textured(base, site.grade * rough, 0.14 * noise[3] + 0.12 * rough)

    depth = jnp.maximum(y - site.horizon, 0.01 * scale)
    tilt = jnp.pi * angle
    converging = (x - mix(-0.4, 0.4, at) * scale) / depth - mix(-1.0, 1.0, angle)
    straight = (x * jnp.sin(tilt) - y * jnp.cos(tilt)) / (0.25 * scale)
    across = jnp.where(street, converging, straight - mix(-0.6, 0.6, at))
    half = mix(0.35, 0.9, wide) * jnp.where(street, 1.0, 0.7)
    pixel = jnp.where(street, 1.0 / depth, 4.0 / scale)
    road = material(site.air + mix(-2.0, 5.0, heat), hue(draws[12:], 0.25, 0.45, 0.04))
    road = textured(road, 0.35 * site.grade * noise[1], 0.1 * noise[3])
    out = over(base, soft((half - jnp.abs(across)) / pixel, 2.0), road)
    length = (x * jnp.cos(tilt) + y * jnp.sin(tilt)) * 20.0 / scale
    along = jnp.where(street, 8.0 * scale / depth, length)
    dashes = soft((0.03 - jnp.abs(across)) / pixel) * (jnp.sin(along) > 0)
    edges = soft((0.03 - jnp.abs(jnp.abs(across) - 0.92 * half)) / pixel)
    paint = material(road[0].mean() + 1.0, jnp.array([0.9, 0.9, 0.85]))
    return over(out, 0.8 * jnp.maximum(dashes, edges), paint)


def sky(draws: Float[Array, "3"], site: Site, sheet: Sheet, below):
    """Cold, colder overhead, with warmer clouds."""
    cold, cloud, blue = draws
    cold = usual(cold, site.typical)
    noise = sheet.noise
    height = jnp.clip((site.horizon - sheet.y) / sheet.scale, 0.0, 1.5)
    height = jnp.where(site.view == SKY, 0.5, height)
    clouds = jax.nn.sigmoid(3.0 * (noise[0] + mix(-1.5, 0.8, cloud)))
    clouds *= 1.0 + 0.25 * noise[1]
    # Against the sky, clouds are the only clutter there is.
    bright = jnp.where(site.view == SKY, 3.0 + 1.5 * site.mess, 5.0)
    degrees = site.air - mix(4.0, 22.0, cold) * (0.6 + 0.5 * height) + bright * clouds
    clear = jnp.array([0.45, 0.62, 0.9]) * mix(0.7, 1.1, blue)
    clear = clear[:, None, None] * (1.0 - 0.25 * height)
    colour = clear + 0.6 * clouds * (0.92 - clear)
    whole = jnp.concatenate([degrees[None], colour])
    return over(below, soft(site.horizon - sheet.y, 2.0), whole)


def trees(draws: Float[Array, "4"], site: Site, sheet: Sheet, below):
    """A row of trees on the horizon of a street; woods seen from above."""
    tall, density, warm, dark = draws
    warm = usual(warm, site.typical)
    y, noise, scale = sheet.y, sheet.noise, sheet.scale
    # One row of the cloud noise gives the crowns their heights.
    crown = scale * mix(0.02, 0.22, tall) * jax.nn.relu(0.5 + 0.9 * noise[0, 0])
    crown = crown + 0.02 * scale * noise[1]
    line = jnp.minimum(y - site.horizon + crown, site.horizon + 0.02 * scale - y)
    woods = 0.1 * scale * (noise[0] - mix(0.2, 1.5, density))
    inside = jnp.where(site.view == STREET, line, woods)
    inside = jnp.where(site.view == SKY, -scale, inside)
    leaf = jnp.array([0.16, 0.24, 0.10]) * mix(0.6, 1.6, dark)
    leaf = material(site.air + mix(-4.0, 0.5, warm), leaf)
    leaves = textured(
        leaf, 0.9 * site.grade * noise[1], 0.45 * noise[3] + 0.2 * noise[1]
    )
    return over(below, soft(inside, 2.0), leaves)


def building(draws: Float[Array, "20"], site: Site, sheet: Sheet, below):
    """A block with rows of windows: a front on a street, a roof from above."""
    at, wide, tall, _, _, columns, floors, glass = draws[:8]
    warm, pane = usual(draws[3:5], site.typical)
    there, row, sill, lit = draws[8:12]
    x, y, noise, scale = sheet
    street = site.view == STREET
    centre, half = mix(-1.1, 1.1, at) * scale, mix(0.06, 0.22, wide) * scale
    plot = mix(-0.7, 0.7, row) * scale
    foot = jnp.where(street, site.horizon + 0.015 * scale, plot)
    roof = foot - mix(0.08, 0.42, tall) * scale
    gap = jnp.minimum(half - jnp.abs(x - centre), jnp.minimum(foot - y, y - roof))
    present = (there < 0.6) & (site.view != SKY)
    wall = material(site.air + mix(-3.0, 4.0, warm), hue(draws[12:16], 0.2, 0.7))
    walls = textured(wall, 0.3 * site.grade * noise[1], 0.12 * noise[1])
    below = over(below, soft(gap) * present, walls)

    pitch, storey = mix(0.028, 0.06, columns) * scale, mix(0.03, 0.06, floors) * scale
    column, floor = (x - centre) / pitch, (foot - y) / storey
    grid = jnp.minimum(
        0.5 - mix(0.1, 0.25, sill) - jnp.abs(column - jnp.round(column)),
        0.3 - jnp.abs(floor - jnp.round(floor)),
    )
    # Windows differ: a cheap hash of their column and floor.
    number = jnp.sin(12.9 * jnp.round(column) + 78.2 * jnp.round(floor)) * 43.7
    number = number - jnp.floor(number)
    lamp = (number < mix(0.0, 0.5, lit)) * (1.0 - jnp.minimum(site.sun, 1.0))
    shade = material(wall[0] + mix(-3.0, 4.0, pane), hue(draws[16:], 0.08, 0.3))
    panes = textured(shade, 2.5 * (number - 0.5) * glass, 0.0 * number)
    glow = jnp.array([0.0, 2.2, 1.8, 1.1])[:, None, None] * lamp
    shown = soft(grid * pitch) * soft(gap - 0.1 * pitch) * (street & present)
    return over(below, shown, panes + glow)


def thing(draws: Float[Array, "12"], spot, site: Site, sheet: Sheet, side: int, below):
    """Something small that stands about, or at ``spot`` where that is finite.

    Args:
      spot: ``[3]``: world position, and size of what it is to be mistaken for, pixels.
      side: of the window it is drawn in, pixels. Static.
    """
    at_x, at_y, wide, tall, warm, shade, boxy, there, red, green, blue, turn = draws
    warm = usual(warm, site.typical)
    size = jnp.array(below.shape[1:])
    street = site.view == STREET
    top = jnp.clip(site.horizon / size[0] + 0.5, 0.0, 1.0)
    own = jnp.stack([mix(jnp.where(street, top, 0.0), 1.0, at_y), at_x]) * size
    placed = jnp.isfinite(spot[0])
    centre = jnp.where(placed, spot[1::-1] + size / 2, own)
    centre = centre.at[0].max(jnp.where(street, top * size[0], 0.0))
    near = jnp.where(street, mix(0.35, 1.2, at_y), 0.7)
    half = 0.004 + 0.035 * near * jnp.stack([tall, wide]) ** 1.5
    half = jnp.where(
        placed, spot[2] * (0.12 + 0.3 * half / half.max()), half * sheet.scale
    )
    half = jnp.minimum(half, side / 2.2)
    start = jnp.clip(jnp.round(centre - side / 2), 0, size - side).astype(jnp.int32)
    dy = jnp.arange(side)[:, None] + 0.5 + start[0] - centre[0]
    dx = jnp.arange(side) + 0.5 + start[1] - centre[1]
    c, s = jnp.cos(0.3 * (turn - 0.5)), jnp.sin(0.3 * (turn - 0.5))
    u, v = ((dx * c + dy * s) / half[1]) ** 2, ((dy * c - dx * s) / half[0]) ** 2
    radius = jnp.sqrt(jnp.where(boxy < 0.5, u + v, jnp.sqrt(u**4 + v**4)) + 1e-6)
    cover = soft((1.0 - radius) * half.min())
    cover *= (there < mix(0.5, 1.0, site.mess / 8)) & (site.view != SKY)
    corner = (jnp.int32(0), start[0], start[1])
    window = jax.lax.dynamic_slice(below, corner, (4, side, side))
    colour = 0.08 + 0.1 * jnp.stack([red, green, blue]) + 0.4 * shade**2
    colour = jnp.broadcast_to(colour[:, None, None], (3, side, side))
    heat = window[:1] + site.mess * (2.0 * warm - 0.7)
    window = over(window, cover, jnp.concatenate([heat, colour]))
    return jax.lax.dynamic_update_slice(below, window, corner)
