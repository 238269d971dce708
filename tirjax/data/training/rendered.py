"""Samples from the synthetic world, rendered on the device inside the training step."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp

from tirjax.data.synthetic import Clip, Settings, render_frames, sample_scene
from tirjax.data.synthetic.dataset import PRESENT
from tirjax.data.training.numbered import Numbered, keys_of
from tirjax.data.training.processing import Processing, process
from tirjax.data.training.samples import Examples, Sample
from tirjax.typing import Array, Float, Int, Key

Modality = Literal["tir", "rgb"]


def sample_times(
    key: Key[Array, ""], frames: tuple[int, int], gap: int, length: int
) -> Int[Array, " n"]:
    """Frame numbers around a base frame: train frames up to it, test frames after it.

    Args:
      key: of the draw.
      frames: numbers of train and of test frames.
      gap: how far they may be from the base frame.
      length: frames of the clip.
    """
    middle, before, after = jax.random.split(key, 3)
    train, test = frames
    base = jax.random.randint(middle, (), 0, length - 1)
    back = jax.random.randint(before, (train,), 1, gap + 1).at[0].set(0)
    ahead = jax.random.randint(after, (test,), 1, gap + 1)
    return jnp.clip(jnp.concatenate([base - back, base + ahead]), 0, length - 1)


def _shown(clip: Clip, train: int) -> Int[Array, " n"]:
    """Which frame to take for each: itself, or the one of its kind that shows most."""
    places = jnp.arange(len(clip.visible))
    kind = places < train
    rank = jnp.where(kind[:, None] == kind, clip.visible, -1.0)
    return jnp.where(clip.visible >= PRESENT, places, rank.argmax(1))


def inside(boxes: Float[Array, "n 4"], size: Int[Array, "2"]) -> Float[Array, "n 4"]:
    """Boxes cut at the border of an image, as people annotate; at least a pixel.

    Args:
      boxes: pixels.
      size: ``(rows, cols)`` of the image.
    """
    limit = size[::-1].astype(boxes.dtype)
    low = jnp.clip(boxes[:, :2], 0.0, limit - 1)
    high = jnp.clip(boxes[:, :2] + boxes[:, 2:], low + 1, limit)
    return jnp.concatenate([low, high - low], axis=1)


def render_sample(
    key: Key[Array, ""],
    settings: Settings,
    frames: tuple[int, int] = (3, 3),
    gap: int = 30,
    modality: Modality = "tir",
) -> Sample:
    """Frames of a new scene.

    A frame on which the target hardly shows gives way to the one of its kind (train or
    test) on which it shows most.

    Args:
      key: of scene and times.
      settings: of the world.
      frames: numbers of train and of test frames.
      gap: as for ``sample_times``.
      modality: whether they are thermal or colour. Static.
    """
    scene, times = jax.random.split(key)
    times = sample_times(times, frames, gap, settings.frames)
    clip = render_frames(sample_scene(scene, settings), times, settings)
    chosen = _shown(clip, frames[0])
    size = jnp.array([settings.rows, settings.cols], jnp.int32)
    return Sample(
        pixels=getattr(clip, modality)[chosen],
        sizes=jnp.broadcast_to(size, (len(times), 2)),
        boxes=inside(clip.boxes[chosen], size),
    )


@dataclasses.dataclass(frozen=True)
class Rendered(Numbered):
    """A feed without files: an example is a function of its number.

    Attributes:
      settings: of the world.
      processing: of its frames.
      batch: examples of a step.
      test_frames: how many frames to find the target in.
      gap: as for ``sample_times``.
      lanes: scenes rendered at once: 1 suits a CPU, an accelerator more.
      repeats: examples made of one scene, each with crops and changes of its own; it
        divides what a device gets of a batch.
      modality: ``'tir'`` or ``'rgb'``.
    """

    settings: Settings
    processing: Processing
    batch: int
    test_frames: int = 3
    gap: int = 30
    lanes: int = 1
    repeats: int = 1
    modality: Modality = "tir"

    def make(self, raw: Int[Array, " b"], key: Key[Array, ""]) -> Examples:
        """Renders and crops the examples with these numbers.

        Args:
          raw: their numbers, in order, whole scenes.
          key: of the whole run.
        """
        frames = self.processing.train_frames, self.test_frames

        scenes, changes = jax.random.split(key)
        render = lambda k: render_sample(
            k, self.settings, frames, self.gap, self.modality
        )
        drawn = keys_of(scenes, raw[:: self.repeats] // self.repeats)
        samples = self.rendered(render, drawn)
        samples = jax.tree.map(lambda x: jnp.repeat(x, self.repeats, axis=0), samples)
        one = lambda sample, k: process(sample, k, self.processing)
        return jax.vmap(one)(samples, keys_of(changes, raw))
