"""DCFNet's features: two 3x3 convolutions and a local response normalisation.

The published network was trained without padding, so that no feature saw the border of
its crop, and tracks with one cell of it, so that a map is as large as its crop.

Source: Wang et al., DCFNet: Discriminant Correlation Filters Network for Visual
Tracking, arXiv 1704.04057, 2017.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

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
        made = lambda: nn.Conv(
            CHANNELS,
            (3, 3),
            padding=self.padding,
            dtype=self.dtype,
            kernel_init=nn.initializers.variance_scaling(2.0, "fan_in", "normal"),
        )
        self.conv1, self.conv2 = made(), made()

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
        return local_response_norm(features, size=5, k=1.0, alpha=2e-5, beta=0.75)
