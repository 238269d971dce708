"""Attention over places, channels and pairs of places, as MLSSNet and MMNet use it.

Maps are those of a batch, channels last. Published networks start all weights of an
attention map near 1e-8: four such layers in a row are a saddle that training hardly
leaves, so a network that learns from nothing starts from ordinary weights and a last
layer of zeros. Either way every gate is one half at first.

Source: Liu et al., Learning Deep Multi-Level Similarity for Thermal Infrared Object
Tracking, TMM 2020; Liu et al., Multi-Task Driven Feature Models for Thermal Infrared
Tracking, AAAI 2020, section 3.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.lax import Precision

from tirjax.backbones.alexnet import INITIAL
from tirjax.backbones.branch_norm import BranchNorm
from tirjax.backbones.norm import FROZEN, Norm
from tirjax.typing import Array, Float

Preset = Literal["paper", "released"]


def pointwise(features: int, kernel_init=INITIAL) -> nn.Conv:
    """A 1 x 1 convolution with a bias."""
    return nn.Conv(
        features, (1, 1), kernel_init=kernel_init, precision=Precision.HIGHEST
    )


def _start(preset: Preset, fan_in: int = 1, *, last: bool = False):
    """Initialiser of a layer of a gate."""
    if preset == "released":
        return nn.initializers.normal(1e-8 / fan_in**0.5)
    return nn.initializers.zeros if last else nn.initializers.he_normal()


class StructureAttention(nn.Module):
    """A gate for every place, from an hourglass of convolutions.

    Structure-aware module of MLSSNet, holistic correlation of MMNet.

    Attributes:
      channels: of the map.
      preset: how the weights start.
    """

    channels: int = 64
    preset: Preset = "paper"

    def setup(self):
        narrow = self.channels // 4
        start = lambda *fan, last=False: {
            "kernel_init": _start(self.preset, *fan, last=last),
            "padding": "VALID",
            "precision": Precision.HIGHEST,
        }
        self.conv1 = nn.Conv(narrow, (7, 7), 2, **start(self.channels))
        self.conv2 = nn.Conv(1, (5, 5), **start(narrow))
        self.deconv1 = nn.ConvTranspose(1, (5, 5), transpose_kernel=True, **start())
        self.deconv2 = nn.ConvTranspose(
            1, (7, 7), (2, 2), transpose_kernel=True, **start(last=True)
        )

    def gate(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w 1"]:
        """Values in (0, 1); ``h`` and ``w`` are odd and at least 15."""
        x = nn.relu(self.conv1(x))
        x = nn.relu(self.conv2(x))
        x = nn.relu(self.deconv1(x))
        return nn.sigmoid(self.deconv2(x))

    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
        return x * self.gate(x)


class SemanticAttention(nn.Module):
    """A gate for every channel, from its mean and its maximum over the map.

    Attributes:
      channels: of the map.
      preset: how the weights start, and whether the maximum has its true derivative or,
        as in the released code, that of the mean.
    """

    channels: int = 64
    preset: Preset = "paper"

    def setup(self):
        narrow = self.channels // 4
        self.fc1 = pointwise(narrow, _start(self.preset, self.channels))
        self.fc2 = pointwise(self.channels, _start(self.preset, narrow, last=True))

    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
        over = {"axis": (1, 2), "keepdims": True}
        mean, most = x.mean(**over), x.max(**over)
        if self.preset == "released":
            most = mean + jax.lax.stop_gradient(most - mean)
        score = lambda pooled: self.fc2(nn.relu(self.fc1(pooled)))
        return x * nn.sigmoid(score(mean) + score(most))


class FineGrained(nn.Module):
    """MMNet's fine-grained aware network: pixel-level and holistic correlation, fused.

    Attributes:
      channels: of the map.
      preset: ``paper`` attends by a softmax over places. ``released`` sums the values
        of all places with weight one, because the released code normalises over an
        axis of length one; its weights have learned that.
      norm: where batch norms take their moments from.
    """

    channels: int = 64
    preset: Preset = "paper"
    norm: Norm = FROZEN

    def setup(self):
        conv = lambda: pointwise(self.channels)
        self.q, self.k, self.v, self.out = conv(), conv(), conv(), conv()
        norm = lambda: BranchNorm(self.norm, rate=0.1)
        self.bn_q, self.bn_k, self.bn_v = norm(), norm(), norm()
        self.hc = StructureAttention(self.channels, self.preset)
        self.fuse = pointwise(self.channels)

    def pixel_level(self, *branches: Float[Array, "n _ _ c"]) -> list[Array]:
        """Each map ``[n, h, w, c]`` plus what its places say about one another."""
        query, key, value = (
            [nn.relu(x) for x in norm(*map(conv, branches))]
            for conv, norm in (
                (self.q, self.bn_q),
                (self.k, self.bn_k),
                (self.v, self.bn_v),
            )
        )
        if self.preset == "released":
            gathered = [v.sum((1, 2), keepdims=True) for v in value]
        else:
            gathered = map(attend, query, key, value)
        return [x + self.out(o) for x, o in zip(branches, gathered, strict=True)]

    def __call__(self, *branches: Float[Array, "n _ _ c"]) -> tuple[Array, ...]:
        """The branches' maps ``[n, h, w, c]``, enriched; ``h``, ``w`` odd, from 15."""
        pixel, holistic = self.pixel_level(*branches), map(self.hc, branches)
        both = zip(pixel, holistic, strict=True)
        return tuple(self.fuse(jnp.concatenate(pair, -1)) for pair in both)


@jax.checkpoint
def attend(
    query: Float[Array, "n h w c"],
    key: Float[Array, "n h w c"],
    value: Float[Array, "n h w c"],
) -> Float[Array, "n h w c"]:
    """Mean of the values, weighted by the softmax of the unscaled inner products.

    Weights of all pairs of places are large (32 MB for 53 x 53): they are computed
    again for the derivative, not kept.
    """
    flat = lambda x: x.reshape(len(x), -1, x.shape[-1])
    inner = jnp.einsum(
        "nic,njc->nij", flat(query), flat(key), precision=Precision.HIGHEST
    )
    weights = jax.nn.softmax(inner)
    mixed = jnp.einsum(
        "nij,njc->nic", weights, flat(value), precision=Precision.HIGHEST
    )
    return mixed.reshape(value.shape)
