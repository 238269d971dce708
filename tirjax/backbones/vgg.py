"""The first blocks of VGG-16, and VGG-M: trunks for correlation filters.

Either can be cut short and narrowed, and given other strides. ``Trunk`` has what comes
before them, the mean colour that is subtracted.

Source: Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image
Recognition, ICLR 2015; Chatfield et al., Return of the Devil in the Details, BMVC 2014
(VGG-M); Zhang et al., Synthetic data generation for end-to-end thermal infrared
tracking, TIP 2019 (the prefix of stride 4).
"""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones.conv import Conv
from tirjax.ops.local_response import local_response_norm
from tirjax.ops.max_pool import max_pool
from tirjax.typing import Array, Float

_INITIAL = nn.initializers.variance_scaling(2.0, "fan_in", "normal")


class VGG(nn.Module):
    """Stages of rectified 3x3 convolutions, each ended by a 2x2 max pooling.

    Attributes:
      widths: channels of the convolutions, a tuple a stage. The default is VGG-16 up to
        its second pooling.
      pools: stride of each stage's pooling, 2, or 1 to leave it out.
      padding: cells of zeros around the input of each convolution.
      normalised: whether DCFNet's local response normalisation ends it.
      dtype: of the computation; None follows the parameters.
    """

    widths: tuple[tuple[int, ...], ...] = ((64, 64), (128, 128))
    pools: tuple[int, ...] = (2, 2)
    padding: int = 1
    normalised: bool = False
    dtype: Any = None

    @property
    def strides(self) -> dict[str, int]:
        """Pixels of the image a step of each map covers."""
        found, total = {}, 1
        for i, pool in enumerate(self.pools, 1):
            total *= pool
            found[f"pool{i}"] = total
        return found | ({"norm": total} if self.normalised else {})

    @nn.compact
    def __call__(self, images: Float[Array, "n h w 3"]) -> dict[str, Array]:
        """Maps ``pool1, pool2, ...``, and ``norm`` of a normalised network.

        Args:
          images: less the mean colour.
        """
        x, maps = images, {}
        for i, (widths, pool) in enumerate(zip(self.widths, self.pools, strict=True)):
            for j, width in enumerate(widths):
                name = f"conv{i + 1}_{j + 1}"
                x = nn.relu(_conv(width, 3, 1, self.padding, self.dtype, name)(x))
            x = _halved(x) if pool == 2 else x
            maps[f"pool{i + 1}"] = x
        if self.normalised:
            maps["norm"] = local_response_norm(x, size=5, k=1.0, alpha=2e-5, beta=0.75)
        return maps


class VGGM(nn.Module):
    """VGG-M up to its last convolution.

    Attributes:
      widths: channels of the five convolutions; fewer cut it short.
      strides_of: ``(conv1, pool1, conv2, pool2)``.
      dtype: of the computation; None follows the parameters.
    """

    widths: tuple[int, ...] = (96, 256, 512, 512, 512)
    strides_of: tuple[int, int, int, int] = (2, 2, 2, 2)
    dtype: Any = None

    @property
    def strides(self) -> dict[str, int]:
        """Pixels of the image a step of each map covers."""
        conv1, pool1, conv2, pool2 = self.strides_of
        second = conv1 * pool1 * conv2
        deep = {f"relu{i}": second * pool2 for i in range(3, len(self.widths) + 1)}
        return {"norm1": conv1, "norm2": second} | deep

    @nn.compact
    def __call__(self, images: Float[Array, "n h w 3"]) -> dict[str, Array]:
        """Maps ``norm1``, ``norm2``, ``relu3``, ``relu4``, ``relu5``.

        Args:
          images: less the mean colour.
        """
        x, maps = images, {}
        shapes = ((7, self.strides_of[0], 0), (5, self.strides_of[2], 1))
        for i, width in enumerate(self.widths, 1):
            size, stride, padding = shapes[i - 1] if i < 3 else (3, 1, 1)
            x = nn.relu(_conv(width, size, stride, padding, self.dtype, f"conv{i}")(x))
            if i > 2:
                maps[f"relu{i}"] = x
                continue
            maps[f"norm{i}"] = x = local_response_norm(
                x, size=5, k=2.0, alpha=1e-4, beta=0.75
            )
            # MatConvNet pads these poolings at the bottom and on the right.
            around = [(0, 0), (0, 1), (0, 1), (0, 0)]
            wide = jnp.pad(x, around, constant_values=-jnp.inf)
            x = max_pool(wide, self.strides_of[2 * i - 1])
        return maps


def _conv(width, size, stride, padding, dtype, name):
    return Conv(
        width,
        (size, size),
        stride,
        padding=padding,
        dtype=dtype,
        kernel_init=_INITIAL,
        name=name,
    )


def _halved(x):
    """Maximum of 2 x 2 cells; an odd last row or column is dropped."""
    n, h, w, c = x.shape
    x = x[:, : h // 2 * 2, : w // 2 * 2]
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))
