"""From result files and a data set to scores."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tirjax.data import DataError, SequenceList
from tirjax.data import Sequence as Clip
from tirjax.evaluation import Curves, Protocol, Scores, by_attribute, curves, scores

from . import suspect
from .records import Record, read_record
from .tables import Table

LABELS = {
    "success": "success",
    "precision": "precision",
    "norm_precision": "norm. precision",
}


@dataclasses.dataclass(frozen=True)
class Scored:
    """A tracker on a data set.

    Attributes:
      name: as tables call it.
      records: by name of sequence.
      curves: the same, counted under a protocol.
      overall: over all of them.
      attributes: over the sequences that share one.
      fps: frames over seconds of tracking; NaN if the results hold no times.
    """

    name: str
    records: Mapping[str, Record]
    curves: Mapping[str, Curves]
    overall: Scores
    attributes: Mapping[str, Scores]
    fps: float


def annotated(clip: Clip) -> bool:
    """Whether there is truth beyond the first frame."""
    return len(clip.boxes) == len(clip.frames) and len(clip.boxes) > 1


def sequence_curves(record: Record, clip: Clip, protocol: Protocol) -> Curves:
    """Counts of one sequence under a protocol.

    Raises:
      DataError: boxes and annotation do not fit.
    """
    size = clip.frames[0].shape[:2] if protocol.clipped else None
    return curves(record.boxes, clip.boxes, protocol, visible=clip.visible, size=size)


def overlaps(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """IoU frame by frame, for plots and for choosing frames; NaN without truth."""
    low = np.maximum(boxes[:, :2], truth[:, :2])
    high = np.minimum(boxes[:, :2] + boxes[:, 2:], truth[:, :2] + truth[:, 2:])
    inter = np.maximum(high - low, 0).prod(-1)
    union = boxes[:, 2:].prod(-1) + truth[:, 2:].prod(-1) - inter
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(union > 0, inter / union, np.nan)


def worst(values: np.ndarray, count: int) -> list[int]:
    """Frames with the lowest values, apart from each other, in order; NaN never."""
    values = np.where(np.isnan(values), np.inf, values).astype(float)
    apart = max(1, len(values) // max(1, 4 * count))
    chosen: list[int] = []
    while len(chosen) < count and len(values) and np.isfinite(values.min()):
        lowest = int(values.argmin())
        chosen.append(lowest)
        values[max(0, lowest - apart) : lowest + apart + 1] = np.inf
    return sorted(chosen)


def load(data: SequenceList, wanted: set[str]) -> dict[str, Clip]:
    """Opens the sequences of a data set that are wanted and annotated, by name."""
    indices = [i for i, name in enumerate(data.names) if name in wanted]
    clips = (data[i] for i in indices)
    return {clip.name: clip for clip in clips if annotated(clip)}


def score(
    name: str, folder: Path, origin: int, clips: Mapping[str, Clip], protocol: Protocol
) -> Scored:
    """Scores the results in a folder, over those of ``clips`` that are complete there.

    Raises:
      DataError: there is none, or a file does not fit its annotation; names the file.
    """
    names = [n for n in clips if (folder / f"{n}.txt").is_file()]
    if not names:
        raise DataError(
            f"{folder} holds no results of these sequences; expected SEQUENCE.txt, for "
            f"example {next(iter(clips), 'birds')}.txt"
        )
    kept, counted = {}, {}
    for n in names:
        kept[n] = read_record(folder, n, origin)
        _same_start(kept[n], clips[n], folder / f"{n}.txt")
        suspect.refuse(kept[n], clips[n], folder / f"{n}.txt")
        try:
            counted[n] = sequence_curves(kept[n], clips[n], protocol)
        except DataError as error:
            raise DataError(f"{folder / n}.txt: {error}") from error
    frames = sum(len(r.boxes) for r in kept.values())
    seconds = sum(float(r.seconds.sum()) for r in kept.values())
    return Scored(
        name=name,
        records=kept,
        curves=counted,
        overall=scores(list(counted.values()), protocol),
        attributes=by_attribute(
            counted, {n: clips[n].attributes for n in names}, protocol
        ),
        fps=frames / seconds if seconds > 0 else float("nan"),
    )


def _same_start(record: Record, clip: Clip, file: Path) -> None:
    """Our own runs begin on the annotation; otherwise the data set is another now.

    Raises:
      DataError: this one does not.
    """
    ours = np.isfinite(record.seconds).any()
    if ours and not np.allclose(record.boxes[0], clip.boxes[0], rtol=0, atol=0.01):
        raise DataError(
            f"{file} does not begin on the annotation: the data set has changed since; "
            "evaluate it anew with --overwrite"
        )


def overall_table(all_scored: Sequence[Scored], total: int) -> Table:
    """One row a tracker, best success first.

    Args:
      all_scored: of one protocol.
      total: sequences there are; a tracker with fewer says so.
    """
    protocol = all_scored[0].overall.protocol
    kinds = measures(protocol)
    heads = ["tracker", *(LABELS[k] for k in kinds), "overlap", "frames/s", "sequences"]
    rows = []
    for s in sorted(all_scored, key=lambda s: -s.overall.success):
        numbers = [getattr(s.overall, k) for k in kinds]
        speed = None if np.isnan(s.fps) else f"{s.fps:.0f}"
        rows.append([s.name, *numbers, s.overall.ao, speed, f"{len(s.curves)}/{total}"])
    return Table(heads, rows)


def measures(protocol: Protocol) -> list[str]:
    """The curves a protocol has, by their name in ``Scores``."""
    kinds = ("success", "precision", "norm_precision")
    return [kind for kind in kinds if getattr(protocol, kind) is not None]
