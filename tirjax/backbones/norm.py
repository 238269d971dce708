"""Batch norm with statistics that are given, or of the batch at hand.

Which of the two is a setting of the network, not of the call: a network for training
and one for tracking have the same variables. Running variances are unbiased, as in the
framework that the published weights come from; Flax's own layer keeps biased ones.

Source: Ioffe and Szegedy, Batch Normalization, ICML 2015.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.typing import Array, Float

EPSILON = 1e-5
_KEPT = 0.9  # of a running statistic, at each batch


class Norm(NamedTuple):
    """Where statistics come from.

    Attributes:
      batch: True takes the batch's, and moves the running ones towards them when
        ``batch_stats`` is mutable; False takes the running ones.
      axis: mesh axis over which a batch is spread, to take the statistics of all of
        it; None takes each device's own.
    """

    batch: bool = False
    axis: str | None = None


FROZEN = Norm()


class Norms(NamedTuple):
    """Where each part of a two-branch tracker takes its statistics from.

    Attributes:
      backbone: all of its stages.
      classifier: its residual blocks, where it has any.
      reference: layers of the IoU-Net that see the reference frame.
      test: its other layers.
    """

    backbone: Norm = FROZEN
    classifier: Norm = FROZEN
    reference: Norm = FROZEN
    test: Norm = FROZEN

    @classmethod
    def of(cls, norm: "Norm | Norms") -> "Norms":
        """The same for all parts, unless they are told apart already."""
        return norm if isinstance(norm, Norms) else cls(norm, norm, norm, norm)


class BatchNorm(nn.Module):
    """Normalises each channel, then scales and shifts it.

    Attributes:
      norm: where statistics come from.
      dtype: of the result; None follows the input.
    """

    norm: Norm = FROZEN
    dtype: Any = None

    @nn.compact
    def __call__(self, x: Float[Array, "*b c"]) -> Float[Array, "*b c"]:
        width = (x.shape[-1],)
        mean = self.variable("batch_stats", "mean", jnp.zeros, width)
        var = self.variable("batch_stats", "var", jnp.ones, width)
        scale = self.param("scale", nn.initializers.ones, width)
        bias = self.param("bias", nn.initializers.zeros, width)
        moments = mean.value, var.value
        if self.norm.batch and not self.is_initializing():
            moments, count = _moments(x, self.norm.axis)
            if self.is_mutable_collection("batch_stats"):
                unbiased = moments[1] * count / max(count - 1, 1)
                mean.value = _KEPT * mean.value + (1 - _KEPT) * moments[0]
                var.value = _KEPT * var.value + (1 - _KEPT) * unbiased
        gain = scale * jax.lax.rsqrt(moments[1] + EPSILON)
        dtype = self.dtype or x.dtype
        return ((x - moments[0]) * gain + bias).astype(dtype)


def _moments(x, axis):
    """Mean and variance of each channel, and the number of values they are of."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    over = tuple(range(x.ndim - 1))
    across = (lambda v: v) if axis is None else lambda v: jax.lax.pmean(v, axis)
    mean = across(wide.mean(over))
    var = across(((wide - mean) ** 2).mean(over))
    devices = 1 if axis is None else jax.lax.axis_size(axis)
    return (mean, var), devices * x.size // x.shape[-1]
