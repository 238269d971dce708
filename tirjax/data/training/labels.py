"""The score map that a target should get.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019,
section 3.4, and the published training code.
"""

from tirjax.ops.boxes import centre
from tirjax.ops.labels import gaussian_label
from tirjax.typing import Array, Float


def label_side(side: int, stride: int, filter_size: int) -> int:
    """Side of the score map: a filter of even size adds one row and one column."""
    return side // stride + (filter_size + 1) % 2


def score_label(
    box: Float[Array, "4"], side: int, stride: int, filter_size: int, sigma: float
) -> Float[Array, "f f"]:
    """Gaussian of height 1 at the target; lower on the map when between two cells.

    A map cell ``m`` is the crop position ``m * stride`` for a filter of even size and
    half a cell more for one of odd size.

    Args:
      box: target, crop pixels.
      side: side of the crop, a multiple of ``stride``. Static.
      stride: crop pixels a cell. Static.
      filter_size: side of the target filter, cells. Static.
      sigma: standard deviation, cells. Static.
    """
    cells = label_side(side, stride, filter_size)
    at = centre(box) / stride - (filter_size % 2) / 2
    return gaussian_label(at, (cells, cells), sigma)
