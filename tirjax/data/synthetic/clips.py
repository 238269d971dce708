"""Frames of a scene at any times: compose, expose, develop, and measure.

Painting goes back to front on a canvas of temperature, colour and *target*; the last
channel ends up as the part of the target that shows, whatever came in front.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.synthetic import facts
from tirjax.data.synthetic import sensor as cameras
from tirjax.data.synthetic.cast import Posed, moved, pose, target_size
from tirjax.data.synthetic.motion import View, look, pulse, to_image, to_world
from tirjax.data.synthetic.occluders import pose_occluders
from tirjax.data.synthetic.scene import Scene, sample_scene
from tirjax.data.synthetic.settings import Settings
from tirjax.data.synthetic.shapes import (
    COLOUR,
    TARGET,
    TEMPERATURE,
    Grain,
    extent,
    paint,
    silhouette,
)
from tirjax.typing import Array, Float, Int, Key, Num


class Clip(NamedTuple):
    """Frames with their truth; both modalities are pixel aligned.

    Attributes:
      rgb: ``[t, rows, cols, 3]`` uint8.
      tir: ``[t, rows, cols, 1]`` uint8, after automatic gain and polarity.
      boxes: ``[t, 4]`` float32, tight around the whole target: behind occluders and
        beyond the image too; pixels.
      visible: ``[t]`` share of the target's area that is in the image and unoccluded.
      facts: measured quantities.
      counts: ``[t, rows, cols, 1]`` uint16, the thermal sensor's 14 bits before gain;
        None unless ``settings.radiometric``.
    """

    rgb: Num[Array, "t rows cols 3"]
    tir: Num[Array, "t rows cols 1"]
    boxes: Float[Array, "t 4"]
    visible: Float[Array, " t"]
    facts: facts.Facts
    counts: Num[Array, "t rows cols 1"] | None


def _mirrored(index, n):
    """Folds an index into 0..n-1, repeating the world mirrored."""
    index = jnp.mod(index, 2 * n)
    return jnp.where(index < n, index, 2 * n - 1 - index)


def _background(scene: Scene, settings: Settings, view: View, smear):
    """The world through the camera, blurred by its motion: ``[4, rows, cols]``."""
    margin = max(2, settings.rows // 32)
    shape = settings.rows + 2 * margin, settings.cols + 2 * margin
    rows, cols = jnp.mgrid[: shape[0], : shape[1]]
    pixels = jnp.stack([cols, rows], -1).reshape(-1, 2) + 0.5 - margin
    at = to_world(view, pixels) + jnp.array(scene.world.shape[1::-1]) / 2 - 0.5
    low = jnp.floor(at)
    fx, fy = (at - low).T[:, :, None]
    x, y = low.astype(jnp.int32).T
    table = scene.world.reshape(-1, 4)
    height, width = scene.world.shape[:2]
    read = lambda dy, dx: table[
        _mirrored(y + dy, height) * width + _mirrored(x + dx, width)
    ]
    top = read(0, 0) + fx * (read(0, 1) - read(0, 0))
    below = read(1, 0) + fx * (read(1, 1) - read(1, 0))
    picture = (top + fy * (below - top)).T.reshape(4, *shape)
    # Five exposures, each moved by whole pixels: slices, not gathers.
    share = jnp.linspace(-0.5, 0.5, 5)[:, None]
    steps = jnp.clip(jnp.round(share * smear), -margin, margin).astype(jnp.int32)
    size = (4, settings.rows, settings.cols)
    take = lambda step: jax.lax.dynamic_slice(
        picture, (jnp.int32(0), margin - step[1], margin - step[0]), size
    )
    return jnp.stack([take(step) for step in steps]).mean(0)


def _paint_objects(scene: Scene, settings: Settings, canvas, posed: Posed, smear):
    """Everyone, back to front; each in a window that lies inside the image."""
    side = settings.window
    limit = jnp.array([settings.rows - side, settings.cols - side])
    starts = jnp.clip(jnp.floor(posed.centre[:, ::-1] - side / 2), 0, limit)
    starts = starts.astype(jnp.int32)

    def body(k, canvas):
        i = scene.order[k]
        one = lambda tree: jax.tree.map(lambda leaf: leaf[i], tree)
        return paint(
            canvas,
            one(posed.parts),
            one(posed.grain),
            smear[i],
            starts[i],
            (side, side),
        )

    return jax.lax.fori_loop(0, scene.count, body, canvas)


def _paint_occluders(scene: Scene, settings: Settings, canvas, view: View, t):
    """What is in front of everyone, on the whole image."""
    parts = pose_occluders(scene.occluders, scene.motion, view, t)
    grain = Grain(scene.waves, to_image(view, jnp.zeros(2)), jnp.eye(2) / view.zoom)
    start, shape = jnp.zeros(2, jnp.int32), (settings.rows, settings.cols)

    def body(i, canvas):
        one = jax.tree.map(lambda leaf: leaf[i], parts)
        return paint(canvas, one, grain, jnp.zeros(2), start, shape)

    return jax.lax.fori_loop(0, scene.occluders.count, body, canvas)


class Shot(NamedTuple):
    """One composed frame: canvas, objects and their smear, the target's box and mask.

    Attributes:
      whole: area of the target as if nothing hid it, pixels.
      within: share of it inside the image.
    """

    canvas: Float[Array, "5 rows cols"]
    view: View
    posed: Posed
    smear: Float[Array, "n 2"]
    box: Float[Array, "4"]
    whole: Float[Array, ""]
    within: Float[Array, ""]


def compose(scene: Scene, settings: Settings, t: Float[Array, ""]) -> Shot:
    """Paints one moment, and measures the target alone."""
    motion, camera, jolt = scene.motion, scene.motion.camera, scene.motion.jolt
    half = 0.5 * motion.exposure
    before, now, after = [look(camera, jolt, t + s * half) for s in (-1.0, 0.0, 1.0)]
    smear = moved(scene.moves, motion, before, after, t - half, t + half)
    under = to_world(now, camera.middle)
    drift = to_image(after, under) - to_image(before, under)

    cross = scene.crossover
    sunk = pulse(t, cross.time, cross.width) * (cross.depth > 0)
    fade = jnp.ones(settings.objects).at[0].set(1.0 - cross.depth * sunk)
    air = jnp.full(settings.objects, scene.site.air)
    ground = air.at[0].add(sunk * (cross.ground - scene.site.air))
    posed = pose(scene.look, scene.moves, motion, now, ground, fade, t)
    target = jax.tree.map(lambda leaf: leaf[0], posed.parts)

    world = _background(scene, settings, now, drift)
    canvas = jnp.concatenate([world, jnp.zeros_like(world[:1])])
    canvas = _paint_objects(scene, settings, canvas, posed, smear)
    canvas = _paint_occluders(scene, settings, canvas, now, t)

    # A window around the target that may leave the image, unlike the one it is
    # painted in.
    side = settings.window
    corner = jnp.floor(posed.centre[0, ::-1] - side / 2).astype(jnp.int32)
    cover = silhouette(target, corner, side, smear[0])
    y, x = corner[0] + jnp.arange(side), corner[1] + jnp.arange(side)
    within = ((y >= 0) & (y < settings.rows))[:, None] & (x >= 0) & (x < settings.cols)
    area = jnp.maximum(cover.sum(), 1e-3)
    return Shot(
        canvas=canvas,
        view=now,
        posed=posed,
        smear=smear,
        box=extent(target.centre, target.axes, target.boxy, target.solid),
        whole=area,
        within=(cover * within).sum() / area,
    )


def _frame(scene: Scene, settings: Settings, time: Int[Array, ""]) -> Clip:
    """One frame: pictures, box, visible share, facts."""
    t = time.astype(jnp.float32)
    shot, sensor = compose(scene, settings, t), scene.sensor
    thermal, colour = jax.random.split(jax.random.fold_in(scene.key, time))
    degrees = cameras.expose(sensor, shot.canvas[TEMPERATURE], thermal)
    mean = degrees.mean()
    tir = cameras.display(sensor, degrees, mean, t)
    rgb = cameras.develop(sensor, shot.canvas[COLOUR], colour)
    shows = shot.canvas[TARGET]
    contrast, clutter = facts.surroundings(tir, shows, shot.box)
    size = target_size(scene.motion, t) * shot.view.zoom
    whole = lambda picture: jnp.clip(jnp.round(picture), 0, 255).astype(jnp.uint8)
    return Clip(
        rgb=whole(rgb),
        tir=whole(tir)[..., None],
        boxes=shot.box,
        visible=jnp.clip(shows.sum() / shot.whole, 0.0, 1.0),
        facts=facts.Facts(
            inside=shot.within,
            contrast=contrast,
            clutter=clutter,
            smear=jnp.linalg.norm(shot.smear[0]),
            bend=facts.bend(scene, shot.posed),
            rival=facts.rival(scene, shot.posed, size),
            level=cameras.display(sensor, sensor.level.mean(), mean, t),
            sensed=size / sensor.factor,
        ),
        counts=cameras.counts(degrees)[..., None] if settings.radiometric else None,
    )


def render_frames(scene: Scene, times: Int[Array, " t"], settings: Settings) -> Clip:
    """Renders some frames of a scene, one after the other: memory is one frame's.

    Args:
      scene: from ``sample_scene`` with the same settings.
      times: frame numbers, 0 to ``settings.frames - 1``, in any order.
      settings: shapes.
    """
    return jax.lax.map(lambda time: _frame(scene, settings, time), times)


def render(key: Key[Array, ""], settings: Settings) -> Clip:
    """A whole clip from one key; ``jit`` it once, ``vmap`` it over keys."""
    scene = sample_scene(key, settings)
    return render_frames(scene, jnp.arange(settings.frames), settings)
