"""Which frames of a sequence become a training example.

Train frames show the target, test frames ask for it. The gap between them is what makes
an example hard, so it is bounded; where the target is hidden too long it grows.

Source: Bhat et al., Learning Discriminative Model Prediction, ICCV 2019, sec. 3.4
(causal); Danelljan et al., ATOM, CVPR 2019, sec. 3.1 (interval).
"""

import dataclasses
from typing import Literal

import numpy as np

from tirjax.data.sequence import DataError

MIN_LENGTH = 20  # frames; a shorter sequence is left out
GROWTH = 5  # frames the gap grows by after each failure


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How frames are chosen.

    Attributes:
      kind: ``'causal'``: train frames before, test frames after a base frame, which is
        the first train frame (DiMP). ``'interval'``: all on either side of it (ATOM).
      train: frames to learn the target from, at least 1.
      test: frames to find it in, at least 1.
      gap: most frames between the base and another one, at least 1.
    """

    kind: Literal["causal", "interval"] = "causal"
    train: int = 3
    test: int = 3
    gap: int = 30

    def __post_init__(self):
        if self.kind not in ("causal", "interval"):
            raise DataError(f"sampling {self.kind!r}: choose 'causal' or 'interval'")
        if min(self.train, self.test, self.gap) < 1:
            raise DataError(
                f"{self.train} train frames, {self.test} test frames, gap {self.gap}: "
                "each must be at least 1"
            )


def is_usable(visible: np.ndarray, sampling: Sampling) -> bool:
    """Whether an example can be drawn from a sequence.

    Args:
      visible: ``[t]`` bool, where there is a box of the target. One frame is an image.
      sampling: how many frames are needed.

    Returns:
      True for an image with its box, and for a sequence of 20 frames or more that is
      visible on more than twice the frames of an example.
    """
    if len(visible) == 1:
        return bool(visible[0])
    return len(visible) >= MIN_LENGTH and int(visible.sum()) > _needed(sampling)


def requirement(sampling: Sampling) -> str:
    """What ``is_usable`` asks for, in words, for errors."""
    return (
        f"each needs {MIN_LENGTH} frames and a visible box on more than "
        f"{_needed(sampling)} of them (an image: its box)"
    )


def draw_frames(
    visible: np.ndarray, sampling: Sampling, rng: np.random.Generator
) -> np.ndarray:
    """Draws the frames of one example.

    Args:
      visible: ``[t]`` bool, of a sequence that ``is_usable``.
      sampling: kind, counts, gap.
      rng: where chance comes from.

    Returns:
      ``[train + test]`` int64, visible frames, the base first; with repetitions. An
      image is repeated. The gap is kept where the target is visible within it, else it
      is the smallest multiple of 5 more at which a base frame was found.
    """
    if len(visible) == 1:
        return np.zeros(sampling.train + sampling.test, np.int64)
    frames = np.flatnonzero(visible)
    bases = frames
    if sampling.kind == "causal":
        first, last = sampling.train - 1, len(visible) - sampling.test
        bases = frames[(frames >= first) & (frames < last)]
    gap = sampling.gap
    # More frames are visible than an example takes, so some base has neighbours on
    # both sides; once the gap spans the sequence chance finds it.
    while True:
        base = rng.choice(bases)
        before, after = _windows(frames, base, gap, sampling.kind)
        if len(after) and (sampling.train == 1 or len(before)):
            break
        gap += GROWTH
    train = rng.choice(before, sampling.train - 1) if sampling.train > 1 else frames[:0]
    return np.concatenate([[base], train, rng.choice(after, sampling.test)])


def _needed(sampling: Sampling) -> int:
    return 2 * (sampling.train + sampling.test)


def _windows(
    frames: np.ndarray, base: int, gap: int, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """Visible frames that may join the base in training, and that may be tested."""
    low, here, high = np.searchsorted(frames, [base - gap, base, base + gap])
    if kind == "causal":
        return frames[low:here], frames[here + 1 : high]
    return frames[low:high], frames[low:high]
