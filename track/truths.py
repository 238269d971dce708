"""Annotations without pictures: enough for every number, not for the frames."""

import functools
from pathlib import Path
from typing import NoReturn

import numpy as np

from tirjax.data import DataError, Sequence, SequenceList
from tirjax.data.annotations import read_boxes, read_flags
from tirjax.data.collection import choose
from tirjax.data.listed import LSOTB_ATTRIBUTES, PTB_ATTRIBUTES, read_list

from . import catalogue

ATTRIBUTES = {"ptb_tir": PTB_ATTRIBUTES, "lsotb_tir": LSOTB_ATTRIBUTES}


class Unseen:
    """Frames that are not here; only their number is known."""

    def __init__(self, count: int, file: Path):
        self._count, self._file = count, file

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> NoReturn:
        """Raises.

        Raises:
          DataError: always.
        """
        raise DataError(
            f"{self._file} comes without pictures; give the data set with --data"
        )

    def __iter__(self):
        return (self[i] for i in range(self._count))


def annotations(dataset: str, folder: Path, cut: str | None) -> SequenceList:
    """A data set of ``SEQUENCE.txt`` and ``att/SEQUENCE.txt``, as toolkits ship them.

    Args:
      dataset: its name; says the sequences, the origin and the attributes.
      folder: of the text files.
      cut: as for ``open_dataset``.

    Raises:
      DataError: files are missing or damaged.
    """
    if not folder.is_dir():
        raise DataError(f"no such folder: {folder}; give the annotations' own")
    there = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    names = _names(dataset, cut, tuple(there))
    missing = [name for name in names if name not in there]
    if missing or not names:
        example = missing[0] if missing else "SEQUENCE"
        raise DataError(
            f"{folder} lacks the annotations of {len(missing) or 'all'} sequences, "
            f"such as {example}.txt; is it the folder of {dataset}?"
        )
    origin = catalogue.origin(dataset)
    words = ATTRIBUTES.get(dataset, ())
    openers = (functools.partial(_open, there[n], origin, words) for n in names)
    return SequenceList(dataset, names, tuple(openers))


def _names(dataset: str, cut: str | None, there: tuple[str, ...]) -> tuple[str, ...]:
    if dataset == "ptb_tir":
        return choose(dataset, cut, {"60": read_list("ptb_tir")})
    if dataset == "lsotb_tir":
        whole = read_list("lsotb_tir_120")
        cuts = {"120": whole, "119": tuple(n for n in whole if n != "cat_D_001")}
        cuts |= {part: read_list(f"lsotb_tir_{part}") for part in ("st100", "lt11")}
        return choose(dataset, cut, cuts)
    return choose(dataset, cut, {"all": there})


def _open(file: Path, origin: int, words: tuple[str, ...]) -> Sequence:
    boxes = read_boxes(file, origin=origin)
    visible = np.all(boxes[:, 2:] > 0, axis=1)
    flags = file.parent / "att" / file.name
    given: tuple[str, ...] = ()
    if words and flags.is_file():
        found = read_flags(flags)
        if len(found) != len(words):
            raise DataError(f"{flags}: {len(found)} flags; expected {len(words)}")
        given = tuple(w for w, flag in zip(words, found, strict=True) if flag > 0)
    return Sequence(file.stem, Unseen(len(boxes), file), boxes, visible, given)
