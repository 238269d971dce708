"""Overlap of regions as VOT measures it: pixels in common, not areas.

A region is a row of numbers in the benchmark's own coordinates: a box ``(x, y, w, h)``,
or the corners ``(x1, y1, x2, y2, ...)`` of a convex polygon; a shorter row is filled up
with NaN, and one that begins with NaN is no region. Only pixels of the image count.

The two toolkits fill a region differently, and small targets show it:

``'vot'``: the Python toolkit. A box is ``round(w)`` pixels wide from ``round(x)``,
halves to even.

``'legacy'``: the MATLAB toolkit and pysot. A box is the polygon of its corners, both
ends inclusive, so one pixel wider; halves round away from zero; a row of a single pixel
stays empty; regions whose bounding boxes only touch have no overlap.

Source: vot-toolkit 0.7.4 and pysot-toolkit, equal on 243 recorded pairs. VOT's polygons
are rotated rectangles; of one that is not convex the gaps are filled.
"""

from typing import Literal

import numpy as np

Raster = Literal["vot", "legacy"]

_CELLS = 1 << 14  # rows of pixels at a time: their arrays stay in the cache
_FAR = 1e6  # beyond it, pixels are counted no more


def overlaps(
    a: np.ndarray, b: np.ndarray, raster: Raster, size: tuple[int, int]
) -> np.ndarray:
    """Pixels in both over pixels in either, frame by frame.

    Args:
      a: ``[t, k]`` regions, in the numbering of the benchmark's files.
      b: ``[t, m]`` regions.
      raster: whose rule fills them.
      size: (rows, columns) of the image; pixels are numbered 0 to rows - 1.

    Returns:
      ``[t]`` in [0, 1]; NaN where either is no region; 0 where both lie outside.
    """
    first, second = _corners(a, raster), _corners(b, raster)
    result = np.full(len(a), np.nan)
    known = np.flatnonzero(np.isfinite(first[:, 0, 0]) & np.isfinite(second[:, 0, 0]))
    if not len(known):
        return result
    low = np.minimum(first[known, :, 1].min(1), second[known, :, 1].min(1))
    high = np.maximum(first[known, :, 1].max(1), second[known, :, 1].max(1))
    top = np.clip(np.floor(low), 0, size[0])
    rows = np.clip(np.ceil(high) + 1, 0, size[0]) - top
    order = np.argsort(rows)
    step = max(1, int(_CELLS // max(rows.max(), 1)))
    for start in range(0, len(order), step):
        chosen = order[start : start + step]
        part = known[chosen]
        count = int(max(rows[chosen].max(), 0))
        y = top[chosen, None] + np.arange(count)
        one = _spans(first[part], y, raster, size)
        other = _spans(second[part], y, raster, size)
        both = _count(np.maximum(one[0], other[0]), np.minimum(one[1], other[1]))
        either = _count(*one) + _count(*other) - both
        result[part] = both / np.maximum(either, 1)
    if raster == "legacy":
        result[known] *= ~_apart(a[known], b[known])
    return result


def row_spans(
    regions: np.ndarray, raster: Raster, size: tuple[int, int], rows: int
) -> np.ndarray:
    """First and last column of each region in every row of pixels.

    Args:
      regions: ``[t, k]``, as for ``overlaps``.
      raster: whose rule fills them.
      size: (rows, columns) of the image.
      rows: to return, at least those of the image.

    Returns:
      ``[t, rows, 2]`` int16; the last is below the first in a row without pixels.
    """
    corners = _corners(regions, raster)
    spans = np.zeros((len(regions), rows, 2), np.int16)
    spans[..., 0] = 1
    y = np.arange(min(size[0], rows), dtype=np.float64)[None]
    for i in np.flatnonzero(np.isfinite(corners[:, 0, 0])):
        low, high = _spans(corners[i : i + 1], y, raster, size)
        filled = low[0] <= high[0]
        spans[i, : y.size][filled] = np.stack([low[0], high[0]], -1)[filled]
    return spans


def polygons(regions: np.ndarray) -> np.ndarray:
    """Corners ``[t, n, 2]``, n at least 4, of regions as numbers, ``[t, k]``.

    A box becomes its four corners; a polygon of fewer corners than others repeats its
    last one. NaN where there is no region.
    """
    regions = np.asarray(regions, np.float64)
    width = max(8, regions.shape[1] + regions.shape[1] % 2)
    padded = np.full((len(regions), width), np.nan)
    padded[:, : regions.shape[1]] = regions
    count = np.isfinite(padded).sum(1)
    box = count == 4
    x, y, w, h = padded[box, :4].T
    padded[box, :8] = np.stack([x, y, x + w, y, x + w, y + h, x, y + h], 1)
    corners = padded.reshape(len(regions), -1, 2)
    held = np.maximum(np.where(box, 8, count) // 2, 1) - 1
    index = np.minimum(np.arange(corners.shape[1]), held[:, None])
    return np.take_along_axis(corners, index[..., None], 1)


def _corners(regions: np.ndarray, raster: Raster) -> np.ndarray:
    """Corners on whole pixels, both ends inclusive; NaN where there is no region."""
    regions = np.clip(np.asarray(regions, np.float64), -_FAR, _FAR)
    if raster == "legacy":  # it reads single precision; halves depend on it
        corners = polygons(regions.astype(np.float32))
        return np.copysign(np.floor(np.abs(corners) + 0.5), corners)
    corners = np.rint(polygons(regions))
    box = np.isfinite(regions).sum(1) == 4
    x, y, w, h = np.rint(regions[box, :4]).T
    right, bottom = x + w - 1, y + h - 1
    exact = np.stack([x, y, right, y, right, bottom, x, bottom], 1).reshape(-1, 4, 2)
    exact[(w < 1) | (h < 1)] = -_FAR  # without pixels: as good as outside
    corners[box, :4], corners[box, 4:] = exact, exact[:, 3:]
    return corners


def _spans(
    corners: np.ndarray, y: np.ndarray, raster: Raster, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """First and last column ``[t, rows]`` at rows ``y``, clipped to the image."""
    end = np.roll(corners, 1, axis=1)
    (x0, y0), (x1, y1) = (np.moveaxis(c[:, None], -1, 0) for c in (corners, end))
    at = y[..., None]
    level = y0 == y1
    # In this order: a corner's own column must not come out a hair before it.
    share = np.where(level, 0, at - y0) / np.where(level, 1, y1 - y0)
    cross = np.trunc(x0 + share * (x1 - x0))
    reached = (np.minimum(y0, y1) <= at) & (at <= np.maximum(y0, y1))
    low = np.where(reached, cross, np.inf).min(-1)
    high = np.where(reached, cross, -np.inf).max(-1)
    empty = (low >= high) if raster == "legacy" else (low > high)
    low, high = np.maximum(low, 0), np.minimum(high, size[1] - 1)
    empty |= (low > high) | (y > size[0] - 1)
    return np.where(empty, 1, low), np.where(empty, 0, high)


def _count(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.maximum(high - low + 1, 0).sum(-1)


def _apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether bounding boxes touch at most."""
    a, b = polygons(a), polygons(b)
    shared = np.minimum(a.max(1), b.max(1)) - np.maximum(a.min(1), b.min(1))
    return (shared <= 0).any(-1)
