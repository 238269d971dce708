"""Static sizes of ECO: what a target's first size decides before anything compiles.

Source: Danelljan et al., ECO, CVPR 2017, and its published settings.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp

from tirjax.ops.fourier import odd
from tirjax.trackers.eco.config import Config
from tirjax.typing import Array, Float


class Layout(NamedTuple):
    """Array sizes of one tracker. Equal layouts share a compiled program.

    Attributes:
      support: side of the square sample, pixels.
      maps: side of each block's feature map, cells.
      filters: side of each block's filter, odd.
      template: ``(rows, columns)`` of the scale filter's template, pixels.
    """

    support: int
    maps: tuple[int, ...]
    filters: tuple[int, ...]
    template: tuple[int, int] | None

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


def layout(config: Config, size: tuple[float, float]) -> Layout:
    """Sizes for a target of ``size`` ``(w, h)``, pixels."""
    w, h = float(size[0]), float(size[1])
    low, high = _limits(config)
    side = math.sqrt(min(max(w * h * config.search_scale**2, low), high))
    support = _support(config, side)
    maps = tuple(support // block.cell for block in config.blocks)
    scale, template = config.scale_filter, None
    if scale is not None:
        shrink = min(1.0, math.sqrt(scale.area / (w * h)))
        followed = (max(int(h * shrink), 8), max(int(w * shrink), 8))
        template = scale.template or followed
    return Layout(support, maps, tuple(map(odd, maps)), template)
