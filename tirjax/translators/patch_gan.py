"""Discriminators that judge patches or single pixels.

They put out one number a patch, in favour of the image being real: logits, or shares
with ``sigmoid``. Images are in [-1, 1], NHWC; a conditional discriminator sees source
and target one after the other in the channels.

Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks,
CVPR 2017, section 3.2.2.
"""

import jax
from flax import linen as nn

from tirjax.backbones.norm import FROZEN, Norm
from tirjax.translators.layers import conv
from tirjax.translators.norms import Kind, Normalisation, needs_bias
from tirjax.translators.unet import SLOPE
from tirjax.typing import Array, Float


class PatchGAN(nn.Module):
    """Strided 4x4 convolutions; three layers see patches of 70x70.

    Attributes:
      layers: convolutions between the first and the last.
      width: channels of the first, up to 8 times as many later.
      kind: of norm.
      norm: where norms take their statistics from.
      sigmoid: whether shares come out instead of logits, as in code of 2018 for the
        vanilla loss. Our losses take logits.
    """

    layers: int = 3
    width: int = 64
    kind: Kind = "batch"
    norm: Norm = FROZEN
    sigmoid: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n oh ow 1"]:
        """Judges images; of 256x256 there are 30x30 patches with three layers."""
        x = conv(self.width, 4, 2, 1, bias=True, name="conv_0")(x)
        for i in range(1, self.layers + 1):
            width, stride = self.width * min(2**i, 8), 2 if i < self.layers else 1
            bias, name = needs_bias(self.kind), f"conv_{i}"
            x = conv(width, 4, stride, 1, bias=bias, name=name)(nn.leaky_relu(x, SLOPE))
            x = Normalisation(self.kind, self.norm, name=f"norm_{i}")(x)
        name = f"conv_{self.layers + 1}"
        x = conv(1, 4, 1, 1, bias=True, name=name)(nn.leaky_relu(x, SLOPE))
        return jax.nn.sigmoid(x) if self.sigmoid else x


class PixelGAN(nn.Module):
    """1x1 convolutions: every pixel is judged alone.

    Attributes:
      width: channels of the first, the second has twice as many.
      kind: of norm.
      norm: where norms take their statistics from.
      sigmoid: as for ``PatchGAN``.
    """

    width: int = 64
    kind: Kind = "batch"
    norm: Norm = FROZEN
    sigmoid: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w 1"]:
        """Judges every pixel."""
        bias = needs_bias(self.kind)
        x = conv(self.width, 1, bias=True, name="conv_0")(x)
        x = nn.leaky_relu(x, SLOPE)
        x = conv(2 * self.width, 1, bias=bias, name="conv_1")(x)
        x = Normalisation(self.kind, self.norm, name="norm_1")(x)
        x = conv(1, 1, bias=bias, name="conv_2")(nn.leaky_relu(x, SLOPE))
        return jax.nn.sigmoid(x) if self.sigmoid else x
