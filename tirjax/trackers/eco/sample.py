"""Patches with ECO's integer arithmetic, and their hand-crafted features.

Positions here are ``(row, col)`` in index coordinates: pixel ``i`` sits at ``i``.

Source: Danelljan et al., ECO, CVPR 2017, and its published settings.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from tirjax.ops.crop import Taps, gather
from tirjax.ops.hog import fhog
from tirjax.ops.stored import stored
from tirjax.trackers.eco.config import Block
from tirjax.typing import Array, Float, Frame


class Window(NamedTuple):
    """One axis of a patch: ``length`` pixels from ``first`` in steps of ``stride``."""

    first: Array
    length: Array
    stride: Array


def whole(position: Float[Array, "2"]) -> Float[Array, "2"]:
    """The nearest pixel, halves away from the top-left corner."""
    return jnp.floor(position + 0.5)


def _axis(window: Window, size: Array, n: int) -> Taps:
    """Bilinear taps over a decimated, border-replicated window, half-pixel centres."""
    last = (size - 1) // window.stride
    at = (jnp.arange(n) + 0.5) * window.length / n - 0.5
    at = jnp.clip(at, 0.0, window.length - 1.0)
    lower = jnp.floor(at)

    def index(i):
        inside = jnp.clip(window.first + i.astype(jnp.int32), 0, last)
        return jnp.clip(inside * window.stride, 0, size - 1)

    upper = jnp.minimum(lower + 1, window.length - 1.0)
    return Taps(index(lower), index(upper), at - lower)


def patch(
    frame: Frame, position: Float[Array, "2"], scale: Float[Array, ""], support: int
) -> Float[Array, "{support} {support} c"]:
    """A square of ``support * scale`` pixels around a whole-pixel position, resampled.

    Large squares are first thinned by a whole factor; bilinear without antialiasing.
    Patches of uint8 frames are rounded to whole grey levels, as the original's are.

    Args:
      frame: source; its border repeats outside.
      position: centre ``(row, col)``, whole, index coordinates.
      scale: image pixels per patch pixel.
      support: side of the patch. Static.
    """
    stride = jnp.maximum(jnp.floor(scale - 0.1), 1.0).astype(jnp.int32)
    length = jnp.maximum(jnp.floor(support * scale / stride + 0.5), 2.0)
    offset = jnp.mod(position.astype(jnp.int32), stride)
    centre = (position.astype(jnp.int32) - offset) // stride
    first = centre + 1 - jnp.floor((length + 1) / 2).astype(jnp.int32)

    def axis(i):
        size = frame.size[i] - offset[i]
        t = _axis(Window(first[i], length, stride), size, support)
        return Taps(t.lower + offset[i], t.upper + offset[i], t.fraction)

    out = gather(frame.pixels, axis(0), axis(1))
    out = jnp.round(out) if frame.pixels.dtype == jnp.uint8 else out
    return stored(out, length > 0)  # several features are taken from it


def _luminance(image):
    weights = jnp.array([0.299, 0.587, 0.114], image.dtype)
    return image @ weights if image.shape[-1] == 3 else image[..., 0]


def cell_means(x: Float[Array, "r c *d"], cell: int) -> Float[Array, "m n *d"]:
    """Mean over whole cells; the remainder is dropped."""
    rows, cols = (n // cell * cell for n in x.shape[:2])
    # A CPU adds slices several times as fast as it reduces two axes.
    parts = [x[i:rows:cell, j:cols:cell] for i in range(cell) for j in range(cell)]
    return functools.reduce(jnp.add, parts) / cell**2


def _intensity_basis(levels: int) -> np.ndarray:
    """Orthonormal basis of the vectors that sum to zero, ``[levels, levels - 1]``."""
    centred = np.eye(levels) - 1 / levels
    return np.linalg.svd(centred)[0][:, : levels - 1]


def intensity_channels(
    gray: Float[Array, "rows cols"], cell: int = 1, levels: int = 6
) -> Float[Array, "m n {levels}-1"]:
    """Soft histogram of every cell: a quadratic B-spline over grey levels.

    Args:
      gray: pixels 0..255.
      cell: side of a cell, pixels.
      levels: number of bins; one degree of freedom is constant and is removed.
    """
    position = 0.5 + gray / 255 * (levels - 2)

    def one(level: int):
        far = jnp.abs(position - level)
        near = 0.75 - far**2
        tail = 0.5 * jnp.maximum(1.5 - far, 0) ** 2
        return cell_means(jnp.where(far <= 0.5, near, tail), cell)

    bins = jnp.stack([one(level) for level in range(levels)])
    # Channels first: a product with few columns is slow on a CPU.
    basis = _intensity_basis(levels).T.astype(bins.dtype)
    return jnp.moveaxis(jnp.tensordot(basis, bins, 1, precision="highest"), 0, -1)


def hand_crafted(block: Block, image: Float[Array, "s s c"]) -> Float[Array, "m m raw"]:
    """Gradients, soft grey levels or the mean grey level of every cell."""
    if block.kind == "hog":
        return fhog(image, block.cell)
    gray = _luminance(image)
    if block.kind == "intensity":
        return intensity_channels(gray, block.cell)
    return cell_means((gray / 255 - 0.5)[..., None], block.cell)


def motion(
    image: Float[Array, "s s c"],
    background: Float[Array, "s s c"],
    cell: int,
    threshold: float,
) -> Float[Array, "m m 1"]:
    """Share of each cell's pixels that differ from the background.

    Args:
      image: pixels 0..255.
      background: an earlier picture of the same place.
      cell: side of a cell, pixels.
      threshold: share of the range that a difference exceeds.
    """
    far = jnp.abs(_luminance(image) - _luminance(background)) > 255 * threshold
    return cell_means(far.astype(image.dtype)[..., None], cell)
