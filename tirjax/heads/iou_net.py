"""IoU-Net: predicts how well a box overlaps the target seen in a reference frame.

Boxes are ``(x, y, w, h)`` in crop pixels. The prediction is ``2 * IoU - 1`` for weights
trained by regression; its gradient with respect to the box refines the box.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.1; Jiang et al., Acquisition of Localization Confidence, ECCV 2018.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.lax import Precision

from tirjax.backbones.conv import Conv
from tirjax.backbones.norm import FROZEN, BatchNorm, Norm
from tirjax.ops.roi import prroi_pool
from tirjax.typing import Array, Float

# Layers that see the reference frame; all others see the test frame or both.
REFERENCE = ("conv3_1r", "conv4_1r", "fc3_1r", "fc34_3r", "fc34_4r")


def _conv(features, size, padding, norm):
    made = Conv(
        features,
        (size, size),
        padding=padding,
        precision=Precision.HIGHEST,
        kernel_init=nn.initializers.he_normal(),
    )
    return [made, BatchNorm(norm)]


def _run(unit, x):
    convolution, normalisation = unit
    return nn.relu(normalisation(convolution(x)))


class LinearBlock(nn.Module):
    """Linear layer, batch norm, rectifier."""

    features: int
    norm: Norm = FROZEN

    def setup(self):
        self.linear = nn.Dense(
            self.features,
            precision=Precision.HIGHEST,
            kernel_init=nn.initializers.he_normal(),
        )
        self.bn = BatchNorm(self.norm)

    def __call__(self, x: Float[Array, "*n c"]) -> Float[Array, "*n d"]:
        return nn.relu(self.bn(self.linear(x)))


class IoUNet(nn.Module):
    """Modulation by the reference, features of the test frame, prediction for boxes.

    Attributes:
      strides: pixels of a cell of ``layer2`` and ``layer3``.
      width: channels of both levels; half of it where the reference enters.
      norm: where batch norms take their statistics from.
      reference_norm: the same for the layers of ``REFERENCE``.
    """

    strides: tuple[int, int] = (8, 16)
    width: int = 256
    norm: Norm = FROZEN
    reference_norm: Norm = FROZEN

    def setup(self):
        width = self.width
        seen = lambda features, size, padding: _conv(
            features, size, padding, self.reference_norm
        )
        self.conv3_1r, self.conv4_1r = seen(width // 2, 3, 1), seen(width, 3, 1)
        self.fc3_1r = seen(width, 3, 0)
        self.fc34_3r, self.fc34_4r = seen(width, 1, 0), seen(width, 1, 0)
        judged = lambda: _conv(width, 3, 1, self.norm)
        self.conv3_1t, self.conv3_2t = judged(), judged()
        self.conv4_1t, self.conv4_2t = judged(), judged()
        self.fc3_rt = LinearBlock(width, self.norm)
        self.fc4_rt = LinearBlock(width, self.norm)
        self.iou_predictor = nn.Dense(1, precision=Precision.HIGHEST)

    def modulation(
        self,
        layer2: Float[Array, "n h2 w2 c2"],
        layer3: Float[Array, "n h3 w3 c3"],
        boxes: Float[Array, "n 4"],
    ) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
        """Channel weights of both levels from reference frames and a box in each."""
        f3, f4 = _run(self.conv3_1r, layer2), _run(self.conv4_1r, layer3)
        pooled3 = _pool(f3, boxes[:, None] / self.strides[0], 3)[:, 0]
        pooled4 = _pool(f4, boxes[:, None] / self.strides[1], 1)[:, 0]
        both = jnp.concatenate([_run(self.fc3_1r, pooled3), pooled4], -1)
        weights = _run(self.fc34_3r, both), _run(self.fc34_4r, both)
        return weights[0][:, 0, 0], weights[1][:, 0, 0]

    def features(
        self, layer2: Float[Array, "n h2 w2 c2"], layer3: Float[Array, "n h3 w3 c3"]
    ) -> tuple[Float[Array, "n h2 w2 d"], Float[Array, "n h3 w3 d"]]:
        """Feature maps in which boxes are judged."""
        f3 = _run(self.conv3_2t, _run(self.conv3_1t, layer2))
        f4 = _run(self.conv4_2t, _run(self.conv4_1t, layer3))
        return f3, f4

    def predict(
        self,
        f3: Float[Array, "n h2 w2 d"],
        f4: Float[Array, "n h3 w3 d"],
        modulation: tuple[Float[Array, "n d"], Float[Array, "n d"]],
        boxes: Float[Array, "n p 4"],
    ) -> Float[Array, "n p"]:
        """Predicted overlap of each frame's boxes with its target.

        Pooling is linear in each channel, so the modulation follows it: it scales the
        few pooled values instead of two maps.
        """
        v3, v4 = (v[:, None, None, None] for v in modulation)
        pooled3 = _pool(f3, boxes / self.strides[0], 5) * v3
        pooled4 = _pool(f4, boxes / self.strides[1], 3) * v4
        flat = lambda x: x.reshape(*x.shape[:2], -1)
        both = jnp.concatenate(
            [self.fc3_rt(flat(pooled3)), self.fc4_rt(flat(pooled4))], -1
        )
        return self.iou_predictor(both)[..., 0]


def _pool(maps, boxes, bins):
    """Pools boxes ``[n, p, 4]`` of every map: ``[n, p, bins, bins, c]``."""
    return jax.vmap(lambda x, b: prroi_pool(x, b, (bins, bins)))(maps, boxes)
