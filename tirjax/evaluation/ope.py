"""One-pass evaluation (OPE) of one sequence, as each benchmark's toolkit computes it.

Everything is float64 and in the toolkits' order of operations, so that frames that
fall exactly on a threshold are counted as the toolkit counts them.

Source: Wu, Lim, Yang, Object Tracking Benchmark, TPAMI 2015, and the toolkits named in
``tirjax.evaluation.protocols``.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.evaluation.prepare import prepare
from tirjax.evaluation.protocols import Measure, Protocol


class Errors(NamedTuple):
    """How far each evaluated frame is off.

    Attributes:
      overlap: ``[t]`` IoU in [0, 1]; -1 in frames the protocol calls a miss.
      centre: ``[t]`` distance of the centres, pixels; -1 counts as a hit at every
        threshold, infinity as a miss.
      norm: ``[t]`` the same in units of the target's width and height.
      valid: ``[t]`` bool, frames with a usable annotation.
    """

    overlap: np.ndarray
    centre: np.ndarray
    norm: np.ndarray
    valid: np.ndarray


@dataclasses.dataclass(frozen=True)
class Curves:
    """Counts of one sequence; divided by ``frames`` they are its curves.

    Attributes:
      frames: denominator.
      success: ``[n]`` frames whose overlap exceeds each threshold.
      precision: ``[m]`` frames with centre error within each threshold, or empty.
      norm_precision: ``[k]`` the same for normalised errors, or empty.
      overlap: sum of the overlaps of the valid frames; NaN if only curves are known.
      valid: number of valid frames.
    """

    frames: int
    success: np.ndarray
    precision: np.ndarray
    norm_precision: np.ndarray
    overlap: float = float("nan")
    valid: int = 0


def curves(
    prediction: np.ndarray,
    truth: np.ndarray,
    protocol: Protocol,
    *,
    visible: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
) -> Curves:
    """Counts the frames within each threshold.

    Args:
      prediction: ``[t, 4]`` boxes of a tracker, the first frame included, pixels,
        zero-based. NaN and empty boxes are treated by the protocol's rule.
      truth: ``[t, 4]`` annotations, pixels, zero-based; a row of NaN has none.
      protocol: whose rules.
      visible: ``[t]`` bool, False where the target is marked absent; all by default.
      size: (rows, columns) of the image; needed only where boxes are clipped to it.

    Raises:
      DataError: the arrays do not fit each other or the protocol refuses them.
    """
    result = errors(prediction, truth, protocol, visible=visible, size=size)
    valid = int(result.valid.sum())
    if not valid:
        raise DataError("no frame to evaluate; give a sequence with annotated frames")
    above = np.greater_equal if protocol.at_least else np.greater
    return Curves(
        frames=valid if protocol.denominator == "valid" else len(result.valid),
        success=_count(result.overlap, protocol.success, above),
        precision=_count(result.centre, protocol.precision, np.less_equal),
        norm_precision=_count(result.norm, protocol.norm_precision, np.less_equal),
        overlap=float(np.nansum(result.overlap[result.valid])),
        valid=valid,
    )


def errors(
    prediction: np.ndarray,
    truth: np.ndarray,
    protocol: Protocol,
    *,
    visible: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
) -> Errors:
    """Overlap and errors frame by frame; arguments as for ``curves``.

    A NaN that the protocol does not repair makes a NaN here: a miss in every count.
    (MATLAB's ``max`` skips NaN, so its kits may still grant such a box an overlap.)
    """
    box, goal, shown = prepare(prediction, truth, protocol, visible=visible, size=size)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        overlap = _overlap(box, goal)
        if protocol.single:
            overlap = overlap.astype(np.float32).astype(np.float64)
        middle, goal_middle = _centre(box), _centre(goal)
        centre = _norm(middle - goal_middle)
        if protocol.norm_floor:
            scale = np.maximum(goal[:, 2:], protocol.norm_floor)
            norm = _norm((middle - goal_middle) / scale)
        else:  # The kits scale both centres before they subtract; it moves exact ties.
            norm = _norm(middle / goal[:, 2:] - goal_middle / goal[:, 2:])

    valid = ~np.isnan(goal).any(-1)
    if protocol.invalid != "none":
        measured = valid = (goal > 0).all(-1)
        if protocol.invalid == "centre":
            measured = (goal_middle > 0).all(-1)
        overlap = np.where(valid, overlap, -1.0)
        centre = np.where(measured, centre, protocol.invalid_errors[0])
        norm = np.where(measured, norm, protocol.invalid_errors[1])
    if protocol.absent_errors is not None:
        valid = valid & shown
        overlap = np.where(shown, overlap, -1.0)
        centre = np.where(shown, centre, protocol.absent_errors[0])
        norm = np.where(shown, norm, protocol.absent_errors[1])
    return Errors(overlap, centre, norm, np.asarray(valid))


def _count(values: np.ndarray, measure: Measure | None, passes: np.ufunc) -> np.ndarray:
    thresholds = () if measure is None else measure.at
    return passes(values[:, None], np.array(thresholds)).sum(0)


def _centre(boxes: np.ndarray) -> np.ndarray:
    """Centre in pixel coordinates, where a box of one pixel is centred on itself."""
    return boxes[:, :2] + (boxes[:, 2:] - 1) / 2


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors**2).sum(-1))


def _overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of pixel ranges; the two ones cancel but for rounding."""
    low = np.maximum(a[:, :2], b[:, :2])
    high = np.minimum(a[:, :2] + a[:, 2:] - 1, b[:, :2] + b[:, 2:] - 1)
    inter = np.maximum(high - low + 1, 0).prod(-1)
    union = a[:, 2:].prod(-1) + b[:, 2:].prod(-1) - inter
    return np.where(union == 0, 0.0, inter / union)
