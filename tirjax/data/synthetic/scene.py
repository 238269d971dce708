"""A scene: everything about a clip except its frames, drawn from one key."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.synthetic import kinds
from tirjax.data.synthetic.cast import Moves, draw_moves, positions, target_at
from tirjax.data.synthetic.looks import Look, draw_kinds, draw_look
from tirjax.data.synthetic.occluders import Occluders, draw_occluders
from tirjax.data.synthetic.plan import Motion, bell, choose, draw_motion, mix, usual
from tirjax.data.synthetic.regions import SKY, STREET, Site
from tirjax.data.synthetic.sensor import Sensor, draw_sensor
from tirjax.data.synthetic.settings import Challenges, Settings, draw_challenges
from tirjax.data.synthetic.world import THINGS, draw_world
from tirjax.typing import Array, Float, Int, Key


class Crossover(NamedTuple):
    """When the target takes on the temperature of what is behind it.

    Attributes:
      depth: share of its contrast that it loses.
      time: frame of the middle.
      width: half of the duration, frames.
      ground: temperature behind it at that time, degrees.
    """

    depth: Float[Array, ""]
    time: Float[Array, ""]
    width: Float[Array, ""]
    ground: Float[Array, ""]


class Scene(NamedTuple):
    """What ``render_frames`` needs.

    Attributes:
      challenges: what the clip was made to have.
      site: place and light.
      world: ``[rows, cols, 4]`` background, temperature and colour.
      motion: camera, target, exposure.
      look: what the objects look like.
      moves: how they move.
      order: ``[n]`` painting order, back to front; those not there come last.
      count: how many are there.
      occluders: what is in front.
      waves: ``[7, 3]`` texture of the occluders.
      crossover: thermal crossover.
      sensor: the cameras.
      key: for the noise of each frame.
    """

    challenges: Challenges
    site: Site
    world: Float[Array, "rows cols 4"]
    motion: Motion
    look: Look
    moves: Moves
    order: Int[Array, " n"]
    count: Int[Array, ""]
    occluders: Occluders
    waves: Float[Array, "7 3"]
    crossover: Crossover
    sensor: Sensor
    key: Key[Array, ""]


def _site(draws, on: Challenges, settings: Settings, view, night, motion, look):
    """Place and light; the horizon fits the height of the target in the picture."""
    air, eye, _, _, dark = draws
    mess, grade = usual(draws[2:4], settings.typical)
    path = motion.path
    size = path.size * look.shape[0, 1]
    y = path.middle[1] + path.reach[1] * jnp.sin(path.phase[1])
    foot = y + size / 2
    metre = path.size / jnp.asarray(kinds.METRES)[look.kind[0]]
    horizon = foot - metre * mix(1.6, 6.0, eye)
    horizon = jnp.clip(horizon, 0.06 * settings.rows, 0.55 * settings.rows)
    horizon = jnp.minimum(horizon, foot - 0.03 * settings.rows)
    far = 10.0 * settings.rows
    horizon = jnp.where(view == STREET, horizon - settings.rows / 2, -far)
    warmth = jnp.abs(look.warmth[0])
    cluttered = mix(0.6, 0.8 + 0.4 * settings.severity, mess) * warmth
    rough = mix(0.18, 0.26 + 0.12 * settings.severity, grade) * warmth
    return Site(
        view=view,
        horizon=jnp.where(view == SKY, far, horizon),
        air=mix(-2.0, 27.0, air),
        sun=jnp.where(night, mix(0.10, 0.35, dark), mix(0.75, 1.05, dark)),
        mess=jnp.where(on.background_clutter, cluttered, 0.08 * warmth),
        grade=jnp.where(on.background_clutter, rough, mix(0.3, 0.7, grade)),
        typical=jnp.asarray(settings.typical, jnp.float32),
    )


def _spots(draws, on: Challenges, settings: Settings, motion):
    """Position and size of clutter: most of it along the way of the target."""
    time = settings.frames * draws[:, 0]
    way = jax.vmap(lambda t: target_at(motion, t))(time)
    aside = 1.5 * motion.path.size * bell(draws[:, 1:])
    along = on.background_clutter & (jnp.arange(THINGS) % 5 > 2)
    size = jnp.full((THINGS, 1), motion.path.size)
    spots = jnp.concatenate([way + aside, size], axis=1)
    return jnp.where(along[:, None], spots, jnp.nan)


def _order(there, on: Challenges, settings: Settings, motion, look, moves, view):
    """Painting order: by where things stand; passers-by stay behind an open target."""
    n = settings.objects
    busy = 0.35 + 0.5 * settings.severity
    present = moves.twin | (there < busy) | (jnp.arange(n) == 0)
    middle = jnp.float32(settings.frames / 2)
    feet = positions(moves, motion, middle)[:, 1] + moves.size / 2
    target = target_at(motion, middle)[1] + motion.path.size / 2
    feet = feet.at[0].set(target)
    far = 100.0 * settings.rows
    # Nobody hides the target on the first frame.
    first = positions(moves, motion, jnp.zeros(()))
    half = 0.6 * look.shape * moves.size.at[0].set(motion.path.size)[:, None]
    meets = (jnp.abs(first - first[0]) < half + half[0]).all(-1)
    behind = (jnp.arange(n) > 0) & (meets | (~moves.twin & ~on.occlusion))
    feet = jnp.where(behind, feet - far, feet)
    feet = jnp.where(present, feet, 2 * far)
    return jnp.argsort(feet).astype(jnp.int32), present.sum().astype(jnp.int32)


def _crossover(draws, on: Challenges, settings: Settings, motion, site, world):
    """Depth, time and the temperature of the world at the target then."""
    depth, when, stay = draws
    time = mix(0.35, 0.75, when) * settings.frames
    rows, cols = settings.world
    at = target_at(motion, time) + jnp.array([cols, rows]) / 2
    wide = 2.0 * (0.8 * motion.path.size) ** 2
    across = jnp.exp(-((jnp.arange(cols) + 0.5 - at[0]) ** 2) / wide)
    down = jnp.exp(-((jnp.arange(rows) + 0.5 - at[1]) ** 2) / wide)
    weight = down[:, None] * across + 1e-9
    deep = mix(0.88, 0.92 + 0.08 * settings.severity, depth)
    return Crossover(
        depth=jnp.where(on.thermal_crossover, deep, 0.0),
        time=time,
        width=jnp.maximum(mix(0.08, 0.2, stay) * settings.frames, 1.5),
        ground=(weight * world[..., 0]).sum() / weight.sum(),
    )


def sample_scene(key: Key[Array, ""], settings: Settings) -> Scene:
    """Draws a scene. All of it is a function of the key and the settings."""
    keys = jax.random.split(key, 10)
    on = draw_challenges(keys[0], settings)
    n = settings.objects
    draws = jax.random.uniform(keys[1], (11 + n + 3 * THINGS,))
    seen, dark, many = draws[:3]
    there, spots = draws[11 : 11 + n], draws[11 + n :].reshape(THINGS, 3)
    view = choose(jnp.array([0.72, 0.20, 0.08]), seen)
    night = dark < settings.night
    kind = draw_kinds(keys[2], view, on.deformation, n)
    twins = 1 + jnp.floor(many * (1.0 + 2.0 * settings.severity))
    twin = (jnp.arange(n) > 0) & (jnp.arange(n) <= twins) & on.distractor

    look = draw_look(keys[3], kind, twin, settings, jnp.where(night, 0.2, 1.0))
    speed = jnp.asarray(kinds.SPEED)[kind[0]]
    motion = draw_motion(keys[4], on, settings, look.shape[0], speed, view == STREET)
    site = _site(draws[3:8], on, settings, view, night, motion, look)
    world = draw_world(keys[5], site, settings, _spots(spots, on, settings, motion))
    moves = draw_moves(keys[6], settings, motion, site, look, twin)
    order, count = _order(there, on, settings, motion, look, moves, view)
    warmth = look.warmth[0]
    pitch = 60.0 / settings.rows
    return Scene(
        challenges=on,
        site=site,
        world=world,
        motion=motion,
        look=look,
        moves=moves,
        order=order,
        count=count,
        occluders=draw_occluders(
            keys[7], on, settings, motion, site, look.shape[0], warmth
        ),
        waves=look.waves[0] * jnp.array([pitch, pitch, 1.0]) / 8.0,
        crossover=_crossover(draws[8:11], on, settings, motion, site, world),
        sensor=draw_sensor(keys[8], on, settings, world[..., 0], warmth, night),
        key=keys[9],
    )
