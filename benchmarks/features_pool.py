"""Scenes in both spectra, a translator between them, and the crops of each source.

Everything is made once and kept in the workdir, so all rows learn from the same scenes.
"""

import functools
import itertools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables, save_variables
from tirjax.data import Sequence, open_sequence
from tirjax.data.synthetic import Synthetic, preset, render_frames, sample_scene
from tirjax.data.training.filter_pairs import Stretch, make_filter_pair
from tirjax.data.training.rendered import inside, sample_times
from tirjax.data.training.samples import Sample
from tirjax.data.training.siamese_pairs import grey
from tirjax.tasks.gan import Images, adam, linear_decay
from tirjax.tasks.pix2pix import pix2pix_task
from tirjax.translators import PatchGAN, ResNetGenerator

SCENES, PAIRS, CLIPS = 40_000, 50_000, 10_000  # seeds, none of them shared
GAP, SIDE = 10, 96  # frames between the two of a scene; pixels of a translator's crops
WORLD = preset("day", rows=192, cols=240)
BATCH_NORM = Norm(batch=True)


def _generator(width: int) -> ResNetGenerator:
    return ResNetGenerator(3, 1, width, kind="batch", norm=BATCH_NORM, dropout=0.0)


@jax.jit
def _moments(key, world):
    """Two frames of a scene in both spectra, and where the target is."""
    scene, times = jax.random.split(key)
    chosen = sample_times(times, (1, 1), GAP, world.frames)
    clip = render_frames(sample_scene(scene, world), chosen, world)
    size = jnp.array([world.rows, world.cols], jnp.int32)
    return clip.tir, clip.rgb, inside(clip.boxes, size), clip.visible.min()


def scenes(file: Path, seed: int, count: int) -> dict[str, np.ndarray]:
    """Frames ``tir``, ``rgb`` and ``boxes`` of scenes that show their target twice."""
    if not file.exists():
        found: list[Any] = []
        for number in itertools.count():
            key = jax.random.fold_in(jax.random.key(seed), number)
            *moment, shown = jax.device_get(_moments(key, WORLD))
            found += [moment] if shown >= 0.3 else []
            if len(found) == count:
                break
        parts = zip(("tir", "rgb", "boxes"), zip(*found, strict=True), strict=True)
        np.savez(file, **{name: np.stack(values) for name, values in parts})
    with np.load(file) as data:
        return dict(data)


def _signed(pixels: np.ndarray) -> np.ndarray:
    """Frames as a translator takes them, -1 to 1."""
    return pixels / np.float32(127.5) - 1


def _cut(rng: np.random.Generator, *frames: np.ndarray) -> list[np.ndarray]:
    """The same crops of four frames of both spectra, mirrored or not."""
    rows, cols = frames[0].shape[1:3]
    cuts = []
    for number in rng.integers(len(frames[0]), size=4):
        row, col = rng.integers(rows - SIDE), rng.integers(cols - SIDE)
        flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
        inside = slice(row, row + SIDE), slice(col, col + SIDE)
        cuts.append([x[number][inside][:, flip] for x in frames])
    return [_signed(np.stack(x)) for x in zip(*cuts, strict=True)]


def translator(folder: Path, pairs: int, steps: int, width: int) -> Any:
    """Variables of a pix2pix generator from colour to thermal, without any boxes."""
    if not folder.exists():
        shown = scenes(folder.with_name("pairs.npz"), PAIRS, pairs)
        frames = [np.concatenate(shown[kind]) for kind in ("rgb", "tir")]
        # More than pix2pix's rate, because there are so few updates.
        rate = linear_decay(max(1, steps // 200), rate=5e-4)
        judge = PatchGAN(width=width, norm=BATCH_NORM)
        task = pix2pix_task(_generator(width), judge, adam(rate), SIDE)
        state, rng = jax.jit(task.init)(jax.random.key(0)), np.random.default_rng(0)
        step = jax.jit(lambda s, b, k: task.update(s, b, k, lambda x: x))
        for number in range(steps):
            batch = Images(*_cut(rng, *frames))
            state, metrics = step(state, batch, jax.random.key(number))
            if number % 100 == 0:
                found = {k: round(float(v), 3) for k, v in metrics.items()}
                print(f"translator {number}: {found}", flush=True)
        save_variables(folder, jax.device_get(task.variables(state)), {})
    return load_variables(folder)


def translated(rgb: np.ndarray, variables: Any, width: int) -> np.ndarray:
    """Colour frames as thermal ones, each alone, with its own statistics."""
    net = _generator(width)

    @jax.jit
    def run(image):
        return net.apply(variables, image, mutable=["batch_stats"])[0]

    found = [np.asarray(run(_signed(image[None])))[0] for image in rgb]
    return np.rint((np.stack(found) + 1) * 127.5).astype(np.uint8)


def errors(found: np.ndarray, thermal: np.ndarray) -> dict[str, float]:
    """Mean absolute errors in grey levels: of a translation, and of two that know less.

    Args:
      found: translated frames, ``[n, rows, cols, 1]``.
      thermal: those they should be.
    """
    truth = thermal.astype(float)
    guesses = {
        "translation": found.astype(float),
        "each frame's mean": truth.mean((1, 2, 3), keepdims=True),
        "middle grey": np.full_like(truth, 127.5),
    }
    return {k: float(np.abs(x - truth).mean().round(1)) for k, x in guesses.items()}


def crops(
    pixels: np.ndarray, boxes: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of the two crops of every scene."""
    size = np.tile(np.int32(pixels.shape[2:4]), (2, 1))

    @jax.jit
    def cut(x, box):
        flat = grey(x.astype(jnp.float32))
        return make_filter_pair(Sample(flat, size, box), Stretch(side))

    pairs = [jax.device_get(cut(x, box)) for x, box in zip(pixels, boxes, strict=True)]
    byte = lambda found: np.stack(found).round().astype(np.uint8)
    return byte([p.target for p in pairs]), byte([p.search for p in pairs])


@functools.cache
def clips(
    count: int, frames: int, real: tuple[Path, ...], real_frames: int
) -> tuple[tuple[str, Sequence, list[np.ndarray]], ...]:
    """Thermal sequences to measure on, their kind first, their frames last."""
    held_out = preset("mixed", frames=frames, typical=WORLD.typical)
    world = Synthetic(held_out, count=count, seed=CLIPS)
    found = [("synthetic", clip, list(clip.frames)) for clip in world]
    for path in real:
        sequence = open_sequence(path)
        shown = list(itertools.islice(sequence.frames, real_frames))
        found.append(("real", sequence, shown))
    return tuple(found)
