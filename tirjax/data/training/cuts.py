"""Which sequences of a training set are wanted: splits, list files, names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tirjax.data.collection import Cut, choose
from tirjax.data.images import natural_key
from tirjax.data.sequence import DataError


def pick(
    dataset: str,
    cut: Cut,
    names: tuple[str, ...],
    root: Path,
    splits: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...]:
    """Names that ``cut`` stands for.

    Args:
      dataset: its name, for errors.
      cut: None or ``'all'``; a key of ``splits``; path of a text file (``.txt``, as
        given or in ``root``) with a name or a zero-based index into ``names`` a line;
        or names, with commas or one by one.
      names: all there are, in the order that indices count.
      root: folder of the data set.
      splits: names of the files that list each split, looked for in ``root`` and its
        folder ``data_specs``. They are not part of tirjax.

    Raises:
      DataError: no such split file, name or index.
    """
    splits = splits or {}
    if isinstance(cut, str) and cut.lower() in splits:
        cut = _split_names(dataset, cut.lower(), names, root, splits[cut.lower()])
    elif isinstance(cut, str) and cut.endswith(".txt"):
        cut = _listed(_first_file([Path(cut), root / cut], cut), names)
    return choose(dataset, cut, {"all": names, **dict.fromkeys(splits, ())})


def folders(path: Path) -> list[Path]:
    """Folders directly in ``path``, naturally sorted; none where there is no path."""
    if not path.is_dir():
        return []
    found = (p for p in path.iterdir() if p.name[0] != "." and p.is_dir())
    return sorted(found, key=natural_key)


def by_name(paths: Sequence[Path], root: Path) -> dict[str, Path]:
    """Paths by their last part, or by all below ``root`` where that is not unique."""
    count = Counter(p.name for p in paths)
    return {
        p.name if count[p.name] == 1 else "-".join(p.relative_to(root).parts): p
        for p in paths
    }


def _split_names(
    dataset: str, split: str, names: tuple[str, ...], root: Path, files: Sequence[str]
) -> tuple[str, ...]:
    places = [root / sub / file for file in files for sub in ("", "data_specs")]
    missing = f"{dataset} split {split!r}: {' or '.join(files)} in {root}"
    return _listed(_first_file(places, missing), names)


def _first_file(places: list[Path], what: str) -> Path:
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise DataError(
            f"no list of sequences {what}; copy it there or give its path as the cut"
        )
    return found


def _listed(file: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    words = file.read_text(encoding="utf-8-sig").split()
    if not words:
        raise DataError(f"{file} is empty; expected a name or an index a line")
    if not all(word.isdecimal() for word in words):
        return tuple(words)
    beyond = [word for word in words if int(word) >= len(names)]
    if beyond:
        raise DataError(
            f"{file}: index {beyond[0]} of {len(names)} sequences; indices count from "
            "0 and need the whole data set"
        )
    return tuple(names[int(word)] for word in words)
