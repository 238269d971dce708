"""Siamese networks: a template from the exemplar, its correlation with a search region.

A tracker computes the template once and asks for responses in every frame; training
calls the whole network, in which both branches share the running moments of batch norm.
Templates are tuples, one array a level, so that their running mean is a tree map. Score
maps of all levels have one shape: level 0 is the deepest layer, level 1 is ``conv3``.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops; Valmadre et al., End-to-end Representation Learning for Correlation
Filter Based Tracking, CVPR 2017.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn

from tirjax.backbones.alexnet import AlexNet
from tirjax.backbones.branch_norm import BranchNorm
from tirjax.backbones.norm import FROZEN, Norm
from tirjax.heads.attention import pointwise
from tirjax.ops.cross_correlation import cross_correlation
from tirjax.solvers.correlation_filter import (
    correlation_filter,
    crop_margin,
    hann_window,
    wrapped_gaussian,
)
from tirjax.typing import Array, Float, Num

RIDGE = 10.0  # of the correlation filter
LABEL_SIGMA = 2.0  # of its desired response, cells: 8 pixels at stride 4
GAIN = 1e-3  # of SiamFC's scores
MARGIN = 16  # cells of context that belong to no template

Levels = tuple[Array, ...]


class Responses(NamedTuple):
    """What a network says about a batch of search regions.

    Trackers sum over levels: SiamFC and MLSSNet ``adjusted``, CFNet and MMNet ``raw``.

    Attributes:
      raw: ``[n, levels, h, w]``, correlation with each template.
      adjusted: ``[n, levels, h, w]``, after each level's gain and bias: logits.
      classes: ``[m, classes]``, logits of the exemplars' class; None where no branch
        classifies or only a search region was seen.
    """

    raw: Array
    adjusted: Array
    classes: Array | None = None


class Adjust(nn.Module):
    """Gain and bias of a score map.

    Attributes:
      initial: both at the start.
    """

    initial: tuple[float, float] = (1.0, -0.5)

    @nn.compact
    def __call__(self, scores: Float[Array, "n h w"]) -> Float[Array, "n h w"]:
        gain, bias = self.initial
        gain = self.param("gain", nn.initializers.constant(gain), ())
        return gain * scores + self.param("bias", nn.initializers.constant(bias), ())


class AdjustNorm(nn.Module):
    """Batch norm of a score map, in the place of ``Adjust``."""

    norm: Norm = FROZEN

    @nn.compact
    def __call__(self, scores: Float[Array, "n h w"]) -> Float[Array, "n h w"]:
        (y,) = BranchNorm(self.norm, rate=0.3, name="bn")(scores[..., None])
        return y[..., 0]


def filter_template(
    features: Float[Array, "n h h c"], margin: int = MARGIN
) -> Float[Array, "n t t c"]:
    """The centre of the correlation filter of an exemplar's features.

    Args:
      features: square maps, target in the middle.
      margin: cells cut off each side of the filter.
    """
    side = features.shape[-2]
    window = jnp.asarray(hann_window(side), features.dtype)
    target = jnp.asarray(wrapped_gaussian(side, LABEL_SIGMA), features.dtype)
    return crop_margin(
        correlation_filter(features * window[..., None], target, RIDGE), margin
    )


class Siamese(nn.Module):
    """What the networks have in common; alone it correlates plain features.

    Subclasses say what the features of a level are (``levels``), what of an exemplar's
    is the template (``template``) and how responses are adjusted (``adjusted``).

    Attributes:
      backbone: of both branches.
    """

    backbone: AlexNet

    def setup(self):
        self.adjust5 = self._adjust()

    def _adjust(self) -> Any:
        return Adjust()

    def levels(self, *images: Num[Array, "n _ _ _"]) -> tuple[Levels, ...]:
        """Features ``[n, h, w, c]`` of every branch, a tuple of levels each."""
        return tuple(
            (_wide(maps[self.backbone.last]),) for maps in self.backbone(*images)
        )

    def template(self, exemplar: Levels) -> Levels:
        """What of the exemplar's features is correlated with the search region."""
        return exemplar

    def adjusted(self, raw: Levels) -> Levels:
        """Every level's response after gain and bias."""
        return (self.adjust5(raw[0]),)

    def exemplar(self, z: Num[Array, "m h w k"]) -> Levels:
        """Templates of exemplar images, 0..255, target in the middle."""
        return self.template(*self.levels(z))

    def respond(self, template: Levels, x: Num[Array, "n h w k"]) -> Responses:
        """Responses in search regions, 0..255.

        Args:
          template: of as many exemplars as there are search regions, or of one.
          x: search regions; the response's centre belongs to their centre.
        """
        return self.responses(template, *self.levels(x))

    def responses(self, template: Levels, search: Levels) -> Responses:
        """Correlation of templates with the levels of search regions."""
        raw = tuple(map(cross_correlation, template, search))
        return Responses(jnp.stack(raw, 1), jnp.stack(self.adjusted(raw), 1))

    def __call__(
        self, z: Num[Array, "n h w k"], x: Num[Array, "n hx wx k"]
    ) -> Responses:
        """Responses of pairs of exemplar and search region, for training."""
        exemplar, search = self.levels(z, x)
        return self.responses(self.template(exemplar), search)


def _wide(x):
    """At least single precision: Fourier transforms take nothing less."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


class SiamFC(Siamese):
    """Features of the exemplar are the template.

    Attributes:
      normed: whether scores are adjusted by a batch norm, as in the baseline of CFNet;
        else by a gain, which training leaves as it is, and a bias.
      gain: of scores; inner products over fewer channels than 256 need a larger one.
    """

    normed: bool = False
    gain: float = GAIN

    def _adjust(self):
        if self.normed:
            return AdjustNorm(self.backbone.norm)
        return Adjust((self.gain, 0.0))


class CFNet(Siamese):
    """The template is a correlation filter learned from the exemplar's features.

    Attributes:
      margin: cells cut off each side of the filter.
    """

    margin: int = MARGIN

    def template(self, exemplar: Levels) -> Levels:
        """Cropped correlation filters."""
        return tuple(filter_template(x, self.margin) for x in exemplar)


class TwoLevelNet(CFNet):
    """Correlation filters at ``conv5`` and at ``conv3``, reduced to the same width."""

    def setup(self):
        super().setup()
        self.adjust3 = self._adjust()
        self.reduce3 = pointwise(self.channels)

    @property
    def channels(self) -> int:
        """Channels of both levels."""
        return self.backbone.widths[-1]

    def levels(self, *images: Num[Array, "n _ _ _"]) -> tuple[Levels, ...]:
        """Of every branch ``conv5`` and ``conv3``, before batch norm, reduced."""
        return tuple(
            (_wide(maps["conv5"]), self.reduce3(_wide(maps["conv3"])))
            for maps in self.backbone(*images)
        )

    def adjusted(self, raw: Levels) -> Levels:
        """Every level's response after gain and bias."""
        return self.adjust5(raw[0]), self.adjust3(raw[1])
