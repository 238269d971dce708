"""KAIST multispectral pedestrians, the thermal half: a sequence of one frame a person.

Text and xml annotations carry no track ids, so frames cannot be linked. They do not say
where they count from; KAIST's own converter copies the numbers, as is done here (0).
"""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tirjax.data.collection import Cut, SequenceList, choose
from tirjax.data.images import SUFFIXES, ImageFrames, open_images
from tirjax.data.sequence import DataError, Frames
from tirjax.data.training.clips import Still, stills
from tirjax.data.training.cuts import folders
from tirjax.data.training.voc import read_voc

# Left out: "people", which is a group, and "person?", which is a guess.
_LABELS = ("person", "cyclist")
_SPLITS = {
    "train": tuple(f"set{n:02}" for n in range(6)),
    "test": tuple(f"set{n:02}" for n in range(6, 12)),
}


@dataclasses.dataclass(frozen=True)
class RightHalf:
    """Pictures that show the visible frame left and the thermal one right of it."""

    canvases: ImageFrames

    def __len__(self) -> int:
        return len(self.canvases)

    def __getitem__(self, index: int) -> np.ndarray:
        canvas = self.canvases[index]
        return canvas[:, canvas.shape[1] // 2 :]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))


def kaist(root: Path, cut: Cut = None) -> SequenceList:
    """Persons and cyclists, named ``SET-VIDEO-FRAME-NUMBER``; reads every annotation.

    Args:
      root: folder of ``setXX/VYYY/lwir/I00000.jpg`` (or of side-by-side pictures
        ``setXX/VYYY/I00000.jpg``) and of ``annotations.../setXX/VYYY/I00000.txt`` (bbGt
        version 3) or ``.xml`` (VOC).
      cut: ``'train'`` (sets 00 to 05), ``'test'`` (06 to 11), or names of sets.

    Raises:
      DataError: an annotation cannot be read, or all are MATLAB's ``.vbb``.
    """
    annotations = _annotations(root)
    if annotations is None:
        return SequenceList("kaist", (), (), "tir")
    there = tuple(p.name for p in folders(annotations))
    splits = {k: tuple(s for s in v if s in there) for k, v in _SPLITS.items()}
    sets = choose("kaist", cut, {"all": there, **splits})
    entries = (still for name in sets for still in _set(root, annotations / name))
    return stills("kaist", entries, "tir", _open)


def _annotations(root: Path) -> Path | None:
    """The first folder of readable annotations."""
    homes = [p for p in folders(root) if p.name.startswith("annotations")]
    for home in homes:
        if any(p.suffix in (".txt", ".xml") for p in home.glob("set*/V*/I*")):
            return home
    binary = next((file for home in homes for file in home.rglob("*.vbb")), None)
    if binary:
        raise DataError(
            f"{binary} is a MATLAB file; convert it to text (bbGt version 3) or VOC "
            f"xml in {root}/annotations/setXX/VYYY/I00000.txt or .xml"
        )
    return None


def _set(root: Path, annotations: Path) -> Iterator[Still]:
    """Entries of one set, video by video."""
    for video in folders(annotations):
        place = root / annotations.name / video.name
        pictures = place / "lwir" if (place / "lwir").is_dir() else place
        names = (Path(n) for n in os.listdir(pictures)) if pictures.is_dir() else ()
        paths = {p.stem: pictures / p for p in names if p.suffix.lower() in SUFFIXES}
        for file in sorted(video.iterdir()):
            if file.suffix in (".txt", ".xml"):
                path = paths.get(file.stem, pictures / f"{file.stem}.jpg")
                base = f"{annotations.name}-{video.name}-{file.stem}"
                boxes = _xml(file) if file.suffix == ".xml" else _text(file)
                yield from ((f"{base}-{n}", path, box) for n, box in enumerate(boxes))


def _xml(file: Path) -> list[tuple[float, ...]]:
    found = [o for o in read_voc(file) if o.name in _LABELS]
    return [o.box for o in found if o.box[2] > 0 and o.box[3] > 0]


def _text(file: Path) -> list[tuple[float, ...]]:
    """Rows ``label x y w h occluded vx vy vw vh ignore angle``."""
    boxes = []
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("%") or words[0] not in _LABELS:
            continue
        try:
            x, y, w, h = (float(word) for word in words[1:5])
            ignore = len(words) > 10 and float(words[10]) > 0
        except ValueError as error:
            raise DataError(
                f"{file} line {number}: {error}; expected label x y w h ..."
            ) from error
        if w > 0 and h > 0 and not ignore:
            boxes.append((x, y, w, h))
    return boxes


def _open(path: Path) -> Frames:
    frames = open_images((path,), 1)
    return frames if path.parent.name == "lwir" else RightHalf(frames)
