"""Where trackers fail and where they part: a table, and the frames if there are any."""

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from tirjax.data import DataError

from . import scoring, view
from .scoring import Scored
from .tables import Table

if TYPE_CHECKING:
    from .report import Board

HARD = 8  # frames shown: the worst one of each of the best tracker's worst sequences
ROWS = 12  # sequences in the table
MARKS = 6  # boxes drawn in one frame
CELL = 400  # width of a frame, pixels


class Parting(NamedTuple):
    """A sequence, and its frame where overlaps differ most.

    Attributes:
      sequence: its name.
      frame: number, from 0.
      overlaps: mean over the sequence by name of tracker.
      there: overlap in the frame by name of tracker.
    """

    sequence: str
    frame: int
    overlaps: dict[str, float]
    there: dict[str, float]

    @property
    def spread(self) -> float:
        """Best mean overlap minus worst."""
        return max(self.overlaps.values()) - min(self.overlaps.values())


def partings(board: "Board") -> list[Parting]:
    """One for each sequence of several trackers, the widest apart first."""
    found = [p for name in board.clips if (p := _parting(board, name))]
    return sorted(found, key=lambda p: -p.spread)


def _parting(board: "Board", name: str) -> Parting | None:
    with_boxes = [s for s in board.scored if name in s.records][:MARKS]
    if len(with_boxes) < 2:
        return None
    rows = np.stack([overlaps(board, s, name) for s in with_boxes])
    known = np.isfinite(rows).all(axis=0)
    if not known.any():
        return None
    gap = np.where(known, np.ptp(rows, axis=0), -1.0)
    frame = int(gap.argmax())
    return Parting(
        sequence=name,
        frame=frame,
        overlaps={
            s.name: float(np.nanmean(r)) for s, r in zip(with_boxes, rows, strict=True)
        },
        there={s.name: float(r[frame]) for s, r in zip(with_boxes, rows, strict=True)},
    )


def overlaps(board: "Board", scored: Scored, name: str) -> np.ndarray:
    """``[t]`` overlap of each annotated frame; NaN without truth, 0 without a box."""
    clip = board.clips[name]
    truth = np.where(clip.visible[:, None], clip.boxes, np.nan)
    boxes = np.zeros_like(truth)
    given = scored.records[name].boxes[: len(truth)]
    boxes[: len(given)] = np.nan_to_num(given)
    return scoring.overlaps(boxes, truth)


def table(board: "Board") -> Table | None:
    """The sequences that are hardest for all, and how far trackers are apart there."""
    found = partings(board)
    if not found:
        return None
    mean = lambda p: float(np.mean([*p.overlaps.values()]))
    rows = []
    for p in sorted(found, key=mean)[:ROWS]:
        best = max(p.overlaps, key=lambda n: p.overlaps[n])
        worst = min(p.overlaps, key=lambda n: p.overlaps[n])
        numbers = [f"{v:.3f}" for v in (mean(p), p.overlaps[best], p.overlaps[worst])]
        row = [p.sequence, len(board.clips[p.sequence].frames), numbers[0]]
        rows.append(
            [*row, f"{best} {numbers[1]}", f"{worst} {numbers[2]}", f"frame {p.frame}"]
        )
    heads = ["sequence", "frames", "overlap", "best", "worst", "they part in"]
    return Table(heads, rows)


def worst(board: "Board") -> list[tuple[str, bytes]]:
    """Captions and JPEGs: where the best tracker does worst, all trackers drawn."""
    best = next((s for s in board.scored if s.records), None)
    if best is None:
        return []
    mean = {n: c.overlap / max(c.valid, 1) for n, c in best.curves.items()}
    shown = []
    for name in sorted(mean, key=lambda n: mean[n])[:HARD]:
        values = overlaps(board, best, name)
        for i in scoring.worst(values, 1):
            caption = f"{name}, frame {i}: {best.name} overlaps {values[i]:.2f}"
            shown += _shown(board, name, i, caption)
    return shown


def parted(board: "Board") -> list[tuple[str, bytes]]:
    """Captions and JPEGs: where overlaps of the trackers differ most."""
    shown = []
    for p in partings(board)[:HARD]:
        high = max(p.there, key=lambda n: p.there[n])
        low = min(p.there, key=lambda n: p.there[n])
        if p.there[high] > p.there[low]:
            caption = (
                f"{p.sequence}, frame {p.frame}: {high} overlaps {p.there[high]:.2f}, "
                f"{low} {p.there[low]:.2f}"
            )
            shown += _shown(board, p.sequence, p.frame, caption)
    return shown


def _shown(
    board: "Board", name: str, number: int, caption: str
) -> list[tuple[str, bytes]]:
    """The frame under its caption; nothing if the picture cannot be read."""
    try:
        frame = board.clips[name].frames[number]
    except DataError:
        return []  # the scores stand; only this picture is missing
    return [(caption, _jpeg(board, name, number, frame))]


def _jpeg(board: "Board", name: str, number: int, frame: np.ndarray) -> bytes:
    marks = []
    for scored, colour in zip(board.scored[:MARKS], view.PALETTE, strict=False):
        record = scored.records.get(name)
        if record is None or number >= len(record.boxes):
            continue
        row = record.boxes[number], record.scores[number], record.status[number]
        if np.isfinite(row[0]).all():
            marks.append(view.Mark(scored.name, colour, *row))
    truth = board.clips[name].boxes[number]
    picture = view.draw(frame, marks, truth, f"{name}   frame {number}", CELL)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
