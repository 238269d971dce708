"""What the first convolution of a network answers, whichever network it is.

The first layer is told from its variables: names, the side of its kernel, and whether a
batch norm follows say which network it belongs to and what that does to an image. A
tracked batch norm is folded in. Instance norms are left out: after one every filter is
as active as every other, on any image.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tirjax.backbones import dcfnet, resnet
from tirjax.backbones.norm import EPSILON
from tirjax.typing import Array, Float, Num, PyTree

_NAMES = ("conv1", "conv1_1")


class FirstLayer(NamedTuple):
    """A convolution and what comes before it.

    Attributes:
      kernel: ``[rows, columns, channels, filters]``.
      bias: ``[filters]``.
      scale: ``[3]``, that pixels 0..255 are multiplied with.
      offset: ``[3]``, that is added then.
      traits: stride, cells around the image, and whether these mirror it.
    """

    kernel: Array
    bias: Array
    scale: np.ndarray
    offset: np.ndarray
    traits: tuple[int, int, bool]


def first_layer(variables: Mapping[str, PyTree]) -> FirstLayer | None:
    """Finds the first layer of a backbone, a tracker's network or a generator.

    Args:
      variables: ``params`` and, where norms are tracked, ``batch_stats``.

    Returns:
      The layer; None where it is of none of the networks here.
    """
    params, stats = variables["params"], variables.get("batch_stats", {})
    unit = np.ones(3)
    if "stem" in params:
        folded = _folded(params, stats, "stem", "stem_norm")
        return FirstLayer(*folded, unit / 127.5, -unit, (1, 3, True))
    if "down_0" in params:
        folded = _folded(params, stats, "down_0", "")
        return FirstLayer(*folded, unit / 127.5, -unit, (2, 1, False))
    found = _search(params, stats)
    if found is None:
        return None
    kernel, bias, scaled = found
    match kernel.shape[0], scaled:
        case 7, True:  # ResNet and SqueezeNet
            black, white = jnp.zeros((1, 1, 3)), jnp.full((1, 1, 3), 255.0)
            low, high = (np.asarray(resnet.normalise(x))[0, 0] for x in (black, white))
            return FirstLayer(kernel, bias, (high - low) / 255, low, (2, 3, False))
        case 11, _:  # AlexNet of the Siamese trackers takes pixels as they are
            return FirstLayer(kernel, bias, unit, 0 * unit, (2, 0, False))
        case 7, False:  # VGG-M
            return FirstLayer(kernel, bias, unit, -_mean(), (2, 0, False))
        case 3, False:  # VGG-16 and DCFNet
            return FirstLayer(kernel, bias, unit, -_mean(), (1, 1, False))
    return None


def respond(
    layer: FirstLayer, images: Num[Array, "n h w c"]
) -> Float[Array, "n oh ow k"]:
    """Rectified answers of every filter at every place.

    Args:
      layer: the convolution. Static.
      images: 0..255, one channel or three; what is missing is repeated, and what is too
        much becomes its mean.
    """
    stride, around, mirrored = layer.traits
    inputs = layer.kernel.shape[2]
    wide = jnp.broadcast_to(images.astype(jnp.float32), (*images.shape[:3], 3))
    x = wide * layer.scale + layer.offset
    x = x if inputs == 3 else x.mean(-1, keepdims=True)
    margin = [(0, 0), (around, around), (around, around), (0, 0)]
    x = jnp.pad(x, margin, mode="reflect" if mirrored else "constant")
    dimensions = ("NHWC", "HWIO", "NHWC")
    y = lax.conv_general_dilated(
        x.astype(jnp.float32),
        layer.kernel,
        (stride, stride),
        "VALID",
        dimension_numbers=dimensions,
    )
    return jax.nn.relu(y + layer.bias)


def _mean() -> np.ndarray:
    return np.asarray(dcfnet.MEAN)


def _search(params: Mapping[str, Any], stats: Mapping[str, Any]):
    """Kernel, bias and whether it takes what ``resnet.normalise`` gives; of this level
    before deeper ones."""
    for name in _NAMES:
        kernel = params.get(name, {}).get("kernel") if name in params else None
        if kernel is not None and np.ndim(kernel) == 4 and kernel.shape[2] in (1, 3):
            scaled = "bn1" in params or "fire2" in params
            return *_folded(params, stats, name, "bn1"), scaled
    for name, inside in params.items():
        if isinstance(inside, Mapping) and (
            found := _search(inside, stats.get(name, {}))
        ):
            return found
    return None


def _folded(params, stats, name: str, norm: str) -> tuple[Array, Array]:
    """Kernel and bias of a convolution with the batch norm after it."""
    kernel = jnp.asarray(params[name]["kernel"], jnp.float32)
    bias = jnp.asarray(params[name].get("bias", jnp.zeros(kernel.shape[-1])))
    if norm not in params or norm not in stats:
        return kernel, bias
    gain = params[norm]["scale"] / jnp.sqrt(stats[norm]["var"] + EPSILON)
    return kernel * gain, (bias - stats[norm]["mean"]) * gain + params[norm]["bias"]
