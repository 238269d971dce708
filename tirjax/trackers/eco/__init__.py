"""ECO: efficient convolution operators for tracking."""

from tirjax.trackers.eco.config import (
    OTB_HC,
    TIR_HC,
    VOT2016_HC,
    Block,
    Config,
    ScaleFilter,
)
from tirjax.trackers.eco.tracker import State, eco

__all__ = [
    "OTB_HC",
    "TIR_HC",
    "VOT2016_HC",
    "Block",
    "Config",
    "ScaleFilter",
    "State",
    "eco",
]
