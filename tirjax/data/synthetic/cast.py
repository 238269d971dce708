"""How everyone moves: the target, look-alikes, passers-by; drawn once, posed often.

Object 0 is the target. Look-alikes move with it but for a drift that carries them past;
passers-by go their own way through the world.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.synthetic import kinds
from tirjax.data.synthetic.looks import Look
from tirjax.data.synthetic.motion import View, place, steady, swell, to_image, to_world
from tirjax.data.synthetic.motion import turn as rotation
from tirjax.data.synthetic.plan import Motion, mix
from tirjax.data.synthetic.regions import SKY, STREET, Site
from tirjax.data.synthetic.rigs import posed
from tirjax.data.synthetic.settings import Settings
from tirjax.data.synthetic.shapes import Grain, Parts, inverted
from tirjax.typing import Array, Bool, Float, Key


class Moves(NamedTuple):
    """How objects move; leaves lead with ``[n]``. The target's path overrides its own.

    Attributes:
      twin: moves along with the target; else on its own.
      anchor: ``[n, 2]`` where it is at its time: offset from the target, or world.
      time: frame of the anchor.
      velocity: ``[n, 2]`` pixels a frame, relative to the target or the world.
      size: square root of the area of the box, world pixels; unused for the target.
      gait: ``[n, 2]`` rate and phase of the stride.
      swing: factor on the swing of the limbs.
      tilt: ``[n, 3]`` heading, amplitude of sway, rate of sway.
      mirror: -1 when it goes left.
    """

    twin: Bool[Array, " n"]
    anchor: Float[Array, "n 2"]
    time: Float[Array, " n"]
    velocity: Float[Array, "n 2"]
    size: Float[Array, " n"]
    gait: Float[Array, "n 2"]
    swing: Float[Array, " n"]
    tilt: Float[Array, "n 3"]
    mirror: Float[Array, " n"]


def _twins(draws, settings: Settings, motion: Motion, shape, n):
    """Anchor, time, velocity and size of look-alikes: they pass close to the target."""
    frames = settings.frames
    when, side, pace, lift, slope, gap, scale = draws
    time = mix(0.25, 0.8, when) * frames
    size = jax.vmap(lambda t: target_size(motion, t))(time)
    # Fast enough to stand clear of the target on the first frame.
    speed = jnp.maximum(mix(0.01, 0.06, pace), 2.0 / time) * size
    go = jnp.where(side < 0.5, -speed, speed)
    velocity = jnp.stack([go, go * mix(-0.3, 0.3, slope)], axis=-1)
    miss = mix(0.6, 0.15, settings.severity)
    off = jnp.stack([mix(-1, 1, gap), mix(-1, 1, lift)], -1) * shape[0] * size[:, None]
    return miss * off, time, velocity, size * mix(0.88, 1.1, scale)


def _passers(draws, settings: Settings, motion: Motion, site: Site, look: Look):
    """Anchor, time, velocity and size of the others, in perspective."""
    across, down, when, pace, angle, scale = draws
    time = when * settings.frames
    views = jax.vmap(lambda t: steady(motion.camera, t))(time)
    start = to_image(steady(motion.camera, jnp.zeros(())), target_at(motion, 0.0))
    foot = start[1] + look.shape[0, 1] * motion.path.size / 2
    horizon = site.horizon + settings.rows / 2
    depth = jnp.maximum(foot - horizon, 0.02 * settings.rows)
    near = horizon + depth * 0.35
    feet = jnp.where(
        site.view == STREET,
        mix(near, 1.02 * settings.rows, down),
        mix(0.1, 0.9, down) * settings.rows,
    )
    metres = jnp.asarray(kinds.METRES)
    relative = metres[look.kind] / metres[look.kind[0]]
    size = motion.path.size * jnp.where(
        site.view == STREET,
        relative * (feet - horizon) / depth,
        jnp.where(site.view == SKY, mix(0.4, 1.4, scale), relative),
    )
    most = 0.7 * settings.window / jnp.sqrt((look.shape**2).sum(-1))
    size = jnp.clip(size, 3.0, most)
    at = jnp.stack([across * settings.cols, feet - look.shape[:, 1] * size / 2], -1)
    anchor = jax.vmap(to_world)(views, at)
    usual = jnp.asarray(kinds.SPEED)[look.kind] * size
    speed = jnp.maximum(mix(-0.02, 0.06, pace), 0.0) * usual
    heading = jnp.where(
        site.view == STREET, 0.3 * jnp.sin(6.3 * angle), 2 * jnp.pi * angle
    ) + jnp.where(scale < 0.5, jnp.pi, 0.0)
    velocity = speed * jnp.stack([jnp.cos(heading), jnp.sin(heading)])
    return anchor, time, velocity.T, size / views.zoom


def draw_moves(
    key: Key[Array, ""],
    settings: Settings,
    motion: Motion,
    site: Site,
    look: Look,
    twin: Bool[Array, " n"],
) -> Moves:
    """Draws how everything but the target moves, and how everything strides."""
    n = len(twin)
    draws = jax.random.uniform(key, (18, n))
    alike = _twins(draws[:7], settings, motion, look.shape, n)
    alone = _passers(draws[7:13], settings, motion, site, look)
    pick = lambda a, b: jnp.where(twin.reshape(-1, *[1] * (a.ndim - 1)), a, b)
    anchor, time, velocity, size = map(pick, alike, alone)
    rate, phase, swing, tilt, sway = draws[13:]
    flies = site.view == SKY
    stride = 2 * jnp.pi * mix(0.022, 0.05, rate) * jnp.where(flies, 2.0, 1.0)
    moves = Moves(
        twin=twin,
        anchor=anchor,
        time=time,
        velocity=velocity,
        size=size,
        gait=jnp.stack([stride, 2 * jnp.pi * phase], -1),
        swing=mix(0.8, 1.2, swing),
        tilt=jnp.zeros((n, 3)),
        mirror=jnp.ones(n),
    )
    ends = positions(moves, motion, jnp.float32(settings.frames)) - positions(
        moves, motion, jnp.zeros(())
    )
    headed = jnp.asarray(kinds.HEADED)[look.kind]
    lean = mix(-0.04, 0.04, tilt) * jnp.where(flies, 4.0, 1.0)
    heading = jnp.where(headed, jnp.arctan2(ends[:, 1], ends[:, 0]), lean)
    shaky = jnp.where(flies, 0.12, jnp.asarray(kinds.BENDS)[look.kind] * 0.05)
    return moves._replace(
        mirror=jnp.where((ends[:, 0] < 0) & ~headed, -1.0, 1.0),
        tilt=jnp.stack([heading, sway * shaky, 0.8 * stride], -1),
    )


def target_at(motion: Motion, t) -> Float[Array, "2"]:
    """World position of the target."""
    return place(motion.path, motion.camera, motion.jolt, jnp.asarray(t, jnp.float32))


def target_size(motion: Motion, t) -> Float[Array, ""]:
    """Square root of the area of the target's box, world pixels."""
    zoom = steady(motion.camera, t).zoom
    return motion.path.size * swell(motion.path.growth, t) / zoom


def positions(moves: Moves, motion: Motion, t: Float[Array, ""]) -> Float[Array, "n 2"]:
    """World positions of all objects."""
    target = target_at(motion, t)
    own = moves.anchor + moves.velocity * (t - moves.time)[:, None]
    own += jnp.where(moves.twin[:, None], target, 0.0)
    return own.at[0].set(target)


class Posed(NamedTuple):
    """Objects in the picture; leaves lead with ``[n]``.

    Attributes:
      parts: ready to paint.
      grain: their textures.
      centre: ``[n, 2]`` pixels.
      joints: ``[n, p, 2]`` centres of the parts in object units, unturned.
    """

    parts: Parts
    grain: Grain
    centre: Float[Array, "n 2"]
    joints: Float[Array, "n p 2"]


def pose(
    look: Look,
    moves: Moves,
    motion: Motion,
    view: View,
    ground: Float[Array, " n"],
    fade: Float[Array, " n"],
    t: Float[Array, ""],
) -> Posed:
    """Poses every object at time ``t``.

    Args:
      ground: temperature that a part without heat has, degrees.
      fade: factor on the warmth; 0 vanishes in the surroundings.
    """
    n = len(look.kind)
    centre = to_image(view, positions(moves, motion, t))
    size = moves.size.at[0].set(target_size(motion, t))
    stretch = jnp.ones(n).at[0].set(swell(motion.path.stretch, t))
    sides = jnp.stack([moves.mirror * jnp.sqrt(stretch), 1 / jnp.sqrt(stretch)], -1)
    tilt = moves.tilt[:, 0] + moves.tilt[:, 1] * jnp.sin(moves.tilt[:, 2] * t)
    frame = rotation(view.roll + tilt) * (view.zoom * size[:, None] * sides)[:, None]
    gait = moves.gait[:, 0] * t + moves.gait[:, 1]
    joints, axes = jax.vmap(posed)(look.rig, gait, moves.swing)

    heat = (fade * look.warmth)[:, None] * look.rig.heat * look.tuning
    colour = jnp.take_along_axis(look.palette, look.rig.slot[:, :, None], axis=1)
    mark = jnp.broadcast_to((jnp.arange(n) == 0)[:, None, None], (n, kinds.PARTS, 1))
    mark = mark.astype(jnp.float32)
    glow = jnp.broadcast_to((0.16 * fade * look.warmth)[:, None], heat.shape)
    parts = Parts(
        centre=centre[:, None] + jnp.einsum("nij,npj->npi", frame, joints),
        axes=jnp.einsum("nij,npjk->npik", frame, axes),
        boxy=look.rig.boxy,
        solid=look.rig.solid,
        value=jnp.concatenate(
            [(ground[:, None] + heat)[..., None], colour, mark], axis=-1
        ),
        detail=jnp.concatenate([glow[..., None], 0.3 * colour, 0.0 * mark], axis=-1),
        rough=look.rig.rough,
    )
    grain = Grain(look.waves, centre, inverted(frame))
    return Posed(parts, grain, centre, joints)


def moved(
    moves: Moves, motion: Motion, before: View, after: View, t0, t1
) -> Float[Array, "n 2"]:
    """Motion of all objects in the picture between two moments, pixels."""
    first = to_image(before, positions(moves, motion, t0))
    return to_image(after, positions(moves, motion, t1)) - first
