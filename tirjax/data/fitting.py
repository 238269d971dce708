"""Pictures brought to the size that a translator works at, and back to their own.

Resampling is bicubic with a = -0.5, its kernel widened when shrinking: what Pillow
does, and with it the published code. Both ways have the same corners, so boxes hold.

Source: Zhang et al., Synthetic Data Generation for End-to-End Thermal Infrared
Tracking, IEEE TIP 28(4), 2019 (its code squashes every frame to a square of 256).
"""

import dataclasses
from typing import Literal

import numpy as np
from PIL import Image

from tirjax.data.sequence import DataError

Mode = Literal["squash", "keep", "full"]
Size = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Fit:
    """From any size to one that a network takes.

    Attributes:
      mode: ``squash`` resizes to a square, whatever the aspect; ``keep`` makes the
        longer side ``size`` and mirrors the picture around itself up to the next
        multiple; ``full`` does not resize and only mirrors.
      size: side of the square or longer side, pixels; not read by ``full``.
      multiple: both sides of what comes out are multiples of it.
    """

    mode: Mode = "squash"
    size: int = 256
    multiple: int = 1

    def check(self) -> None:
        """Compares the size with the multiple.

        Raises:
          DataError: they do not go together.
        """
        if self.size < 1 or (self.mode == "squash" and self.size % self.multiple):
            below = max(self.size // self.multiple, 1) * self.multiple
            raise DataError(
                f"a working size of {self.size}: this generator needs a multiple of "
                f"{self.multiple}, such as {below}"
            )

    def inner(self, size: Size) -> Size:
        """Size of the picture itself, without what is mirrored."""
        if self.mode == "squash":
            return self.size, self.size
        scale = self.size / max(size) if self.mode == "keep" else 1.0
        rows, columns = (max(1, round(side * scale)) for side in size)
        return rows, columns

    def margins(self, size: Size) -> tuple[tuple[int, int], tuple[int, int]]:
        """What is mirrored before and after, of rows and of columns."""
        missing = [-side % self.multiple for side in self.inner(size)]
        top, left = (m // 2 for m in missing)
        return (top, missing[0] - top), (left, missing[1] - left)

    def there(self, picture: np.ndarray) -> np.ndarray:
        """The picture as the network takes it.

        Args:
          picture: ``[rows, columns, channels]``, uint8 or float32.
        """
        size = picture.shape[:2]
        around = (*self.margins(size), (0, 0))
        fitted = resize(picture, self.inner(size))
        # One row has no mirror image without its edge.
        how = "reflect" if min(fitted.shape[:2]) > 1 else "edge"
        return np.pad(fitted, around, how)

    def back(self, picture: np.ndarray, size: Size) -> np.ndarray:
        """A translation at the size of its original.

        Args:
          picture: as large as what ``there`` gave.
          size: ``(rows, columns)`` of the original.
        """
        (top, _), (left, _) = self.margins(size)
        rows, columns = self.inner(size)
        return resize(picture[top : top + rows, left : left + columns], size)


def resize(picture: np.ndarray, size: Size) -> np.ndarray:
    """Bicubic resampling; an equal size changes nothing.

    Args:
      picture: ``[rows, columns, channels]``; uint8 stays so, anything else becomes
        float32 and may overshoot.
      size: ``(rows, columns)``.
    """
    if picture.shape[:2] == tuple(size):
        return picture
    rows, columns = size
    shape = columns, rows
    if picture.dtype == np.uint8 and picture.shape[2] == 3:
        colour = Image.fromarray(picture)
        return np.array(colour.resize(shape, Image.Resampling.BICUBIC))
    if picture.dtype != np.uint8:
        picture = picture.astype(np.float32)
    planes = [
        Image.fromarray(np.ascontiguousarray(picture[..., c])).resize(
            shape, Image.Resampling.BICUBIC
        )
        for c in range(picture.shape[2])
    ]
    return np.stack([np.array(plane) for plane in planes], axis=-1)
