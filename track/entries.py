"""Folders of trackers' results, and what their manifests agree on."""

import dataclasses
from pathlib import Path
from typing import Any

from tirjax.data import DataError

from .options import Diff, Report


@dataclasses.dataclass(frozen=True)
class Entry:
    """A folder of one tracker's results.

    Attributes:
      name: as tables call it.
      folder: holds the results.
      manifest: how they were made, if that is recorded.
    """

    name: str
    folder: Path
    manifest: dict[str, Any] | None


def about(entries: list[Entry], options: Report | Diff) -> dict[str, Any]:
    """Data set, its folder, cut and protocol: as told, else as the manifests agree.

    Raises:
      DataError: they disagree, or nothing says which data set.
    """
    manifests = [e.manifest for e in entries if e.manifest]
    said: dict[str, Any] = {}
    for field in ("dataset", "cut", "data", "protocol"):
        found = list(dict.fromkeys(m.get(field) for m in manifests))
        told = getattr(options, field)
        if told is None and field in ("dataset", "cut") and len(found) > 1:
            raise DataError(
                f"the results are of different {field}s "
                f"({', '.join(map(str, found))}): "
                f"report them apart, or choose with --{field}"
            )
        said[field] = told if told is not None else (found[0] if found else None)
    if said["dataset"] is None:
        raise DataError(
            f"no manifest in {entries[0].folder.parent}: say --dataset NAME and "
            "--data DIR"
        )
    if said["data"] is not None:
        said["data"] = Path(said["data"])
    return said


def distinct(entries: list[Entry]) -> dict[str, Entry]:
    """Entries by name; a name that is taken gets its parent folder's beside it."""
    named: dict[str, Entry] = {}
    for entry in entries:
        name = entry.name
        if name in named:
            name = f"{entry.name} ({entry.folder.parent.name})"
        while name in named:
            name += "'"
        named[name] = entry
    return named
