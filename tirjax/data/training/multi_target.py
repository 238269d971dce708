"""Videos with several targets and xml a frame: LSOTB-TIR's training set, ImageNet-VID.

Every target is one sequence from where its track id appears to the frame before it is
gone. Where it comes back another sequence begins: ``VIDEO-ID``, ``VIDEO-ID-2``, ...
Frames marked ``occluded`` have a box and stay visible. Listing reads every xml once
(minutes for a million); a cut reads those of its videos only.
"""

import functools
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tirjax.data.collection import Cut, Open, SequenceList
from tirjax.data.images import SUFFIXES, natural_key
from tirjax.data.sequence import DataError, Sequence
from tirjax.data.training.clips import clip
from tirjax.data.training.cuts import by_name, pick
from tirjax.data.training.voc import read_voc


class Tracklet(NamedTuple):
    """One uninterrupted appearance: track id, index of its first frame, its boxes."""

    track: str
    start: int
    boxes: list[tuple[float, ...]]


def lsotb_tir_train(root: Path, cut: Cut = None) -> SequenceList:
    """LSOTB-TIR's training set.

    Args:
      root: folder of ``TrainingData`` and ``Annotations``.
      cut: names of videos, or a list file of them.
    """
    return _tracklets("lsotb_tir_train", root, "TrainingData", "", cut, "tir")


def imagenet_vid(root: Path, cut: Cut = None) -> SequenceList:
    """ImageNet-VID.

    Args:
      root: folder of ``Data/VID`` and ``Annotations/VID``.
      cut: ``'train'`` or ``'val'``, names of training videos, or a list file of them.
        None is ``'train'``.
    """
    part = cut if isinstance(cut, str) and cut in ("train", "val") else "train"
    cut = None if cut == part else cut
    return _tracklets("imagenet_vid", root, "Data", f"VID/{part}", cut, "rgb")


def _tracklets(
    dataset: str, root: Path, data: str, part: str, cut: Cut, modality: str
) -> SequenceList:
    """Sequences below ``root/Annotations/part``; pictures in ``root/data/part``."""
    home = root / "Annotations"
    videos = by_name(_with_xml(home / part), home)
    chosen = pick(dataset, cut, (*videos,), root) if videos else ()
    entries: dict[str, Open] = {}
    for name in chosen:
        pictures = root / data / videos[name].relative_to(home)
        entries |= _entries(name, videos[name], pictures, modality)
    return SequenceList(dataset, (*entries,), (*entries.values(),), modality)


def _with_xml(path: Path) -> list[Path]:
    walk = os.walk(path)
    found = (
        Path(at) for at, _, files in walk if any(f.endswith(".xml") for f in files)
    )
    return sorted(found)


def _entries(
    video: str, annotations: Path, pictures: Path, modality: str
) -> dict[str, Open]:
    """Openers of the tracklets of one video, by name."""
    files = sorted(annotations.glob("*.xml"), key=natural_key)
    stems = tuple(file.stem for file in files)
    seen: Counter[str] = Counter()
    entries: dict[str, Open] = {}
    for run in split_tracks(files):
        seen[run.track] += 1
        again = f"-{seen[run.track]}" if seen[run.track] > 1 else ""
        part, boxes = stems[run.start : run.start + len(run.boxes)], np.array(run.boxes)
        entries[f"{video}-{run.track}{again}"] = functools.partial(
            _open, pictures, part, boxes, modality
        )
    return entries


def split_tracks(files: list[Path]) -> list[Tracklet]:
    """Tracklets of one video, in the order of their first frames.

    Args:
      files: xml a frame, in order; a jump in their numbers ends every tracklet.

    Raises:
      DataError: a file cannot be read; names it.
    """
    running: dict[str, Tracklet] = {}
    done: list[Tracklet] = []
    for i, boxes in enumerate(_boxes(files)):
        gone = [t for t in running if t not in boxes or (i and _jumps(files, i))]
        done += [running.pop(track) for track in gone]
        for track, box in boxes.items():
            running.setdefault(track, Tracklet(track, i, [])).boxes.append(box)
    return sorted([*done, *running.values()], key=lambda run: (run.start, run.track))


def _boxes(files: list[Path]) -> Iterator[dict[str, tuple[float, ...]]]:
    for file in files:
        yield {found.track: found.box for found in read_voc(file) if found.track}


def _jumps(files: list[Path], i: int) -> bool:
    """Whether frames are missing between files ``i - 1`` and ``i``."""
    before, stem = files[i - 1].stem, files[i].stem
    both = before.isdecimal() and stem.isdecimal()
    return both and int(stem) != int(before) + 1


def _open(
    folder: Path, stems: tuple[str, ...], boxes: np.ndarray, modality: str
) -> Sequence:
    try:
        listed = [Path(name) for name in os.listdir(folder)]
    except OSError as error:
        raise DataError(
            f"no pictures in {folder} ({error.strerror}); expected those of "
            f"{len(stems)} annotations"
        ) from error
    pictures = {p.stem: folder / p for p in listed if p.suffix.lower() in SUFFIXES}
    missing = [stem for stem in stems if stem not in pictures]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(stems)} pictures missing in {folder}: "
            f"{', '.join(missing[:5])}; restore the files"
        )
    return clip(tuple(pictures[stem] for stem in stems), boxes, modality)
