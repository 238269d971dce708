"""Batch norm under weights that several branches of a network share.

Each branch is normalised by its own batch, and the running moments move once, towards
the mean of the branches'. As in MatConvNet, what is averaged over time is the standard
deviation, of the biased variance; what is kept is the variance, as everywhere in Flax.

Source: Ioffe and Szegedy, Batch Normalization, ICML 2015; Vedaldi and Lenc, MatConvNet,
ACM MM 2015.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones.norm import EPSILON, FROZEN, Norm
from tirjax.typing import Array, Float


class BranchNorm(nn.Module):
    """Normalises each channel, then scales and shifts it.

    Attributes:
      norm: where moments come from.
      rate: share of the newest batch in the running moments.
      dtype: of the result; None follows the input.
    """

    norm: Norm = FROZEN
    rate: float = 0.05
    dtype: Any = None

    @nn.compact
    def __call__(self, *branches: Float[Array, "..."]) -> tuple[Array, ...]:
        """The branches, channels last; only their numbers of channels must agree."""
        width = branches[0].shape[-1:]
        mean = self.variable("batch_stats", "mean", jnp.zeros, width)
        var = self.variable("batch_stats", "var", jnp.ones, width)
        scale = self.param("scale", nn.initializers.ones, width)
        bias = self.param("bias", nn.initializers.zeros, width)
        moments = [(mean.value, var.value)] * len(branches)
        if self.norm.batch and not self.is_initializing():
            moments = [_moments(x, self.norm.axis) for x in branches]
            if self.is_mutable_collection("batch_stats"):
                means, variances = map(jnp.stack, zip(*moments, strict=True))
                deviation = jnp.sqrt(variances + EPSILON).mean(0)
                deviation = self._moved(jnp.sqrt(var.value + EPSILON), deviation)
                mean.value = self._moved(mean.value, means.mean(0))
                var.value = deviation**2 - EPSILON

        def normalised(x, m, v):
            y = (x - m) * (scale * jax.lax.rsqrt(v + EPSILON)) + bias
            return y.astype(self.dtype or x.dtype)

        return tuple(
            normalised(x, *pair) for x, pair in zip(branches, moments, strict=True)
        )

    def _moved(self, old, new):
        return (1 - self.rate) * old + self.rate * new


def _moments(x, axis):
    """Mean and biased variance of each channel."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    over = tuple(range(x.ndim - 1))
    across = (lambda v: v) if axis is None else lambda v: jax.lax.pmean(v, axis)
    mean = across(wide.mean(over))
    return mean, across(((wide - mean) ** 2).mean(over))
