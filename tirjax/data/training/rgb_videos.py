"""RGB training sets with one target a video: GOT-10k, LaSOT, TrackingNet.

Listing looks at names of folders and files only. All are read with three channels: a
video that fades in from black would otherwise be taken for a grey one. All count from
1: the authors say so of GOT-10k and LaSOT; in TrackingNet, boxes drawn at the left
border begin at 1.

Source: got-10k/toolkit issue 6; HengLan/LaSOT_Evaluation_Toolkit issue 14;
SilvioGiancola/TrackingNet-devkit issue 23.
"""

import functools
import re
from pathlib import Path

from tirjax.data import layouts
from tirjax.data.collection import Cut, SequenceList
from tirjax.data.training.cuts import folders, pick

# Lists of the customary splits, as PyTracking and the benchmarks name the files.
_GOT10K = {
    split: (f"got10k_{split}_split.txt",)
    for split in ("train", "val", "vottrain", "votval")
}
_LASOT = {
    "train": ("training_set.txt", "lasot_train_split.txt"),
    "test": ("testing_set.txt", "lasot_test_split.txt"),
}


def got10k(root: Path, cut: Cut = None) -> SequenceList:
    """GOT-10k, visible where not absent and at least partly uncovered.

    Args:
      root: folder of ``train``, or with the sequences and ``list.txt`` in it.
      cut: ``'train'``, ``'val'``, ``'vottrain'``, ``'votval'`` (needs the split's list,
        see ``pick``), a list file with indices into ``list.txt``, or names.
    """
    home = root / "train" if (root / "train").is_dir() else root
    listing = home / "list.txt"
    if listing.is_file():
        names = tuple(listing.read_text(encoding="utf-8-sig").split())
    else:
        names = tuple(p.name for p in folders(home) if p.name.startswith("GOT-10k"))
    if names:
        names = pick("got10k", cut, names, root, _GOT10K)
    openers = (functools.partial(layouts.vot, home / n, channels=3) for n in names)
    return SequenceList("got10k", names, (*openers,), "rgb")


def lasot(root: Path, cut: Cut = None) -> SequenceList:
    """LaSOT, visible where neither occluded nor out of view.

    Args:
      root: folder of the classes, or of the sequences.
      cut: ``'train'`` or ``'test'`` (needs the benchmark's ``training_set.txt`` or
        ``testing_set.txt``), a list file, or names; None is all, test videos too.
    """
    found = {}
    for folder in folders(root):
        inside = [folder] if _is_lasot(folder) else folders(folder)
        found |= {p.name: p for p in inside if _is_lasot(p)}
    names = pick("lasot", cut, (*found,), root, _LASOT) if found else ()
    openers = (functools.partial(layouts.vot, found[n], channels=3) for n in names)
    return SequenceList("lasot", names, (*openers,), "rgb")


def trackingnet(root: Path, cut: Cut = None) -> SequenceList:
    """TrackingNet's training videos.

    Args:
      root: folder of ``TRAIN_0``, ``TRAIN_1``, ...
      cut: numbers of the sets such as ``'0-3'`` or ``'0,2,5-7'``, a list file, or names
        of videos.
    """
    parts = [p for p in folders(root) if re.fullmatch("TRAIN_[0-9]+", p.name)]
    if isinstance(cut, str) and re.fullmatch("[0-9]+([-,][0-9]+)*", cut):
        wanted = _numbers(cut)
        parts, cut = [p for p in parts if int(p.name[6:]) in wanted], None
    files = [
        file
        for part in parts
        if (part / "anno").is_dir()
        for file in sorted((part / "anno").iterdir())
        if file.suffix == ".txt"
    ]
    found = {file.stem: file for file in files}
    names = pick("trackingnet", cut, (*found,), root) if found else ()
    openers = (functools.partial(_open_trackingnet, found[n]) for n in names)
    return SequenceList("trackingnet", names, (*openers,), "rgb")


def _is_lasot(folder: Path) -> bool:
    return re.fullmatch("[a-z]+-[0-9]+", folder.name) is not None


def _numbers(text: str) -> set[int]:
    """Integers of ``'0-3,7'``."""
    ends = [[int(end) for end in part.split("-")] for part in text.split(",")]
    return {n for end in ends for n in range(end[0], end[-1] + 1)}


def _open_trackingnet(truth: Path):
    frames = truth.parents[1] / "frames" / truth.stem
    return layouts.generic(frames, truth, origin=1, channels=3)
