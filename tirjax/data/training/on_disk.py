"""What feeds from disk share: drawing examples by number, and files that fail.

A batch is a function of seed and step: an example has a generator of its own, made of
the seed and its number in the whole run. So resuming is setting the step, and neither
the hosts that share a batch nor the workers that read it change what is in it.
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import jax
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.data.training.mixture import NothingUsable

_Drawn = TypeVar("_Drawn")
MOST_FAILURES = 50  # draws in a row, after which the data is broken and not a file


class OnDisk(abc.ABC, Generic[_Drawn]):
    """Base of a feed whose examples the host reads and the device makes.

    A feed is a frozen dataclass with these fields.

    Attributes:
      batch: examples of a step, over all devices.
      seed: another seed is another run; at least 0.
      on_error: what an example that cannot be read does: ``'skip'`` draws again and
        notes the problem, ``'stop'`` raises.
    """

    batch: int
    seed: int
    on_error: str

    @abc.abstractmethod
    def draw(self, number: int, rng: np.random.Generator) -> Callable[[], _Drawn]:
        """How to read an example: a function that draws another one at each call.

        Args:
          number: of the example, in the whole run.
          rng: of this example alone.
        """

    def check(self) -> None:
        """Raises ``DataError`` if the shared fields make no sense."""
        if self.batch < 1 or self.seed < 0:
            raise DataError(
                f"batch {self.batch}, seed {self.seed}: at least 1 and at least 0"
            )
        if self.on_error not in ("skip", "stop"):
            raise DataError(f"on_error {self.on_error!r}: choose 'skip' or 'stop'")

    def read(
        self, step: int, part: slice = slice(None)
    ) -> tuple[tuple[np.ndarray, _Drawn], tuple[str, ...]]:
        """Numbers and arrays of a step's examples, read now, and problems on the way.

        Args:
          step: from 0.
          part: which of the step's examples.

        Raises:
          DataError: nothing can be drawn at all, every draw fails, or a file is bad and
            ``on_error`` is ``'stop'``.
        """
        numbers = step * self.batch + np.arange(self.batch, dtype=np.uint32)[part]
        found: list[str] = []
        drawn = [self._example(int(number), found) for number in numbers]
        return (numbers, jax.tree.map(lambda *x: np.stack(x), *drawn)), tuple(found)

    def describe(self) -> dict[str, Any]:
        """What it is made of, for the record of a run."""
        fields = dataclasses.fields(self)  # pyright: ignore[reportArgumentType]
        return {f.name: _described(getattr(self, f.name)) for f in fields}

    def _example(self, number: int, found: list[str]) -> _Drawn:
        """What a draw gives once it can be read; problems are added to ``found``."""
        draw = self.draw(number, np.random.default_rng((self.seed, number)))
        for _ in range(MOST_FAILURES):
            try:
                return draw()
            except NothingUsable:
                raise
            except DataError as error:
                if self.on_error == "stop":
                    raise
                found.append(str(error))
        raise DataError(f"{MOST_FAILURES} draws in a row failed; the last: {found[-1]}")


def _described(part: Any) -> Any:
    """A part of a feed as it describes itself, or as it stands."""
    return part.describe() if hasattr(part, "describe") else part
