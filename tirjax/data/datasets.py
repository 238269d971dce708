"""Data sets by name: a folder on disk in, named sequences out."""

import functools
from collections.abc import Callable
from pathlib import Path

from tirjax.data.collection import Cut, SequenceList
from tirjax.data.discovered import antiuav, folder, otb
from tirjax.data.listed import lsotb_tir, ptb_tir, vot_tir
from tirjax.data.sequence import DataError

DATASETS: dict[str, Callable[[Path, Cut], SequenceList]] = {
    "ptb_tir": ptb_tir,
    "lsotb_tir": lsotb_tir,
    "vot_tir2015": functools.partial(vot_tir, 2015),
    "vot_tir2016": functools.partial(vot_tir, 2016),
    "otb": otb,
    "antiuav": antiuav,
    "folder": folder,
}


def open_dataset(name: str, root: str | Path, cut: Cut = None) -> SequenceList:
    """Finds a benchmark's sequences under ``root``; opens none of them yet.

    Args:
      name: one of ``DATASETS``.
      root: folder of the benchmark; for ``'folder'`` also one sequence.
      cut: ``'120'``, ``'119'``, ``'st100'`` or ``'lt11'`` of LSOTB-TIR, or names of
        sequences (with commas, or a list). None is the whole benchmark.

    Raises:
      DataError: unknown name or cut, or sequences are missing; says which.
    """
    if name not in DATASETS:
        raise DataError(f"no data set {name!r}; choose one of {', '.join(DATASETS)}")
    root = Path(root)
    if not root.exists():
        raise DataError(f"no such folder: {root}; check where {name} lies")
    return DATASETS[name](root, cut)
