"""Static sizes of ECO: what a target's first size decides before anything compiles.

Source: Danelljan et al., ECO, CVPR 2017, and its published settings.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp

from tirjax.backbones.trunk import Trunk
from tirjax.ops.fourier import odd
from tirjax.trackers.eco.config import Block, Config
from tirjax.typing import Array, Float


class Cut(NamedTuple):
    """The part of a deep map that covers the support.

    Attributes:
      first: row and column.
      side: of the part, cells of the map.
      pool: cells averaged along each axis.
    """

    first: int
    side: int
    pool: int


class Layout(NamedTuple):
    """Array sizes of one tracker. Equal layouts share a compiled program.

    Attributes:
      support: side of the square sample, pixels.
      maps: side of each block's feature map, cells.
      filters: side of each block's filter, odd.
      template: ``(rows, columns)`` of the scale filter's template, pixels.
      image: side of what the network sees, at least the support; 0 without one.
      cuts: of every block's map; None for one that is not deep.
    """

    support: int
    maps: tuple[int, ...]
    filters: tuple[int, ...]
    template: tuple[int, int] | None
    image: int = 0
    cuts: tuple[Cut | None, ...] = ()

    @property
    def output(self) -> int:
        """Side of the score map."""
        return max(self.filters)


def _nearest(x: float) -> int:
    return math.floor(x + 0.5)


def _limits(config: Config) -> tuple[float, float]:
    return (config.max_area if config.fixed_size else config.min_area), config.max_area


def sample_scale(config: Config, size: Float[Array, "2"]) -> Float[Array, ""]:
    """Image pixels per sample pixel at first, for a target of ``size`` pixels."""
    area = jnp.prod(size) * config.search_scale**2
    return jnp.sqrt(area / jnp.clip(area, *_limits(config)))


def _support(config: Config, side: float) -> int:
    """A whole number of the coarsest cells, then the odd maps' preference."""
    coarse = max(block.cell for block in config.blocks)
    size = (1 + 2 * _nearest(side / (2 * coarse))) * coarse
    odds = lambda extra: sum((size + extra) // b.cell % 2 for b in config.blocks)
    return size + max(range(coarse), key=odds)


class _Deep(NamedTuple):
    """Support, what the network sees, and the parts of its maps by layer and cell."""

    support: int
    image: int
    cuts: dict[tuple[str, int], Cut]


def _deep(config: Config, trunk: Trunk, side: float) -> _Deep:
    """Sizes that real convolutions leave, an odd number of the coarsest cells."""
    blocks = [block for block in config.blocks if block.kind == "deep"]
    strides = trunk.strides
    coarsest = max(blocks, key=lambda block: strides[block.layer])
    stride = strides[coarsest.layer]
    pool = coarsest.cell // stride
    cells = lambda image: trunk.cells(coarsest.layer, image)
    image = _nearest(side)
    first = cells(image) // pool
    while cells(image) // pool < first + 1 + first % 2:
        image += 1
    whole = cells(image)
    excess = max(2 * math.ceil((stride * whole - image) / (2 * stride)), 0)
    support = stride * (whole - excess)

    def cut(block: Block) -> Cut:
        size = _nearest(support / strides[block.layer])
        start = (trunk.cells(block.layer, image) - size) // 2
        return Cut(start, size, block.cell // strides[block.layer])

    return _Deep(support, image, {(b.layer, b.cell): cut(b) for b in blocks})


def _check(config: Config, trunk: Trunk | None) -> None:
    """Refuses deep blocks that the network cannot give."""
    for block in config.blocks:
        if block.kind != "deep":
            continue
        if trunk is None:
            raise ValueError(f"{block} needs a network; pass eco(..., trunk=...)")
        stride = trunk.strides.get(block.layer)
        if stride is None or block.cell < stride or block.cell % stride:
            raise ValueError(
                f"{block}: layers and strides are {trunk.strides}; a cell is a multiple"
            )


def layout(
    config: Config, size: tuple[float, float], trunk: Trunk | None = None
) -> Layout:
    """Sizes for a target of ``size`` ``(w, h)``, pixels.

    Args:
      config: settings.
      size: of the target.
      trunk: network of its deep blocks.

    Raises:
      ValueError: the network is missing, or does not have these blocks.
    """
    _check(config, trunk)
    w, h = float(size[0]), float(size[1])
    low, high = _limits(config)
    side = math.sqrt(min(max(w * h * config.search_scale**2, low), high))
    if trunk is not None and config.deep:
        support, image, parts = _deep(config, trunk, side)
    else:
        support, image, parts = _support(config, side), 0, {}
    cuts = tuple(parts.get((block.layer, block.cell)) for block in config.blocks)
    maps = tuple(
        support // block.cell if cut is None else cut.side // cut.pool
        for block, cut in zip(config.blocks, cuts, strict=True)
    )
    scale, template = config.scale_filter, None
    if scale is not None:
        shrink = min(1.0, math.sqrt(scale.area / (w * h)))
        followed = (max(int(h * shrink), 8), max(int(w * shrink), 8))
        template = scale.template or followed
    filters = tuple(map(odd, maps))
    return Layout(support, maps, filters, template, image, cuts)
