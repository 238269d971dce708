"""ECO: efficient convolution operators for tracking."""

from tirjax.trackers.eco.config import (
    OTB_HC,
    TIR_HC,
    VOT2016_HC,
    Block,
    Config,
    ScaleFilter,
)
from tirjax.trackers.eco.presets import (
    ABLATION,
    ECO_STIR,
    OTB_DEEP,
    VOT2016_DEEP,
    stir,
)
from tirjax.trackers.eco.tracker import State, eco

__all__ = [
    "ABLATION",
    "ECO_STIR",
    "OTB_DEEP",
    "OTB_HC",
    "TIR_HC",
    "VOT2016_DEEP",
    "VOT2016_HC",
    "Block",
    "Config",
    "ScaleFilter",
    "State",
    "eco",
    "stir",
]
