"""What is measured in each frame, for deciding what is hard about a clip."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.synthetic.cast import Posed
from tirjax.data.synthetic.rigs import posed as pose_rig
from tirjax.data.synthetic.scene import Scene
from tirjax.typing import Array, Float


class Facts(NamedTuple):
    """Measured in each frame; what the attributes are decided on. Leaves are ``[t]``.

    Attributes:
      inside: share of the target's area inside the image.
      contrast: grey levels between the visible target and its surroundings.
      clutter: standard deviation of the surroundings, grey levels.
      smear: motion blur of the target, pixels.
      bend: mean displacement of the parts from rest, in sizes of the target.
      rival: distance to the nearest look-alike, in sizes; 99 without one.
      level: grey level shown for a temperature in the middle of the scale.
      sensed: size of the target in pixels of the thermal sensor.
    """

    inside: Float[Array, " t"]
    contrast: Float[Array, " t"]
    clutter: Float[Array, " t"]
    smear: Float[Array, " t"]
    bend: Float[Array, " t"]
    rival: Float[Array, " t"]
    level: Float[Array, " t"]
    sensed: Float[Array, " t"]


def surroundings(
    tir: Float[Array, "rows cols"],
    shows: Float[Array, "rows cols"],
    box: Float[Array, "4"],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Contrast of the target to a ring around its box, and the spread in the ring.

    Args:
      tir: grey levels.
      shows: how much of each pixel is visible target.
      box: of the target.
    """
    rows, cols = tir.shape
    x, y = jnp.arange(cols) + 0.5, jnp.arange(rows) + 0.5

    def inside(grow):
        low, high = box[:2] - grow * box[2:], box[:2] + (1 + grow) * box[2:]
        across, down = (x > low[0]) & (x < high[0]), (y > low[1]) & (y < high[1])
        return down[:, None] & across

    def mean(weight, values):
        return (weight * values).sum() / jnp.maximum(weight.sum(), 1.0)

    ring = (inside(0.6) & ~inside(0.05)).astype(jnp.float32)
    around = mean(ring, tir)
    spread = jnp.sqrt(mean(ring, (tir - around) ** 2))
    return jnp.abs(mean(shows, tir) - around), spread


def rival(scene: Scene, posed: Posed, size: Float[Array, ""]) -> Float[Array, ""]:
    """Distance to the nearest object that looks like the target, in sizes of it."""
    look = scene.look
    rank = jnp.argsort(scene.order)
    ratio = look.warmth / look.warmth[0]
    alike = (look.kind == look.kind[0]) & (ratio > 0.6) & (ratio < 1.6)
    alike &= (rank < scene.count) & (jnp.arange(len(ratio)) > 0)
    apart = jnp.linalg.norm(posed.centre - posed.centre[0], axis=-1) / size
    return jnp.minimum(jnp.where(alike, apart, 99.0).min(), 99.0)


def bend(scene: Scene, posed: Posed) -> Float[Array, ""]:
    """Mean displacement of the target's parts from rest, in sizes of it."""
    rig = jax.tree.map(lambda leaf: leaf[0], scene.look.rig)
    rest, _ = pose_rig(rig, jnp.zeros(()), jnp.zeros(()))
    far = jnp.linalg.norm(posed.joints[0] - rest, axis=-1)
    return (far * rig.solid).sum() / rig.solid.sum()
