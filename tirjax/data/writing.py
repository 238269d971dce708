"""Sequences written to disk, whole or not at all, in the layout of GOT-10k.

``NAME/STEM.png``, ``NAME/groundtruth.txt`` (origin 1), ``NAME/absence.label``, an
attribute each in ``NAME/ATTRIBUTE.tag``: ``layouts.vot`` reads them back. A sequence
grows in ``.NAME.part``, which no reader looks into, and gets its name when all is
there. A file is written under another name first, so that one with its own name is
never half of it.
"""

import itertools
import json
import os
import re
import shutil
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from tirjax.data import layouts
from tirjax.data.annotations import write_boxes
from tirjax.data.images import ImageFrames, natural_key, read_image
from tirjax.data.sequence import DataError, Frames, Sequence

Kind = Literal["png", "jpeg", "png16"]
SUFFIX: dict[str, str] = {"png": ".png", "jpeg": ".jpg", "png16": ".png"}
RECORD, ABSENT = "about.json", "absence.label"
# GOT-10k keeps what the target is there; it is passed on as it is.
CLASS = "meta_info.ini"
_TEMPORARY = ".unfinished"


def draft(root: Path, name: str) -> Path:
    """Where a sequence grows."""
    return root / f".{name}.part"


def stems(frames: Frames) -> list[str]:
    """Names of the files of a sequence, in natural order.

    They are those of the original pictures, where these have any and keep their order.
    """
    if isinstance(frames, ImageFrames):
        found = [path.stem for path in frames.paths]
        keys = [natural_key(Path(f"{stem}.png")) for stem in found]
        if all(a < b for a, b in itertools.pairwise(keys)):
            return found
    return [f"{number:08}" for number in range(1, len(frames) + 1)]


def encode(picture: np.ndarray, kind: Kind, quality: int) -> bytes:
    """A picture file.

    Args:
      picture: ``[rows, columns, c]``, one channel or red, green, blue; uint8, or uint16
        for ``png16``.
      kind: of file.
      quality: of a JPEG, 1..100.
    """
    if picture.shape[2] == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    chosen = [cv2.IMWRITE_JPEG_QUALITY, quality] if kind == "jpeg" else []
    return cv2.imencode(SUFFIX[kind], picture, chosen)[1].tobytes()


def write_file(path: Path, data: bytes) -> None:
    """Writes a file that appears only when all of it is there."""
    part = path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def link_file(path: Path, other: Path) -> None:
    """Gives a file a second name; where the disk cannot, copies it."""
    part = path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")
    try:
        try:
            os.link(other, part)
        except OSError:
            shutil.copyfile(other, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def whole(path: Path, size: tuple[int, int]) -> bool:
    """Whether a picture is there and can be decoded at its size."""
    try:
        return read_image(path, 0).shape[:2] == size
    except DataError:
        return False


def sweep(folder: Path) -> None:
    """Removes the files that an interrupted command has not finished."""
    for part in folder.glob(f".*{_TEMPORARY}"):
        part.unlink()


def finish(
    root: Path, clip: Sequence, kept: Collection[int], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes all but the pictures and gives the sequence its name.

    Args:
      root: folder of the data set; the draft holds the pictures.
      clip: the original; labels, absence and attributes are its own.
      kept: frames of it whose pictures were written, rising; labels of others go.
      about: what else the record shall say.

    Returns:
      The record, which lies beside the pictures.

    Raises:
      DataError: only the first frame has a box, and it is not among those kept.
    """
    folder = draft(root, clip.name)
    rows = [i for i in kept if i < len(clip.boxes)]
    if not rows:
        raise DataError(f"{clip.name}: no picture with a box is left")
    write_boxes(folder / layouts.VOT_TRUTH, clip.boxes[rows], origin=1)
    absent = "".join(f"{int(not flag)}\n" for flag in clip.visible[rows])
    write_file(folder / ABSENT, absent.encode())
    for attribute in clip.attributes:
        name = re.sub(r"[/\\]", "-", attribute)
        write_file(folder / f"{name}.tag", b"1\n" * len(rows))
    if isinstance(clip.frames, ImageFrames):
        source = clip.frames.paths[0].with_name(CLASS)
        if source.is_file():
            write_file(folder / CLASS, source.read_bytes())
    record = {
        "name": clip.name,
        "frames": len(kept),
        "labels_sha256": labels_digest(folder),
        **about,
    }
    write_file(folder / RECORD, json.dumps(record, indent=2).encode())
    os.rename(folder, root / clip.name)
    return record


def labels_digest(folder: Path) -> str:
    """SHA-256 of the boxes and of the absence of a written sequence."""
    truth, absent = (folder / name for name in (layouts.VOT_TRUTH, ABSENT))
    return sha256(truth.read_bytes() + absent.read_bytes()).hexdigest()


def read_record(root: Path, name: str) -> dict[str, Any] | None:
    """The record of a finished sequence; None where there is no sequence.

    Raises:
      DataError: something else has its name.
    """
    folder = root / name
    try:
        return json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        if folder.exists():
            raise DataError(
                f"{folder} is there and no finished sequence of ours; move it away, or "
                "choose another --out"
            ) from None
        return None
