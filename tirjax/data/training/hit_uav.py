"""HIT-UAV, thermal pictures from a drone: short tracks, and single boxes.

Tracks are not part of the data set: ``minitracks.json`` links boxes of consecutive
frames. Boxes are corners, read as edges from 0: ``w = xmax - xmin``.

Source: Suo et al., Scientific Data 10, 227 (2023).
"""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.data.collection import Cut, Open, SequenceList, choose
from tirjax.data.sequence import DataError, Sequence
from tirjax.data.training.clips import Still, clip, stills
from tirjax.data.training.voc import read_voc

# Regions too unclear to be annotated.
_IGNORED = "DontCare"


def hit_uav(root: Path, cut: Cut = None) -> SequenceList:
    """Tracks ``FRAME-trackN`` where known, then boxes ``FRAME-N`` of one frame each.

    Args:
      root: folder of ``img``, ``boxes.json`` and perhaps ``minitracks.json``; or of the
        original ``normal_xml`` (``JPEGImages``, ``Annotations``), or that itself.
      cut: ``'tracks'``, ``'boxes'``, or names. None is both.

    Raises:
      DataError: an annotation cannot be read; names the file.
    """
    tracks = _tracks(root) if (root / "minitracks.json").is_file() else {}
    entries = _json(root) if (root / "boxes.json").is_file() else _xml(root)
    single = stills("hit_uav", entries, "tir")
    openers = tracks | dict(zip(single.names, single.openers, strict=True))
    cuts = {"all": (*openers,), "tracks": (*tracks,), "boxes": single.names}
    names = choose("hit_uav", cut, cuts) if openers else ()
    return SequenceList("hit_uav", names, tuple(openers[n] for n in names), "tir")


def _tracks(root: Path) -> dict[str, Open]:
    file, openers = root / "minitracks.json", {}
    try:
        for number, track in enumerate(_load(file)):
            boxes = np.array([_box(corners) for corners in track["boxes_xyxy"]])
            paths = tuple(root / "img" / f"{frame}.jpg" for frame in track["frames"])
            if len(boxes) != len(paths):
                raise ValueError(f"{len(boxes)} boxes for {len(paths)} frames")
            name = f"{track['frames'][0]}-track{number}"
            openers[name] = functools.partial(_open_track, paths, boxes)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"{file}: {error!r}; expected a list of frames and boxes_xyxy"
        ) from error
    return openers


def _open_track(paths: tuple[Path, ...], boxes: np.ndarray) -> Sequence:
    return clip(paths, boxes, "tir")


def _json(root: Path) -> Iterator[Still]:
    file = root / "boxes.json"
    try:
        for frame, objects in _load(file).items():
            path = root / "img" / f"{frame}.jpg"
            boxes = [_box(corners) for name, *corners in objects if name != _IGNORED]
            yield from _numbered(frame, path, boxes)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file}: {error!r}; expected frame: [[class, xmin, ymin, xmax, ymax], ...]"
        ) from error


def _xml(root: Path) -> Iterator[Still]:
    home = root / "normal_xml" if (root / "normal_xml").is_dir() else root
    for file in sorted(home.glob("Annotations/*.xml")):
        path = home / "JPEGImages" / f"{file.stem}.jpg"
        boxes = [found.box for found in read_voc(file) if found.name != _IGNORED]
        yield from _numbered(file.stem, path, boxes)


def _numbered(
    frame: str, path: Path, boxes: list[tuple[float, ...]]
) -> Iterator[Still]:
    for number, box in enumerate(boxes):
        if box[2] > 0 and box[3] > 0:
            yield f"{frame}-{number}", path, box


def _load(file: Path) -> Any:
    return json.loads(file.read_bytes())


def _box(corners: list[float]) -> tuple[float, ...]:
    x, y, right, bottom = corners
    return x, y, right - x, bottom - y
