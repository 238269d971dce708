"""Siamese pairs from the synthetic world, rendered on the device inside the step."""

import dataclasses

import jax
import jax.numpy as jnp

from tirjax.data.sequence import DataError
from tirjax.data.synthetic import Settings, render_frames, sample_scene
from tirjax.data.synthetic.dataset import PRESENT
from tirjax.data.training.numbered import Numbered, keys_of
from tirjax.data.training.rendered import Modality, inside, sample_times
from tirjax.data.training.samples import Sample
from tirjax.data.training.siamese_feed import CROPPING, MIX, Mix
from tirjax.data.training.siamese_pairs import EASY, Cropping, Drawn, Pairs, make_pair
from tirjax.typing import Array, Int, Key


@dataclasses.dataclass(frozen=True)
class RenderedSiamese(Numbered):
    """A feed without files: two frames of a synthetic scene a pair.

    The easy negatives of two examples in a row show each other's scene. Classes are
    ``tirjax.data.synthetic.kinds.KINDS``, in order. Hard negatives may be closer than
    ``mix.apart``: their corner shows no target in the middle anyway.

    Attributes:
      settings: of the world.
      mix: which pairs; its gap counts frames.
      cropping: of the frames.
      batch: pairs of a step, even; so is what a device gets of it.
      modality: ``'tir'`` or ``'rgb'``.
      lanes: scenes rendered at once: 1 suits a CPU, an accelerator more.

    Raises:
      DataError: settings that make no sense.
    """

    settings: Settings
    mix: Mix = MIX
    cropping: Cropping = CROPPING
    batch: int = 8
    modality: Modality = "tir"
    lanes: int = 1

    def __post_init__(self):
        if self.batch < 2 or self.batch % 2 or self.lanes < 1:
            raise DataError(
                f"batch {self.batch}, lanes {self.lanes}: the batch must be even, "
                "lanes at least 1"
            )
        self.mix.check()

    def make(self, raw: Int[Array, " b"], key: Key[Array, ""]) -> Pairs:
        """Renders and crops the pairs with these numbers.

        Args:
          raw: their numbers, in order, whole twos.
          key: of the whole run.
        """
        scenes, kinds, corners = jax.random.split(key, 3)
        render = lambda k: render_two(k, self.settings, self.mix.gap, self.modality)
        samples, classes = self.rendered(render, keys_of(scenes, raw))
        chances = jnp.log(jnp.asarray(self.mix.shares))
        choose = lambda k: jax.random.categorical(k, chances)
        kind = jax.vmap(choose)(keys_of(kinds, raw)).astype(jnp.int32)

        def swapped(x):
            """The search frame of an easy negative is that of the other of the two."""
            twos = x.reshape(-1, 2, *x.shape[1:])
            other = twos[:, ::-1].reshape(x.shape)
            easy = (kind == EASY).reshape(-1, *[1] * (x.ndim - 2))
            return x.at[:, 1].set(jnp.where(easy, other[:, 1], x[:, 1]))

        drawn = Drawn(jax.tree.map(swapped, samples), kind, classes)
        one = lambda d, k: make_pair(d, k, self.cropping)
        return jax.vmap(one)(drawn, keys_of(corners, raw))


def render_two(
    key: Key[Array, ""], settings: Settings, gap: int, modality: Modality = "tir"
) -> tuple[Sample, Int[Array, ""]]:
    """Two frames of a new scene in any order, and the kind of its target.

    Of three frames that are drawn a hidden one gives way to another.

    Args:
      key: of scene and times.
      settings: of the world.
      gap: most frames between the two; ``2 gap`` if one gave way.
      modality: whether they are thermal or colour. Static.
    """
    for_scene, for_times, for_order = jax.random.split(key, 3)
    scene = sample_scene(for_scene, settings)
    times = sample_times(for_times, (2, 1), gap, settings.frames)
    # The base frame and the one after it are first.
    clip = render_frames(scene, times[jnp.array([0, 2, 1])], settings)
    best = jnp.argsort(clip.visible < PRESENT, stable=True)[:2]
    chosen = jax.random.permutation(for_order, best)
    size = jnp.array([settings.rows, settings.cols], jnp.int32)
    sample = Sample(
        pixels=getattr(clip, modality)[chosen],
        sizes=jnp.broadcast_to(size, (2, 2)),
        boxes=inside(clip.boxes[chosen], size),
    )
    return sample, scene.look.kind[0].astype(jnp.int32)
