"""RGB-T sets of which one half is read: RGBT210, RGBT234, LasHeR.

A sequence is a folder with pictures in ``visible`` and ``infrared``. Boxes are those of
the half (``visible.txt``, ``infrared.txt``), or ``init.txt``, which RGBT210 has for
both; they count from 1. Rows with w or h of 0 are frames without the target.
"""

import functools
from pathlib import Path

from tirjax.data import layouts
from tirjax.data.collection import Cut, SequenceList
from tirjax.data.sequence import DataError, Sequence
from tirjax.data.training.cuts import by_name, folders, pick

_HALVES = {"tir": "infrared", "rgb": "visible"}
_LASHER = {"train": ("trainingsetList.txt",), "test": ("testingsetList.txt",)}
# LasHeR's archives nest: TrainingSet/trainingset/NAME.
_DEPTH = 3


def rgbt(dataset: str, modality: str, root: Path, cut: Cut = None) -> SequenceList:
    """Every RGB-T sequence below ``root``, one half of it.

    Args:
      dataset: its name.
      modality: ``'tir'`` or ``'rgb'``.
      root: folder of the sequences.
      cut: a list file or names; ``'train'`` or ``'test'`` of LasHeR needs its
        ``trainingsetList.txt`` or ``testingsetList.txt``. None is all there is.
    """
    half = _HALVES[modality]
    found = by_name(_having(half, root, _DEPTH), root)
    splits = _LASHER if dataset.startswith("lasher") else {}
    names = pick(dataset, cut, (*found,), root, splits) if found else ()
    openers = (functools.partial(_open, found[n], modality) for n in names)
    return SequenceList(dataset, names, (*openers,), modality)


def _having(half: str, path: Path, depth: int) -> list[Path]:
    """Folders with a folder ``half``, at most ``depth`` below ``path``."""
    if (path / half).is_dir():
        return [path]
    inside = folders(path) if depth else []
    return [found for p in inside for found in _having(half, p, depth - 1)]


def _open(path: Path, modality: str) -> Sequence:
    half = _HALVES[modality]
    truths = [path / f"{half}.txt", path / "init.txt"]
    truth = next((file for file in truths if file.is_file()), None)
    if truth is None:
        raise DataError(f"no boxes in {path}: expected {half}.txt or init.txt")
    channels = 1 if modality == "tir" else 3
    return layouts.generic(path / half, truth, origin=1, channels=channels)
