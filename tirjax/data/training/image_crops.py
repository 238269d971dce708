"""From a picture to what a translator learns from: resized, cropped, mirrored.

All of it is one product with a matrix of weights along each axis, on the device. Pixels
leave in [-1, 1].

Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks,
CVPR 2017, section 6.2 (random jitter); bicubic as Pillow resizes, without its rounding.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from tirjax.ops import bicubic
from tirjax.typing import Array, Float, Int, Key, Num

Resize = Literal["square", "width", "none"]
LUMA = (0.299, 0.587, 0.114)


class Preparing(NamedTuple):
    """How a picture becomes an example.

    Attributes:
      side: of the crop, pixels.
      load: side before cropping, at least ``side``; 286 for crops of 256.
      resize: to a square of ``load``, whatever its shape was; to a width of ``load``;
        or not at all.
      flip: whether half of the examples are mirrored.
      last: whether a crop may touch the far border. The released loader of aligned
        pairs draws one place too few; its loader of unaligned images does not.
    """

    side: int = 256
    load: int = 286
    resize: Resize = "square"
    flip: bool = True
    last: bool = True


class Placement(NamedTuple):
    """What is drawn for an image.

    Attributes:
      offset: ``[2]`` in [0, 1), of all places along rows and columns that a crop has.
      mirrored: whether left and right change places.
    """

    offset: Array
    mirrored: Array


def draw_placement(key: Key[Array, ""], preparing: Preparing) -> Placement:
    """A random crop.

    Args:
      key: of the draw.
      preparing: settings.
    """
    where, side = jax.random.split(key)
    mirrored = jax.random.bernoulli(side) & preparing.flip
    return Placement(jax.random.uniform(where, (2,)), mirrored)


def prepare(
    pixels: Num[Array, "rows cols c"],
    size: Int[Array, "2"],
    placement: Placement,
    preparing: Preparing,
    channels: int,
) -> Float[Array, "s s d"]:
    """Cuts an example out of a picture.

    Args:
      pixels: picture at the top left, 0..255; the rest is never read.
      size: rows and columns of the picture.
      placement: where to cut.
      preparing: settings.
      channels: 1 or 3. Colour becomes grey by luma, grey is repeated. Static.

    Returns:
      Values in [-1, 1].
    """
    target = loaded_size(size, preparing)
    places = target - preparing.side + (1 if preparing.last else 0)
    start = jnp.floor(placement.offset * jnp.maximum(places, 1))
    out = jnp.arange(preparing.side, dtype=jnp.float32)
    across = jnp.where(placement.mirrored, preparing.side - 1 - out, out)
    rows, cols = (
        _weights(start[i] + at, size[i], target[i], pixels.shape[i])
        for i, at in enumerate((out, across))
    )
    image = jnp.clip(bicubic.apply(rows, cols, pixels.astype(jnp.float32)), 0, 255)
    return with_channels(image / 127.5 - 1, channels)


def loaded_size(size: Int[Array, "2"], preparing: Preparing) -> Float[Array, "2"]:
    """Rows and columns of a picture before it is cropped."""
    size = jnp.asarray(size, jnp.float32)
    if preparing.resize == "none":
        return size
    if preparing.resize == "square":
        return jnp.full(2, float(preparing.load))
    rows = jnp.maximum(jnp.floor(preparing.load * size[0] / size[1]), preparing.side)
    return jnp.stack([rows, jnp.float32(preparing.load)])


def with_channels(image: Float[Array, "h w c"], channels: int) -> Float[Array, "h w d"]:
    """Grey repeated, or colour as luma; otherwise as it is."""
    if image.shape[-1] == channels:
        return image
    if channels == 3:
        return jnp.broadcast_to(image, (*image.shape[:2], 3))
    return (image * jnp.array(LUMA)).sum(-1, keepdims=True)


def _weights(at, length, target, size):
    """Weights of all pixels of an axis at whole places of the resized one."""
    spacing = length / target
    centre = (at + 0.5) * spacing - 0.5
    pixel = jnp.arange(size, dtype=jnp.float32)
    weights = bicubic.keys((centre[:, None] - pixel) / jnp.maximum(spacing, 1.0))
    weights = jnp.where(pixel < length, weights, 0.0)
    return weights / weights.sum(1, keepdims=True)
