"""Several data sets as one: which sequence an example comes from."""

import collections
import collections.abc
import dataclasses
import hashlib
import threading

import numpy as np

from tirjax.data.sequence import DataError, Dataset, Sequence
from tirjax.data.training.sampler import Sampling, is_usable, requirement


class NothingUsable(DataError):
    """No sequence of a data set can give an example; another draw would not help."""


class _Opened:
    """The sequences opened last; a copy in another process starts empty."""

    def __init__(self, size: int):
        self.size = size
        self._lock = threading.Lock()
        self._items: collections.OrderedDict[tuple[int, int], Sequence] = (
            collections.OrderedDict()
        )

    def get(self, key: tuple[int, int]) -> Sequence | None:
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: tuple[int, int], opened: Sequence) -> None:
        with self._lock:
            self._items[key] = opened
            while len(self._items) > self.size:
                self._items.popitem(last=False)

    def __reduce__(self):
        return _Opened, (self.size,)


class Mixture:
    """Data sets drawn from by weight, their sequences uniformly.

    Opened sequences are kept, the least recently used ones dropped: their annotations
    and names of files, and the pixels only where a data set holds them in memory.
    Threads may share a mixture; it pickles without what it keeps.
    """

    def __init__(
        self,
        datasets: collections.abc.Sequence[Dataset],
        weights: collections.abc.Sequence[float] | None = None,
        *,
        keep: int = 256,
    ):
        """Checks that there is something to draw from.

        Args:
          datasets: at least one, none of them empty.
          weights: one a data set, relative, not negative; None is equal shares.
          keep: opened sequences to remember, all data sets together.

        Raises:
          DataError: no data set, an empty one, or weights that do not fit.
        """
        self.datasets = tuple(datasets)
        if not self.datasets:
            raise DataError("no data set to train on; give at least one")
        for index, dataset in enumerate(self.datasets):
            if not len(dataset):
                raise DataError(
                    f"{self.name(index)} has no sequences; check its folder or cut"
                )
        self.shares = _shares(weights, len(self.datasets))
        self._opened = _Opened(keep)

    def name(self, index: int) -> str:
        """What errors call a data set: its own name if it has one."""
        dataset = self.datasets[index]
        own = getattr(dataset, "name", type(dataset).__name__)
        return f"data set {index} ({own})"

    def describe(self) -> list[dict[str, object]]:
        """What every data set is: its name, share, and a digest of its sequences."""
        return [
            {
                "name": getattr(dataset, "name", type(dataset).__name__),
                "share": share,
                "sequences": len(dataset),
                "sha256": hashlib.sha256(
                    "\n".join(getattr(dataset, "names", ())).encode()
                ).hexdigest(),
            }
            for dataset, share in zip(self.datasets, self.shares, strict=True)
        ]

    def draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """Numbers of a data set, by weight, and of a sequence of it, uniformly."""
        dataset = int(rng.choice(len(self.datasets), p=self.shares))
        return dataset, int(rng.integers(len(self.datasets[dataset])))

    def open(self, dataset: int, sequence: int) -> Sequence:
        """Opens a sequence, or remembers it.

        Returns:
          The sequence with a row of boxes a frame, NaN where there is none, and
          ``visible`` only where the box can be trained on: marked visible, finite,
          wider and higher than 0.

        Raises:
          DataError: it cannot be read; names it.
        """
        opened = self._opened.get((dataset, sequence))
        if opened is None:
            opened = _with_trainable_flags(self.datasets[dataset][sequence])
            self._opened.put((dataset, sequence), opened)
        return opened

    def draw_usable(self, sampling: Sampling, rng: np.random.Generator) -> Sequence:
        """Draws sequences of one data set until one can give an example.

        Args:
          sampling: what the example needs.
          rng: where chance comes from.

        Raises:
          NothingUsable: no sequence of the data set drawn can; names the data set.
          DataError: a sequence on the way cannot be read.
        """
        dataset, first = self.draw(rng)
        opened = self.open(dataset, first)
        if is_usable(opened.visible, sampling):
            return opened
        # In random order, so that the first usable one is uniform and the search ends.
        for sequence in rng.permutation(len(self.datasets[dataset])):
            opened = self.open(dataset, int(sequence))
            if is_usable(opened.visible, sampling):
                return opened
        raise NothingUsable(
            f"{self.name(dataset)}: none of its {len(self.datasets[dataset])} "
            f"sequences can be trained on; {requirement(sampling)}; leave the data "
            "set out or ask for fewer frames"
        )


def _shares(
    weights: collections.abc.Sequence[float] | None, count: int
) -> tuple[float, ...]:
    """Weights that add up to 1."""
    given = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    fits = given.shape == (count,) and np.isfinite(given).all() and (given >= 0).all()
    if not fits or not given.sum() > 0:
        raise DataError(
            f"weights {weights} for {count} data sets: give one a data set, none "
            "negative, not all zero"
        )
    return tuple((given / given.sum()).tolist())


def _with_trainable_flags(opened: Sequence) -> Sequence:
    boxes = np.full((len(opened.frames), 4), np.nan)
    boxes[: len(opened.boxes)] = opened.boxes
    visible = np.all(boxes[:, 2:] > 0, axis=1) & np.all(np.isfinite(boxes), axis=1)
    visible[: len(opened.visible)] &= opened.visible
    return dataclasses.replace(opened, boxes=boxes, visible=visible)
