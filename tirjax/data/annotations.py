"""Text files of boxes and of flags, as benchmarks ship them and as we write them.

A row is ``x, y, w, h`` or a polygon ``x1, y1, x2, y2, ...`` of three corners or more,
separated by commas, semicolons, tabs or blanks. The *origin* is the coordinate that the
file gives to the top left pixel: 1 in the OTB, PTB-TIR, LSOTB-TIR and VOT families, 0
in our own files. It is subtracted from x and y, nothing from w and h, so that pixel
number ``origin`` begins at 0 in the edge-based convention.

Polygon corners are read the same way: as edges of the region, in the file's numbering,
so that the bounding box is as wide as the corners are apart (no pixel is added). This
is how the TraX protocol turns a polygon into its bounds.
"""

import os
import re
from pathlib import Path
from typing import Literal

import numpy as np

from tirjax.data.sequence import DataError

Polygon = Literal["bounding", "area"]


def read_boxes(
    path: str | Path, *, origin: float, polygon: Polygon = "bounding"
) -> np.ndarray:
    """Boxes of a text file.

    Args:
      path: one box or polygon a line; blank lines at the end are ignored.
      origin: coordinate of the top left pixel in the file, 0 or 1.
      polygon: how corners become a box, see ``polygon_box``.

    Returns:
      ``[t, 4]`` float64, ``(x, y, w, h)``, zero-based; NaN stays NaN.

    Raises:
      DataError: unreadable, empty, or a line that is no box; names file and line.
    """
    rows = _rows(Path(path))
    boxes = np.array(
        [r if len(r) == 4 else polygon_box(r.reshape(-1, 2), polygon) for r in rows]
    )
    boxes[:, :2] -= origin
    return boxes


def read_regions(path: str | Path, *, origin: float) -> np.ndarray:
    """Boxes and polygons of a text file as they are.

    Args:
      path: as for ``read_boxes``.
      origin: coordinate of the top left pixel in the file, 0 or 1.

    Returns:
      ``[t, k]`` float64, a box ``(x, y, w, h)`` or the corners ``(x1, y1, ...)`` a row,
      zero-based; shorter rows are filled up with NaN.

    Raises:
      DataError: as ``read_boxes``.
    """
    rows = _rows(Path(path))
    regions = np.full((len(rows), max(map(len, rows))), np.nan)
    for region, row in zip(regions, rows, strict=True):
        shift = np.array([origin, origin, 0, 0]) if len(row) == 4 else origin
        region[: len(row)] = row - shift
    return regions


def write_boxes(path: str | Path, boxes: np.ndarray, *, origin: float) -> None:
    """Writes ``[t, 4]`` zero-based boxes, three decimals, comma, whole or not at all.

    Args:
      path: file to replace; its folder must exist.
      boxes: ``(x, y, w, h)``, pixels.
      origin: coordinate that the file gives to the top left pixel, 0 or 1.
    """
    path = Path(path)
    rows = np.asarray(boxes, np.float64) + np.array([origin, origin, 0, 0])
    # In the same folder, because a rename is atomic only within one file system.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        np.savetxt(draft, rows, fmt="%.3f", delimiter=",")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def polygon_box(corners: np.ndarray, rule: Polygon = "bounding") -> np.ndarray:
    """Axis-aligned box ``(x, y, w, h)`` of ``[n, 2]`` corners, in their own numbering.

    Args:
      corners: ``(x, y)`` in order around the polygon.
      rule: ``'bounding'`` is the smallest box around it. ``'area'`` is the box of
        nearly equal area around the mean of the corners that VOT trackers start from:
        the bounding box scaled by ``sqrt(area of the first three corners' rectangle /
        bounding area)``, plus one pixel.

    Source: 'area' as in ECO's VOT wrapper (Danelljan et al., CVPR 2017).
    """
    low, extent = corners.min(0), np.ptp(corners, axis=0)
    if rule == "bounding":
        return np.concatenate([low, extent])
    sides = np.linalg.norm(np.diff(corners[:3], axis=0), axis=1)
    bounding = extent.prod()
    scale = np.sqrt(sides.prod() / bounding) if bounding > 0 else 1.0
    size = scale * extent + 1
    # The mean numbers a pixel; n pixels around it begin at (n - 1) / 2 before it.
    return np.concatenate([corners.mean(0) - (size - 1) / 2, size])


def read_flags(path: str | Path) -> np.ndarray:
    """Numbers of a file with one flag per frame or per attribute, in reading order.

    Raises:
      DataError: unreadable, or something that is no number.
    """
    words = _split(_read_text(Path(path)))
    try:
        return np.array([float(word) for word in words])
    except ValueError as error:
        raise DataError(f"{path}: {error}; expected flags 0 or 1") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(
            f"cannot read {path} ({error.strerror}); expected the annotation there"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text file; expected numbers") from error


def _split(text: str) -> list[str]:
    return [word for word in re.split(r"[,;\s]+", text) if word]


def _rows(path: Path) -> list[np.ndarray]:
    """Numbers of every line of a file of boxes or polygons."""
    lines = _read_text(path).rstrip().splitlines()
    if not lines:
        raise DataError(f"{path} holds no boxes; expected a line x,y,w,h per frame")
    return [_row(line, f"{path} line {n}") for n, line in enumerate(lines, 1)]


def _row(line: str, where: str) -> np.ndarray:
    try:
        numbers = np.array([float(word) for word in _split(line)])
    except ValueError as error:
        raise DataError(f"{where}: {error}; expected numbers") from error
    if np.isinf(numbers).any():
        raise DataError(f"{where}: infinite value; write NaN for a missing box")
    if len(numbers) == 4 or (len(numbers) >= 6 and len(numbers) % 2 == 0):
        return numbers
    raise DataError(
        f"{where}: {len(numbers)} numbers; expected x,y,w,h or 3 and more corners x,y"
    )
