"""What feeds without files share: an example is a function of its number alone."""

import dataclasses
from typing import Any

import numpy as np


class Numbered:
    """Base of a feed whose examples are made on the device, from their numbers.

    Attributes:
      batch: examples of a step.
    """

    batch: int

    def read(
        self, step: int, part: slice = slice(None)
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """Numbers of a step's examples, or of a part of them. Nothing can go wrong."""
        numbers = step * self.batch + np.arange(self.batch, dtype=np.uint32)
        return numbers[part], ()

    def describe(self) -> dict[str, Any]:
        """What it is made of, for the record of a run."""
        fields = dataclasses.fields(self)  # pyright: ignore[reportArgumentType]
        return {f.name: getattr(self, f.name) for f in fields}
