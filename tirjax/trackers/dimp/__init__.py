"""DiMP: learning discriminative model prediction for tracking."""

from tirjax.trackers.dimp.config import (
    DIMP10,
    DIMP18,
    DIMP50,
    DIMP_SQUEEZENET,
    SUPER_DIMP,
    Config,
)
from tirjax.trackers.dimp.tracker import State, dimp

__all__ = [
    "DIMP10",
    "DIMP18",
    "DIMP50",
    "DIMP_SQUEEZENET",
    "SUPER_DIMP",
    "Config",
    "State",
    "dimp",
]
