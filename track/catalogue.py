"""Names and texts of the command line as trackers, data sets, protocols and boxes."""

import dataclasses
import difflib
import functools
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

import jax
import numpy as np

from tirjax.data import (
    DATASETS,
    DataError,
    FixedWindow,
    FrameWindow,
    SequenceList,
    SequenceWindow,
    Window,
    open_dataset,
)
from tirjax.data.synthetic import PRESETS, Synthetic
from tirjax.evaluation import PROTOCOLS, Protocol
from tirjax.trackers import TRACKERS, Tracker

DEFAULT_TRACKER = "eco_hc_tir"
SYNTHETIC = "synthetic"
SYNTHETIC_COUNT = 12

# A data set without a toolkit of its own gets LSOTB-TIR's rules; where the target is
# often absent, rules that leave such frames out.
_PROTOCOLS = {"ptb_tir": "ptb", "otb": "otb", "antiuav": "got10k_lasot"}
# Coordinate of the first pixel in a benchmark's own files; the rest count from 1.
_FROM_ZERO = ("antiuav", "folder", SYNTHETIC)


def pick(what: str, name: str, among: Iterable[str]) -> str:
    """``name``, if it is one of the names there are.

    Raises:
      DataError: it is not; lists them, the likely one first.
    """
    among = list(among)
    if name in among:
        return name
    close = difflib.get_close_matches(name, among, 1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise DataError(f"no {what} {name!r}; {hint}there are {', '.join(among)}")


def tracker_names(texts: Iterable[str]) -> list[str]:
    """Names given one by one or with commas, each once; the default for none."""
    split = [name.strip() for text in texts for name in text.split(",")]
    names = dict.fromkeys(name for name in split if name)
    return [pick("tracker", n, TRACKERS) for n in names or [DEFAULT_TRACKER]]


def build(name: str, box: np.ndarray) -> Tracker:
    """The tracker for a target of this size; equal objects share a compilation."""
    return TRACKERS[name]((float(box[2]), float(box[3])))


def key_for(seed: int, name: str) -> jax.Array:
    """Randomness of one sequence: the same alone, in a batch, and when continued."""
    return jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))


def settings(tracker: Tracker) -> str:
    """The settings that a tracker closes over, as text for the record."""
    found: list[str] = []
    _gather(tracker.step, found, 2)
    return ", ".join(dict.fromkeys(found))


def _gather(function, found: list[str], depth: int) -> None:
    cells = [c.cell_contents for c in getattr(function, "__closure__", None) or ()]
    cells += getattr(function, "args", ()) if _is_partial(function) else ()
    for value in cells:
        _note(value, found, depth)


def _note(value, found: list[str], depth: int) -> None:
    if dataclasses.is_dataclass(value):
        found.append(repr(value))
    elif isinstance(value, tuple):
        for part in value:
            _note(part, found, depth)
    elif depth and (callable(value) or _is_partial(value)):
        _gather(value, found, depth - 1)


def _is_partial(value) -> bool:
    return isinstance(value, functools.partial)


def dataset(
    name: str, root: Path | None, cut: str | None, names: str | None = None
) -> SequenceList:
    """A data set, or the part of it with these names.

    Args:
      name: one of ``DATASETS``, or ``'synthetic'``.
      root: its folder; not needed by ``'synthetic'``.
      cut: as for ``open_dataset``; the preset of ``'synthetic'``.
      names: sequences with commas; all by default.

    Raises:
      DataError: unknown names, or sequences that are not there.
    """
    pick("data set", name, [*DATASETS, SYNTHETIC])
    if name == SYNTHETIC:
        whole = _synthetic(cut or "mixed")
    elif root is None:
        raise DataError(f"{name} is read from files; say where with --data DIR")
    else:
        whole = open_dataset(name, root, cut)
    if names is None:
        return whole
    openers = dict(zip(whole.names, whole.openers, strict=True))
    chosen = [pick("sequence", n.strip(), openers) for n in names.split(",")]
    return dataclasses.replace(
        whole, names=tuple(chosen), openers=tuple(openers[n] for n in chosen)
    )


def _synthetic(preset: str) -> SequenceList:
    """Clips of a preset, rendered once when first asked for, then remembered."""
    world = Synthetic(pick("cut of synthetic", preset, PRESETS), SYNTHETIC_COUNT, 0)
    render = lambda i: functools.cache(functools.partial(world.__getitem__, i))
    names = tuple(f"{preset}_{i:04d}" for i in range(SYNTHETIC_COUNT))
    return SequenceList(SYNTHETIC, names, tuple(map(render, range(SYNTHETIC_COUNT))))


def protocol(name: str | None, dataset_name: str) -> Protocol:
    """The protocol of this name, or the data set's own."""
    if name is None:
        name = _PROTOCOLS.get(dataset_name, "lsotb")
    return PROTOCOLS[pick("protocol", name, PROTOCOLS)]


def origin(dataset_name: str) -> int:
    """Coordinate of the first pixel in the benchmark's result files."""
    return 0 if dataset_name in _FROM_ZERO else 1


def box(text: str) -> np.ndarray:
    """The box of ``x,y,w,h``.

    Raises:
      DataError: not four numbers.
    """
    try:
        numbers = [float(n) for n in re.split(r"[,;\s]+", text.strip())]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        raise DataError(f"--init {text}: expected x,y,w,h, for example 310,120,24,16")
    return np.array(numbers)


def window(text: str | None) -> Window | None:
    """The window of ``LOW,HIGH``, ``sequence`` or ``frame``.

    Raises:
      DataError: none of them.
    """
    if text is None:
        return None
    if text in ("sequence", "frame"):
        return SequenceWindow() if text == "sequence" else FrameWindow()
    try:
        low, high = (float(n) for n in text.split(","))
    except ValueError:
        low = high = 0.0
    if not low < high:
        raise DataError(
            f"--window {text}: expected LOW,HIGH in counts, `sequence` or `frame`"
        )
    return FixedWindow(low, high)
