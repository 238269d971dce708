"""A picture of some sequences: the original above, its translation below."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tirjax.data.collection import SequenceList
from tirjax.data.discover import open_sequence
from tirjax.data.sequence import DataError

from .pictures import GREEN, grid, write

SHOWN, COLUMNS = 8, 4
WIDTH, HEIGHT, LETTERS = 320, 240, 20


def write_sheet(
    path: Path, source: SequenceList, root: Path, records: Sequence[Mapping[str, Any]]
) -> None:
    """Draws the middle frame of up to eight sequences, spread over the data set.

    The target's box is drawn into both: it is the same, and should fit in both. A
    sequence whose original has gone is left out.

    Args:
      path: PNG to write.
      source: the original data set.
      root: folder of the translated sequences.
      records: of the finished sequences, at least one.
    """
    at = np.linspace(0, len(records) - 1, min(SHOWN, len(records)))
    places = {name: i for i, name in enumerate(source.names)}
    columns = []
    for i in np.rint(at).astype(int):
        name = records[i]["name"]
        if name in places:
            columns.append(_column(source, places[name], root / name, records[i]))
    if columns:
        write(path, grid(np.stack(columns), COLUMNS, gap=8))


def _column(
    source: SequenceList, place: int, folder: Path, record: Mapping[str, Any]
) -> np.ndarray:
    """Name, original and translation of one sequence, always of one size."""
    picture = np.full((LETTERS + 2 * HEIGHT + 4, WIDTH, 3), 255, np.uint8)
    name = source.names[place]
    face, black = cv2.FONT_HERSHEY_SIMPLEX, (0, 0, 0)
    cv2.putText(picture, name[-44:], (2, 14), face, 0.42, black, 1, cv2.LINE_AA)
    try:
        original, made = source[place], open_sequence(folder)
        number = record["frames"] // 2
        gone = {int(i) for i in record["frames_left_out"]}
        kept = [i for i in range(len(original.frames)) if i not in gone]
        frames = original.frames[kept[number]], made.frames[number]
    except DataError:
        return picture
    box = made.boxes[number] if number < len(made.boxes) else np.full(4, np.nan)
    for i, frame in enumerate(frames):
        scale = min(HEIGHT / frame.shape[0], WIDTH / frame.shape[1])
        small = _small(frame, scale)
        if np.isfinite(box).all():
            ends = np.concatenate([box[:2], box[:2] + box[2:]]) * scale
            left, top, right, bottom = np.rint(ends - 0.5).astype(int).tolist()
            cv2.rectangle(small, (left, top), (right, bottom), GREEN, 1)
        y = LETTERS + i * (HEIGHT + 4)
        picture[y : y + small.shape[0], : small.shape[1]] = small
    return picture


def _small(frame: np.ndarray, scale: float) -> np.ndarray:
    rows, columns = (max(1, round(side * scale)) for side in frame.shape[:2])
    size = min(columns, WIDTH), min(rows, HEIGHT)
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    small = np.clip(np.rint(small), 0, 255).astype(np.uint8)
    colour = small.reshape(*small.shape[:2], -1)
    return np.array(np.broadcast_to(colour, (*colour.shape[:2], 3)))
