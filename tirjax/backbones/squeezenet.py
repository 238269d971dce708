"""SqueezeNet 1.0 up to its seventh fire module, and two maps made of it for a tracker.

Padding is explicit and symmetric in the first convolution and both poolings, where the
published network has none: cell ``(i, j)`` of a map of stride ``s`` then sits at pixel
``(s i, s j)``, as in our ResNets. Inputs are normalised as theirs.

Source: Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
<0.5MB model size, arXiv:1602.07360, table 1.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones.norm import FROZEN, BatchNorm, Norm
from tirjax.ops.max_pool import max_pool
from tirjax.typing import Array, Float

# Channels of the squeezing layer of fire modules 2 to 7; four times as many come out of
# each of the two expanding ones.
SQUEEZED = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48}
_FINE, _INITIAL = 4, nn.initializers.he_normal()


def _conv(width, size, stride=1, *, bias=True, dtype=None):
    return nn.Conv(
        width,
        (size, size),
        stride,
        padding=size // 2,
        use_bias=bias,
        dtype=dtype,
        kernel_init=_INITIAL,
    )


class Fire(nn.Module):
    """A 1x1 convolution to few channels, then a 1x1 and a 3x3 one side by side.

    Attributes:
      width: channels between; eight times as many come out.
      dtype: of the computation; None follows the parameters.
    """

    width: int
    dtype: Any = None

    def setup(self):
        self.squeeze = _conv(self.width, 1, dtype=self.dtype)
        self.expand1x1 = _conv(4 * self.width, 1, dtype=self.dtype)
        self.expand3x3 = _conv(4 * self.width, 3, dtype=self.dtype)

    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w d"]:
        x = nn.relu(self.squeeze(x))
        both = [self.expand1x1(x), self.expand3x3(x)]
        return nn.relu(jnp.concatenate(both, axis=-1))


class Neck(nn.Module):
    """A 1x1 convolution, batch norm, rectifier: fewer channels, all of one size.

    Attributes:
      width: of the result.
      norm: where statistics come from.
      dtype: of the computation; None follows the parameters.
    """

    width: int
    norm: Norm = FROZEN
    dtype: Any = None

    def setup(self):
        self.conv = _conv(self.width, 1, bias=False, dtype=self.dtype)
        self.bn = BatchNorm(self.norm, self.dtype)

    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w d"]:
        return nn.relu(self.bn(self.conv(x)))


class SqueezeNet(nn.Module):
    """The layers that a tracker runs.

    Attributes:
      widths: channels of ``layer2`` and ``layer3``.
      still: whether no gradient reaches the first convolution and fire modules 2 to 4.
      dtype: of the computation; None follows the parameters.
      norm: where the necks' batch norms take their statistics from.
    """

    widths: tuple[int, int] = (48, 96)
    still: bool = False
    dtype: Any = None
    norm: Norm = FROZEN

    def setup(self):
        self.conv1 = _conv(96, 7, 2, dtype=self.dtype)
        for number, width in SQUEEZED.items():
            setattr(self, f"fire{number}", Fire(width, self.dtype))
        self.neck2, self.neck3 = (Neck(w, self.norm, self.dtype) for w in self.widths)

    @property
    def strides(self) -> dict[str, int]:
        """Pixels of the image a step of each map covers."""
        return {"layer2": 4, "layer3": 8}

    def fires(
        self, images: Float[Array, "n h w 3"]
    ) -> tuple[Float[Array, "n h4 w4 256"], Float[Array, "n h8 w8 384"]]:
        """What fire modules 4 and 7 see, of strides 4 and 8."""
        x = _max_pool(nn.relu(self.conv1(images)))
        fine = x
        for number in SQUEEZED:
            x = getattr(self, f"fire{number}")(x)
            if number == _FINE:
                fine = jax.lax.stop_gradient(x) if self.still else x
                x = _max_pool(fine)
        return fine, x

    def __call__(self, images: Float[Array, "n h w 3"]) -> dict[str, Array]:
        """Feature maps ``layer2`` and ``layer3``, of strides 4 and 8.

        Args:
          images: what ``tirjax.backbones.resnet.normalise`` returns.
        """
        fine, coarse = self.fires(images)
        return {"layer2": self.neck2(fine), "layer3": self.neck3(coarse)}


def _max_pool(x):
    """Maximum of 3 x 3 neighbours, every second one; what is outside is 0."""
    # Rectified values are never below 0.
    return max_pool(jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]), 2)
