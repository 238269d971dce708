"""Score maps by trigonometric interpolation, one value a pixel of the patch.

Both axes are interpolated alike, so the transform there and back is one real matrix on
either side of the map.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
and its published code.
"""

import numpy as np


def interpolation(cells: int, side: int) -> np.ndarray:
    """The matrix ``m`` of ``m @ scores @ m.T``, ``[side, cells]``.

    Row ``side / 2`` is no motion: the cell in the middle, ``cells / 2``. The series
    runs over frequencies ``-cells / 2 .. cells / 2`` and counts the highest at both
    ends at full size, as published, where an exact interpolation would halve it.

    Args:
      cells: even side of the map.
      side: even side of the result.
    """
    row = np.arange(side)[:, None] / side - 0.5
    cell = np.arange(cells)[None, :] / cells - 0.5
    k = np.arange(1, cells // 2 + 1)[:, None, None]
    return (1 + 2 * np.cos(2 * np.pi * k * (row - cell)).sum(0)) / cells
