"""Whole networks: a backbone and its heads, under the names their variables have."""

from typing import Any

from flax import linen as nn

from tirjax.backbones.norm import FROZEN, Norm, Norms
from tirjax.backbones.resnet import ResNet
from tirjax.backbones.squeezenet import SqueezeNet
from tirjax.heads.classifier import Classifier
from tirjax.heads.iou_net import IoUNet
from tirjax.ops.target_filter import score_map
from tirjax.typing import Array, Float


class DimpNet(nn.Module):
    """Backbone, target classifier and IoU-Net of DiMP.

    Attributes:
      backbone: gives ``layer2`` and ``layer3``.
      classifier: reads ``layer3``.
      iou_net: reads both.
    """

    backbone: ResNet | SqueezeNet
    classifier: Classifier
    iou_net: IoUNet

    def __call__(
        self, images: Float[Array, "n h w 3"], boxes: Float[Array, "n 4"]
    ) -> tuple[Float[Array, "n oh ow"], Float[Array, " n"]]:
        """Scores of all images under their own filter, overlaps in the first image.

        Runs every part once: this is what makes and shapes the variables.

        Args:
          images: normalised crops.
          boxes: target in every crop, pixels of the crop.
        """
        maps = self.backbone(images)
        features = self.classifier.features(maps["layer3"])
        filter = self.classifier.initial_filter(features, boxes)
        filter, _ = self.classifier.optimise(features, boxes, filter)
        return score_map(features, filter), _overlaps(self.iou_net, maps, boxes)


class AtomNet(nn.Module):
    """Backbone and IoU-Net of ATOM; its classifier is learned in the first frame."""

    backbone: ResNet
    iou_net: IoUNet

    def __call__(
        self, images: Float[Array, "n h w 3"], boxes: Float[Array, "n 4"]
    ) -> Float[Array, " n"]:
        """Overlaps of the boxes in the first image, the first box being the target."""
        return _overlaps(self.iou_net, self.backbone(images), boxes)


def _overlaps(iou_net, maps, boxes):
    layer2, layer3 = maps["layer2"][:1], maps["layer3"][:1]
    modulation = iou_net.modulation(layer2, layer3, boxes[:1])
    f3, f4 = iou_net.features(layer2, layer3)
    return iou_net.predict(f3, f4, modulation, boxes[None])[0]


# What differs between the published networks and ours, by depth of the backbone:
# residual blocks and channels of the classifier.
_CLASSIFIERS = {10: (0, 96), 18: (1, 256), 50: (0, 512)}


def dimp_net(
    depth: int,
    *,
    sigma: float = 0.9,
    dtype: Any = None,
    norm: Norm | Norms = FROZEN,
    frozen: tuple[str, ...] = (),
) -> DimpNet:
    """DiMP-18 or DiMP-50; SuperDiMP-50 is DiMP-50 with other weights and settings.

    DiMP-10 is ours: a third of the channels, one block a stage and no pooling, so that
    its strides are 4 and 8 and a patch of 128 pixels has 16 x 16 cells.

    Args:
      depth: of the backbone, 10, 18 or 50.
      sigma: width of the label before training, cells; 0.9 is DiMP's, 0.9167 (22 cells
        over 24) SuperDiMP's.
      dtype: of the backbone's computation; None follows the parameters.
      norm: where batch norms take their statistics from; for training.
      frozen: stages of the backbone that keep their running statistics.
    """
    norms = Norms.of(norm)
    backbone = _backbone(depth, dtype, norms.backbone, frozen)
    classifier = Classifier(
        *_CLASSIFIERS[depth],
        sigma=sigma,
        stride=backbone.strides["layer3"],
        norm=norms.classifier,
    )
    return DimpNet(backbone, classifier, _iou_net(backbone, norms))


def dimp_squeezenet(
    *,
    sigma: float = 0.9,
    dtype: Any = None,
    norm: Norm | Norms = FROZEN,
    still: bool = False,
) -> DimpNet:
    """DiMP-10 with SqueezeNet 1.0 for its backbone; the strides are the same, 4 and 8.

    Args:
      sigma: as for ``dimp_net``.
      dtype: of the backbone's computation; None follows the parameters.
      norm: where batch norms take their statistics from; for training.
      still: whether no gradient reaches the first layers, up to stride 4.
    """
    norms = Norms.of(norm)
    backbone = SqueezeNet(still=still, dtype=dtype, norm=norms.backbone)
    strides = backbone.strides["layer2"], backbone.strides["layer3"]
    blocks, channels = _CLASSIFIERS[10]
    classifier = Classifier(
        blocks, channels, sigma=sigma, stride=strides[1], norm=norms.classifier
    )
    iou_net = IoUNet(strides, 64, norms.test, norms.reference)
    return DimpNet(backbone, classifier, iou_net)


def atom_net(
    depth: int = 18,
    *,
    dtype: Any = None,
    norm: Norm | Norms = FROZEN,
) -> AtomNet:
    """ATOM's two networks.

    Args:
      depth: of the backbone; published weights have 18.
      dtype: of the backbone's computation; None follows the parameters.
      norm: where batch norms take their statistics from; for training.
    """
    norms = Norms.of(norm)
    backbone = _backbone(depth, dtype, norms.backbone)
    return AtomNet(backbone, _iou_net(backbone, norms))


def _backbone(depth, dtype, norm, frozen=()):
    widths, pool = ((24, 48, 96), False) if depth == 10 else ((64, 128, 256), True)
    return ResNet(depth, widths, pool, dtype=dtype, norm=norm, frozen=frozen)


def _iou_net(backbone, norms):
    strides = backbone.strides["layer2"], backbone.strides["layer3"]
    width = 64 if backbone.depth == 10 else 256
    return IoUNet(strides, width, norms.test, norms.reference)
