"""The cameras: optics, noise, automatic gain and polarity; degrees in, pixels out."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.synthetic.motion import pulse
from tirjax.data.synthetic.plan import mix, usual
from tirjax.data.synthetic.settings import Challenges, Settings
from tirjax.typing import Array, Bool, Float, Key, Num

# Radiometric output: 14 bits over -60 to 104 degrees, so 0.01 degree a count.
COUNTS_PER_DEGREE, COLDEST = 100.0, -60.0


class Sensor(NamedTuple):
    """Fixed properties of one clip's cameras.

    Attributes:
      rows: ``[rows, rows]`` blur and sampling of the thermal sensor along columns.
      cols: ``[cols, cols]`` the same along rows.
      factor: side of a thermal pixel over that of an image pixel, at least 1.
      pattern: ``[rows, cols]`` fixed-pattern noise with column bands, degrees.
      dead: ``[rows, cols]`` degrees by which dead pixels are off, else 0.
      grain: temporal noise, degrees.
      level: ``[2]`` temperature shown as black and as white before adaptation.
      adapt: share of the automatic gain that follows each frame.
      drift: ``[2, 3]`` of gain and offset: amplitude, rate, phase.
      flash: ``[3]`` a passing change of offset: size, middle, width.
      gamma: exponent of the display curve.
      black_hot: hot is shown dark.
      noise: noise of the colour camera, grey levels.
    """

    rows: Float[Array, "rows rows"]
    cols: Float[Array, "cols cols"]
    factor: Float[Array, ""]
    pattern: Float[Array, "rows cols"]
    dead: Float[Array, "rows cols"]
    grain: Float[Array, ""]
    level: Float[Array, "2"]
    adapt: Float[Array, ""]
    drift: Float[Array, "2 3"]
    flash: Float[Array, "3"]
    gamma: Float[Array, ""]
    black_hot: Bool[Array, ""]
    noise: Float[Array, ""]


def sampling(n: int, factor, sigma) -> Float[Array, "n n"]:
    """Blur, then averaging into cells of ``factor`` pixels, then linear upsampling.

    Args:
      n: length of the signal. Static.
      factor: side of a sensor pixel, at least 1.
      sigma: width of the Gaussian blur, pixels.

    Returns:
      The matrix of all three; its rows sum to 1.
    """
    at = jnp.arange(n) + 0.5
    blur = jnp.exp(-0.5 * ((at[:, None] - at) / jnp.maximum(sigma, 0.05)) ** 2)
    blur = blur / blur.sum(1, keepdims=True)
    cell = jnp.arange(n)
    low = jnp.maximum(cell[:, None] * factor, at - 0.5)
    high = jnp.minimum((cell[:, None] + 1) * factor, at + 0.5)
    down = jnp.maximum(high - low, 0.0) / factor
    last = jnp.floor(n / factor + 1e-4) - 1.0
    where = jnp.clip(at / factor - 0.5, 0.0, last)
    up = jnp.maximum(1.0 - jnp.abs(where[:, None] - cell), 0.0)
    matrix = jnp.matmul(
        jnp.matmul(up, down, precision="highest"), blur, precision="highest"
    )
    return matrix / matrix.sum(1, keepdims=True)


def draw_sensor(
    key: Key[Array, ""],
    on: Challenges,
    settings: Settings,
    degrees: Num[Array, "rows cols"],
    warmth: Float[Array, ""],
    night: Bool[Array, ""],
) -> Sensor:
    """Draws the cameras for a world of these temperatures and a target this warm."""
    rows, cols = settings.rows, settings.cols
    keys = jax.random.split(key)
    draws = jax.random.uniform(keys[0], (14,))
    blur, cell, fixed, band, grain, low, high, adapt, *rest = draws
    gain_phase, offset_phase, when, curve, polarity, flashing = rest
    low, high, curve = usual(jnp.stack([low, high, curve]), settings.typical)
    noise = settings.noise
    factor = jnp.where(on.low_resolution, mix(1.5, 2.5, cell), mix(0.8, 1.3, cell))
    factor = jnp.maximum(factor, 1.0)
    sigma = jnp.where(on.low_resolution, mix(0.5, 1.2, blur), mix(0.3, 0.9, blur**2))
    # Noise goes with what fills the display: a flat scene is shown amplified.
    spread = jnp.sqrt(degrees.var() + (0.4 * warmth) ** 2 + 1.0)
    field = jax.random.normal(keys[1], (2 * rows + 1, cols))
    spots, field, bands = field[:rows], field[rows : 2 * rows], field[-1]
    pattern = 0.025 * mix(0.3, 1.0, fixed) * field + 0.03 * band**2 * bands
    shaken = jnp.where(on.intensity_variation, 1.0, 0.0)
    wave = 2 * jnp.pi / settings.frames
    calm = mix(0.0, 0.02, gain_phase)
    reach = mix(0.07, 0.09 + 0.12 * settings.severity, flashing)
    size = jnp.where(flashing < 0.5, -1.3, 1.3) * reach * shaken
    return Sensor(
        rows=sampling(rows, factor, sigma),
        cols=sampling(cols, factor, sigma),
        factor=factor,
        pattern=noise * spread * pattern,
        dead=noise * spread * jnp.where(jnp.abs(spots) > 3.9, jnp.sign(spots) * 4.0, 0),
        grain=noise * spread * mix(0.01, 0.07, grain**2),
        level=degrees.mean()
        + spread * jnp.stack([mix(-2.4, -1.5, low), mix(1.9, 3.2, high)]),
        adapt=mix(0.0, 0.7, adapt),
        drift=jnp.stack(
            [
                jnp.stack([calm + shaken * 0.15, 2.3 * wave, 6.3 * gain_phase]),
                jnp.stack([calm + shaken * reach, 3.1 * wave, 6.3 * offset_phase]),
            ]
        ),
        flash=jnp.stack(
            [size, mix(0.3, 0.8, when) * settings.frames, 0.06 * settings.frames]
        ),
        gamma=jnp.exp(mix(-0.3, 0.3, curve)),
        black_hot=polarity < settings.black_hot,
        noise=noise * jnp.where(night, 9.0, 2.5),
    )


def expose(sensor: Sensor, degrees: Float[Array, "rows cols"], key: Key[Array, ""]):
    """Temperatures as the thermal sensor reads them, noise included."""
    product = lambda a, b: jnp.matmul(a, b, precision="highest")
    seen = product(product(sensor.rows, degrees), sensor.cols.T)
    temporal = sensor.grain * jax.random.normal(key, degrees.shape)
    return seen + sensor.pattern + sensor.dead + temporal


def display(
    sensor: Sensor, degrees: Float[Array, "*n"], mean, t: Float[Array, ""]
) -> Float[Array, "*n"]:
    """Grey levels 0 to 255 (not rounded) that the camera shows for temperatures.

    Args:
      mean: mean temperature of this frame, which the automatic gain follows.
      t: frame, for drift.
    """
    black, white = sensor.level
    shift = sensor.adapt * (mean - (black * 0.55 + white * 0.45))
    gain, offset = sensor.drift[:, 0] * jnp.sin(
        sensor.drift[:, 1] * t + sensor.drift[:, 2]
    )
    offset += sensor.flash[0] * pulse(t, sensor.flash[1], sensor.flash[2])
    shown = (degrees - black - shift) / (white - black)
    shown = jnp.clip((shown - 0.5) * jnp.exp(gain) + 0.5 + offset, 0.0, 1.0)
    shown = shown**sensor.gamma
    return 255.0 * jnp.where(sensor.black_hot, 1.0 - shown, shown)


def counts(degrees: Float[Array, "*n"]):
    """14-bit counts of the thermal sensor, before gain and polarity."""
    value = jnp.round((degrees - COLDEST) * COUNTS_PER_DEGREE)
    return jnp.clip(value, 0, 2**14 - 1).astype(jnp.uint16)


def develop(
    sensor: Sensor, colour: Float[Array, "3 rows cols"], key: Key[Array, ""]
) -> Float[Array, "rows cols 3"]:
    """Colour as the ordinary camera shows it: curve, noise; not rounded."""
    bits = jax.random.bits(key, colour.shape[1:])
    # Three independent ten-bit values from one draw; uniform noise is good enough here.
    shifts = jnp.array([0, 10, 20], jnp.uint32)[:, None, None]
    flat = ((bits >> shifts) & 1023).astype(jnp.float32) / 1023.0 - 0.5
    shown = 255.0 * jnp.clip(colour, 0.0, 1.0) ** (1 / 1.6)
    return (shown + sensor.noise * 3.46 * flat).transpose(1, 2, 0)
