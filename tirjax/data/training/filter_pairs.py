"""Pairs of crops that features for correlation filters learn from.

The target is in the middle of both crops, so their filter is to answer there. A crop
stretches the target's window to a square: its aspect is not kept. What lies outside an
image is zero.

Source: Wang et al., DCFNet: Discriminant Correlation Filters Network for Visual
Tracking, arXiv 1704.04057, 2017, and its published training code.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.sequence import DataError
from tirjax.data.training.samples import Sample
from tirjax.typing import Array, Float, Frame, Int


class FilterPairs(NamedTuple):
    """Crops of one target; a batch has one leading axis more.

    Attributes:
      target: ``[s, s, c]`` a filter is learned from it, 0..255.
      search: ``[s, s, c]`` and answers here.
    """

    target: Float[Array, "s s c"]
    search: Float[Array, "s s c"]


@dataclasses.dataclass(frozen=True)
class Stretch:
    """How crops are made; defaults are DCFNet's.

    Attributes:
      side: of the crops, pixels.
      padding: window beyond the target, in sizes of the target.

    Raises:
      DataError: a side below 8 pixels or a negative padding.
    """

    side: int = 125
    padding: float = 2.0

    def __post_init__(self):
        if self.side < 8 or not self.padding >= 0:
            raise DataError(
                f"crops of {self.side} pixels, padding {self.padding}: at least 8 "
                "pixels, no negative padding"
            )


def _hats(
    middle: Float[Array, ""],
    length: Float[Array, ""],
    side: int,
    size: Int[Array, ""],
    room: int,
) -> Float[Array, "{side} {room}"]:
    """Bilinear weights of an axis' pixels; those from ``size`` on have none."""
    # The first and the last sample lie on the window's edges, as MatConvNet's do.
    at = middle - 0.5 + length * jnp.linspace(-0.5, 0.5, side)
    pixels = jnp.arange(room)
    near = jnp.maximum(1.0 - jnp.abs(at[:, None] - pixels), 0.0)
    return jnp.where(pixels < size, near, 0.0)


def stretched(
    frame: Frame, box: Float[Array, "4"], how: Stretch
) -> Float[Array, "s s c"]:
    """Bilinear crop of the window around a target.

    Args:
      frame: source; nothing beyond ``frame.size`` is read.
      box: target, pixels.
      how: static.
    """
    rows, cols = frame.pixels.shape[:2]
    middle, length = box[:2] + box[2:] / 2, (1 + how.padding) * box[2:]
    down = _hats(middle[1], length[1], how.side, frame.size[0], rows)
    across = _hats(middle[0], length[0], how.side, frame.size[1], cols)
    pixels = frame.pixels.astype(down.dtype)
    return jnp.einsum("pr,rkc,qk->pqc", down, pixels, across)


def make_filter_pair(sample: Sample, how: Stretch) -> FilterPairs:
    """The crops of a sample of two frames: that of the target and a later one."""
    crop = lambda pixels, size, box: stretched(Frame(pixels, size), box, how)
    target, search = jax.vmap(crop)(sample.pixels, sample.sizes, sample.boxes)
    return FilterPairs(target, search)
