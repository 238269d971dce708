"""The Siamese networks of the papers, with the widths and strides they have there."""

from typing import Any

from tirjax.backbones.alexnet import AlexNet
from tirjax.backbones.norm import FROZEN, Norm
from tirjax.heads.attention import Preset
from tirjax.heads.multilevel import MLSSNet
from tirjax.heads.multitask import MMNet
from tirjax.heads.siamese import CFNet, SiamFC

# Widths of CFNet's trunk by its number of convolutions.
_CFNET = {1: (32,), 2: (96, 32), 5: (96, 256, 384, 384, 32)}


def siamfc(*, norm: Norm = FROZEN, dtype: Any = None) -> SiamFC:
    """SiamFC: exemplars of 127 pixels, search regions of 255, stride 8.

    Args:
      norm: where batch norms take their moments from; for training.
      dtype: of the trunk's computation; None follows the parameters.
    """
    widths = (96, 256, 384, 384, 256)
    return SiamFC(AlexNet(widths, second_pool=2, norm=norm, dtype=dtype))


def siamfc_baseline(*, norm: Norm = FROZEN, dtype: Any = None) -> SiamFC:
    """CFNet's baseline without a filter: 127 and 255 pixels, stride 4, 32 channels.

    Args:
      norm: where batch norms take their moments from; for training.
      dtype: of the trunk's computation; None follows the parameters.
    """
    return SiamFC(AlexNet(_CFNET[5], norm=norm, dtype=dtype), normed=True)


def cfnet(depth: int = 5, *, norm: Norm = FROZEN, dtype: Any = None) -> CFNet:
    """CFNet: exemplars and search regions of 255 pixels, stride 4.

    Args:
      depth: convolutions of the trunk, 1, 2 or 5.
      norm: where batch norms take their moments from; for training.
      dtype: of the trunk's computation; None follows the parameters.
    """
    first_stride = 4 if depth == 1 else 2
    return CFNet(AlexNet(_CFNET[depth], first_stride, norm=norm, dtype=dtype))


def mlssnet(
    preset: Preset = "paper", *, norm: Norm = FROZEN, dtype: Any = None
) -> MLSSNet:
    """MLSSNet: exemplars and search regions of 255 pixels, stride 4.

    Args:
      preset: ``paper`` to learn anew, ``released`` to do as the published code does.
      norm: where batch norms take their moments from; for training.
      dtype: of the trunk's computation; None follows the parameters.
    """
    return MLSSNet(AlexNet(norm=norm, dtype=dtype), preset=preset)


def mmnet(preset: Preset = "paper", *, norm: Norm = FROZEN, dtype: Any = None) -> MMNet:
    """MMNet: exemplars and search regions of 255 pixels, stride 4.

    Args:
      preset: ``paper`` to learn anew, ``released`` for published weights, whose
        pixel-level correlation attends to all places alike.
      norm: where batch norms take their moments from; for training.
      dtype: of the trunk's computation; None follows the parameters.
    """
    return MMNet(AlexNet(norm=norm, dtype=dtype), preset=preset)
