"""DCFNet's features: two 3x3 convolutions and a local response normalisation.

The published network was trained without padding, so that no feature saw the border of
its crop, and tracks with one cell of it, so that a map is as large as its crop.

Source: Wang et al., DCFNet: Discriminant Correlation Filters Network for Visual
Tracking, arXiv 1704.04057, 2017.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from tirjax.ops.fast_forward import with_gradient
from tirjax.ops.local_response import local_response_norm
from tirjax.typing import Array, Float, Num

TRACKING, TRAINING = 1, 0
CHANNELS = 32
MEAN = (123.0, 117.0, 104.0)


def normalise(pixels: Num[Array, "*b h w c"]) -> Float[Array, "*b h w 3"]:
    """Pixels 0..255 less the mean colour; one channel becomes three.

    Args:
      pixels: red, green, blue, or a single grey or thermal channel.
    """
    dtype = jnp.result_type(float)
    return pixels.astype(dtype) - np.asarray(MEAN, dtype)


class DCFNet(nn.Module):
    """The network; a map has the stride of its crop.

    Attributes:
      padding: cells of zeros around the input of each convolution: ``TRACKING``, or
        ``TRAINING``, which makes a map four cells smaller than its crop.
      normalised: whether it ends in the local response normalisation.
      dtype: of the computation; None follows the parameters.
    """

    padding: int = TRACKING
    normalised: bool = True
    dtype: Any = None

    def setup(self):
        made = functools.partial(
            nn.Conv,
            CHANNELS,
            (3, 3),
            padding=self.padding,
            dtype=self.dtype,
            kernel_init=nn.initializers.variance_scaling(2.0, "fan_in", "normal"),
        )
        self.conv1, self.conv2 = made(conv_general_dilated=of_few), made()

    def __call__(
        self, images: Float[Array, "*b h w 3"], boxes: Float[Array, "n 4"] | None = None
    ) -> Float[Array, "*b oh ow 32"]:
        """Features of crops.

        Args:
          images: crops, as ``normalise`` gives them.
          boxes: not read. Whatever makes a tracker's variables passes crops and boxes.
        """
        del boxes
        features = self.conv2(nn.relu(self.conv1(images)))
        if not self.normalised:
            return features
        return jax.lax.platform_dependent(
            features, cpu=_normalised_by_channel, default=_normalised
        )


_normalised = functools.partial(
    local_response_norm, size=5, k=1.0, alpha=2e-5, beta=0.75
)


def _normalised_by_channel(x):
    """The same, channel by channel in memory, as the Fourier transform wants it next.

    A product with one turns the map, exactly. XLA would fuse any other way of turning
    it with the normalisation and do both number by number.
    """
    one = jnp.eye(x.shape[-1], dtype=x.dtype)
    turned = jnp.einsum("dc,...c->d...", one, x, precision="highest")
    return jnp.moveaxis(_normalised(turned, axis=0), 0, -1)


def of_few(
    x: Float[Array, "n h w c"],
    kernel: Float[Array, "i j c d"],
    strides: Sequence[int],
    padding: Any,
    **options: Any,
) -> Float[Array, "n oh ow d"]:
    """``jax.lax.conv_general_dilated`` of stride 1 for few inputs.

    On a CPU one sum over the pixels of the kernel takes half the time; derivatives and
    other platforms keep the convolution.

    Args:
      x: input.
      kernel: rows, columns, inputs, outputs.
      strides: of rows and columns, ones.
      padding: pairs of zeros around rows and columns.
      **options: the others, as they are.
    """

    def plain(x, kernel):
        return jax.lax.conv_general_dilated(x, kernel, strides, padding, **options)

    def summed(x, kernel):
        rows, cols, inputs, _ = kernel.shape
        x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
        h, w = x.shape[1] - rows + 1, x.shape[2] - cols + 1
        parts = (
            x[:, i : i + h, j : j + w, c, None] * kernel[i, j, c]
            for i, j, c in itertools.product(range(rows), range(cols), range(inputs))
        )
        return functools.reduce(jnp.add, parts)

    fast = with_gradient(summed, plain)
    return jax.lax.platform_dependent(x, kernel, cpu=fast, default=plain)
