"""Boxes of a picture from Pascal VOC xml, as thermal and video sets write it.

Corners are read as edges, in the file's numbering: ``w = xmax - xmin``, nothing added,
as every loader of these sets does. None of them says where it counts from; they are
read as counting from 0.
"""

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tirjax.data.sequence import DataError


class Labelled(NamedTuple):
    """One object of a picture: class, track (None where there is none), xywh box."""

    name: str
    track: str | None
    box: tuple[float, float, float, float]


def read_voc(path: Path) -> list[Labelled]:
    """Objects of one file; ``bndbox`` has corners, or KAIST's x, y, w, h.

    Raises:
      DataError: unreadable, no xml, or an object without a box; names the file.
    """
    try:
        root = ElementTree.parse(path).getroot()
        return [_labelled(element) for element in root.iter("object")]
    except OSError as error:
        raise DataError(
            f"cannot read {path} ({error.strerror}); expected the annotation there"
        ) from error
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(
            f"{path}: {error}; expected VOC xml with object/bndbox; copy it again"
        ) from error


def _labelled(element: ElementTree.Element) -> Labelled:
    bounds = {child.tag: child.text or "" for child in element.iterfind("bndbox/*")}
    try:
        if "xmin" in bounds:
            x, y = float(bounds["xmin"]), float(bounds["ymin"])
            w, h = float(bounds["xmax"]) - x, float(bounds["ymax"]) - y
        else:
            x, y, w, h = (float(bounds[tag]) for tag in "xywh")
    except KeyError as error:
        raise ValueError(f"an object without {error} in bndbox") from error
    name, track = element.findtext("name", ""), element.findtext("trackid")
    return Labelled(name.strip(), track.strip() if track else None, (x, y, w, h))
