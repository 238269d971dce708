"""What detectors found in pictures, from the text files that they leave behind.

Numbers are separated by blanks, commas, semicolons or tabs. Files count in pixels of
one picture, also where both of a pair were shown side by side.

Source: the released code of Sun et al., Unsupervised Cross-Modal Distillation for
Thermal Infrared Tracking, ACM MM 2021 (its two formats); YOLOv5's text files.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tirjax.data.sequence import DataError

Size = tuple[int, int]  # rows, columns of the picture


class Detections(NamedTuple):
    """Boxes in one picture.

    Attributes:
      boxes: ``[n, 4]`` float64, pixels.
      scores: ``[n]`` float64, above 0.
      people: ``[n]`` bool, which of them are persons.
    """

    boxes: np.ndarray
    scores: np.ndarray
    people: np.ndarray


NOTHING = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, bool))


def cmd_yolo(path: Path) -> Detections:
    """Lines ``class confidence x1 y1 x2 y2`` in pixels, as CMD's; class 0 is a person.

    Args:
      path: of one picture's file.

    Raises:
      DataError: a bad line; names it.
    """
    return _together(
        _found(_corners(row[2:], at), row[1], row[0] == 0, at)
        for row, at in _rows(path, (6,), "class confidence x1 y1 x2 y2")
    )


def yolo(path: Path, size: Size) -> Detections:
    """Lines ``class cx cy w h [confidence]``, shares of the picture, as YOLO writes.

    Args:
      path: of one picture's file.
      size: of the picture. A confidence that is not there is 1.

    Raises:
      DataError: a bad line, or values beyond 1: pixels; names it.
    """
    scale = np.array([size[1], size[0]] * 2, float)

    def read(row, at):
        if max(row[1:]) > 1.5:
            raise DataError(
                f"{at}: {max(row[1:]):g} is no share of a picture; "
                "read files of pixels as 'cmd' or 'boxes'"
            )
        box = np.array(row[1:5]) * scale
        box[:2] -= box[2:] / 2
        return _found(box, row[5] if len(row) == 6 else 1.0, row[0] == 0, at)

    rows = _rows(path, (5, 6), "class cx cy w h [confidence]")
    return _together(read(row, at) for row, at in rows)


def box_file(path: Path) -> Detections:
    """Lines ``x,y,w,h[,score]`` in pixels; everything counts as a person.

    Args:
      path: of one picture's file. A score that is not there is 1.

    Raises:
      DataError: a bad line; names it.
    """
    return _together(
        _found(np.array(row[:4]), row[4] if len(row) == 5 else 1.0, True, at)
        for row, at in _rows(path, (4, 5), "x,y,w,h[,score]")
    )


def fairmot(path: Path) -> tuple[Detections, Detections]:
    """Lines ``x1 y1 x2 y2 confidence label``, visible and thermal boxes in one file.

    Args:
      path: of a pair's file. Labels that begin with ``t``, as ``tperson`` does, are of
        the thermal picture; ``person`` is one, ``car`` is none.

    Raises:
      DataError: a bad line; names it.
    """
    halves: tuple[list[Detections], list[Detections]] = [], []
    for number, words in _lines(path):
        at = f"{path} line {number}"
        label = words.pop() if len(words) == 6 else ""
        if label not in ("person", "car", "tperson", "tcar"):
            raise DataError(
                f"{at}: expected x1 y1 x2 y2 confidence and a label person, car, "
                "tperson or tcar; write it again"
            )
        row = _numbers(words, at)
        found = _found(_corners(row[:4], at), row[4], label.endswith("person"), at)
        halves[label.startswith("t")].append(found)
    return _together(halves[0]), _together(halves[1])


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The words of every line that has some, with its number."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path} as text ({error}); restore it") from error
    for number, line in enumerate(text.splitlines(), 1):
        if words := [word for word in re.split(r"[,;\s]+", line) if word]:
            yield number, words


def _numbers(words: list[str], at: str) -> list[float]:
    try:
        row = [float(word) for word in words]
    except ValueError as error:
        raise DataError(f"{at}: {error}; expected numbers") from error
    if not np.isfinite(row).all():
        raise DataError(f"{at}: a value that is not finite; leave the line out")
    return row


def _rows(
    path: Path, counts: tuple[int, ...], form: str
) -> Iterator[tuple[list[float], str]]:
    """Numbers of every line and where it is."""
    for number, words in _lines(path):
        at = f"{path} line {number}"
        row = _numbers(words, at)
        if len(row) not in counts:
            raise DataError(f"{at}: {len(row)} numbers; expected {form}")
        yield row, at


def _corners(row: list[float], at: str) -> np.ndarray:
    x1, y1, x2, y2 = row
    if x2 <= x1 or y2 <= y1:
        raise DataError(
            f"{at}: corners {x1:g},{y1:g} and {x2:g},{y2:g}; "
            "expected the top left one first"
        )
    return np.array([x1, y1, x2 - x1, y2 - y1])


def _found(box: np.ndarray, score: float, person: bool, at: str) -> Detections:
    if min(box[2:]) <= 0:
        raise DataError(f"{at}: a box {box[2]:g} wide, {box[3]:g} high; leave it out")
    if score < 0:
        raise DataError(f"{at}: confidence {score:g} is negative; check the columns")
    # What has no confidence is no detection, but no mistake either.
    kept = slice(None) if score > 0 else slice(0)
    return Detections(
        box[None][kept], np.array([score])[kept], np.array([person])[kept]
    )


def _together(found: Iterable[Detections]) -> Detections:
    parts = [NOTHING, *found]
    return Detections(*(np.concatenate(column) for column in zip(*parts, strict=True)))
