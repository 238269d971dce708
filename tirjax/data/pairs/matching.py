"""Which visible picture goes with which thermal one, by name or by order.

Files are matched by where they lie below their folder and their stem. Where that fails,
what only tells the halves apart is left out of the stem: ``VIS_01`` and ``IR_01``,
``00001v`` and ``00001i`` are both ``01``.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tirjax.data.images import list_images, natural_key
from tirjax.data.sequence import DataError
from tirjax.data.training.cuts import folders

# Where a picture lies below its folder, without the suffix: ('train', '010001').
Key = tuple[str, ...]

# visible/train/VIDEO/*.jpg is the deepest layout known.
_DEPTH = 3
_MARKS = "visible|infrared|thermal|colou?r|lwir|vis|rgb|tir|vi|ir|v|i|t"
_PREFIX = re.compile(rf"^(?:{_MARKS})(?:[_\-. ]|(?=\d))", re.IGNORECASE)
_SUFFIX = re.compile(rf"(?:[_\-. ]|(?<=\d))(?:{_MARKS})$", re.IGNORECASE)


class Match(NamedTuple):
    """What became of two folders of pictures.

    Attributes:
      pairs: key, visible file and thermal file of each pair, naturally sorted.
      unpaired: files without another half.
    """

    pairs: list[tuple[Key, Path, Path]]
    unpaired: list[Path]


def pictures(folder: Path, depth: int = _DEPTH) -> list[Path]:
    """Picture files in ``folder`` and below, at most ``depth`` folders down, sorted."""
    if not folder.is_dir():
        return []
    below = folders(folder) if depth else []
    deeper = [path for inside in below for path in pictures(inside, depth - 1)]
    return [*list_images(folder), *deeper]


def by_name(visible: Path, thermal: Path) -> Match:
    """Matches the pictures below two folders by their names.

    Raises:
      DataError: two pictures of one folder differ in their suffix only, or there are
        pictures in both folders and none match.
    """
    halves = (visible, thermal)
    files = [pictures(folder) for folder in halves]
    plain = [_unique(p, f, _key) for p, f in zip(files, halves, strict=True)]
    keyed, common = plain, plain[0].keys() & plain[1].keys()
    if len(common) < min(map(len, files)):
        bare = [_keyed(p, f, _bare) for p, f in zip(files, halves, strict=True)]
        shared = bare[0].keys() & bare[1].keys()
        lossless = [*map(len, bare)] == [*map(len, files)]
        if lossless and len(shared) > len(common):
            keyed, common = bare, shared
    if not common and all(files):
        raise DataError(
            f"none of {len(files[0])} pictures in {visible} goes with one of "
            f"{len(files[1])} in {thermal}: the first are {files[0][0].name} and "
            f"{files[1][0].name}; give both halves of a pair one name"
        )
    rest = (p for half in keyed for key, p in half.items() if key not in common)
    order = sorted(common, key=_order)
    return Match([(k, keyed[0][k], keyed[1][k]) for k in order], sorted(rest))


def by_order(visible: Path, thermal: Path) -> Match:
    """Matches the frames of two folders of one recording.

    Equal counts are matched in order, as halves may count from different numbers.
    Otherwise, or where a frame is missing in each half, the numbers in the names
    decide.
    """
    halves = (list_images(visible), list_images(thermal))
    counts = [_numbered(paths) for paths in halves]
    common = sorted(counts[0].keys() & counts[1].keys())
    if len(halves[0]) == len(halves[1]):
        apart = {_number(v) - _number(t) for v, t in zip(*halves, strict=True)}
        if len(apart) == 1 or 2 * len(common) < len(halves[0]):
            rows = zip(*halves, strict=True)
            return Match([((v.stem,), v, t) for v, t in rows], [])
    pairs = [((counts[0][n].stem,), counts[0][n], counts[1][n]) for n in common]
    used = {path for _, *files in pairs for path in files}
    return Match(pairs, [p for paths in halves for p in paths if p not in used])


def _key(path: Path, folder: Path) -> Key:
    return (*path.relative_to(folder).parts[:-1], path.stem)


def _bare(path: Path, folder: Path) -> Key:
    *parents, stem = _key(path, folder)
    return (*parents, _PREFIX.sub("", _SUFFIX.sub("", stem)).lower())


def _keyed(paths: Sequence[Path], folder: Path, key) -> dict[Key, Path]:
    return {key(path, folder): path for path in paths}


def _unique(paths: Sequence[Path], folder: Path, key) -> dict[Key, Path]:
    found = _keyed(paths, folder, key)
    if len(found) < len(paths):
        twice = next(p for p in paths if found[key(p, folder)] != p)
        kept = found[key(twice, folder)]
        raise DataError(f"{twice} and {kept.name} have one name; keep one of them")
    return found


def _order(key: Key) -> tuple:
    return tuple(natural_key(Path(part)) for part in key)


def _number(path: Path) -> int:
    """The last number in the name; -1 without one."""
    runs = re.findall(r"[0-9]+", path.stem)
    return int(runs[-1]) if runs else -1


def _numbered(paths: Sequence[Path]) -> dict[int, Path]:
    """Files by their number, those that share one or have none left out."""
    count = Counter(map(_number, paths))
    return {_number(p): p for p in paths if count[_number(p)] == 1 and _number(p) >= 0}
