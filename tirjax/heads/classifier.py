"""DiMP's target classifier: a filter predicted from samples, then optimised on them.

Boxes are ``(x, y, w, h)`` in crop pixels. A sequence is one call: batch with ``vmap``.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.lax import Precision

from tirjax.backbones.norm import FROZEN, Norm
from tirjax.backbones.resnet import BasicBlock, conv
from tirjax.ops import boxes as box_ops
from tirjax.ops.distance import radial
from tirjax.ops.roi import prroi_pool
from tirjax.ops.target_filter import score_map, score_shape
from tirjax.solvers.steepest_descent import descent_path, steepest_descent
from tirjax.typing import Array, Float, Int

_KNOTS, _SPACING = 100, 0.1
_LEAST_REGULARISATION = 1e-3


def instance_l2norm(
    x: Float[Array, "*b h w c"], scale: float
) -> Float[Array, "*b h w c"]:
    """Scales each map so that the root mean square of its values is ``scale``."""
    power = jnp.mean(x**2, axis=(-3, -2, -1), keepdims=True)
    return x * (scale * jax.lax.rsqrt(power + 1e-5 / np.prod(x.shape[-3:])))


def activation(
    scores: Float[Array, "*s"], mask: Float[Array, "*s"]
) -> Float[Array, "*s"]:
    """Slope 1 above zero and ``mask`` below it.

    Away from the target (mask 0) a negative score is as good as zero: the hinge of a
    support vector machine; on the target (mask 1) it is the identity of a regression.
    """
    return (1 - mask) / 2 * jnp.abs(scores) + (1 + mask) / 2 * scores


class Knots(nn.Module):
    """Values at the knots of a function of distance, kept as a 1x1 kernel."""

    initial: tuple[float, ...]

    @nn.compact
    def __call__(self) -> Float[Array, " k"]:
        shape = (1, 1, len(self.initial), 1)
        start = lambda _: jnp.asarray(self.initial, jnp.float32).reshape(shape)
        return self.param("kernel", start).reshape(-1)


class FilterInitializer(nn.Module):
    """The mean of the target's pooled features, after one convolution."""

    channels: int
    filter_size: int
    stride: int

    def setup(self):
        self.filter_conv = conv(self.channels, 3, bias=True, precision=_EXACT)

    def __call__(self, features, boxes):
        bins = (self.filter_size, self.filter_size)
        pool = lambda f, box: prroi_pool(f, box[None], bins)[0]
        return jax.vmap(pool)(self.filter_conv(features), boxes / self.stride).mean(0)


class FilterOptimizer(nn.Module):
    """Steepest descent on a learned regression loss.

    Attributes:
      sigma: width of the initial label, cells.
      stride: pixels of a cell.
    """

    sigma: float
    stride: int

    def setup(self):
        distance = _SPACING * np.arange(_KNOTS)
        label = np.exp(-0.5 * (distance / self.sigma) ** 2)
        self.label_map_predictor = Knots(tuple(label - label.min()))
        self.target_mask_predictor = [Knots(tuple(3 * np.tanh(2 - distance)))]
        self.spatial_weight_predictor = Knots((1.0,) * _KNOTS)
        constant = lambda value: lambda _: jnp.full(1, value)
        self.log_step_length = self.param("log_step_length", constant(np.log(0.9)))
        self.filter_reg = self.param("filter_reg", constant(0.1))

    def maps(self, boxes, shape, size):
        """Label, mask and weight of every score, ``[n, rows, cols]`` each."""
        centre = box_ops.centre(boxes) / self.stride - size % 2 / 2
        knots = [
            self.label_map_predictor(),
            self.target_mask_predictor[0](),
            self.spatial_weight_predictor(),
        ]
        values = jax.vmap(radial, (None, 0, None, None))(
            jnp.stack(knots, -1), centre, shape, _SPACING
        )
        label, mask, weight = jnp.moveaxis(values, -1, 0)
        return label, nn.sigmoid(mask), weight

    def problem(self, features, boxes, filter, sample_weights):
        """What the solvers of ``steepest_descent`` take, and their keywords."""
        size = filter.shape[0]
        shape = score_shape(features.shape[1:3], size)
        label, mask, weight = self.maps(boxes, shape, size)
        if sample_weights is None:
            sample_weights = jnp.full(len(features), 1 / len(features))
        weight = weight * jnp.sqrt(sample_weights)[:, None, None]
        shrink = jnp.maximum(jnp.abs(self.filter_reg[0]), _LEAST_REGULARISATION)

        def residual(scored):
            scores, w = scored
            return weight * (activation(scores, mask) - label), shrink * w

        keywords = {
            "step_scale": jnp.exp(self.log_step_length[0]),
            "operator": lambda w: (score_map(features, w), w),
        }
        return (residual, filter), keywords


class Classifier(nn.Module):
    """Features, first filter and its optimisation.

    Attributes:
      blocks: residual blocks before the last convolution; 1 in DiMP-18, else 0.
      channels: of the features and the filter; 256 in DiMP-18, 512 in DiMP-50.
      filter_size: side of the filter, cells.
      sigma: width of the initial label, cells.
      stride: pixels of a cell of ``layer3``.
      norm: where batch norms take their statistics from.
    """

    blocks: int
    channels: int
    filter_size: int = 4
    sigma: float = 0.9
    stride: int = 16
    norm: Norm = FROZEN

    def setup(self):
        width = self.channels
        block = lambda: BasicBlock(width, precision=_EXACT, norm=self.norm)
        self.feature_extractor = [
            *(block() for _ in range(self.blocks)),
            conv(width, 3, precision=_EXACT),
        ]
        self.filter_initializer = FilterInitializer(
            self.channels, self.filter_size, self.stride
        )
        self.filter_optimizer = FilterOptimizer(self.sigma, self.stride)

    def features(self, layer3: Float[Array, "n h w d"]) -> Float[Array, "n h w c"]:
        """Classification features of the backbone's ``layer3``."""
        for layer in self.feature_extractor:
            layer3 = layer(layer3)
        return instance_l2norm(layer3, (self.channels * self.filter_size**2) ** -0.5)

    def initial_filter(
        self, features: Float[Array, "n h w c"], boxes: Float[Array, "n 4"]
    ) -> Float[Array, "f f c"]:
        """Filter from the targets' features, mean over the samples."""
        return self.filter_initializer(features, boxes)

    def optimise(
        self,
        features: Float[Array, "n h w c"],
        boxes: Float[Array, "n 4"],
        filter: Float[Array, "f f c"],
        sample_weights: Float[Array, " n"] | None = None,
        steps: int = 5,
        count: Int[Array, ""] | None = None,
    ) -> tuple[Float[Array, "f f c"], Float[Array, " {steps}+1"]]:
        """Improves the filter on the samples.

        Args:
          features: samples; what a sample of weight 0 holds does not matter.
          boxes: target in every sample.
          filter: where to start.
          sample_weights: how much each sample counts; equal weights if None.
          steps: iterations, at most. Static.
          count: iterations to run, if known at run time only.

        Returns:
          The filter, and the loss before every step and after the last.
        """
        problem, keywords = self.filter_optimizer.problem(
            features, boxes, filter, sample_weights
        )
        return steepest_descent(*problem, steps=steps, count=count, **keywords)

    def iterates(
        self,
        features: Float[Array, "n h w c"],
        boxes: Float[Array, "n 4"],
        steps: int = 5,
    ) -> Float[Array, "{steps}+1 f f c"]:
        """The first filter and what every step makes of it; training judges them all.

        Args:
          features: samples, equally weighted.
          boxes: target in every sample.
          steps: iterations. Static.
        """
        first = self.initial_filter(features, boxes)
        problem, keywords = self.filter_optimizer.problem(features, boxes, first, None)
        return descent_path(*problem, steps=steps, **keywords)


# Reduced-precision products of tensor cores change the step length visibly.
_EXACT = Precision.HIGHEST
