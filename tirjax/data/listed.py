"""Benchmarks with a fixed list of sequences: PTB-TIR, LSOTB-TIR, VOT-TIR.

Names, their order and the order of the attribute flags are those of each benchmark's
toolkit; the lists are files in ``tirjax/data/lists``.
"""

import functools
from importlib import resources
from pathlib import Path

from tirjax.data import layouts
from tirjax.data.annotations import read_flags
from tirjax.data.collection import Cut, SequenceList, choose
from tirjax.data.sequence import DataError, Sequence

PTB_ATTRIBUTES = (
    *("deformation", "occlusion", "scale variation", "background clutter"),
    *("low resolution", "fast motion", "motion blur", "out of view"),
    *("intensity variation", "thermal crossover"),
)
LSOTB_ATTRIBUTES = (
    *("deformation", "occlusion", "distractor", "background clutter", "out of view"),
    *("scale variation", "fast motion", "motion blur", "thermal crossover"),
    *("intensity variation", "low resolution", "aspect ratio variation"),
    *("vehicle-mounted", "drone-mounted", "surveillance", "hand-held"),
)


def read_list(name: str) -> tuple[str, ...]:
    """Names of one list in ``tirjax/data/lists``, in the toolkit's order."""
    file = resources.files("tirjax.data") / "lists" / f"{name}.txt"
    return tuple(file.read_text(encoding="ascii").split())


def ptb_tir(root: Path, cut: Cut = None) -> SequenceList:
    """PTB-TIR: 60 pedestrians; annotations in each folder or in ``tiranno``."""
    names = choose("ptb_tir", cut, {"60": read_list("ptb_tir")})
    return _otb_style("ptb_tir", root, names, ("", "tirsequences"), PTB_ATTRIBUTES)


def lsotb_tir(root: Path, cut: Cut = None) -> SequenceList:
    """LSOTB-TIR, 120 sequences; 119 leaves out ``cat_D_001``, ST100 and LT11 are later.

    Annotations in each folder or in ``anno``, attributes in ``anno/att`` or ``att``.
    """
    whole = read_list("lsotb_tir_120")
    cuts = {
        "120": whole,
        "119": tuple(name for name in whole if name != "cat_D_001"),
        "st100": read_list("lsotb_tir_st100"),
        "lt11": read_list("lsotb_tir_lt11"),
    }
    names = choose("lsotb_tir", cut, cuts)
    return _otb_style("lsotb_tir", root, names, ("", "sequences"), LSOTB_ATTRIBUTES)


def vot_tir(year: int, root: Path, cut: Cut = None) -> SequenceList:
    """VOT-TIR2015 (LTIR, 20 sequences; 8-bit folders may begin with ``8_``) or 2016."""
    name = f"vot_tir{year}"
    names = choose(name, cut, {"all": read_list(name)})
    paths = _locate(name, root, names, ("", "sequences"), ("", "8_"))
    openers = tuple(functools.partial(layouts.vot, path) for path in paths)
    return SequenceList(name, names, openers, "tir")


def _locate(
    dataset: str,
    root: Path,
    names: tuple[str, ...],
    folders: tuple[str, ...],
    prefixes: tuple[str, ...] = ("",),
) -> list[Path]:
    """The folder of each name, or an error that lists the missing ones."""
    places = [(sub, prefix) for sub in folders for prefix in prefixes]
    tried = [[root / sub / (pre + name) for sub, pre in places] for name in names]
    found = [next((p for p in paths if p.is_dir()), None) for paths in tried]
    missing = [n for n, path in zip(names, found, strict=True) if path is None]
    if missing:
        some = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise DataError(
            f"{dataset}: {len(missing)} of {len(names)} sequences missing in {root}: "
            f"{some}; expected folders NAME there or in "
            f"{', '.join(f for f in folders if f)}; give cut=NAME,NAME for a part"
        )
    return [path for path in found if path]


def _otb_style(
    dataset: str,
    root: Path,
    names: tuple[str, ...],
    folders: tuple[str, ...],
    attributes: tuple[str, ...],
) -> SequenceList:
    paths = _locate(dataset, root, names, folders)
    openers = tuple(
        functools.partial(_open_otb, root, path, name, attributes)
        for path, name in zip(paths, names, strict=True)
    )
    return SequenceList(dataset, names, openers, "tir")


def _open_otb(
    root: Path, path: Path, name: str, attributes: tuple[str, ...]
) -> Sequence:
    """One sequence with its annotation in the folder or in the toolkit's."""
    truth = None
    if not layouts.otb_truths(path):
        truth = _first_file(root, ("tiranno", "anno"), name)
    flags = _first_file(root, ("tiranno/att", "anno/att", "att"), name)
    given = _attributes(flags, attributes) if flags else ()
    return layouts.otb(path, truth=truth, attributes=given)


def _first_file(root: Path, folders: tuple[str, ...], name: str) -> Path | None:
    files = (root / folder / f"{name}.txt" for folder in folders)
    return next((file for file in files if file.is_file()), None)


def _attributes(file: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    flags = read_flags(file)
    if len(flags) != len(names):
        raise DataError(f"{file}: {len(flags)} flags; expected {len(names)}")
    return tuple(n for n, flag in zip(names, flags, strict=True) if flag > 0)
