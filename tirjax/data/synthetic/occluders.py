"""What stands between camera and target: poles, trees, walls, bushes.

Each is a stack of at most four parts, anchored in the world where the target will be at
some moment, and fast enough past it to leave the first frame clear.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data.synthetic.cast import target_at, target_size
from tirjax.data.synthetic.motion import View, steady, swell, to_image
from tirjax.data.synthetic.motion import turn as rotation
from tirjax.data.synthetic.plan import Motion, choose, mix, usual
from tirjax.data.synthetic.regions import SKY, Site
from tirjax.data.synthetic.settings import Challenges, Settings
from tirjax.data.synthetic.shapes import Parts, extent
from tirjax.typing import Array, Float, Int, Key

# A part is (x, y, half width, half height, boxy, there): horizontally in half widths of
# the occluder, vertically in half heights of the target.
_NONE = (0, 0, 1, 1, 0, 0)
_KINDS = np.array(
    [
        # pole or pillar with a plinth and a band
        [(0, -6, 1, 14, 1, 1), (0, 7, 1.4, 2, 1, 1), (0, -2.5, 1.25, 0.3, 1, 1), _NONE],
        # tree
        [(0, 4, 0.35, 6, 1, 1), (0, -1.3, 1.2, 1.5, 0, 1),
         (-0.6, -0.3, 0.8, 1.1, 0, 1), (0.5, -2.2, 0.9, 1.1, 0, 1)],
        # wall with a coping
        [(0, 0.7, 1, 1.9, 1, 1), (0, -1.2, 1.05, 0.12, 1, 1), _NONE, _NONE],
        # bush or cloud
        [(-0.45, 0.3, 0.75, 1.4, 0, 1), (0.4, 0.2, 0.8, 1.6, 0, 1),
         (0, 0.8, 1.1, 1.2, 0, 1), _NONE],
        # low wall, which hides the lower half
        [(0, 1.5, 2.5, 1.4, 1, 1), (0, 0.1, 2.6, 0.1, 1, 1), _NONE, _NONE],
    ],
    np.float32,
)  # fmt: skip
_FULL = np.array([0.3, 0.0, 0.35, 0.35, 0.0], np.float32)
_PARTIAL = np.array([0.4, 0.3, 0.1, 0.0, 0.2], np.float32)
_CLOUD = np.array([0.0, 0.0, 0.0, 1.0, 0.0], np.float32)
_COLOURS = np.array(
    [[0.45, 0.44, 0.42], [0.2, 0.3, 0.12], [0.5, 0.42, 0.36], [0.16, 0.26, 0.1],
     [0.5, 0.5, 0.5]],
    np.float32,
)  # fmt: skip


class Occluders(NamedTuple):
    """Things in front; leaves lead with ``[m]``.

    Attributes:
      anchor: ``[m, 2]`` world.
      time: frame at which it is there.
      velocity: ``[m, 2]`` its passing, world pixels a frame.
      parallax: share by which it moves faster than the world under the camera.
      parts: ``[m, p]``, world pixels around the anchor.
      count: how many of them are there, scalar.
    """

    anchor: Float[Array, "m 2"]
    time: Float[Array, " m"]
    velocity: Float[Array, "m 2"]
    parallax: Float[Array, " m"]
    parts: Parts
    count: Int[Array, ""]


def _passing(motion: Motion, frames: int, time, both, parallax, stay, side):
    """Velocity that takes it past the target, and clear of it on the first frame.

    Args:
      both: half of the width of both together, world pixels.
      stay: how long the passage takes, 0 to 1.
      side: whence it comes if the target itself hardly moves, 0 to 1.
    """
    centre = lambda at: steady(motion.camera, at).centre
    gone = lambda at: (target_at(motion, at) + parallax * centre(at))[0]
    apart = gone(time) - gone(jnp.zeros(()))
    own = (gone(time + 1.0) - gone(time - 1.0)) / 2
    hurry = 2.0 * both / (mix(0.08, 0.25, stay) * frames) - jnp.abs(own)
    way = jnp.where(jnp.abs(apart) > 0.3 * both, -apart, side - 0.5)
    way = jnp.where(way < 0, -1.0, 1.0)
    clear = (1.2 * both + way * apart) / time
    speed = jnp.maximum(jnp.maximum(hurry, clear), 0.0)
    return jnp.stack([speed * way, jnp.zeros(())])


def _build(draws, kind, unit, site: Site, warmth) -> Parts:
    """The parts of one occluder around its anchor.

    Args:
      unit: ``[2]`` half width of the occluder, half height of the target, pixels.
    """
    warm, shade = draws
    part = jnp.asarray(_KINDS)[kind]
    colour = jnp.asarray(_COLOURS)[kind] * mix(0.5, 1.4, shade)
    colour = jnp.where(site.view == SKY, jnp.array([0.8, 0.82, 0.85]), colour)
    lit = colour * (site.sun + 0.08 * (1.0 - site.sun))
    degrees = site.air + mix(-0.3, 0.4, usual(warm, site.typical)) * jnp.abs(warmth)
    blank, each = jnp.zeros(1), jnp.ones((len(part), 1))
    value = jnp.concatenate([degrees[None], lit, blank])
    detail = jnp.concatenate(
        [0.15 * jnp.minimum(site.grade, 1.5)[None], 0.1 * lit, blank]
    )
    return Parts(
        centre=part[:, :2] * unit,
        axes=jnp.eye(2) * (part[:, 2:4] * unit)[:, None, :],
        boxy=part[:, 4] > 0.5,
        solid=part[:, 5],
        value=value * each,
        detail=detail * each,
        rough=jnp.ones(len(part)),
    )


def draw_occluders(
    key: Key[Array, ""],
    on: Challenges,
    settings: Settings,
    motion: Motion,
    site: Site,
    shape: Float[Array, "2"],
    warmth: Float[Array, ""],
) -> Occluders:
    """Draws the occluders; without the challenge none is there.

    Args:
      shape: (w, h) of the target's box at unit area.
      warmth: contrast of the target, degrees; occluders have a share of it.
    """
    table = jax.random.uniform(key, (settings.occluders, 10))
    more = table[-1, 1] < 0.25 + 0.5 * settings.severity
    count = jnp.where(more, settings.occluders, 1) * on.occlusion

    def one(draws):
        when, full, wide, stay, side, depth, rise, which = draws[:8]
        time = mix(0.3, 0.85, when) * settings.frames
        stretch = jnp.sqrt(swell(motion.path.stretch, time))
        sides = shape * jnp.stack([stretch, 1.0 / stretch])
        half = 0.5 * sides * target_size(motion, time)
        whole = full < 0.35 + 0.4 * settings.severity
        odds = jnp.where(whole, jnp.asarray(_FULL), jnp.asarray(_PARTIAL))
        kind = choose(jnp.where(site.view == SKY, jnp.asarray(_CLOUD), odds), which)
        share = jnp.where(whole, mix(1.25, 1.9, wide), mix(0.2, 0.5, wide))
        unit = half * jnp.stack([share, mix(1.0, 1.25, rise)])
        parts = _build(draws[8:], kind, unit, site, warmth)
        reach = extent(parts.centre, parts.axes, parts.boxy, parts.solid)[2] / 2
        parallax = mix(0.0, 0.4, depth)
        larger = jnp.maximum(1.0, motion.path.size / target_size(motion, time))
        both = 1.1 * (half[0] * larger + reach)
        frames = settings.frames
        return Occluders(
            anchor=target_at(motion, time),
            time=time,
            velocity=_passing(motion, frames, time, both, parallax, stay, side),
            parallax=parallax,
            parts=parts,
            count=jnp.int32(0),
        )

    return jax.vmap(one)(table)._replace(count=count.astype(jnp.int32))


def pose_occluders(
    occluders: Occluders, motion: Motion, view: View, t: Float[Array, ""]
) -> Parts:
    """The parts of every occluder in the picture, ``[m, p]``."""
    then = jax.vmap(lambda time: steady(motion.camera, time).centre)(occluders.time)
    late = (t - occluders.time)[:, None]
    world = occluders.anchor + occluders.velocity * late
    world += occluders.parallax[:, None] * (then - steady(motion.camera, t).centre)
    frame = view.zoom * rotation(view.roll)
    centre = to_image(view, world)[:, None] + occluders.parts.centre @ frame.T
    axes = jnp.einsum("ij,mpjk->mpik", frame, occluders.parts.axes)
    return occluders.parts._replace(centre=centre, axes=axes)
