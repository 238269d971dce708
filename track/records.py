"""Result files of a run: boxes, scores and times of a sequence, and the manifest.

``TRACKER/SEQ.txt`` holds a box a frame in the benchmark's own origin, so that any other
toolkit reads it. It is written last and at once, so that its presence means that the
sequence is complete; ``SEQ.frames.csv`` is written before it.
"""

import csv
import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.data.annotations import read_boxes, write_boxes
from tirjax.data.sequence import DataError

STATUS = ("found", "uncertain", "lost")
MANIFEST = "manifest.json"
HEAD = "frame,score,status,seconds\n"  # of SEQ.frames.csv


@dataclasses.dataclass(frozen=True)
class Record:
    """What a tracker said about every frame of a sequence, the first included.

    Attributes:
      boxes: ``[t, 4]`` float64, ``(x, y, w, h)``, pixels, zero-based.
      scores: ``[t]``; NaN in the first frame and where unknown.
      status: ``[t]`` int, index into ``STATUS``.
      seconds: ``[t]``, NaN where unknown.
    """

    boxes: np.ndarray
    scores: np.ndarray
    status: np.ndarray
    seconds: np.ndarray

    @property
    def fps(self) -> float:
        """Frames per second of tracking, without decoding and compilation."""
        spent = float(np.sum(self.seconds))
        return len(self.seconds) / spent if spent > 0 else float("nan")


def record(results: Iterable) -> Record:
    """Gathers the runner's results."""
    rows = list(results)
    return Record(
        boxes=np.array([r.box for r in rows], np.float64).reshape(-1, 4),
        scores=np.array([r.score for r in rows], np.float64),
        status=np.array([r.status for r in rows], np.int64),
        seconds=np.array([r.seconds for r in rows], np.float64),
    )


def write_record(folder: Path, name: str, kept: Record, origin: float) -> Path:
    """Writes ``name.frames.csv``, then ``name.txt``; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = zip(kept.scores, kept.status, kept.seconds, strict=True)
    text = HEAD + "".join(_row(i, *row) for i, row in enumerate(columns))
    write_text(folder / f"{name}.frames.csv", text)
    write_boxes(folder / f"{name}.txt", kept.boxes, origin=origin)
    return folder / f"{name}.txt"


class Journal:
    """``write_record`` for a run that may have no end: a frame at a time.

    Every line is on its way to the disk before the next frame.

    Args:
      folder: for the two files, which are replaced.
      name: of the files.
      start: frames before the first; their boxes and scores are NaN.
    """

    def __init__(self, folder: Path, name: str, start: int = 0):
        self.path, self.count = folder / f"{name}.txt", 0
        folder.mkdir(parents=True, exist_ok=True)
        self._boxes = self.path.open("w", buffering=1)
        self._rows = (folder / f"{name}.frames.csv").open("w", buffering=1)
        self._rows.write(HEAD)
        for _ in range(start):
            self.add([float("nan")] * 4, float("nan"), STATUS.index("lost"), 0.0)

    def add(self, box: Iterable[float], score: float, status: int, seconds: float):
        """Writes the next frame; the box zero-based."""
        self._boxes.write(",".join(f"{x:.3f}" for x in box) + "\n")
        self._rows.write(_row(self.count, score, status, seconds))
        self.count += 1

    def close(self) -> None:
        """Completes the files."""
        self._boxes.close()
        self._rows.close()


def _row(number: int, score: float, status: int, seconds: float) -> str:
    return f"{number},{score:.6g},{STATUS[status]},{seconds:.3e}\n"


def read_record(folder: Path, name: str, origin: float) -> Record:
    """Reads what ``write_record`` wrote, or the boxes alone of other people's results.

    Raises:
      DataError: unreadable, or the two files disagree about the number of frames.
    """
    boxes = read_boxes(folder / f"{name}.txt", origin=origin)
    path = folder / f"{name}.frames.csv"
    if not path.is_file():
        unknown = np.full(len(boxes), np.nan)
        return Record(boxes, unknown, np.zeros(len(boxes), np.int64), unknown)
    try:
        rows = list(csv.DictReader(path.read_text().splitlines()))
        scores = np.array([float(row["score"]) for row in rows])
        status = np.array([STATUS.index(row["status"]) for row in rows])
        seconds = np.array([float(row["seconds"]) for row in rows])
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"{path} is damaged ({error}); delete {name}.txt and it"
        ) from error
    if len(rows) != len(boxes):
        raise DataError(
            f"{path} has {len(rows)} frames, {name}.txt {len(boxes)}; delete both and "
            "evaluate the sequence again"
        )
    return Record(boxes, scores, status, seconds)


def completed(folder: Path) -> list[str]:
    """Names of the sequences with complete results, sorted."""
    return sorted(p.stem for p in folder.glob("*.txt") if p.name[0] != ".")


def write_text(path: Path, text: str) -> None:
    """Replaces a file whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes ``manifest.json``, or the file of a shard beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(manifest, indent=2) + "\n"
    write_text(folder / _manifest_name(manifest.get("shard")), text)


def read_manifest(folder: Path, shard: str | None = None) -> dict[str, Any] | None:
    """The manifest of a folder of results, None without one.

    Args:
      folder: results of a tracker.
      shard: whose part to read, ``I/N``, ``''`` for what no shard has written; by
        default all of them as one.

    Raises:
      DataError: it is no JSON object.
    """
    if shard is not None:
        return _read_manifest(folder / _manifest_name(shard))
    found = [m for p in _manifests(folder) if (m := _read_manifest(p)) is not None]
    if len(found) < 2:
        return found[0] if found else None
    sequences = {k: v for m in found for k, v in (m.get("sequences") or {}).items()}
    made = [entry for m in found for entry in _listed(m.get("made_with"))]
    return {**found[0], "made_with": made, "sequences": sequences}


def _manifest_name(shard: str | None) -> str:
    return f"manifest.{shard.replace('/', '-of-')}.json" if shard else MANIFEST


def _manifests(folder: Path) -> list[Path]:
    """Manifest files, that of no shard first."""
    shards = sorted(folder.glob("manifest.*-of-*.json"))
    return [folder / MANIFEST, *shards]


def _read_manifest(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); delete {path.parent}") from error
    if not isinstance(manifest, dict):
        raise DataError(f"{path} is no manifest; delete {path.parent}")
    wrong = _wrong(manifest)
    if wrong:
        raise DataError(f"{path}: {wrong!r} is not what `eval` writes; delete the file")
    return manifest


def _wrong(manifest: dict[str, Any]) -> str | None:
    """The first field that a report cannot read."""
    texts = ("dataset", "cut", "data", "protocol")
    for field in texts:
        if not isinstance(manifest.get(field), str | None):
            return field
    for made in _listed(manifest.get("made_with")):
        known = isinstance(made, dict) and isinstance(made.get("versions"), dict)
        if not known or not {"device", "date"} <= made.keys():
            return "made_with"
    return None


def _listed(value: Any) -> list:
    """A list as it is; anything else as the one thing in a list, None as nothing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def clear(folder: Path) -> None:
    """Removes the results of every complete sequence and the manifest."""
    for name in completed(folder):
        (folder / f"{name}.txt").unlink()
        (folder / f"{name}.frames.csv").unlink(missing_ok=True)
    for path in _manifests(folder):
        path.unlink(missing_ok=True)
