"""Feature extractors: images in, a dictionary of named feature maps out."""

from functools import partial

from tirjax.backbones.resnet import ResNet

__all__ = ["BACKBONES", "ResNet"]

BACKBONES = {
    "resnet18": partial(ResNet, depth=18),
    "resnet50": partial(ResNet, depth=50),
}
