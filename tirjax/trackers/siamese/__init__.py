"""SiamFC, CFNet, MLSSNet and MMNet: one tracker with four networks."""

from tirjax.trackers.siamese.config import (
    BASELINE_CONV5,
    CFNET_CONV1,
    CFNET_CONV2,
    CFNET_CONV5,
    MLSSNET,
    MMNET,
    MMNET_RELEASED,
    SIAMFC_3S,
    SIAMFC_5S,
    Config,
)
from tirjax.trackers.siamese.tracker import State, siamese
from tirjax.trackers.siamese.variables import PairVariables

__all__ = [
    "BASELINE_CONV5",
    "CFNET_CONV1",
    "CFNET_CONV2",
    "CFNET_CONV5",
    "MLSSNET",
    "MMNET",
    "MMNET_RELEASED",
    "SIAMFC_3S",
    "SIAMFC_5S",
    "Config",
    "PairVariables",
    "State",
    "siamese",
]
