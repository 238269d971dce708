"""ResNet-18 and ResNet-50 up to stride 16, and narrow ones of our own.

The last stage and the classification layer of the ImageNet networks are never run by a
tracker, so they do not exist here. Padding is explicit: ``SAME`` pads a strided
convolution on one side only.

Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016; the stride
of a bottleneck is on its 3x3 convolution, as in the weights everyone uses.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from tirjax.backbones.conv import Conv
from tirjax.backbones.norm import EPSILON, FROZEN, BatchNorm, Norm
from tirjax.ops.max_pool import max_pool
from tirjax.typing import Array, Float, Num, PyTree

STAGES = ("layer1", "layer2", "layer3")
_BLOCKS = {10: (1, 1, 1), 18: (2, 2, 2), 50: (3, 4, 6)}
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalise(pixels: Num[Array, "*b h w c"]) -> Float[Array, "*b h w 3"]:
    """Pixels 0..255 to the input range of ImageNet weights; one channel becomes three.

    Args:
      pixels: red, green, blue, or a single grey or thermal channel.
    """
    dtype = jnp.result_type(float)
    mean, std = np.asarray(_MEAN), np.asarray(_STD)
    return ((pixels.astype(dtype) / 255 - mean) / std).astype(dtype)


def conv(features, size, stride=1, *, bias=False, dtype=None, precision=None):
    """Convolution with symmetric padding, drawn as its ancestors' were."""
    return Conv(
        features,
        (size, size),
        stride,
        padding=size // 2,
        use_bias=bias,
        dtype=dtype,
        precision=precision,
        kernel_init=nn.initializers.variance_scaling(2.0, "fan_out", "normal"),
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a skip connection.

    Attributes:
      width: output channels.
      stride: of the first convolution and of the skip.
      project: whether the skip is a convolution.
      folded: whether the batch norms have been folded into the convolutions.
      dtype: of the computation; None follows the parameters.
      precision: of the convolutions.
      norm: where batch norms take their statistics from.
    """

    width: int
    stride: int = 1
    project: bool = False
    folded: bool = False
    dtype: Any = None
    precision: Any = None
    norm: Norm = FROZEN

    def setup(self):
        last = self._units()
        if self.project:
            self.downsample = self._unit(last, 1, self.stride)

    def _units(self):
        self.conv1, self.bn1 = self._unit(self.width, 3, self.stride)
        self.conv2, self.bn2 = self._unit(self.width, 3)
        return self.width

    def _unit(self, width, size, stride=1):
        made = conv(
            width,
            size,
            stride,
            bias=self.folded,
            dtype=self.dtype,
            precision=self.precision,
        )
        return [made, None if self.folded else BatchNorm(self.norm, self.dtype)]

    def _main(self, x):
        x = nn.relu(_run(self.conv1, self.bn1, x))
        return _run(self.conv2, self.bn2, x)

    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n oh ow d"]:
        skip = x
        if self.project:
            convolution, normalisation = self.downsample
            skip = _run(convolution, normalisation, x)
        return nn.relu(self._main(x) + skip)


class Bottleneck(BasicBlock):
    """1x1, 3x3 and 1x1 convolutions; four times ``width`` channels come out."""

    def _units(self):
        self.conv1, self.bn1 = self._unit(self.width, 1)
        self.conv2, self.bn2 = self._unit(self.width, 3, self.stride)
        self.conv3, self.bn3 = self._unit(4 * self.width, 1)
        return 4 * self.width

    def _main(self, x):
        x = nn.relu(_run(self.conv1, self.bn1, x))
        x = nn.relu(_run(self.conv2, self.bn2, x))
        return _run(self.conv3, self.bn3, x)


def _max_pool(x):
    """Maximum of 3 x 3 neighbours, every second one, the border padded."""
    around = [(0, 0), (1, 1), (1, 1), (0, 0)]
    return max_pool(jnp.pad(x, around, constant_values=-jnp.inf), 2)


def _run(convolution, normalisation, x):
    x = convolution(x)
    return x if normalisation is None else normalisation(x)


class ResNet(nn.Module):
    """The first three stages.

    Attributes:
      depth: 10, 18 or 50.
      widths: of the three stages; a bottleneck puts out four times as much.
      pool: whether a max pooling follows the first convolution. Without it all strides
        are halved.
      folded: takes the parameters that ``fold`` returns.
      dtype: of the computation; None follows the parameters.
      norm: where batch norms take their statistics from.
      frozen: stages that keep their running statistics whatever ``norm`` says;
        ``conv1`` is the first convolution.
    """

    depth: int = 18
    widths: tuple[int, int, int] = (64, 128, 256)
    pool: bool = True
    folded: bool = False
    dtype: Any = None
    norm: Norm = FROZEN
    frozen: tuple[str, ...] = ()

    def setup(self):
        self.conv1 = conv(self.widths[0], 7, 2, bias=self.folded, dtype=self.dtype)
        norm = self._norm("conv1")
        self.bn1 = None if self.folded else BatchNorm(norm, self.dtype)
        self.layer1, self.layer2, self.layer3 = map(self._stage, range(3))

    @property
    def strides(self) -> dict[str, int]:
        """Pixels of the image a step of each map covers."""
        return {name: (4 if self.pool else 2) << i for i, name in enumerate(STAGES)}

    def _norm(self, stage):
        return FROZEN if stage in self.frozen else self.norm

    def _stage(self, index):
        block = Bottleneck if self.depth == 50 else BasicBlock
        first = index > 0 or self.depth == 50

        def make(i):
            return block(
                width=self.widths[index],
                stride=2 if i == 0 and index > 0 else 1,
                project=i == 0 and first,
                folded=self.folded,
                dtype=self.dtype,
                norm=self._norm(STAGES[index]),
            )

        return [make(i) for i in range(_BLOCKS[self.depth][index])]

    def stem(self, images: Float[Array, "n h w 3"]) -> Float[Array, "n oh ow c"]:
        """First convolution, before the pooling; stride 2."""
        return nn.relu(_run(self.conv1, self.bn1, images))

    def __call__(self, images: Float[Array, "n h w 3"]) -> dict[str, Array]:
        """Feature maps ``layer1, layer2, layer3``, of the strides of ``strides``.

        Args:
          images: what ``normalise`` returns.
        """
        x = self.stem(images)
        if self.pool:
            x = _max_pool(x)
        maps = {}
        for name in STAGES:
            for block in getattr(self, name):
                x = block(x)
            maps[name] = x
        return maps


def fold(variables: PyTree) -> PyTree:
    """Folds every batch norm of a ``ResNet`` into the convolution before it.

    Args:
      variables: ``params`` and ``batch_stats`` of a network with ``folded=False``.

    Returns:
      ``{"params": ...}`` for the same network with ``folded=True``.
    """
    return {"params": _fold(variables["params"], variables["batch_stats"])}


def _fold(params, stats):
    pairs = {f"conv{i}": f"bn{i}" for i in (1, 2, 3)} | {"downsample_0": "downsample_1"}
    folded = {}
    for name, leaf in params.items():
        if name in pairs:
            affine, moments = params[pairs[name]], stats[pairs[name]]
            gain = affine["scale"] * jax.lax.rsqrt(moments["var"] + EPSILON)
            bias = affine["bias"] - moments["mean"] * gain
            folded[name] = {"kernel": leaf["kernel"] * gain, "bias": bias}
        elif name not in pairs.values():
            folded[name] = _fold(leaf, stats[name])
    return folded
