"""Residual generator of CycleGAN.

Images are in [-1, 1], NHWC. Nothing is activated after the sum of a block.

Source: Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent
Adversarial Networks, ICCV 2017; Johnson et al., Perceptual Losses for Real-Time Style
Transfer, ECCV 2016.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones.norm import FROZEN, Norm
from tirjax.translators.layers import conv, drop, reflect, up_conv
from tirjax.translators.norms import Kind, Normalisation, needs_bias
from tirjax.typing import Array, Float, Key


class Block(nn.Module):
    """Two 3x3 convolutions and a skip connection.

    Attributes:
      kind: of norm.
      norm: where norms take their statistics from.
      dropout: share of the values dropped when a key is given.
    """

    kind: Kind = "instance"
    norm: Norm = FROZEN
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, x: Float[Array, "n h w c"], key: Key[Array, ""] | None = None
    ) -> Float[Array, "n h w c"]:
        """Adds to the input what is to change in it."""
        width, bias = x.shape[-1], needs_bias(self.kind)
        y = conv(width, 3, bias=bias, name="conv1")(reflect(x, 1))
        y = nn.relu(Normalisation(self.kind, self.norm, name="norm1")(y))
        y = drop(y, self.dropout, key)
        y = conv(width, 3, bias=bias, name="conv2")(reflect(y, 1))
        return x + Normalisation(self.kind, self.norm, name="norm2")(y)


class ResNetGenerator(nn.Module):
    """Two halvings, residual blocks, two doublings.

    Attributes:
      blocks: 9 for images of 256, 6 for 128.
      outputs: channels of the translated image.
      width: channels at full resolution.
      kind: of norm.
      norm: where norms take their statistics from.
      dropout: share of the values dropped when a key is given.
    """

    blocks: int = 9
    outputs: int = 3
    width: int = 64
    kind: Kind = "instance"
    norm: Norm = FROZEN
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, x: Float[Array, "n h w c"], key: Key[Array, ""] | None = None
    ) -> Float[Array, "n h w d"]:
        """Translates images.

        Args:
          x: sides must be multiples of 4, at least 8.
          key: of dropout; None for none.
        """
        bias = needs_bias(self.kind)
        x = conv(self.width, 7, bias=bias, name="stem")(reflect(x, 3))
        x = self._activated(x, "stem_norm")
        for i, width in enumerate((2 * self.width, 4 * self.width)):
            x = conv(width, 3, 2, 1, bias=bias, name=f"down_{i}")(x)
            x = self._activated(x, f"down_norm_{i}")
        keys = [None] * self.blocks
        if key is not None:
            keys = list(jax.random.split(key, self.blocks))
        for i in range(self.blocks):
            settings = self.kind, self.norm, self.dropout
            x = Block(*settings, name=f"block_{i}")(x, keys[i])
        for i, width in enumerate((2 * self.width, self.width)):
            x = up_conv(width, 3, extra=1, bias=bias, name=f"up_{i}")(x)
            x = self._activated(x, f"up_norm_{i}")
        x = conv(self.outputs, 7, bias=True, name="head")(reflect(x, 3))
        return jnp.tanh(x)

    def _activated(self, x, name):
        return nn.relu(Normalisation(self.kind, self.norm, name=name)(x))
