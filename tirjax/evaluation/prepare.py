"""From boxes as given to the boxes that a toolkit compares.

File coordinates, lengths, failed predictions, rounding, the first frame and clipping,
in the order of the toolkits.
"""

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.evaluation.protocols import Protocol


def prepare(
    prediction: np.ndarray,
    truth: np.ndarray,
    protocol: Protocol,
    *,
    visible: np.ndarray | None,
    size: tuple[int, int] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs predictions with annotations.

    Returns:
      ``[t, 4]`` predictions, ``[t, 4]`` annotations, both in file coordinates, and
      ``[t]`` bool, the visible frames.

    Raises:
      DataError: the arrays do not fit each other or the protocol refuses them.
    """
    shift = np.array([protocol.origin, protocol.origin, 0, 0])
    prediction = _boxes("prediction", prediction) + shift
    truth = _boxes("truth", truth) + shift
    shown = np.ones(len(truth), bool) if visible is None else np.asarray(visible, bool)
    if shown.shape != truth.shape[:1]:
        raise DataError(
            f"visible has shape {shown.shape} for {len(truth)} annotations; give one"
            " flag a frame"
        )
    length = _frames(len(prediction), len(truth), protocol)
    prediction = _repaired(prediction[:length], protocol)
    # Rows added to a short run come after the repair and stay empty: they miss.
    added = np.zeros((length - len(prediction), 4))
    prediction, truth = np.concatenate([prediction, added]), truth[:length]
    if protocol.rounded != "none":
        prediction = np.rint(prediction)
    if protocol.rounded == "all":
        truth = np.rint(truth)
    if protocol.first == "truth":
        prediction[0] = truth[0]
    start = 1 if protocol.first == "dropped" else 0
    prediction, truth, shown = (a[start:length] for a in (prediction, truth, shown))
    if protocol.clipped:
        if size is None:
            raise DataError(
                f"protocol {protocol.name!r} clips boxes to the image; give its size"
                " (rows, columns)"
            )
        prediction, truth = _clipped(prediction, size), _clipped(truth, size)
    return prediction, truth, shown


def _boxes(name: str, boxes: np.ndarray) -> np.ndarray:
    """Boxes in float64; what is not finite becomes NaN."""
    boxes = np.asarray(boxes, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
        raise DataError(
            f"{name} has shape {boxes.shape}; give one row (x, y, w, h) a frame"
        )
    return np.where(np.isfinite(boxes), boxes, np.nan)


def _frames(predicted: int, annotated: int, protocol: Protocol) -> int:
    """Number of frames to compare."""
    if protocol.lengths == "shorter":
        return min(predicted, annotated)
    longer_is_fine = protocol.lengths in ("cut", "pad")
    if predicted == annotated or (predicted > annotated and longer_is_fine):
        return annotated
    if protocol.lengths == "pad":
        return annotated
    raise DataError(
        f"{predicted} predictions for {annotated} annotations; protocol"
        f" {protocol.name!r} needs one a frame, the first frame included"
    )


def _repaired(boxes: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Replaces each bad prediction by the last good one; row 0 is never replaced.

    PTB-TIR's and LSOTB-TIR's kits skip the repair where the annotation is NaN. Their
    files hold no NaN, only rows of zeros, which do not stop it, so neither does a NaN
    that a reader made of them.
    """
    nan = np.isnan(boxes)
    bad = (boxes[:, 2:] <= 0).any(-1)
    if protocol.repair == "none":
        return boxes.copy()
    if protocol.repair == "strict":
        refused = nan.any(-1) | (boxes[:, 2:] < 0).any(-1)
        if refused.any():
            raise DataError(
                f"frame {refused.argmax()}: predicted box has NaN or a negative size,"
                f" which protocol {protocol.name!r} refuses; write 0,0,0,0 for a lost"
                " target"
            )
    elif protocol.repair == "empty_or_nan_row":
        bad |= nan.all(-1)
    elif protocol.repair == "empty_or_nan":
        bad |= nan.any(-1)
    source = np.where(bad, 0, np.arange(len(boxes)))
    return boxes[np.maximum.accumulate(source)]


def _clipped(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Clips the corner, then the extent. A corner that moves keeps its extent.

    Source: GOT-10k toolkit, where a box reaching over the left or top border thereby
    grows instead of losing what is outside.
    """
    limit = np.array(size[::-1], np.float64)
    corner = np.clip(boxes[:, :2], 0, limit)
    return np.concatenate([corner, np.clip(boxes[:, 2:], 0, limit - corner)], axis=-1)
