"""IoU-Net: predicts how well a box overlaps the target seen in a reference frame.

Boxes are ``(x, y, w, h)`` in crop pixels. The prediction is ``2 * IoU - 1`` for weights
trained by regression; its gradient with respect to the box refines the box.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.1; Jiang et al., Acquisition of Localization Confidence, ECCV 2018.
"""

import jax.numpy as jnp
from flax import linen as nn
from jax.lax import Precision

from tirjax.backbones.resnet import norm
from tirjax.ops.roi import prroi_pool
from tirjax.typing import Array, Float

_STRIDE3, _STRIDE4 = 8, 16
_WIDTH = 256


def _conv(features, size, padding):
    made = nn.Conv(
        features,
        (size, size),
        padding=padding,
        precision=Precision.HIGHEST,
        kernel_init=nn.initializers.he_normal(),
    )
    return [made, norm()]


def _run(unit, x):
    convolution, normalisation = unit
    return nn.relu(normalisation(convolution(x)))


class LinearBlock(nn.Module):
    """Linear layer, batch norm, rectifier."""

    features: int

    def setup(self):
        self.linear = nn.Dense(
            self.features,
            precision=Precision.HIGHEST,
            kernel_init=nn.initializers.he_normal(),
        )
        self.bn = norm()

    def __call__(self, x: Float[Array, "n c"]) -> Float[Array, "n d"]:
        return nn.relu(self.bn(self.linear(x)))


class IoUNet(nn.Module):
    """Modulation by the reference, features of the test frame, prediction for boxes."""

    def setup(self):
        self.conv3_1r = _conv(128, 3, 1)
        self.conv4_1r = _conv(_WIDTH, 3, 1)
        self.fc3_1r = _conv(_WIDTH, 3, 0)
        self.fc34_3r = _conv(_WIDTH, 1, 0)
        self.fc34_4r = _conv(_WIDTH, 1, 0)
        self.conv3_1t, self.conv3_2t = _conv(_WIDTH, 3, 1), _conv(_WIDTH, 3, 1)
        self.conv4_1t, self.conv4_2t = _conv(_WIDTH, 3, 1), _conv(_WIDTH, 3, 1)
        self.fc3_rt, self.fc4_rt = LinearBlock(_WIDTH), LinearBlock(_WIDTH)
        self.iou_predictor = nn.Dense(1, precision=Precision.HIGHEST)

    def modulation(
        self,
        layer2: Float[Array, "1 h2 w2 c2"],
        layer3: Float[Array, "1 h3 w3 c3"],
        box: Float[Array, "4"],
    ) -> tuple[Float[Array, "256"], Float[Array, "256"]]:
        """Channel weights of both levels from one reference frame and its box."""
        f3, f4 = _run(self.conv3_1r, layer2)[0], _run(self.conv4_1r, layer3)[0]
        pooled3 = prroi_pool(f3, box[None] / _STRIDE3, (3, 3))
        pooled4 = prroi_pool(f4, box[None] / _STRIDE4, (1, 1))
        both = jnp.concatenate([_run(self.fc3_1r, pooled3), pooled4], -1)
        weights = _run(self.fc34_3r, both), _run(self.fc34_4r, both)
        return weights[0][0, 0, 0], weights[1][0, 0, 0]

    def features(
        self, layer2: Float[Array, "n h2 w2 c2"], layer3: Float[Array, "n h3 w3 c3"]
    ) -> tuple[Float[Array, "n h2 w2 256"], Float[Array, "n h3 w3 256"]]:
        """Feature maps in which boxes are judged."""
        f3 = _run(self.conv3_2t, _run(self.conv3_1t, layer2))
        f4 = _run(self.conv4_2t, _run(self.conv4_1t, layer3))
        return f3, f4

    def predict(
        self,
        f3: Float[Array, "h2 w2 256"],
        f4: Float[Array, "h3 w3 256"],
        modulation: tuple[Float[Array, "256"], Float[Array, "256"]],
        boxes: Float[Array, "n 4"],
    ) -> Float[Array, " n"]:
        """Predicted overlap of each box with the target.

        Pooling is linear in each channel, so the modulation follows it: it scales the
        few pooled values instead of two maps.
        """
        v3, v4 = modulation
        pooled3 = prroi_pool(f3, boxes / _STRIDE3, (5, 5)) * v3
        pooled4 = prroi_pool(f4, boxes / _STRIDE4, (3, 3)) * v4
        flat = lambda x: x.reshape(len(x), -1)
        both = jnp.concatenate(
            [self.fc3_rt(flat(pooled3)), self.fc4_rt(flat(pooled4))], -1
        )
        return self.iou_predictor(both)[:, 0]
