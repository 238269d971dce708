"""The folder of a synthetic data set: what it was made with, and what is in it."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tirjax.data import writing
from tirjax.data.sequence import DataError

from . import about

MANIFEST, LIST, SHEET = "manifest.json", "list.txt", "contact_sheet.png"
PACKAGES = ("jax", "flax", "numpy", "pillow")


class SyntheticSet:
    """Folder that sequences are added to, always with the same settings.

    Args:
      root: the folder; made if there is none.
      settings: what every picture depends on; plain values.
      more: what else the manifest says.

    Raises:
      DataError: it holds something else, or was begun with other settings.
    """

    def __init__(self, root: Path, settings: dict[str, Any], more: dict[str, Any]):
        self.root = root
        self._about = {"settings": settings, **more, "versions": _versions()}
        before = _manifest(root)
        if before is None and _is_used(root):
            raise DataError(
                f"{root}: holds files that are no synthetic data set; choose another "
                "--out"
            )
        if before is not None:
            _compare(root, before.get("settings", {}), settings)
        self._begun = about.now() if before is None else before.get("begun")
        self._had = before.get("sequences", []) if before else []
        self.complete = bool(before and before.get("complete"))

    def record(self, name: str) -> dict[str, Any] | None:
        """Of a finished sequence; None if it is not."""
        return writing.read_record(self.root, name)

    def begin(self) -> None:
        """Makes the folder and writes down the settings.

        Raises:
          DataError: there can be no folder.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = f"{self.root}: cannot be made ({error.strerror})"
            raise DataError(why) from error
        self._write(self._had, {}, False)

    def conclude(
        self, names: Iterable[str], left_out: Mapping[str, str], complete: bool
    ) -> list[dict[str, Any]]:
        """Writes the manifest and the list of all finished sequences.

        Args:
          names: what was asked for, in order; others that are there are kept.
          left_out: why sequences are missing.
          complete: whether nothing else is.

        Returns:
          The records.
        """
        wanted = [*dict.fromkeys([*(had["name"] for had in self._had), *names])]
        found = [record for name in wanted if (record := self.record(name))]
        listed = "".join(f"{record['name']}\n" for record in found)
        writing.write_file(self.root / LIST, listed.encode())
        self._write(found, left_out, complete)
        return found

    def _write(self, records, left_out, complete) -> None:
        content = {
            "complete": complete,
            "begun": self._begun,
            "changed": about.now(),
            **self._about,
            "left_out": dict(left_out),
            "sequences": records,
        }
        text = json.dumps(content, indent=1)
        writing.write_file(self.root / MANIFEST, text.encode())


def _is_used(root: Path) -> bool:
    return root.exists() and not (root.is_dir() and not [*root.iterdir()])


def _manifest(root: Path) -> dict[str, Any] | None:
    path = root / MANIFEST
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); restore it or choose another --out"
        ) from error


def _compare(root: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Holds new settings against those that the folder was begun with."""
    other = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    if other:
        key = other[0]
        raise DataError(
            f"{root} was begun with another {', '.join(other)} ({key} was "
            f"{_short(before.get(key))}, is {_short(now.get(key))}); repeat the "
            "command as it was, or choose another --out"
        )


def _short(value: Any) -> str:
    """A value for an error; of a checksum its beginning."""
    text = str(value)
    return f"{text[:12]}..." if re.fullmatch("[0-9a-f]{64}", text) else text


def _versions() -> dict[str, str]:
    return about.versions(PACKAGES)
