"""Windows: which counts of a radiometric recording become 0..255.

One window for the whole sequence keeps the target's brightness comparable between
frames and is the default for anything deeper than 8 bits. A window a frame follows a
drifting camera, but a hot object entering the picture then darkens all the rest.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.ops import thermal

# Wide enough that a hot target of 0.1 % of the pixels keeps its inner contrast.
PERCENT = (0.1, 99.9)


@dataclasses.dataclass(frozen=True)
class FixedWindow:
    """The same counts in every sequence: comparable temperatures.

    Attributes:
      low: counts that become 0.
      high: counts that become 255; above ``low``.
      inverted: True turns black-hot into white-hot.
    """

    low: float
    high: float
    inverted: bool = False


@dataclasses.dataclass(frozen=True)
class SequenceWindow:
    """Percentiles pooled over a few frames of the sequence, then fixed.

    Attributes:
      percent: lower and upper percentile, 0..100.
      samples: number of frames that are looked at.
      spread: True takes them evenly from the whole recording, which looks ahead; False
        takes the first ones, as a live source must.
      inverted: True turns black-hot into white-hot.
    """

    percent: tuple[float, float] = PERCENT
    samples: int = 16
    spread: bool = True
    inverted: bool = False

    def indices(self, count: int) -> list[int]:
        """Which of ``count`` frames are looked at, rising."""
        last = count - 1 if self.spread else min(self.samples, count) - 1
        return np.unique(np.linspace(0, last, self.samples).astype(int)).tolist()


@dataclasses.dataclass(frozen=True)
class FrameWindow:
    """Percentiles of each frame by itself.

    Attributes:
      percent: lower and upper percentile, 0..100.
      inverted: True turns black-hot into white-hot.
    """

    percent: tuple[float, float] = PERCENT
    inverted: bool = False


Window = FixedWindow | SequenceWindow | FrameWindow


def settle(
    window: SequenceWindow, samples: Iterable[np.ndarray], what: str
) -> FixedWindow:
    """Turns a sequence window into counts, from the frames it asked for.

    Args:
      window: which percentiles.
      samples: the frames at ``window.indices``.
      what: the recording, for the error.

    Raises:
      DataError: no sample holds a finite value.
    """
    pooled = np.concatenate([s[np.isfinite(s)] for s in samples])
    if not pooled.size:
        raise DataError(f"{what}: no finite pixel to take a window from; fix its range")
    low, high = _limits(pooled, window.percent)
    return FixedWindow(low, high, window.inverted)


def apply(window: FixedWindow | FrameWindow, counts: np.ndarray) -> np.ndarray:
    """The frame in the working range, float32 0..255; 0 where nothing is finite."""
    if isinstance(window, FrameWindow):
        low, high = _limits(counts[np.isfinite(counts)], window.percent)
    else:
        low, high = window.low, window.high
    working = thermal.to_working(counts, low, high)
    return np.asarray(thermal.invert(working) if window.inverted else working)


def _limits(finite: np.ndarray, percent: tuple[float, float]) -> tuple[float, float]:
    if not finite.size:
        return 0.0, 0.0
    low, high = thermal.percentile_window(finite, percent)
    return float(low), float(high)
