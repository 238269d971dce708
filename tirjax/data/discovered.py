"""Data sets made of whatever sequences lie below a folder."""

import functools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tirjax.data import layouts
from tirjax.data.collection import Cut, Open, SequenceList, choose
from tirjax.data.discover import EXPECTED, find_reader, find_sequences, open_sequence
from tirjax.data.sequence import DataError, Sequence

# File numbers that OTB annotates, where its folders hold more pictures.
_OTB_NUMBERS = {
    "David": (300, 770),
    "Diving": (1, 215),
    "Football1": (1, 74),
    "Freeman3": (1, 460),
    "Freeman4": (1, 283),
}


def otb(root: Path, cut: Cut = None) -> SequenceList:
    """Every OTB folder under ``root``; its several targets become ``NAME-1``, ..."""
    return _discovered("otb", root, cut, layouts.otb)


def antiuav(root: Path, cut: Cut = None) -> SequenceList:
    """Every Anti-UAV clip or folder under ``root``."""
    return _discovered("antiuav", root, cut, layouts.antiuav, "tir")


def folder(root: Path, cut: Cut = None) -> SequenceList:
    """Every sequence in a known layout under ``root``, or ``root`` itself."""
    return _discovered("folder", root, cut)


def _discovered(
    dataset: str,
    root: Path,
    cut: Cut,
    reader: Callable[..., Sequence] | None = None,
    modality: str | None = None,
) -> SequenceList:
    """The sequences that are there, all layouts or one."""
    paths = [p for p in find_sequences(root) if reader in (None, find_reader(p))]
    if not paths:
        raise DataError(f"no sequences of {dataset} in {root}: expected {EXPECTED}")
    bases = [p.stem if p.is_file() else p.resolve().name for p in paths]
    count = Counter(bases)
    entries: dict[str, Open] = {}
    for path, base in zip(paths, bases, strict=True):
        if count[base] > 1:
            base = "-".join(path.relative_to(root).parts)
        entries |= _targets(path, base, dataset)
    if cut is not None:
        entries = {n: entries[n] for n in choose(dataset, cut, {"all": (*entries,)})}
    return SequenceList(dataset, (*entries,), (*entries.values(),), modality)


def _targets(path: Path, name: str, dataset: str) -> dict[str, Open]:
    """Openers of one path by name: several where an OTB folder has several targets."""
    truths = layouts.otb_truths(path) if path.is_dir() else []
    numbers = _OTB_NUMBERS.get(name) if dataset == "otb" else None
    if not truths or (len(truths) == 1 and not numbers):
        return {name: functools.partial(open_sequence, path)}
    read = functools.partial(layouts.otb, path, numbers=numbers)
    if len(truths) == 1:
        return {name: read}
    return {f"{name}-{t.stem[-1]}": functools.partial(read, truth=t) for t in truths}
