"""Camera and target as smooth functions of time, so any frame can be had alone.

The target's path is planned in the picture of a *steady* camera, because benchmarks
keep the target in view while the camera follows. Shake, jerks and looks away then move
the whole picture. World coordinates are pixels of the background at zoom 1, zero at the
middle of the first picture.
"""

from typing import NamedTuple

import jax.numpy as jnp

from tirjax.typing import Array, Float


class View(NamedTuple):
    """Where it looks: ``image = shift + zoom * turn(roll) (world - centre)``."""

    centre: Float[Array, "2"]
    zoom: Float[Array, ""]
    roll: Float[Array, ""]
    shift: Float[Array, "2"]


class Camera(NamedTuple):
    """Motion of the camera; amplitudes in pixels, radians or log zoom.

    Attributes:
      middle: ``[2]`` of the picture, pixels.
      pan: ``[2, 2]``: reach, rate; all motion is zero at time 0.
      zoom: ``[2]``: amplitude of log zoom, rate.
      roll: ``[2]``: amplitude, rate.
      shake: ``[2]`` amplitude (x, y).
      shake_rate: ``[3, 2]`` radians a frame.
      shake_phase: ``[3, 2]``.
    """

    middle: Float[Array, "2"]
    pan: Float[Array, "2 2"]
    zoom: Float[Array, "2"]
    roll: Float[Array, "2"]
    shake: Float[Array, "2"]
    shake_rate: Float[Array, "3 2"]
    shake_phase: Float[Array, "3 2"]


class Jolt(NamedTuple):
    """Sudden displacements in the picture: by the camera, or by the target alone.

    Attributes:
      by_camera: 1 moves the whole picture, 0 the target only.
      leap: ``[2]`` displacement of each leap, pixels; leaps alternate there and back.
      leap_time: ``[3]`` frames.
      leap_width: frames a leap takes.
      away: ``[2]`` displacement while away, pixels.
      away_time: frame of the middle.
      away_width: half of the duration, frames.
    """

    by_camera: Float[Array, ""]
    leap: Float[Array, "2"]
    leap_time: Float[Array, "3"]
    leap_width: Float[Array, ""]
    away: Float[Array, "2"]
    away_time: Float[Array, ""]
    away_width: Float[Array, ""]


class Path(NamedTuple):
    """The target in the picture of the steady camera.

    Attributes:
      middle: ``[2]`` pixels.
      reach: ``[2]`` half range of the position, pixels.
      rate: ``[2]`` radians a frame.
      phase: ``[2]``.
      size: square root of the area of the box at time 0, pixels.
      growth: ``[3]``: log of largest over smallest size, rate, phase.
      stretch: ``[3]``: the same for the aspect ratio.
    """

    middle: Float[Array, "2"]
    reach: Float[Array, "2"]
    rate: Float[Array, "2"]
    phase: Float[Array, "2"]
    size: Float[Array, ""]
    growth: Float[Array, "3"]
    stretch: Float[Array, "3"]


def turn(angle: Float[Array, "*n"]) -> Float[Array, "*n 2 2"]:
    """Rotation in the picture, clockwise since y points down."""
    c, s = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([jnp.stack([c, -s], -1), jnp.stack([s, c], -1)], -2)


def smooth_step(x: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """0 below 0, 1 above 1, and a cubic in between."""
    x = jnp.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def pulse(t: Float[Array, ""], middle, width) -> Float[Array, ""]:
    """1 around ``middle``, 0 beyond about 1.5 ``width``, flat at the top."""
    return jnp.exp(-(((t - middle) / width) ** 4))


def steady(camera: Camera, t: Float[Array, ""]) -> View:
    """The view without shake and jolts."""
    reach, rate = camera.pan
    return View(
        centre=reach * jnp.sin(rate * t),
        zoom=jnp.exp(camera.zoom[0] * jnp.sin(camera.zoom[1] * t)),
        roll=camera.roll[0] * jnp.sin(camera.roll[1] * t),
        shift=camera.middle,
    )


def jolted(jolt: Jolt, t: Float[Array, ""]) -> Float[Array, "2"]:
    """Displacement by leaps and by going away, pixels."""
    done = smooth_step((t - jolt.leap_time) / jolt.leap_width)
    leaps = done[0] - done[1] + done[2]
    return jolt.leap * leaps + jolt.away * pulse(t, jolt.away_time, jolt.away_width)


def look(camera: Camera, jolt: Jolt, t: Float[Array, ""]) -> View:
    """The view as the sensor has it."""
    waves = jnp.sin(camera.shake_rate * t + camera.shake_phase).mean(0)
    view = steady(camera, t)
    shift = view.shift + camera.shake * waves + jolt.by_camera * jolted(jolt, t)
    return view._replace(shift=shift)


def to_image(view: View, world: Float[Array, "*n 2"]) -> Float[Array, "*n 2"]:
    """World points in the picture, pixels."""
    return view.shift + view.zoom * (world - view.centre) @ turn(view.roll).T


def to_world(view: View, image: Float[Array, "*n 2"]) -> Float[Array, "*n 2"]:
    """Picture points in the world."""
    return view.centre + (image - view.shift) @ turn(view.roll) / view.zoom


def place(
    path: Path, camera: Camera, jolt: Jolt, t: Float[Array, ""]
) -> Float[Array, "2"]:
    """World position of the target."""
    at = path.middle + path.reach * jnp.sin(path.rate * t + path.phase)
    at += (1.0 - jolt.by_camera) * jolted(jolt, t)
    return to_world(steady(camera, t), at)


def swell(wave: Float[Array, "3"], t: Float[Array, ""]) -> Float[Array, ""]:
    """A factor that is 1 at time 0 and spans a range of ``exp(wave[0])``."""
    span, rate, phase = wave
    return jnp.exp(span * 0.5 * (jnp.sin(rate * t + phase) - jnp.sin(phase)))
