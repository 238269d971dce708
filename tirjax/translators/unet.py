"""U-Net generator of pix2pix.

Images are in [-1, 1], NHWC. The published code activates the input of a level in place,
which puts LeakyReLU(x) and not x on the skip connections; as every skip connection ends
in a ReLU, that changes nothing and is left out here.

Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks,
CVPR 2017.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones.norm import FROZEN, Norm
from tirjax.translators.layers import conv, drop, up_conv
from tirjax.translators.norms import Kind, Normalisation, needs_bias
from tirjax.typing import Array, Float, Key

SLOPE = 0.2
# Channels grow up to this level; levels between it and the innermost one have dropout.
_WIDEST = 3


class UNet(nn.Module):
    """Halves the image ``depth`` times and doubles it again.

    Attributes:
      depth: levels, at least 2; 7 for images of 128, 8 for 256.
      outputs: channels of the translated image.
      width: channels of the outermost level, 8 times as many inside.
      kind: of norm.
      norm: where norms take their statistics from.
      dropout: share of the values dropped when a key is given.
    """

    depth: int = 8
    outputs: int = 3
    width: int = 64
    kind: Kind = "batch"
    norm: Norm = FROZEN
    dropout: float = 0.5

    @nn.compact
    def __call__(
        self, x: Float[Array, "n h w c"], key: Key[Array, ""] | None = None
    ) -> Float[Array, "n h w d"]:
        """Translates images.

        Args:
          x: sides must be multiples of ``2 ** depth``.
          key: of dropout; None for none.
        """
        last = self.depth - 1
        maps = self._down(x)
        keys = [None] * self.depth
        if key is not None:
            keys = list(jax.random.split(key, self.depth))
        y = maps[last]
        for level in range(last, -1, -1):
            outer = self._channels(level - 1) if level else self.outputs
            bias = level == 0 or needs_bias(self.kind)
            if level < last:
                y = jnp.concatenate([maps[level], y], axis=-1)
            y = up_conv(outer, 4, bias=bias, name=f"up_{level}")(nn.relu(y))
            if level:
                y = self._normalised(y, f"up_norm_{level}")
            if _WIDEST < level < last:
                y = drop(y, self.dropout, keys[level])
        return jnp.tanh(y)

    def _down(self, x):
        """What the down convolution of every level puts out."""
        maps = []
        for level in range(self.depth):
            x = nn.leaky_relu(x, SLOPE) if level else x
            bias, name = needs_bias(self.kind), f"down_{level}"
            x = conv(self._channels(level), 4, 2, 1, bias=bias, name=name)(x)
            if 0 < level < self.depth - 1:
                x = self._normalised(x, f"down_norm_{level}")
            maps.append(x)
        return maps

    def _channels(self, level):
        return self.width << min(level, _WIDEST)

    def _normalised(self, x, name):
        return Normalisation(self.kind, self.norm, name=name)(x)
