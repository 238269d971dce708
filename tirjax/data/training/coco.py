"""COCO as training pictures: one sequence of one frame for each annotated object.

Groups (``iscrowd``) and boxes without area are left out. Boxes are x, y, w, h in pixels
from 0, as they are in the file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tirjax.data.collection import Cut, SequenceList
from tirjax.data.sequence import DataError
from tirjax.data.training.clips import Still, stills

# The first that is there; 2014 and 2017 divide the same pictures differently.
_PARTS = ("train2017", "train2014")


def coco(root: Path, cut: Cut = None) -> SequenceList:
    """Objects of one part of COCO, named ``PART-ANNOTATION``; reads its json whole.

    Args:
      root: folder of ``annotations`` and of ``PART`` or ``images/PART``.
      cut: the part: ``'train2017'``, ``'train2014'``, ``'val2017'``, ``'val2014'``.
        None is the first of the training parts that is there.

    Raises:
      DataError: no such part, or its json cannot be read.
    """
    there = sorted(p.stem[10:] for p in root.glob("annotations/instances_*.json"))
    if cut is None:
        cut = next((part for part in _PARTS if part in there), None)
        if cut is None:
            return SequenceList("coco", (), (), "rgb")
    if not isinstance(cut, str) or cut not in there:
        raise DataError(
            f"coco has no part {cut!r} in {root}; it has {', '.join(there) or 'none'}"
        )
    file = root / "annotations" / f"instances_{cut}.json"
    pictures = root / "images" / cut
    if not pictures.is_dir():
        pictures = root / cut
    return stills("coco", _objects(file, pictures, cut), "rgb")


def _objects(file: Path, pictures: Path, part: str) -> Iterator[Still]:
    try:
        content: dict[str, Any] = json.loads(file.read_bytes())
        paths = {row["id"]: pictures / row["file_name"] for row in content["images"]}
        for row in content["annotations"]:
            x, y, w, h = row["bbox"]
            if not row.get("iscrowd") and w > 0 and h > 0:
                yield f"{part}-{row['id']}", paths[row["image_id"]], (x, y, w, h)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file}: {error!r}; expected COCO's images and annotations; download it "
            "again"
        ) from error
