"""LSOTB-TIR without its pictures: true lengths and boxes, frames made when asked for.

A warm ellipse in the annotated box moves over a still texture. Pictures are as large as
their boxes reach, because the annotations do not say how large the true ones are.
"""

import dataclasses
import functools
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from tirjax_track.canvas import Canvas, canvas_of
from tirjax_track.runner import BUCKET

from tirjax.data import Sequence, SequenceList, read_boxes

SHORTEST = 3  # frames that a shortened sequence keeps at least


@dataclasses.dataclass(frozen=True)
class Painted:
    """Frames that are a function of their number.

    Attributes:
      boxes: ``[t, 4]``, pixels.
      size: rows and columns.
      seed: of the texture.
    """

    boxes: np.ndarray
    size: tuple[int, int]
    seed: int

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._paint(self._texture(), index)

    def __iter__(self) -> Iterator[np.ndarray]:
        texture = self._texture()
        return (self._paint(texture, i) for i in range(len(self)))

    def _texture(self) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        coarse = rng.integers(60, 120, [n // 8 + 2 for n in self.size], np.uint8)
        rows, cols = self.size
        return cv2.resize(coarse, (cols, rows), interpolation=cv2.INTER_CUBIC)

    def _paint(self, texture: np.ndarray, index: int) -> np.ndarray:
        x, y, w, h = self.boxes[index]
        picture = texture.copy()
        centre, axes = (
            (round(x + w / 2), round(y + h / 2)),
            (round(w / 2), round(h / 2)),
        )
        cv2.ellipse(picture, centre, axes, 0, 0, 360, 210, -1)
        cv2.ellipse(picture, centre, (axes[0] // 2, axes[1] // 2), 0, 0, 360, 160, -1)
        return picture[..., None]


def world(folder: Path, scale: float, picture: float, count: int) -> SequenceList:
    """The sequences of a folder of annotations.

    Args:
      folder: ``NAME.txt`` each, counted from 1.
      scale: share of every sequence's frames that is kept, from its beginning.
      picture: size of pictures and boxes over the true one.
      count: how many sequences, evenly chosen from all by name; 0 is all.

    Raises:
      SystemExit: there is none.
    """
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise SystemExit(f"no NAME.txt in {folder}; give LSOTB-TIR's annotations")
    if count:
        files = [files[i * len(files) // count] for i in range(count)]
    openers = [functools.partial(_open, file, scale, picture) for file in files]
    return SequenceList("lsotb_tir", tuple(f.stem for f in files), tuple(openers))


class Item(NamedTuple):
    """What a schedule needs of a sequence.

    Attributes:
      tracker: equal ones share a batch; here the same for all.
      canvas: holds its frames.
      length: frames.
    """

    tracker: Any
    canvas: Canvas
    length: int


def items(folder: Path) -> list[Item]:
    """All sequences, whole, for a tracker of one program for all targets."""
    clips = world(folder, 1.0, 1.0, 0)
    return [Item(None, canvas_of([c.frames[0]], BUCKET), len(c.frames)) for c in clips]


def _open(file: Path, scale: float, picture: float) -> Sequence:
    boxes = read_boxes(file, origin=1)
    cols, rows = (math.ceil(n * picture) for n in (boxes[:, :2] + boxes[:, 2:]).max(0))
    boxes = boxes[: max(SHORTEST, round(scale * len(boxes)))] * picture
    seed = zlib.crc32(file.stem.encode())
    frames = Painted(boxes, (max(rows, 32), max(cols, 32)), seed)
    return Sequence(file.stem, frames, boxes, np.ones(len(boxes), bool))
