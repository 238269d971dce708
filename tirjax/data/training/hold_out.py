"""The last part of a data set kept for validation, whole videos only.

Source: the published training code of MLSSNet and MMNet: the last tenth of the videos.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from tirjax.data.sequence import DataError, Dataset, Sequence


class Part:
    """Some sequences of a data set, in its order; pickles if that does.

    Attributes:
      name: of the data set, and which part it is.
      numbers: of the sequences in the data set.
    """

    def __init__(self, dataset: Dataset, numbers: range, label: str):
        self._dataset, self.numbers = dataset, numbers
        self.name = f"{getattr(dataset, 'name', type(dataset).__name__)} ({label})"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sequences; none if the data set has none."""
        names = getattr(self._dataset, "names", ())
        return tuple(names[i] for i in self.numbers) if names else ()

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sequence:
        return self._dataset[self.numbers[index]]

    def __iter__(self) -> Iterator[Sequence]:
        return (self[i] for i in range(len(self)))


def split(dataset: Dataset, share: float) -> tuple[Part, Part]:
    """Cuts a data set into one to learn from and one to validate with.

    Args:
      dataset: in the order of its videos. Tracks of one video, called the same but for
        numbers after hyphens at the end, stay together.
      share: of the sequences that is for validation, above 0, below 1.

    Raises:
      DataError: the share makes no sense, or either part would be empty.
    """
    if not 0 < share < 1:
        raise DataError(f"share {share} for validation: above 0 and below 1")
    count = len(dataset)
    border = min(math.floor(count * (1 - share) + 1e-9), count - 1)
    names: Any = getattr(dataset, "names", None)
    video = lambda i: re.sub(r"(-(track)?\d+)+$", "", names[i])
    while names and border > 0 and video(border) == video(border - 1):
        border -= 1
    if border < 1:
        raise DataError(
            f"{count} sequences of a single video cannot be split into two parts; add "
            "another video"
        )
    learned = Part(dataset, range(border), "training")
    return learned, Part(dataset, range(border, count), "validation")
