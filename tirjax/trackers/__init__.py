"""Trackers by name.

A builder takes the target's first size ``(w, h)`` in pixels, because some trackers
choose static array sizes from it, and returns the *same* object for every size in one
bucket, so that ``jit`` compiles once a bucket and equal trackers can share a batch.
"""

import functools
from collections.abc import Callable

from flax import linen as nn

from tirjax.backbones.dcfnet import DCFNet
from tirjax.backbones.trunk import (
    TrunkVariables,
    residual,
    two_convolutions,
    vgg,
    vgg_m,
)
from tirjax.heads.networks import atom_net, dimp_net, dimp_squeezenet
from tirjax.heads.siamese_networks import cfnet, mlssnet, mmnet, siamfc
from tirjax.trackers.atom import ATOM, atom
from tirjax.trackers.base import (
    FOUND,
    LOST,
    UNCERTAIN,
    Prediction,
    Tracker,
    track,
    track_many,
)
from tirjax.trackers.dcfnet import dcfnet
from tirjax.trackers.dimp import (
    DIMP10,
    DIMP18,
    DIMP50,
    DIMP_SQUEEZENET,
    SUPER_DIMP,
    dimp,
)
from tirjax.trackers.eco import ECO_STIR, OTB_DEEP, OTB_HC, TIR_HC, eco, stir
from tirjax.trackers.kcf import kcf
from tirjax.trackers.mosse import mosse
from tirjax.trackers.siamese import (
    CFNET_CONV5,
    MLSSNET,
    MMNET,
    MMNET_RELEASED,
    SIAMFC_3S,
    PairVariables,
    siamese,
)

Builder = Callable[[tuple[float, float]], Tracker]


def _any_size(build: Callable[[], Tracker]) -> Builder:
    """A builder for a tracker whose arrays do not depend on the target."""
    once = functools.cache(build)
    return lambda size: once()


def _dimp_squeezenet() -> Tracker:
    net = dimp_squeezenet(sigma=DIMP_SQUEEZENET.label_sigma)
    return dimp(DIMP_SQUEEZENET, net)  # pyright: ignore[reportArgumentType]


TRACKERS: dict[str, Builder] = {
    "mosse": _any_size(mosse),
    "kcf": _any_size(kcf),
    "eco_hc": lambda size: eco(OTB_HC, size=size),
    "eco_hc_tir": lambda size: eco(TIR_HC, size=size),
    "eco_deep": lambda size: eco(OTB_DEEP, vgg_m(), size=size),
    "eco_stir": lambda size: eco(ECO_STIR, vgg(), size=size),
    "eco_stir_resnet": lambda size: eco(stir("layer1"), residual(50), size=size),
    "eco_stir_dcfnet": lambda size: eco(stir("norm"), two_convolutions(), size=size),
    "dcfnet": _any_size(dcfnet),
    "dimp10": _any_size(lambda: dimp(DIMP10)),
    "dimp_squeezenet": _any_size(_dimp_squeezenet),
    "dimp18": _any_size(lambda: dimp(DIMP18)),
    "dimp50": _any_size(lambda: dimp(DIMP50)),
    "super_dimp": _any_size(lambda: dimp(SUPER_DIMP)),
    "atom": _any_size(lambda: atom(ATOM)),
    "siamfc": _any_size(lambda: siamese(SIAMFC_3S, siamfc())),
    "cfnet": _any_size(lambda: siamese(CFNET_CONV5, cfnet())),
    "mlssnet": _any_size(lambda: siamese(MLSSNET, mlssnet())),
    "mmnet": _any_size(lambda: siamese(MMNET, mmnet())),
    "mmnet_released": _any_size(lambda: siamese(MMNET_RELEASED, mmnet("released"))),
}

# The networks whose variables are a tracker's ``params``; the others take ``()``.
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "eco_deep": lambda: TrunkVariables(vgg_m().net),
    "eco_stir": lambda: TrunkVariables(vgg().net),
    "eco_stir_resnet": lambda: TrunkVariables(residual(50).net),
    "eco_stir_dcfnet": DCFNet,
    "dcfnet": DCFNet,
    "dimp10": lambda: dimp_net(10),
    "dimp_squeezenet": dimp_squeezenet,
    "dimp18": lambda: dimp_net(18),
    "dimp50": lambda: dimp_net(50),
    "super_dimp": lambda: dimp_net(50),
    "atom": atom_net,
    "siamfc": lambda: PairVariables(siamfc(), exemplar=127),
    "cfnet": lambda: PairVariables(cfnet()),
    "mlssnet": lambda: PairVariables(mlssnet()),
    "mmnet": lambda: PairVariables(mmnet()),
    "mmnet_released": lambda: PairVariables(mmnet("released")),
}

__all__ = [
    "FOUND",
    "LOST",
    "NETWORKS",
    "TRACKERS",
    "UNCERTAIN",
    "Builder",
    "Prediction",
    "Tracker",
    "track",
    "track_many",
]
