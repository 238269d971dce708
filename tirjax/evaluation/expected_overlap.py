"""Expected average overlap (EAO): the mean overlap over runs of a typical length.

Source: Kristan et al., The Visual Object Tracking VOT2015 Challenge Results, ICCVW
2015, sec. 2.2. The toolkits differ, and both rules are here: ``'legacy'`` as MATLAB's
(pysot's is equal but for runs that end with a restart on the frame after the last), and
``'vot'`` as vot-toolkit 0.7.4's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tirjax.evaluation.regions import Raster

RESTART = 5  # frames from a failure to the next start


class Fragment(NamedTuple):
    """A stretch of a run that counts as one run of its length.

    Attributes:
      overlap: ``[n]`` of its frames, the start included.
      ended: by a failure: from then on its overlap is 0, whatever the length. Otherwise
        nothing is known of longer runs.
      weight: among the fragments.
    """

    overlap: np.ndarray
    ended: bool
    weight: float = 1.0


def fragments(
    overlap: np.ndarray,
    failures: Sequence[int],
    rule: Raster,
    *,
    starts: Sequence[int] = (),
    weight: float = 1.0,
    tag: np.ndarray | None = None,
) -> list[Fragment]:
    """Cuts one run where it failed.

    Args:
      overlap: ``[t]``; NaN where there is no region.
      failures: frames, in order.
      rule: whose.
      starts: frames of the starts; needed by ``'vot'``.
      weight: of each fragment.
      tag: ``[t]`` bool; a fragment then weighs by its share of frames with it.
    """
    n = len(overlap)
    known = np.nan_to_num(overlap)
    if rule == "vot":
        ends = [*failures, n] if len(starts) > len(failures) else list(failures)
        cuts = list(zip(starts, ends, strict=True))
    else:
        begins = [0, *(f + RESTART for f in failures if f + RESTART <= n - 1)]
        ends = [*(b + 1 for b in begins[1:]), n]
        cuts = list(zip(begins, ends, strict=True))
    made = []
    for i, (a, b) in enumerate(cuts):
        ended = i < len(failures) if rule == "vot" else i < len(cuts) - 1
        share = 1.0 if tag is None else float(np.mean(tag[a:b]))
        made.append(Fragment(known[a:b], ended, weight * share))
    return made


def overlap_curve(pieces: Sequence[Fragment], length: int | None = None) -> np.ndarray:
    """Expected overlap of a run by its length.

    Args:
      pieces: of all runs of all sequences.
      length: of the curve; by default that of the longest fragment.

    Returns:
      ``[length]``; element j is the mean over frames 1 to j, the start left out, of
      those fragments that reach frame j or failed before. Element 0 is 0. NaN where no
      fragment with any weight is left.
    """
    length = length or max((len(p.overlap) for p in pieces), default=1)
    total, weight = curve_sums(pieces, length)
    with np.errstate(invalid="ignore"):
        return total / weight


def curve_sums(
    pieces: Sequence[Fragment], length: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a curve is the quotient of; both add up over sequences.

    Args:
      pieces: of all runs of some sequences.
      length: of the curve.

    Returns:
      ``[length]`` sum of the weighted means, and of the weights.
    """
    total, weight = np.zeros(length), np.zeros(length)
    for piece in pieces:
        values = np.zeros(length)
        n = min(len(piece.overlap), length)
        values[1:n] = piece.overlap[1:n]
        reach = length if piece.ended else n
        mean = np.cumsum(values)[:reach] / np.maximum(np.arange(reach), 1)
        total[:reach] += piece.weight * mean
        weight[:reach] += piece.weight
    return total, weight


def expected_overlap(
    curve: np.ndarray, interval: tuple[int, int], rule: Raster
) -> float:
    """The EAO: mean of the curve over typical lengths.

    Args:
      curve: of ``overlap_curve``.
      interval: shortest and longest length, both included. Under ``'legacy'`` they
        count frames; ``'vot'`` takes them as indices into the curve, so that its
        lengths are one frame longer.
      rule: whose.
    """
    part = curve[typical(interval, rule)]
    part = part[np.isfinite(part)]
    return float(part.mean()) if len(part) else float("nan")


def typical(interval: tuple[int, int], rule: Raster) -> slice:
    """The elements of a curve that ``expected_overlap`` averages."""
    low, high = interval
    return slice(low, high + 1) if rule == "vot" else slice(low - 1, high)


def typical_lengths(lengths: Sequence[int]) -> tuple[int, int, int]:
    """The interval of a data set from the lengths of its sequences.

    Half the mass of a smooth density of the lengths, around its mode.

    Args:
      lengths: frames of each sequence; two different ones at least.

    Returns:
      Shortest length, the mode, longest length; [100, 356] around 160 of VOT2018.

    Source: VOT2015 as above; the density's width by Wand and Jones, Kernel Smoothing,
    1995 (plug-in rule of one stage).
    """
    x = np.asarray(lengths, np.float64)
    t = np.arange(1, int(x.max()) + 1, dtype=np.float64)
    variance = _kernel_variance(x)
    density = np.exp(-((t[:, None] - x) ** 2) / (2 * variance)).sum(1)
    density /= density.sum()
    mode = low = high = int(density.argmax())
    mass = density[mode]
    while mass < 0.5:
        left = density[low - 1] if low > 0 else -1.0
        right = density[high + 1] if high + 1 < len(density) else -1.0
        low, high = (low - 1, high) if left > right else (low, high + 1)
        mass += max(left, right)
    return low + 1, mode + 1, high + 1


def _kernel_variance(x: np.ndarray) -> float:
    n = len(x)
    z = (x - x.mean()) / x.std()
    a = (4 / (3 * n)) ** -0.4
    m = a * (z[:, None] - z) ** 2
    kernel = np.exp(-m / 2) * a**2 * (3 - 6 * m + m**2)
    roughness = np.mean(np.sqrt(a / (2 * np.pi)) * kernel)
    return float((1 / (n * np.sqrt(4 * np.pi) * roughness)) ** 0.4 * x.var())
