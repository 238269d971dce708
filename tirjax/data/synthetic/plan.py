"""Draws the motion of a clip: size, speed and view of the target, camera, jolts.

The distributions follow the annotations of the 120 LSOTB-TIR sequences. As shares of
``span = sqrt(rows * cols)``, size (square root of the box's area) has median 0.134 and
0.053 to 0.31 between the 5 and 95 % quantiles. Displacement a frame, in sizes, has
median 0.022 and 95 % quantile 0.116. Within 120 frames size varies by 1.24 (median) to
1.9 (95 %).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.synthetic.motion import Camera, Jolt, Path
from tirjax.data.synthetic.settings import Challenges, Settings
from tirjax.typing import Array, Bool, Float, Int, Key

# Where a challenge begins to count, as shares of ``span``; `attributes` measures them.
FAST, SMALL = 0.032, 0.045


class Motion(NamedTuple):
    """Everything that moves the target in the picture, and the exposure.

    Attributes:
      exposure: share of a frame's time the shutter is open.
    """

    camera: Camera
    jolt: Jolt
    path: Path
    exposure: Float[Array, ""]


def mix(low, high, share):
    """``low`` at share 0, ``high`` at share 1."""
    return low + (high - low) * share


def usual(draws: Float[Array, "*n"], typical) -> Float[Array, "*n"]:
    """Draws of temperatures, the nearer to their middle the more ``typical``."""
    return mix(draws, 0.5, typical)


def bell(draw: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """A standard normal value from a uniform one."""
    return jax.scipy.special.ndtri(jnp.clip(draw, 1e-4, 1.0 - 1e-4))


def choose(weights: Float[Array, " n"], draw: Float[Array, "*k"]) -> Int[Array, "*k"]:
    """Index with probability proportional to its weight, from a uniform value."""
    edges = jnp.cumsum(weights) / weights.sum()
    return (draw[..., None] >= edges[:-1]).sum(-1).astype(jnp.int32)


def span(settings: Settings) -> float:
    """The length every size and speed is a share of, pixels."""
    return float(settings.rows * settings.cols) ** 0.5


def _size(draws, on: Challenges, settings: Settings, diagonal, growth, stretch):
    """First size of the target such that it always fits the window it is drawn in."""
    usual = jnp.clip(0.134 * jnp.exp(0.54 * bell(draws[0])), 0.055, 0.5)
    low = mix(0.024, 0.042, draws[1])
    size = jnp.where(on.low_resolution, low, usual) * span(settings)
    rise = jnp.exp(growth[0] * 0.5 * (1.0 - jnp.sin(growth[2])))
    fall = jnp.exp(growth[0] * 0.5 * (1.0 + jnp.sin(growth[2])))
    longest = diagonal * jnp.exp(0.5 * stretch[0])
    most = 0.92 * settings.window / (longest * rise)
    least = jnp.where(on.low_resolution, 3.0, 0.05 * span(settings)) * fall
    return jnp.minimum(jnp.maximum(size, least), most)


def _swells(draws, on: Challenges, settings: Settings):
    """How size and aspect change: log range, rate and phase of each."""
    grow, widen, rate_a, rate_b, phase_a, phase_b = draws
    reach = 1.0 + 0.8 * settings.severity
    wide = jnp.where(
        on.scale_variation,
        jnp.log(mix(2.4, 2.4 * reach, grow)),
        jnp.log(mix(1.03, 1.6, grow**2)),
    )
    tall = jnp.where(
        on.aspect_ratio_variation,
        jnp.log(mix(2.4, 2.4 * reach, widen)),
        jnp.log(mix(1.0, 1.15, widen)),
    )
    # Over pi the sine surely passes both its ends from any phase within +-pi/2.
    turns = lambda u: mix(1.05, 1.8, u) * 2 * jnp.pi / settings.frames
    slow = lambda u: mix(0.3, 1.2, u) * jnp.pi / settings.frames
    rate = jnp.where(on.scale_variation, turns(rate_a), slow(rate_a))
    beat = jnp.where(on.aspect_ratio_variation, turns(rate_b), slow(rate_b))
    about = lambda u: mix(-1.2, 1.2, u)
    return jnp.stack([wide, rate, about(phase_a)]), jnp.stack(
        [tall, beat, about(phase_b)]
    )


def _camera(draws, on: Challenges, settings: Settings, size) -> Camera:
    moves, pan, tilt, zoom, roll, shake, signs, rate, slow = draws[:9]
    moving = (moves < settings.moving_camera).astype(jnp.float32)
    speed = moving * 0.006 * jnp.exp(2.0 * pan - 0.5) * span(settings)
    reach = jnp.array([0.3 * settings.cols, 0.08 * settings.rows])
    side = jnp.where(signs < 0.5, -1.0, 1.0)
    rates = jnp.stack([side * speed, (tilt - 0.5) * speed]) / reach
    blur = size * mix(0.10, 0.16 + 0.1 * settings.severity, shake)
    quiet = (0.2 + moving) * mix(0.0002, 0.0015, shake) * span(settings)
    shaking = jnp.where(on.motion_blur, blur, quiet)
    per_clip = 2 * jnp.pi / settings.frames
    return Camera(
        middle=jnp.array([settings.cols / 2, settings.rows / 2]),
        pan=jnp.stack([reach, rates]),
        zoom=jnp.stack([moving * mix(-0.25, 0.25, zoom), per_clip * mix(0.2, 1, slow)]),
        roll=jnp.stack([moving * mix(-0.06, 0.06, roll), per_clip * mix(0.3, 2, rate)]),
        shake=shaking * jnp.array([1.0, 0.7]),
        shake_rate=mix(0.7, 2.2, draws[9:15].reshape(3, 2)),
        shake_phase=2 * jnp.pi * draws[15:21].reshape(3, 2),
    )


def _jolt(draws, on: Challenges, settings: Settings) -> Jolt:
    """Leaps without the way out of view, which depends on the path."""
    camera, haste, width, angle, when, away, stay, gap = draws
    frames = settings.frames
    wide = jnp.maximum(mix(0.025, 0.06, width) * frames, 2.0)
    pace = FAST * mix(1.4, 1.6 + 1.4 * settings.severity, haste) * span(settings)
    heading = 2 * jnp.pi * angle
    leap = pace * wide / 1.5 * jnp.stack([jnp.cos(heading), 0.6 * jnp.sin(heading)])
    start = mix(0.1, 0.3, when) * frames
    step = mix(0.15, 0.25, gap) * frames
    return Jolt(
        by_camera=(camera < 0.5).astype(jnp.float32),
        leap=jnp.where(on.fast_motion, leap, 0.0),
        leap_time=start + step * jnp.arange(3),
        leap_width=wide,
        away=jnp.zeros(2),
        away_time=mix(0.4, 0.75, away) * frames,
        away_width=mix(0.08, 0.16, stay) * frames,
    )


def _way_out(depth, on: Challenges, settings: Settings, path: Path, jolt: Jolt, half):
    """Displacement that takes the target over the nearer side of the picture."""
    at = path.rate[0] * jolt.away_time + path.phase[0]
    x = path.middle[0] + path.reach[0] * jnp.sin(at)
    side = jnp.where(x < settings.cols / 2, -1.0, 1.0)
    edge = jnp.where(side < 0, 0.0, settings.cols)
    past = half * mix(0.1, 0.6 + 1.4 * settings.severity, depth)
    away = jnp.stack([edge + side * past - x, jnp.zeros(())])
    return jnp.where(on.out_of_view, away, 0.0)


def _path(draws, on: Challenges, settings: Settings, shape, speed, level, motion):
    """The target's path with room for size, shake and leaps.

    Args:
      motion: camera, leaps, first size, growth and stretch.
    """
    pace, angle, place_x, place_y, flip, haste = draws
    camera, jolt, size, growth, stretch = motion
    fast = 0.017 * jnp.exp(bell(haste)) * speed * size
    limit = FAST * span(settings) * mix(0.5, 0.6, pace)
    fast = jnp.clip(fast, 0.002 * size, limit)
    tilt = jnp.where(level, mix(-0.45, 0.45, angle), mix(-1.5, 1.5, angle))
    side = jnp.where(flip < 0.5, -1.0, 1.0)
    go = fast * jnp.stack([side * jnp.cos(tilt), jnp.sin(tilt)])

    rise = jnp.exp(growth[0] * 0.5 * (1.0 - jnp.sin(growth[2])))
    half = 0.62 * shape * size * rise * jnp.exp(0.5 * stretch[0]) + 2.0
    room = camera.middle - half - camera.shake
    spread = jnp.stack([jnp.ones(()), jnp.where(level, 0.5, 1.0)])
    reach = spread * jnp.maximum(room - jnp.abs(jolt.leap) / 2, 1.0)
    # Ground targets sit below the middle, where there is ground to stand on.
    low = jnp.where(level, mix(0.1, 0.5, place_y), 0.0) * jnp.maximum(room[1], 0.0)
    rate = go / reach
    start = jnp.stack([mix(-1.2, 1.2, place_x), mix(-1.2, 1.2, place_y)])
    # On the way out it is near the side already, so that leaving is not a leap.
    leaving = jnp.where(place_x < 0.5, -1.2, 1.2) - rate[0] * jolt.away_time
    start = start.at[0].set(jnp.where(on.out_of_view, leaving, start[0]))
    middle = camera.middle - jolt.leap / 2 + jnp.stack([jnp.zeros(()), low])
    return Path(middle, reach, rate, start, size, growth, stretch), half[0]


def draw_motion(
    key: Key[Array, ""],
    on: Challenges,
    settings: Settings,
    shape: Float[Array, "2"],
    speed: Float[Array, ""],
    level: Bool[Array, ""],
) -> Motion:
    """Draws how camera and target move.

    Args:
      shape: (w, h) of the target's box at unit area.
      speed: factor of its kind on the ordinary speed.
      level: it moves along the ground, mostly sideways.
    """
    draws = jax.random.uniform(key, (45,))
    growth, stretch = _swells(draws[:6], on, settings)
    diagonal = jnp.sqrt((shape**2).sum())
    size = _size(draws[6:8], on, settings, diagonal, growth, stretch)
    camera = _camera(draws[8:29], on, settings, size)
    jolt = _jolt(draws[29:37], on, settings)
    path, half = _path(
        draws[37:43], on, settings, shape, speed, level,
        (camera, jolt, size, growth, stretch),
    )  # fmt: skip
    away = _way_out(draws[43], on, settings, path, jolt, half)
    shutter = draws[44]
    exposure = jnp.where(
        on.motion_blur, mix(0.8, 1.0, shutter), mix(0.05, 0.3, shutter)
    )
    return Motion(camera, jolt._replace(away=away), path, exposure)
