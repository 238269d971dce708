"""AlexNet without padding: the trunk of the fully convolutional Siamese trackers.

Images keep their range, 0..255, nothing is subtracted; a grey or thermal channel counts
as three equal ones. All branches of a Siamese network go through one call, because
their batch norms share running moments.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops, table 1; Valmadre et al., End-to-end Representation Learning for
Correlation Filter Based Tracking, CVPR 2017 (strides and widths of the variants).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones.branch_norm import BranchNorm
from tirjax.backbones.conv import Conv
from tirjax.backbones.norm import FROZEN, Norm
from tirjax.ops.fast_forward import with_gradient
from tirjax.ops.max_pool import max_pool
from tirjax.typing import Array, Num

# MatConvNet's "improved Xavier"; the fan counts all groups' output channels.
INITIAL: Callable = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
_SIZES = (11, 5, 3, 3, 3)
_GROUPS = (1, 2, 1, 2, 2)


class AlexNet(nn.Module):
    """Up to five convolutions, two max poolings of 3 x 3.

    Batch norm and rectifier follow every convolution but a fifth one.

    Attributes:
      widths: channels of each convolution; as many as there are layers.
      first_stride: of the first convolution.
      second_pool: stride of the pooling after the second layer.
      norm: where batch norms take their moments from.
      dtype: of the computation; None follows the parameters.
    """

    widths: tuple[int, ...] = (96, 256, 384, 384, 64)
    first_stride: int = 2
    second_pool: int = 1
    norm: Norm = FROZEN
    dtype: Any = None

    @property
    def last(self) -> str:
        """Name of the deepest map."""
        return "conv5" if len(self.widths) == 5 else f"relu{len(self.widths)}"

    @nn.compact
    def __call__(self, *images: Num[Array, "n _ _ _"]) -> tuple[dict[str, Array], ...]:
        """Maps ``conv1, relu1, ...`` of every branch; ``conv`` is before batch norm.

        Args:
          images: one batch a branch, of any sizes; one channel or three, 0..255.
        """
        grey = all(x.shape[-1] == 1 for x in images)
        branches = [_three_channels(x) for x in images]
        maps: tuple[dict[str, Array], ...] = tuple({} for _ in images)
        pools = {1: 2, 2: self.second_pool}
        for i, width in enumerate(self.widths, 1):
            convolution = Conv(
                width,
                (_SIZES[i - 1],) * 2,
                self.first_stride if i == 1 else 1,
                padding="VALID",
                feature_group_count=_GROUPS[i - 1],
                kernel_init=INITIAL,
                dtype=self.dtype,
                conv_general_dilated=of_grey if grey and i == 1 else by_group,
                name=f"conv{i}",
            )
            branches = _keep(maps, f"conv{i}", map(convolution, branches))
            if i == 5:
                break
            norm = BranchNorm(self.norm, dtype=self.dtype, name=f"bn{i}")
            branches = _keep(maps, f"relu{i}", map(nn.relu, norm(*branches)))
            if i in pools and i < len(self.widths):
                branches = [max_pool(x, pools[i]) for x in branches]
        return maps


def by_group(
    x: Num[Array, "n h w c"],
    kernel: Num[Array, "kh kw g o"],
    strides: Sequence[int],
    padding: Any,
    *,
    feature_group_count: int,
    **options: Any,
) -> Num[Array, "n oh ow o"]:
    """What ``jax.lax.conv_general_dilated`` computes, one group after the other.

    On a CPU a convolution in groups takes up to twice as long as that, and its
    derivative by the kernel fifty times. Each group again takes up to twice as long as
    the products that it is the sum of; with the derivatives it is the other way round.

    Args:
      x: maps.
      kernel: of all groups.
      strides: of rows and columns.
      padding: as there.
      feature_group_count: groups.
      **options: the others, as they are.
    """

    def plain(part, weights):
        return jax.lax.conv_general_dilated(part, weights, strides, padding, **options)

    by_row = functools.partial(_by_row, precision=options.get("precision"))
    fast = with_gradient(by_row, plain)
    dense = tuple(strides) == (1, 1) and padding == "VALID"

    def one(part, weights):
        if dense:
            return jax.lax.platform_dependent(part, weights, cpu=fast, default=plain)
        return plain(part, weights)

    parts = [
        one(part, weights)
        for part, weights in zip(
            jnp.split(x, feature_group_count, -1),
            jnp.split(kernel, feature_group_count, -1),
            strict=True,
        )
    ]
    return jnp.concatenate(parts, -1)


def _by_row(x, kernel, precision):
    """A matrix product for every row of the kernel, its columns side by side."""
    rows, cols, inputs, outputs = kernel.shape
    h, w = x.shape[1] - rows + 1, x.shape[2] - cols + 1
    wide = jnp.concatenate([x[:, :, j : j + w] for j in range(cols)], -1)
    flat = kernel.reshape(rows, cols * inputs, outputs)
    product = functools.partial(jnp.einsum, "nhwc,cd->nhwd", precision=precision)
    return functools.reduce(
        jnp.add, (product(wide[:, i : i + h], flat[i]) for i in range(rows))
    )


def of_grey(
    x: Num[Array, "n h w c"],
    kernel: Num[Array, "kh kw c o"],
    *window: Any,
    **options: Any,
) -> Num[Array, "n oh ow o"]:
    """``jax.lax.conv_general_dilated`` where all channels are equal: of the first.

    Args:
      x: images; nothing but their first channel is read.
      kernel: its sum over channels acts on that one.
      *window: strides and padding.
      **options: the others, as they are.
    """
    summed = kernel.sum(2, keepdims=True)
    return jax.lax.conv_general_dilated(x[..., :1], summed, *window, **options)


def _three_channels(images):
    wide = images.astype(jnp.promote_types(images.dtype, jnp.float32))
    return jnp.broadcast_to(wide, (*images.shape[:-1], 3))


def _keep(maps, name, branches):
    found = list(branches)
    for kept, x in zip(maps, found, strict=True):
        kept[name] = x
    return found
