"""What feeds without files share: an example is a function of its number alone."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np

from tirjax.typing import Array, Int, Key

_Scene = TypeVar("_Scene")


class Numbered:
    """Base of a feed whose examples are made on the device, from their numbers.

    Attributes:
      batch: examples of a step.
      lanes: scenes rendered at once: 1 suits a CPU, an accelerator more.
    """

    batch: int
    lanes: int

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

    def rendered(
        self, render: Callable[[Key[Array, ""]], _Scene], keys: Key[Array, " b"]
    ) -> _Scene:
        """Scenes one after the other, ``lanes`` of them at once.

        Args:
          render: a scene of a key.
          keys: one a scene.
        """
        return jax.lax.map(render, keys, batch_size=self.lanes)


def keys_of(key: Key[Array, ""], numbers: Int[Array, " b"]) -> Key[Array, " b"]:
    """A key for each number, of which it is a function."""
    return jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
