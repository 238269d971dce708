"""The background: one picture of temperature and colour that the camera roams."""

import jax
import jax.numpy as jnp

from tirjax.data.synthetic import regions
from tirjax.data.synthetic.regions import Sheet, Site
from tirjax.data.synthetic.settings import Settings
from tirjax.typing import Array, Float, Key

BUILDINGS, THINGS = 6, 32


def noise(
    key: Key[Array, ""], shape: tuple[int, int], cells: Float[Array, "n 2"]
) -> Float[Array, "n rows cols"]:
    """Fields of unit variance with detail at all scales below ``cells``, in pixels.

    White noise shaped in the frequency domain: flat up to the cell, then falling as the
    power 1.5 of frequency, so that it looks alike at every distance.
    """
    rows, cols = shape
    fy, fx = jnp.fft.fftfreq(rows)[:, None], jnp.fft.rfftfreq(cols)
    cell = 2 * jnp.pi * cells[:, :, None, None]
    weight = (1.0 + (cell[:, 0] * fy) ** 2 + (cell[:, 1] * fx) ** 2) ** -0.75
    white = jnp.fft.rfft2(jax.random.normal(key, (len(cells), *shape)))
    field = jnp.fft.irfft2(white * weight, shape)
    return field / field.std((1, 2), keepdims=True)


def draw_world(
    key: Key[Array, ""], site: Site, settings: Settings, spots: Float[Array, "n 3"]
) -> Float[Array, "rows cols 4"]:
    """Paints the background.

    Args:
      key: for noise and places.
      site: place and light.
      settings: shapes.
      spots: position and size of ``THINGS`` small things, world pixels; where not
        finite they are anywhere.

    Returns:
      Temperature in degrees Celsius and colour as lit, 0 to 1 and above for lamps.
    """
    rows, cols = settings.world
    scale = float(min(settings.rows, settings.cols))
    keys = jax.random.split(key)
    cells = jnp.array([(0.2, 0.25), (0.05, 0.05), (0.03, 0.2), (0.03, 0.03)])
    sheet = Sheet(
        x=jnp.arange(cols)[None, :] + 0.5 - cols / 2,
        y=jnp.arange(rows)[:, None] + 0.5 - rows / 2,
        noise=noise(keys[0], (rows, cols), cells * scale),
        scale=scale,
    )
    draws = jax.random.uniform(keys[1], (23 + 20 * BUILDINGS + 12 * THINGS,))
    places, blocks, things = jnp.split(draws, [23, 23 + 20 * BUILDINGS])

    world = regions.ground(places[:16], site, sheet)
    world = regions.sky(places[16:19], site, sheet, world)
    raise_block = lambda w, d: (regions.building(d, site, sheet, w), None)
    world = jax.lax.scan(raise_block, world, blocks.reshape(BUILDINGS, 20))[0]
    world = regions.trees(places[19:], site, sheet, world)
    side = min(settings.window, 2 * round(0.08 * scale) + 4)
    put = lambda w, d: (regions.thing(d[0], d[1], site, sheet, side, w), None)
    world = jax.lax.scan(put, world, (things.reshape(THINGS, 12), spots))[0]

    # Street lamps: pools of light by night, nothing by day.
    pools = jax.nn.relu(0.4 + sheet.noise[0]) * jnp.clip(1.0 - site.sun, 0.0, 1.0)
    tint = jnp.array([1.0, 0.85, 0.6])[:, None, None]
    lit = world[1:] * (site.sun + 0.45 * pools * tint)
    return jnp.concatenate([world[:1], lit]).transpose(1, 2, 0)
