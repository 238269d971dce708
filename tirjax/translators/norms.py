"""Batch and instance norm as translators were published with them.

Where statistics come from is a setting of the network, as for ``backbones.norm``. What
the authors of thermal translations ran is training mode: statistics of the very image
that is translated, ``Norm(batch=True)`` on an apply that leaves ``batch_stats`` alone.

Source: Ioffe and Szegedy, Batch Normalization, ICML 2015; Ulyanov et al., Instance
Normalization, 2016.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones.norm import EPSILON, FROZEN, Norm
from tirjax.typing import Array, Float

Kind = Literal["batch", "instance", "instance_tracked", "none"]
SPREAD = 0.02  # of drawn weights
_KEPT = 0.9  # of a running statistic, at each batch


class Traits(NamedTuple):
    """What a kind of norm does.

    Attributes:
      over: axes of an NHWC batch that a mean is over.
      affine: whether it scales and shifts.
      tracked: whether it keeps running statistics.
      bias: whether convolutions before it have one.
    """

    over: tuple[int, ...]
    affine: bool
    tracked: bool
    bias: bool


# Checkpoints of mid-2018 have running statistics of instance norms; with ``FROZEN``
# they are used, as the code of that time did when it evaluated.
KINDS: dict[str, Traits] = {
    "batch": Traits((0, 1, 2), affine=True, tracked=True, bias=False),
    "instance": Traits((1, 2), affine=False, tracked=False, bias=True),
    "instance_tracked": Traits((1, 2), affine=False, tracked=True, bias=True),
}


def needs_bias(kind: Kind) -> bool:
    """Whether a convolution followed by this norm has a bias."""
    return kind in KINDS and KINDS[kind].bias


class Normalisation(nn.Module):
    """Normalises each channel of a batch, or of each image in it.

    Attributes:
      kind: ``'none'`` lets the input through. Running variances are unbiased, those it
        normalises by are not.
      norm: where statistics come from; without meaning for ``'instance'``.
    """

    kind: Kind = "batch"
    norm: Norm = FROZEN

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
        if self.kind == "none":
            return x
        traits = KINDS[self.kind]
        if traits.tracked:
            mean, var = self._tracked(x, traits.over)
        else:
            mean, var, _ = _moments(x, traits.over, None)
        y = (x - mean) * jax.lax.rsqrt(var + EPSILON)
        if traits.affine:
            width = (x.shape[-1],)
            y = y * self.param("scale", _near_one, width)
            y = y + self.param("bias", nn.initializers.zeros, width)
        return y

    def _tracked(self, x, over):
        """Mean and variance, the running ones moved where they may be."""
        width = (x.shape[-1],)
        mean = self.variable("batch_stats", "mean", jnp.zeros, width)
        var = self.variable("batch_stats", "var", jnp.ones, width)
        if not self.norm.batch or self.is_initializing():
            return mean.value, var.value
        axis = self.norm.axis if 0 in over else None
        now, spread, count = _moments(x, over, axis)
        if self.is_mutable_collection("batch_stats"):
            unbiased = spread * (count / max(count - 1, 1))
            for kept, new in ((mean, now), (var, unbiased)):
                new = new.mean((0, 1, 2))
                kept.value = _KEPT * kept.value + (1 - _KEPT) * new
        return now, spread


def _near_one(key, shape):
    return 1 + SPREAD * jax.random.normal(key, shape)


def _moments(x, over, axis):
    """Mean, variance and the number of values they are of."""
    across = (lambda v: v) if axis is None else lambda v: jax.lax.pmean(v, axis)
    mean = across(x.mean(over, keepdims=True))
    var = across(((x - mean) ** 2).mean(over, keepdims=True))
    devices = 1 if axis is None else jax.lax.axis_size(axis)
    return mean, var, devices * (x.size // mean.size)
