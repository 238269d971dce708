"""What an object is: a table of parts with joints, and its pose at a phase of its gait.

A part hangs from a pivot on a limb: ``upper`` is the limb it continues (a thigh),
``length`` its own centre below the joint. Both swing as sines of the gait. Rigid parts
have no limb and do not swing. Units are the
object's own; `normalised` makes them comparable.
x points where the object goes, y down.
"""

from typing import NamedTuple

import jax.numpy as jnp

from tirjax.data.synthetic.shapes import extent
from tirjax.typing import Array, Bool, Float, Int


class Rig(NamedTuple):
    """Parts of one kind of object, painted in order; leaves lead with ``[p]``.

    Attributes:
      base: ``[p, 2]`` pivot.
      half: ``[p, 2]`` half size across and along the limb.
      upper: ``[p, 3]`` limb above: length, swing in radians, gait phase.
      limb: ``[p, 4]`` own limb: centre below the joint, angle at rest, swing, phase.
      heat: ``[p]``, contrast of the part in units of the object's.
      rough: ``[p]``, grain relative to roundness.
      slot: ``[p]`` int, colour in the object's palette.
      boxy: ``[p]`` bool, rounded rectangle instead of ellipse.
      solid: ``[p]`` in [0, 1], opacity; 0 pads the table.
    """

    base: Float[Array, "p 2"]
    half: Float[Array, "p 2"]
    upper: Float[Array, "p 3"]
    limb: Float[Array, "p 4"]
    heat: Float[Array, " p"]
    rough: Float[Array, " p"]
    slot: Int[Array, " p"]
    boxy: Bool[Array, " p"]
    solid: Float[Array, " p"]


def posed(
    rig: Rig, gait: Float[Array, ""], swing: Float[Array, ""]
) -> tuple[Float[Array, "p 2"], Float[Array, "p 2 2"]]:
    """Centre and axes of every part, object units.

    Args:
      gait: phase of the stride, radians.
      swing: factor on all swings; 0 is the pose at rest.
    """
    along = lambda angle: jnp.stack([jnp.sin(angle), jnp.cos(angle)], axis=-1)
    above = swing * rig.upper[:, 1] * jnp.sin(gait + rig.upper[:, 2])
    joint = rig.base + rig.upper[:, :1] * along(above)
    length, rest, amplitude, phase = rig.limb.T
    angle = rest + swing * amplitude * jnp.sin(gait + phase)
    down = along(angle)
    across = jnp.stack([down[:, 1], -down[:, 0]], axis=-1)
    axes = jnp.stack([across * rig.half[:, :1], down * rig.half[:, 1:]], axis=-1)
    return joint + length[:, None] * down, axes


def normalised(rig: Rig) -> tuple[Rig, Float[Array, "2"]]:
    """The rig centred, with a box of unit area in mid-stride, and that box's (w, h)."""
    stride = jnp.float32(0.7)
    box = extent(*posed(rig, stride, stride), rig.boxy, rig.solid)
    scale = 1.0 / jnp.sqrt(box[2] * box[3])
    rig = rig._replace(
        base=(rig.base - box[:2] - box[2:] / 2) * scale,
        half=rig.half * scale,
        upper=rig.upper.at[:, 0].multiply(scale),
        limb=rig.limb.at[:, 0].multiply(scale),
    )
    return rig, box[2:] * scale
