"""Sets of aligned pairs by name: a folder on disk in, a list of pairs out.

Names are sorted by what they say, never by the order of files on the disk.
"""

import difflib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tirjax.data.collection import Cut, choose
from tirjax.data.pairs import matching
from tirjax.data.pairs.pair import PairList, pair_list
from tirjax.data.sequence import DataError
from tirjax.data.training.cuts import by_name, folders, pick

# Names of the two folders, small letters, the first that is there counts.
_Halves = tuple[tuple[str, ...], tuple[str, ...]]
_ANY: _Halves = (
    ("visible", "vis", "vi", "rgb", "color", "colour", "v"),
    ("infrared", "ir", "thermal", "lwir", "tir", "t", "i"),
)
_ROADSCENE: _Halves = (("crop_lr_visible",), ("cropinfrared",))
# Its folders Test_vi and Test_ir hold the same files once more.
_TNO: _Halves = (("train_vi",), ("train_ir",))

_KAIST = {
    "train": tuple(f"set{n:02}" for n in range(6)),
    "test": tuple(f"set{n:02}" for n in range(6, 12)),
}
_LASHER = {"train": ("trainingsetList.txt",), "test": ("testingsetList.txt",)}
# LasHeR's archives nest: TrainingSet/trainingset/NAME.
_DEPTH = 3


class _Found(NamedTuple):
    """All pairs of a set, sorted; the first part of a key can be a cut."""

    pairs: list[tuple[matching.Key, Path, Path]]
    unpaired: list[Path]


def _kaist(dataset: str, root: Path, cut: Cut) -> PairList:
    there = [p for p in folders(root) if p.name.startswith("set")]
    videos = [video for place in there for video in folders(place)]
    matches = (
        (video, matching.by_name(video / "visible", video / "lwir")) for video in videos
    )
    found = _together((video.relative_to(root).parts, m) for video, m in matches)
    return _part(dataset, root, cut, found, _KAIST)


def _concatenated(dataset: str, root: Path, cut: Cut) -> PairList:
    files = matching.pictures(root)
    keys = [file.relative_to(root).with_suffix("").parts for file in files]
    pairs = [(key, file, file) for key, file in zip(keys, files, strict=True)]
    return _part(dataset, root, cut, _Found(pairs, []), _KAIST)


def _rgbt(dataset: str, root: Path, cut: Cut) -> PairList:
    having = [place for place, *_ in _places(root, (("visible",), ("infrared",)))]
    found = by_name(having, root)
    splits = _LASHER if dataset == "lasher" else {}
    names = pick(dataset, cut, (*found,), root, splits) if found else ()
    halves = (
        (name, found[name] / "visible", found[name] / "infrared") for name in names
    )
    matches = ((name, matching.by_order(v, t)) for name, v, t in halves)
    return _part(dataset, root, None, _together(((n,), m) for n, m in matches))


def _two_folders(
    known: tuple[_Halves, ...], dataset: str, root: Path, cut: Cut
) -> PairList:
    places = next((p for names in (*known, _ANY) if (p := _places(root, names))), [])
    at = (place.relative_to(root).parts for place, *_ in places)
    prefixes = [key if len(places) > 1 else () for key in at]
    matches = (matching.by_name(v, t) for _, v, t in places)
    return _part(dataset, root, cut, _together(zip(prefixes, matches, strict=True)))


PAIR_SETS: dict[str, Callable[[Path, Cut], PairList]] = {
    "kaist": functools.partial(_kaist, "kaist"),
    "kaist_concat": functools.partial(_concatenated, "kaist_concat"),
    **{
        name: functools.partial(_rgbt, name)
        for name in ("rgbt210", "rgbt234", "lasher")
    },
    "llvip": functools.partial(_two_folders, (), "llvip"),
    "roadscene": functools.partial(_two_folders, (_ROADSCENE,), "roadscene"),
    "tno": functools.partial(_two_folders, (_TNO,), "tno"),
    "two_folders": functools.partial(_two_folders, (), "two_folders"),
}

_SEQUENCES = "NAME/visible/*.jpg with NAME/infrared/*.jpg"

# What to have below the root, a line each, for errors and help.
PAIR_LAYOUTS: dict[str, str] = {
    "kaist": "set00/V000/visible/I00000.jpg with set00/V000/lwir/I00000.jpg",
    "kaist_concat": (
        "pictures with the visible half left and the thermal one right of it, in any "
        "folders; CMD's are 1280 wide, 512 high"
    ),
    **dict.fromkeys(("rgbt210", "rgbt234", "lasher"), _SEQUENCES),
    "llvip": "visible/{train,test}/*.jpg with infrared/{train,test}/*.jpg, or vis, ir",
    "roadscene": "crop_LR_visible/*.jpg with cropinfrared/*.jpg, or vis and ir",
    "tno": "Train_vi/*.bmp with Train_ir/*.bmp, or vis and ir",
    "two_folders": (
        "one of visible, vis, vi, rgb, color, v with one of infrared, ir, thermal, "
        "lwir, tir, t, i, and names that agree up to such a word (01_vis with 01_ir)"
    ),
}


def open_pairs(name: str, root: str | Path, cut: Cut = None) -> PairList:
    """Finds the pairs of a set under ``root``; decodes none of them yet.

    Args:
      name: one of ``PAIR_SETS``.
      root: folder of the set, laid out as ``PAIR_LAYOUTS`` says.
      cut: a first folder below the halves (``'train'``), names of pairs (with commas,
        or a list), or a text file of them. For ``kaist`` sets, ``'train'`` (00 to 05)
        or ``'test'`` (06 to 11); for ``rgbt210``, ``rgbt234`` and ``lasher`` sequences,
        as ``tirjax.data.training`` takes them. None is all.

    Returns:
      The pairs, naturally sorted by name, or in the order of the cut.

    Raises:
      DataError: unknown name or cut, nothing found, or no two names agree.
    """
    if name not in PAIR_SETS:
        close = difflib.get_close_matches(name, PAIR_SETS, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise DataError(
            f"no set of pairs {name!r}; {hint}choose one of {', '.join(PAIR_SETS)}"
        )
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"no such folder: {root}; check where {name} lies")
    found = PAIR_SETS[name](root, cut)
    if not len(found):
        part = "" if cut is None else f" (cut {cut})"
        raise DataError(
            f"no pairs of {name}{part} in {root}: expected {PAIR_LAYOUTS[name]}"
        )
    return found


def _places(
    path: Path, names: _Halves, depth: int = _DEPTH
) -> list[tuple[Path, Path, Path]]:
    """Folders that have both halves, with these, at most ``depth`` below ``path``."""
    inside = {p.name.lower(): p for p in folders(path)}
    found = [next((inside[n] for n in half if n in inside), None) for half in names]
    if found[0] and found[1]:
        return [(path, found[0], found[1])]
    below = inside.values() if depth else ()
    return [place for p in below for place in _places(p, names, depth - 1)]


def _together(matches: Iterable[tuple[Sequence[str], matching.Match]]) -> _Found:
    """Several matches as one, each with something in front of its keys."""
    pairs, unpaired = [], []
    for prefix, match in matches:
        pairs += [((*prefix, *key), v, t) for key, v, t in match.pairs]
        unpaired += match.unpaired
    return _Found(pairs, unpaired)


def _part(
    dataset: str,
    root: Path,
    cut: Cut,
    found: _Found,
    splits: dict[str, tuple[str, ...]] | None = None,
) -> PairList:
    """The pairs that ``cut`` stands for: those below a folder, or single ones."""
    rows = {"-".join(key): (v, t) for key, v, t in found.pairs}
    names = tuple(rows)
    if not names or cut is None:
        chosen = names
    elif isinstance(cut, str) and cut.endswith(".txt"):
        chosen = pick(dataset, cut, names, root)
    else:
        groups = {"all": names, **_groups(found, names, splits or {})}
        words = cut.split(",") if isinstance(cut, str) else cut
        wanted = [n for word in words for n in groups.get(word, (word,))]
        chosen = choose(dataset, dict.fromkeys(wanted), groups)
    unpaired = (p.relative_to(root).as_posix() for p in found.unpaired)
    return pair_list(dataset, ((n, *rows[n]) for n in chosen), unpaired)


def _groups(
    found: _Found, names: tuple[str, ...], splits: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Names of pairs by their first folder, and by the splits that these make up."""
    by_folder = defaultdict(list)
    for name, (key, *_) in zip(names, found.pairs, strict=True):
        if len(key) > 1:
            by_folder[key[0]].append(name)
    parts = {k: [n for f in v for n in by_folder.get(f, ())] for k, v in splits.items()}
    known = {**by_folder, **{k: v for k, v in parts.items() if v}}
    return {k: tuple(v) for k, v in known.items()}
