"""The report as one HTML page that needs nothing else."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import jinja2
import numpy as np

from tirjax.data import DataError

from . import scoring, view
from .tables import Table

if TYPE_CHECKING:
    from .report import Board

HARD = 8  # frames shown: the worst one of each of the best tracker's worst sequences
MARKS = 6  # boxes drawn in one frame
CELL = 400  # width of a frame, pixels


def render(
    board: "Board", tables: Mapping[str, Table], pictures: Mapping[str, bytes]
) -> str:
    """The page.

    Args:
      board: what is reported.
      tables: by heading.
      pictures: PNG plots by name.

    Returns:
      HTML with styles and images inside; every name in it is escaped.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    text = Path(__file__).with_name("report.html").read_text(encoding="utf-8")
    return environment.from_string(text).render(
        board=board,
        tables=tables,
        headings={name: heading(name) for name in tables},
        incomplete=any(len(s.curves) < board.total for s in board.scored),
        pictures={k: _inline(v, "png") for k, v in pictures.items()},
        worst=[(caption, _inline(jpeg, "jpeg")) for caption, jpeg in worst(board)],
    )


def heading(name: str) -> str:
    """A table's file name as words."""
    what, _, kind = name.partition("_")
    if not kind:
        return what.capitalize()
    return f"{scoring.LABELS[kind].capitalize()} by {what.rstrip('s')}"


def worst(board: "Board") -> list[tuple[str, bytes]]:
    """Captions and JPEGs: where the best tracker does worst, all trackers drawn."""
    best = board.scored[0]
    overlap = {n: c.overlap / max(c.valid, 1) for n, c in best.curves.items()}
    shown = []
    for name in sorted(overlap, key=lambda n: overlap[n])[:HARD]:
        clip = board.clips[name]
        truth = np.where(clip.visible[:, None], clip.boxes, np.nan)
        boxes = best.records[name].boxes[: len(truth)]
        values = scoring.overlaps(boxes, truth[: len(boxes)])
        for i in scoring.worst(values, 1):
            caption = f"{name}, frame {i}: {best.name} overlaps {values[i]:.2f}"
            try:
                frame = clip.frames[i]
            except DataError:
                continue  # the scores stand; only this picture is missing
            shown.append((caption, _jpeg(board, name, i, frame)))
    return shown


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


def _inline(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
