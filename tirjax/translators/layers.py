"""Convolutions of translators, drawn as their authors drew them, and dropout.

NHWC. Transposed convolutions keep their kernel as (rows, columns, out, in), so that
both kinds are renamed from PyTorch by one rule.

Source: weights are normal with a deviation of 0.02, biases 0 (Radford et al.,
Unsupervised Representation Learning with DCGANs, ICLR 2016).
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen.dtypes import promote_dtype

from tirjax.translators.convolve import convolve, convolve_up
from tirjax.translators.norms import SPREAD
from tirjax.typing import Array, Float, Key

DRAWN = nn.initializers.normal(SPREAD)


def conv(
    features: int,
    size: int,
    stride: int = 1,
    padding: int = 0,
    *,
    bias: bool,
    name: str,
) -> nn.Conv:
    """A convolution with zeros around its input.

    Args:
      features: output channels.
      size: side of the kernel.
      stride: of both axes.
      padding: zeros on each side.
      bias: whether it has one.
      name: of its variables.
    """
    return nn.Conv(
        features,
        (size, size),
        stride,
        padding=padding,
        use_bias=bias,
        kernel_init=DRAWN,
        conv_general_dilated=convolve,
        name=name,
    )


class UpConv(nn.Module):
    """Transposed convolution of stride 2.

    Attributes:
      features: output channels.
      size: side of the kernel.
      extra: rows and columns more at the end of the output.
      bias: whether it has one.
    """

    features: int
    size: int
    extra: int = 0
    bias: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n oh ow d"]:
        """Doubles rows and columns."""
        shape = (self.size, self.size, self.features, x.shape[-1])
        kernel = self.param("kernel", DRAWN, shape)
        x, kernel = promote_dtype(x, kernel)
        y = convolve_up(x, kernel, self.extra)
        if not self.bias:
            return y
        return y + self.param("bias", nn.initializers.zeros, (self.features,))


def up_conv(
    features: int, size: int, *, extra: int = 0, bias: bool, name: str
) -> UpConv:
    """Transposed convolution of stride 2, whose output is twice as large.

    Args:
      features: output channels.
      size: side of the kernel: 4, or 3 with ``extra`` 1.
      extra: rows and columns more at the end of the output.
      bias: whether it has one.
      name: of its variables.
    """
    return UpConv(features, size, extra, bias, name=name)


def reflect(x: Float[Array, "n h w c"], margin: int) -> Float[Array, "n h2 w2 c"]:
    """Adds the mirror image on every side, the edge itself not repeated."""
    edge = (margin, margin)
    return jnp.pad(x, ((0, 0), edge, edge, (0, 0)), mode="reflect")


def drop(
    x: Float[Array, "*b c"], rate: float, key: Key[Array, ""] | None
) -> Float[Array, "*b c"]:
    """Dropout; without a key there is none.

    Args:
      x: any values.
      rate: share of them that becomes 0, below 1; the rest grows accordingly.
      key: of the draw.
    """
    if key is None or rate == 0:
        return x
    kept = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)
