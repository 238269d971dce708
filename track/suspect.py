"""Result files that are not what they seem: mixed-up columns, gaps, lengths."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tirjax.data import DataError
from tirjax.data import Sequence as Clip
from tirjax.evaluation import Protocol

from .records import Record

NEAR = 2.0  # pixels; what another origin or rounding may move the first box
SHARED = 0.5  # overlap of the first box with the truth above which nobody suspects it


def refuse(kept: Record, clip: Clip, file: Path) -> None:
    """Refuses results that hold no box, or boxes in another form.

    The first box of a result is the annotation, or close. Where it is neither, and
    becomes so when the columns are read another way, they were written that way.

    Raises:
      DataError: names the file and what it seems to hold.
    """
    if not np.isfinite(kept.boxes).all(axis=1).any():
        raise DataError(f"{file} holds no box at all, only NaN; run the tracker again")
    first, truth = kept.boxes[0], clip.boxes[0]
    if not np.isfinite([*first, *truth]).all() or _overlap(first, truth) >= SHARED:
        return
    for form, box in _readings(first).items():
        if np.abs(box - truth).max() <= NEAR:
            raise DataError(
                f"{file} seems to hold {form}: read so, its first box is the "
                "annotation's; expected x,y,w,h"
            )


def remarks(
    name: str,
    kept: Mapping[str, Record],
    clips: Mapping[str, Clip],
    protocol: Protocol,
) -> list[str]:
    """Lines about what the protocol passed over in a tracker's results."""
    found = []
    gaps = {n: int(np.isnan(r.boxes).any(axis=1).sum()) for n, r in kept.items()}
    gaps = {n: count for n, count in gaps.items() if count}
    if gaps:
        found.append(
            f"{name}: no box in {sum(gaps.values())} frames of {len(gaps)} sequences, "
            f"first {next(iter(gaps))}; {_REPAIRS[protocol.repair]}"
        )
    other = [n for n, r in kept.items() if len(r.boxes) != len(clips[n].boxes)]
    if other:
        found.append(
            f"{name}: {len(other)} sequences with more or fewer boxes than frames, "
            f"first {other[0]} with {len(kept[other[0]].boxes)} for "
            f"{len(clips[other[0]].boxes)}; protocol {protocol.name} allows it"
        )
    return found


_KEPT, _MISSED = "the last box before them counts", "they are misses"
_REPAIRS = {
    "none": _MISSED,
    "empty": _MISSED,
    "empty_or_nan_row": "the last box before them counts where all four are missing",
    "empty_or_nan": _KEPT,
    "strict": _MISSED,
}


def _readings(box: np.ndarray) -> dict[str, np.ndarray]:
    a, b, c, d = box
    return {
        "corners x1,y1,x2,y2": np.array([a, b, c - a, d - b]),
        "centres x,y and w,h": np.array([a - c / 2, b - d / 2, c, d]),
        "y,x,h,w": np.array([b, a, d, c]),
        "y,x,w,h": np.array([b, a, c, d]),
        "x,y,h,w": np.array([a, b, d, c]),
        "w,h,x,y": np.array([c, d, a, b]),
    }


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    low = np.maximum(a[:2], b[:2])
    high = np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    inter = np.maximum(high - low, 0).prod()
    union = a[2:].prod() + b[2:].prod() - inter
    return float(inter / union) if union > 0 else 0.0
