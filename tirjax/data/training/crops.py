"""Training crops with PyTracking's whole-pixel windows, and where boxes land in them.

The window is data and only the side of the crop is static. A crop is not rounded to
bytes, so it differs from OpenCV's by up to one grey level. As in the published code the
last row and the last column of an image are never read: its border is the one before.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019;
Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019; and their
published training code.
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp

from tirjax.data.sequence import DataError
from tirjax.ops.boxes import centre
from tirjax.ops.crop import gather, taps
from tirjax.typing import Array, Float, Frame, Int

BORDERS = ("replicate", "shifted", "inside", "inside_major")


@dataclasses.dataclass(frozen=True)
class Rule:
    """How a window is placed.

    Attributes:
      border: ``'replicate'`` leaves the image and repeats its border (ATOM, and DiMP
        when its weights were published). The others move the window into the image:
        ``'shifted'`` does only that, ``'inside'`` first shrinks it until both image
        axes contain it, where ``'inside_major'`` stops at one.
      max_shrink: how far a window may shrink for it, a factor.

    Raises:
      DataError: ``border`` is another word.
    """

    border: str = "replicate"
    max_shrink: float = 1.5

    def __post_init__(self):
        if self.border not in BORDERS:
            raise DataError(
                f"crop border is {self.border!r}; take one of {', '.join(BORDERS)}"
            )

    def reach(self, side: int) -> int:
        """Twice the position of a crop's middle in the boxes of this rule, pixels."""
        return side - (self.border == "replicate")


class Window(NamedTuple):
    """What a crop shows of an image.

    Attributes:
      first: ``[2]``, its first pixel ``(x, y)``, whole.
      length: ``[2]``, its ``(width, height)``, whole pixels, at least 1.
      origin: ``[2]``, image position that is (0, 0) to boxes in the crop. Not always
        ``first``: under ``'replicate'`` boxes are half a crop pixel to the top left,
        and the rounding of ``first`` is ignored.
    """

    first: Float[Array, "2"]
    length: Float[Array, "2"]
    origin: Float[Array, "2"]


def _shrink(rule: Rule, length, image):
    if rule.border == "shifted":
        return length
    ratio = length / image
    ratio = ratio.max() if rule.border == "inside" else ratio.min()
    # A window as long as the image must not lose a pixel to the quotient's rounding.
    return jnp.floor(length / jnp.clip(ratio, 1.0, rule.max_shrink) + 1e-3)


def _move_inside(first, length, image):
    """First pixel of a window moved into the image; a longer one is centred on it."""
    excess = lambda x: (jnp.maximum(-x, 0.0), jnp.maximum(x + length - image, 0.0))
    before, after = excess(first)
    first = first + before - after
    outside = jnp.floor(sum(excess(first)) / 2)
    return jnp.where(outside > 0, -outside, first)


def window(
    box: Float[Array, "4"], size: Int[Array, "2"], side: int, scale: float, rule: Rule
) -> Window:
    """Window around a box.

    Args:
      box: target or a moved copy of it, image pixels.
      size: true ``(rows, columns)`` of the image.
      side: side of the crop. Static.
      scale: side of the window over that of a square with the area of the box. Static.
      rule: how it is placed. Static.
    """
    middle = centre(box)
    length = jnp.ceil(jnp.sqrt(jnp.prod(jnp.maximum(box[2:], 0.0))) * scale)
    length = jnp.broadcast_to(jnp.maximum(length, 1.0), (2,))
    if rule.border == "replicate":
        origin = middle - rule.reach(side) / 2 * length / side
        return Window(jnp.round(middle - length / 2), length, origin)
    image = size[::-1].astype(length.dtype)
    length = _shrink(rule, length, image)
    first = _move_inside(jnp.round(middle - length / 2), length, image)
    return Window(first, length, first)


def cut(frame: Frame, at: Window, side: int) -> Float[Array, "{side} {side} c"]:
    """Bilinear crop of a window, without antialiasing.

    Args:
      frame: source; its border is repeated outside ``frame.size``.
      at: the window.
      side: side of the crop. Static.

    Returns:
      float32 pixels in the range of the frame's.
    """
    steps = (jnp.arange(side, dtype=jnp.float32) + 0.5) / side

    def axis(first, length, image):
        inside = jnp.clip(steps * length - 0.5, 0.0, length - 1)
        return taps(first + inside, jnp.maximum(image - 1, 1))

    (x, y), (w, h) = at.first, at.length
    return gather(frame.pixels, axis(y, h, frame.size[0]), axis(x, w, frame.size[1]))


def to_crop(boxes: Float[Array, "*b 4"], at: Window, side: int) -> Float[Array, "*b 4"]:
    """Boxes of the image in pixels of the crop."""
    scale = side / at.length
    corner = (boxes[..., :2] - at.origin) * scale
    return jnp.concatenate([corner, boxes[..., 2:] * scale], -1)
