"""Sequences from picture files and boxes that are known already.

Sets of single pictures become one sequence of one frame a box: whoever draws training
frames repeats it.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from tirjax.data.collection import SequenceList
from tirjax.data.images import ImageFrames, open_images
from tirjax.data.sequence import Frames, Sequence

# (name, picture, box): one sequence of one frame.
Still = tuple[str, Path, tuple[float, ...]]


def clip(paths: tuple[Path, ...], boxes: np.ndarray, modality: str) -> Sequence:
    """A sequence of ``paths`` with zero-based ``[t, 4]`` boxes, visible where w, h > 0.

    Args:
      paths: picture files, in order.
      boxes: pixels.
      modality: ``'tir'`` is read with one channel, ``'rgb'`` with three.

    Raises:
      DataError: the first picture is unreadable.
    """
    return _sequence(_open(modality, paths), boxes, modality)


def stills(
    dataset: str,
    entries: Iterable[Still],
    modality: str,
    open_picture: Callable[[Path], Frames] | None = None,
) -> SequenceList:
    """One sequence of one frame for each entry, in order.

    Args:
      dataset: name of the list.
      entries: names, pictures and zero-based boxes, pixels.
      modality: as for ``clip``.
      open_picture: how to read one; None reads the whole picture.
    """
    rows = list(entries)
    names = tuple(row[0] for row in rows)
    boxes = np.array([row[2] for row in rows], np.float64).reshape(-1, 4)
    read = open_picture or functools.partial(_open_one, modality)
    shelf = _Stills(tuple(row[1] for row in rows), boxes, read, modality)
    openers = tuple(functools.partial(shelf.sequence, i) for i in range(len(rows)))
    return SequenceList(dataset, names, openers, modality)


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class _Stills:
    """What all openers share: sets have up to a million boxes."""

    paths: tuple[Path, ...]
    boxes: np.ndarray
    read: Callable[[Path], Frames]
    modality: str

    def sequence(self, index: int) -> Sequence:
        boxes = self.boxes[index : index + 1]
        return _sequence(self.read(self.paths[index]), boxes, self.modality)


def _open(modality: str, paths: tuple[Path, ...]) -> ImageFrames:
    return open_images(paths, 1 if modality == "tir" else 3)


def _open_one(modality: str, path: Path) -> ImageFrames:
    return _open(modality, (path,))


def _sequence(frames: Frames, boxes: np.ndarray, modality: str) -> Sequence:
    visible = np.all(boxes[:, 2:] > 0, axis=1)
    return Sequence("", frames, boxes, visible, (), modality)
