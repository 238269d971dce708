"""Feature maps of one place of a frame, a block each, all covering the same square.

Maps differ in their number of cells. Their Fourier series live on one grid.

Source: Danelljan et al., ECO, CVPR 2017; Zhang et al., Synthetic data generation for
end-to-end thermal infrared tracking, TIP 2019 (motion), and their published settings.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from tirjax.backbones.trunk import Trunk
from tirjax.trackers.eco.config import Block, Config
from tirjax.trackers.eco.layout import Cut, Layout
from tirjax.trackers.eco.sample import cell_means, hand_crafted, motion, patch
from tirjax.typing import Array, Float, Frame, PyTree


class Picture(NamedTuple):
    """What features are taken from.

    Attributes:
      frame: the picture.
      background: an earlier one of the same size, or None where nothing moves.
    """

    frame: Frame
    background: Frame | None


class Extractor(NamedTuple):
    """Settings and static sizes of the features. Hashable.

    Attributes:
      config: of the tracker.
      sizes: of its arrays.
      trunk: network of its deep blocks, or None.
    """

    config: Config
    sizes: Layout
    trunk: Trunk | None = None

    def __call__(
        self,
        params: PyTree,
        picture: Picture,
        position: Float[Array, "2"],
        scale: Float[Array, ""],
    ) -> tuple[Float[Array, "m m raw"], ...]:
        """Maps of mean square one, or of that of their block's weight.

        Args:
          params: of the network; not read without one.
          picture: where to look.
          position: centre ``(row, col)``, whole, index coordinates.
          scale: image pixels per sample pixel.
        """
        sizes, cuts = self.sizes, self.sizes.cuts
        see = lambda frame, side: patch(frame, position, scale, side)
        image = see(picture.frame, sizes.support)
        maps: dict[str, Any] = {}
        if self.trunk is not None and self.config.deep:
            same = sizes.image == sizes.support
            wide = image if same else see(picture.frame, sizes.image)
            maps = self.trunk.run(params, wide[None])[0]

        def one(block: Block, cut: Cut | None):
            if cut is not None:
                return _part(maps[block.layer][0], cut).astype(image.dtype)
            if block.kind != "motion":
                return hand_crafted(block, image)
            assert picture.background is not None  # as _initialise made it
            before = see(picture.background, sizes.support)
            return motion(image, before, block.cell, self.config.motion_threshold)

        blocks = zip(self.config.blocks, cuts, strict=True)
        return tuple(_normalise(one(b, cut), b) for b, cut in blocks)


def _part(x, cut: Cut):
    """The part over the support, averaged."""
    inside = slice(cut.first, cut.first + cut.side)
    return cell_means(x[inside, inside], cut.pool)


def _normalise(x, block: Block):
    """Scales a block to mean square one, times its weight."""
    # Hand-crafted maps are made channels first; a CPU sums them three times as fast so.
    made = x if block.kind == "deep" else jnp.moveaxis(x, -1, 0)
    unit = x * jax.lax.rsqrt((made**2).mean() + jnp.finfo(x.dtype).tiny)
    return unit if block.weight == 1.0 else unit * block.weight


def next_background(picture: Picture, trained: Array, rate: float) -> Frame | None:
    """The background of the next frame: it moves where the filter was trained.

    Args:
      picture: the frame and its background.
      trained: whether the filter was trained on the frame.
      rate: share of the frame in the new background.
    """
    if picture.background is None:
        return None
    old, new = picture.background.pixels, picture.frame.pixels
    if rate < 1:
        mixed = (1 - rate) * old.astype(jnp.float32) + rate * new.astype(jnp.float32)
        whole = new.dtype == jnp.uint8
        new = (jnp.round(mixed) if whole else mixed).astype(new.dtype)
    return picture.background._replace(pixels=jnp.where(trained, new, old))
