"""Where images to translate come from: aligned pairs, or two piles without order.

An epoch shows every item once, in an order that is a function of seed and epoch.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tirjax.data import pixels, windows
from tirjax.data.images import read_image
from tirjax.data.pairs import Pair, PairList
from tirjax.data.pairs.matching import pictures
from tirjax.data.sequence import DataError

Half = Literal["visible", "thermal"]
HALVES: tuple[Half, Half] = ("visible", "thermal")


@dataclasses.dataclass(frozen=True)
class Pile:
    """Images of one kind.

    Attributes:
      name: of the pile, for the record.
      names: of the images, in the order of the openers.
      openers: one an image; decodes it, ``[rows, columns, channels]`` uint8.
    """

    name: str
    names: tuple[str, ...]
    openers: tuple[Callable[[], np.ndarray], ...]

    def __len__(self) -> int:
        return len(self.openers)

    def take(self, indices: Sequence[int]) -> "Pile":
        """The images at ``indices``, in that order."""
        names = tuple(self.names[i] for i in indices)
        return Pile(self.name, names, tuple(self.openers[i] for i in indices))


@dataclasses.dataclass(frozen=True)
class Aligned:
    """Both halves of a pair, as source and target.

    Attributes:
      pairs: at least one.
      source: which half is to be translated.
    """

    pairs: PairList
    source: Half = "visible"

    def __len__(self) -> int:
        return len(self.pairs)

    def draw(self, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Source and target that an example shows.

        Args:
          number: of the example in the whole run.
          seed: of the order.

        Raises:
          DataError: as ``PairList``.
        """
        epoch, place = divmod(number, len(self))
        pair = self.pairs[int(_order(seed, epoch, len(self))[place])]
        visible, thermal = pair
        return (visible, thermal) if self.source == "visible" else (thermal, visible)

    def describe(self) -> dict[str, Any]:
        """For the record."""
        return _record(self.pairs.dataset, self.pairs.names) | {"source": self.source}


@dataclasses.dataclass(frozen=True)
class Unaligned:
    """Images of two piles that have nothing to do with each other.

    Attributes:
      source: images to be translated, at least one.
      target: what translations are to look like, at least one.
    """

    source: Pile
    target: Pile

    def __len__(self) -> int:
        return max(len(self.source), len(self.target))

    def draw(self, number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Source, counted round its pile, and any target.

        Args:
          number: of the example in the whole run.
          seed: of order and draw.

        Raises:
          DataError: a file is missing or corrupt.
        """
        epoch, place = divmod(number, len(self))
        first = int(_order(seed, epoch, len(self))[place]) % len(self.source)
        any_target = np.random.default_rng((seed, number, 1))
        second = int(any_target.integers(len(self.target)))
        return self.source.openers[first](), self.target.openers[second]()

    def describe(self) -> dict[str, Any]:
        """For the record."""
        piles = {"source": self.source, "target": self.target}
        return {key: _record(pile.name, pile.names) for key, pile in piles.items()}


ImageSet = Aligned | Unaligned


def half_of(pairs: PairList, half: Half) -> Pile:
    """One half of each pair as a pile.

    Args:
      pairs: whose.
      half: which.
    """
    place = HALVES.index(half)
    openers = tuple(functools.partial(_half, opener, place) for opener in pairs.openers)
    return Pile(f"{pairs.dataset} {half}", pairs.names, openers)


def open_pile(
    folder: Path,
    channels: Literal[1, 3],
    window: windows.FixedWindow | windows.FrameWindow | None = None,
) -> Pile:
    """The pictures in a folder and below it, naturally sorted.

    Args:
      folder: with pictures of any sizes.
      channels: that they become.
      window: counts of pictures deeper than 8 bits that become 0..255; percentiles of
        each picture by default.

    Raises:
      DataError: there is no such folder, or no picture in it.
    """
    files = pictures(folder)
    if not files:
        raise DataError(f"no pictures in {folder}; give a folder that holds some")
    read = functools.partial(read_picture, channels=channels, window=window)
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    openers = tuple(functools.partial(read, file) for file in files)
    return Pile(folder.name, names, openers)


def read_picture(
    path: Path,
    channels: Literal[1, 3],
    window: windows.FixedWindow | windows.FrameWindow | None = None,
) -> np.ndarray:
    """Decodes a picture of any depth, ``[rows, columns, channels]`` uint8.

    Args:
      path: the file.
      channels: that it becomes.
      window: as for ``open_pile``.

    Raises:
      DataError: missing or corrupt.
    """
    decoded = read_image(path, 0)
    deep = decoded.dtype != np.uint8
    chosen = (window or windows.FrameWindow()) if deep else None
    form = pixels.decide(decoded, channels, chosen)
    found = pixels.convert(decoded, form, str(path))
    return np.rint(found).astype(np.uint8) if deep else found


def in_memory(pairs: PairList) -> PairList:
    """The same pairs, each decoded once and kept: for sets that fit."""
    openers = tuple(_Kept(opener) for opener in pairs.openers)
    return dataclasses.replace(pairs, openers=openers)


class _Kept:
    """An opener that remembers; processes that read each remember for themselves."""

    def __init__(self, opener: Callable[[], Pair]):
        self._opener = opener
        self._found: Pair | None = None

    def __call__(self) -> Pair:
        if self._found is None:
            self._found = self._opener()
        return self._found


def _half(opener: Callable[[], Pair], place: int) -> np.ndarray:
    return opener()[place]


@functools.lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)


def _record(name: str, names: Sequence[str]) -> dict[str, Any]:
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return {"name": name, "images": len(names), "sha256": digest}
