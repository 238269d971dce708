"""Search patches with the whole-pixel arithmetic of DiMP and ATOM, and their geometry.

Positions here are ``(row, col)`` in index coordinates: pixel ``i`` sits at ``i``, so a
box ``(x, y, w, h)`` has its centre at ``(y + (h - 1) / 2, x + (w - 1) / 2)``. Boxes
within a patch are ``(x, y, w, h)`` patch pixels; a target in the middle of a patch of
side ``S`` has ``xy + wh / 2 = S / 2``.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019,
and its published settings.
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp

from tirjax.ops.crop import Taps, gather
from tirjax.typing import Array, Float, Frame, Int


@dataclasses.dataclass(frozen=True)
class Rule:
    """How a patch is cut.

    Attributes:
      border: ``'replicate'`` leaves the image and repeats its border; ``'inside'``
        shrinks and moves the patch until both image axes contain it, where
        ``'inside_major'`` stops at one.
      max_shrink: how far the patch may shrink for it, a factor.
      true_division: halves of lengths keep their .5, as in the published code since
        PyTorch 1.6: one more pixel is read, and the reported centre is off by up to
        half a pixel. The published results come from the integer rule.
    """

    border: str = "replicate"
    max_shrink: float = 1.5
    true_division: bool = False


class View(NamedTuple):
    """Where a patch lies in the image.

    Attributes:
      position: its centre ``(row, col)``, index coordinates.
      scale: image pixels per patch pixel.
    """

    position: Float[Array, "2"]
    scale: Float[Array, ""]


class _Window(NamedTuple):
    """Corners on the thinned image: every ``stride``-th pixel from ``offset``."""

    first: Float[Array, "2"]
    last: Float[Array, "2"]
    offset: Int[Array, "2"]
    stride: Int[Array, ""]


def _shrink(rule: Rule, length, image):
    if rule.border == "replicate":
        return length
    ratio = length / image
    ratio = ratio.max() if rule.border == "inside" else ratio.min()
    return jnp.trunc(length / jnp.clip(ratio, 1.0, rule.max_shrink))


def _move_inside(first, last, image):
    """Shifts a window into the image; one that is longer is centred on it."""
    outside = lambda a, b: (jnp.maximum(-a, 0.0), jnp.maximum(b - image, 0.0))
    low, high = outside(first, last)
    first, last = first + low - high, last + low - high
    low, high = outside(first, last)
    excess = jnp.floor((low + high) / 2)
    shift = jnp.where(excess > 0, -first - excess, 0.0)
    return first + shift, last + shift


def _window(rule: Rule, frame: Frame, position, scale, side: int) -> _Window:
    image = frame.size.astype(position.dtype)
    length = _shrink(rule, jnp.broadcast_to(scale * side, (2,)), image)
    stride = jnp.maximum(jnp.trunc((length / side).min() - 0.1), 1.0)
    point = jnp.trunc(position)
    offset = jnp.mod(point, stride)
    point = (point - offset) / stride
    length = jnp.maximum(jnp.round(length / stride), 2.0)
    before, after = (length - 1) / 2, length / 2
    if not rule.true_division:
        before, after = jnp.floor(before), jnp.floor(after)
    first, last = point - before, point + after + 1
    if rule.border != "replicate":
        thinned = jnp.ceil((image - offset) / stride)
        first, last = _move_inside(first, last, thinned)
    return _Window(first, last, offset.astype(jnp.int32), stride.astype(jnp.int32))


def _taps(window: _Window, axis: int, size: Int[Array, ""], side: int) -> Taps:
    """Bilinear taps over a thinned, border-replicated window, half-pixel centres."""
    first, offset, stride = window.first[axis], window.offset[axis], window.stride
    # Halves are dropped toward zero, on either side of the image's border.
    start = first.astype(jnp.int32)
    count = window.last[axis].astype(jnp.int32) - start
    at = (jnp.arange(side) + 0.5).astype(first.dtype) * (count / side) - 0.5
    at = jnp.maximum(at, 0.0)
    lower = jnp.floor(at).astype(jnp.int32)
    upper = jnp.minimum(lower + 1, count - 1)
    end = (size - offset + stride - 1) // stride - 1
    # A patch so far outside that no pixel is left reads the last one.
    index = lambda i: jnp.clip(
        offset + stride * jnp.clip(start + i, 0, end), 0, size - 1
    )
    return Taps(index(lower), index(upper), at - lower)


def corners(
    frame: Frame,
    position: Float[Array, "2"],
    scale: Float[Array, ""],
    side: int,
    rule: Rule,
) -> Float[Array, "4"]:
    """Image rectangle ``(top, left, bottom, right)`` that ``patch`` reports.

    The offset of a thinned patch is left out, as in the original: up to ``stride - 1``
    pixels.
    """
    window = _window(rule, frame, position, scale, side)
    return jnp.concatenate([window.first, window.last]) * window.stride


def patch(
    frame: Frame,
    position: Float[Array, "2"],
    scale: Float[Array, ""],
    side: int,
    rule: Rule,
) -> tuple[Float[Array, "{side} {side} c"], View]:
    """A square of ``side * scale`` pixels around a position, resampled to ``side``.

    Large squares are first thinned by a whole factor; bilinear without antialiasing.

    Args:
      frame: source.
      position: wanted centre ``(row, col)``, index coordinates; its fraction is cut.
      scale: wanted image pixels per patch pixel, > 0.
      side: side of the patch. Static.
      rule: how the border and halves are handled. Static.

    Returns:
      Pixels in the frame's range, and where they came from.
    """
    window = _window(rule, frame, position, scale, side)
    rows, cols = (_taps(window, axis, frame.size[axis], side) for axis in (0, 1))
    first, last = window.first * window.stride, window.last * window.stride
    where = View(0.5 * (first + last - 1), jnp.sqrt(((last - first) / side).prod()))
    return gather(frame.pixels, rows, cols), where


def from_box(box: Float[Array, "4"]) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
    """Position ``(row, col)`` and size ``(rows, cols)`` of an image box."""
    size = box[2:][::-1]
    return box[:2][::-1] + (size - 1) / 2, size


def to_box(position: Float[Array, "2"], size: Float[Array, "2"]) -> Float[Array, "4"]:
    """Image box ``(x, y, w, h)`` of a position and a size; inverts ``from_box``."""
    return jnp.concatenate([(position - (size - 1) / 2)[::-1], size[::-1]])


def into_patch(
    position: Float[Array, "2"], size: Float[Array, "2"], view: View, side: int
) -> Float[Array, "4"]:
    """Box of a target within a patch, patch pixels."""
    centre = (position - view.position) / view.scale + (side - 1) / 2
    size = size / view.scale
    return jnp.concatenate([(centre - (size - 1) / 2)[::-1], size[::-1]])


def out_of_patch(
    box: Float[Array, "4"], view: View, side: int
) -> tuple[Float[Array, "2"], Float[Array, "2"]]:
    """Position and size of a patch box in the image.

    Not quite the inverse of ``into_patch``: a target that did not move comes back half
    a patch pixel further. So does the original, and its results include it.
    """
    centre = (box[:2] + box[2:] / 2)[::-1]
    position = (centre - (side - 1) / 2) * view.scale + view.position
    return position, box[2:][::-1] * view.scale
