"""A visible and a thermal picture of one scene, and lists of them.

Both halves of a pair have one size: a box in one is a box in the other. They share
nothing else; how well they fit is for ``tirjax.data.pairs.alignment`` to say.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tirjax.data import pixels, windows
from tirjax.data.images import read_image
from tirjax.data.sequence import DataError

# The two files of a pair, visible first; one file twice where it shows both.
Files = tuple[Path, Path]


class Pair(NamedTuple):
    """Two pictures of one size.

    Attributes:
      visible: ``[rows, columns, 3]`` uint8, red green blue.
      thermal: ``[rows, columns, 1]`` uint8.
    """

    visible: np.ndarray
    thermal: np.ndarray


@dataclasses.dataclass(frozen=True)
class PairList:
    """Pairs that are decoded when asked for.

    Attributes:
      dataset: name of the set.
      names: of the pairs, unique; their order never is that of the disk.
      openers: one a pair; decodes it.
      paths: visible and thermal file of each pair; names of rendered ones.
      unpaired: names of the pictures without another half, left out.
    """

    dataset: str
    names: tuple[str, ...]
    openers: tuple[Callable[[], Pair], ...]
    paths: tuple[Files, ...]
    unpaired: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Pair:
        """Decodes one pair.

        Raises:
          DataError: a half is missing or corrupt, or they do not have one size.
        """
        return self.openers[index]()

    def __iter__(self) -> Iterator[Pair]:
        return (self[i] for i in range(len(self)))

    def files(self, index: int) -> Files:
        """The visible and the thermal file of a pair; one file twice if it is both."""
        return self.paths[index]

    def take(self, indices: Iterable[int]) -> "PairList":
        """The pairs at ``indices``, in that order; none of them is unpaired."""
        chosen = tuple(indices)
        return PairList(
            self.dataset,
            tuple(self.names[i] for i in chosen),
            tuple(self.openers[i] for i in chosen),
            tuple(self.paths[i] for i in chosen),
        )


def pair_list(
    dataset: str, found: Iterable[tuple[str, Path, Path]], unpaired: Iterable[str] = ()
) -> PairList:
    """A list of ``(name, visible file, thermal file)``, in the order they come in."""
    rows = tuple(found)
    return PairList(
        dataset,
        tuple(row[0] for row in rows),
        tuple(functools.partial(read_pair, row[1], row[2]) for row in rows),
        tuple((row[1], row[2]) for row in rows),
        tuple(unpaired),
    )


def split(
    pairs: PairList, share: float, seed: int, *, whole_folders: bool = False
) -> tuple[PairList, PairList]:
    """Two disjoint parts that hold everything, the same on every machine.

    The seeded draw is over sorted names, so it does not depend on the order of files on
    a disk, as the published index files of CMD do.

    Args:
      pairs: what to divide.
      share: of the second part, in (0, 1); both parts get at least one pair or folder.
      seed: of the draw.
      whole_folders: keep all pairs of a folder in one part. Neighbouring frames of a
        video are nearly one picture: divided, the second part tells nothing new.

    Raises:
      DataError: ``share`` is outside (0, 1), or there are not two pairs or folders.
    """
    if not 0 < share < 1:
        raise DataError(f"cannot split off a share of {share}; choose between 0 and 1")
    of = [str(pairs.files(i)[0].parent) if whole_folders else i for i in _sorted(pairs)]
    units = list(dict.fromkeys(of))
    if len(units) < 2:
        what = "folders with pairs" if whole_folders else "pairs"
        raise DataError(f"{pairs.dataset} has {len(units)} {what}; a split needs 2")
    count = min(max(round(share * len(units)), 1), len(units) - 1)
    drawn = np.random.default_rng(seed).permutation(len(units))[:count]
    second = {units[i] for i in drawn}
    rows = list(zip(_sorted(pairs), of, strict=True))
    parts = [[i for i, unit in rows if (unit in second) == held] for held in (0, 1)]
    return pairs.take(parts[0]), pairs.take(parts[1])


def read_pair(visible: Path, thermal: Path) -> Pair:
    """Decodes both halves; where they are one file, its left and its right half.

    More than 8 bits become 0..255 by percentiles of each picture, as a sequence of one
    frame does in ``tirjax.data.images``.

    Args:
      visible: picture file, colour or grey.
      thermal: picture file of the same size, grey or colour.

    Raises:
      DataError: a file is missing or corrupt, or the halves do not have one size.
    """
    if visible == thermal:
        left, right = _halves(_read(visible, "it shows both halves"), visible)
    else:
        left = _read(visible, f"its thermal half is {thermal}")
        right = _read(thermal, f"its visible half is {visible}")
    if left.shape[:2] != right.shape[:2]:
        sizes = [f"{v.shape[0]}x{v.shape[1]}" for v in (left, right)]
        raise DataError(
            f"{visible} is {sizes[0]} and its thermal half {thermal} is {sizes[1]} "
            "(rows x columns); warp one onto the other, or use the set's aligned files"
        )
    return Pair(_eight_bits(left, 3, visible), _eight_bits(right, 1, thermal))


def _sorted(pairs: PairList) -> list[int]:
    return sorted(range(len(pairs)), key=lambda i: pairs.names[i])


def _read(path: Path, other: str) -> np.ndarray:
    try:
        return read_image(path, 0)
    except DataError as error:
        text = str(error).removeprefix("frame 0: ")
        raise DataError(f"{text} ({other})") from error


def _halves(canvas: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    columns = canvas.shape[1]
    if columns % 2:
        raise DataError(
            f"{path} is {columns} pixels wide, an odd number; visible left and thermal "
            "right of it must be equally wide, write it again"
        )
    return canvas[:, : columns // 2], canvas[:, columns // 2 :]


def _eight_bits(decoded: np.ndarray, channels: pixels.Channels, path: Path):
    deep = decoded.dtype != np.uint8
    form = pixels.decide(decoded, channels, windows.FrameWindow() if deep else None)
    converted = pixels.convert(decoded, form, str(path))
    return np.rint(converted).astype(np.uint8) if deep else converted
