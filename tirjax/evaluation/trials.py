"""Raw results of the reset-based experiment: VOT's files, a line a frame.

A line is ``1`` where the tracker was started, ``2`` where it failed, ``0`` where it
waited to be started anew, and otherwise its region. They lie in
``TRACKER/baseline/SEQUENCE/SEQUENCE_001.txt``, ``_002`` and so on for repetitions;
seconds a frame in ``SEQUENCE_001_time.value`` beside it.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tirjax.data.sequence import DataError

TRACKED, SKIPPED, STARTED, FAILED = -1, 0, 1, 2
EXPERIMENT = "baseline"


class Trial(NamedTuple):
    """One run over a sequence with restarts.

    Attributes:
      code: ``[t]`` int, ``STARTED``, ``FAILED``, ``SKIPPED``, or ``TRACKED`` where
        there is a region.
      regions: ``[t, k]`` boxes or polygons in the numbering of the benchmark's files,
        filled up with NaN; a row of NaN where there is none.
      seconds: ``[t]``; NaN where unknown.
    """

    code: np.ndarray
    regions: np.ndarray
    seconds: np.ndarray


def trial_path(folder: Path, name: str, repetition: int = 1) -> Path:
    """File of a sequence's run in the folder of a tracker."""
    return folder / EXPERIMENT / name / f"{name}_{repetition:03d}.txt"


def find_trials(folder: Path) -> dict[str, list[Path]]:
    """Files of a tracker's runs by name of sequence, both in order."""
    found = {}
    for place in sorted(p for p in (folder / EXPERIMENT).glob("*") if p.is_dir()):
        form = re.compile(re.escape(place.name) + r"_\d{3}\.txt")
        files = sorted(p for p in place.iterdir() if form.fullmatch(p.name))
        if files:
            found[place.name] = files
    return found


def read_trial(path: Path, frames: int | None = None) -> Trial:
    """Reads one run.

    Args:
      path: the file.
      frames: that the sequence has; None takes what is there.

    Raises:
      DataError: unreadable, no run, or of another length; names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path} ({error}); restore the file") from error
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines or (frames is not None and len(lines) != frames):
        raise DataError(
            f"{path} has {len(lines)} lines for {frames or 'any number of'} frames; a "
            "reset-based result has one a frame, the first included"
        )
    rows = [_row(line, f"{path} line {n}") for n, line in enumerate(lines, 1)]
    code = np.array([row[0] if len(row) == 1 else TRACKED for row in rows], np.int64)
    regions = np.full((len(rows), max(4, *map(len, rows))), np.nan)
    for i in np.flatnonzero(code == TRACKED):
        regions[i, : len(rows[i])] = rows[i]
    _check(code, path)
    return Trial(code, regions, _read_seconds(path, len(rows)))


def write_trial(path: Path, trial: Trial) -> None:
    """Writes the times, then the run: where that is, the sequence is complete.

    Four decimals, a comma; the file is whole or not there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        ",".join(f"{v:.4f}" for v in row[np.isfinite(row)]) if code == TRACKED else code
        for code, row in zip(trial.code.tolist(), trial.regions, strict=True)
    ]
    times = [f"{s:.6f}" for s in trial.seconds]
    _replace(_time_path(path), times)
    _replace(path, map(str, lines))


def _time_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}_time.value")


def _replace(path: Path, lines) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _row(line: str, where: str) -> list[float]:
    words = [word for word in re.split(r"[,;\s]+", line.strip()) if word]
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise DataError(f"{where}: {error}; expected a region or 0, 1, 2") from error
    if len(numbers) == 1 and numbers[0] in (SKIPPED, STARTED, FAILED):
        return numbers
    if len(numbers) < 4 or (len(numbers) > 4 and len(numbers) % 2):
        raise DataError(
            f"{where}: {line.strip()[:40]!r}; expected 0, 1, 2, a box x,y,w,h or the "
            "corners of a polygon"
        )
    if not np.isfinite(numbers).all():
        raise DataError(
            f"{where}: a number is not finite; a tracker that has lost its target "
            "fails there: 2, then four lines 0"
        )
    return numbers


def _check(code: np.ndarray, path: Path) -> None:
    """A run begins with a start, and after a failure waits for the next one.

    Raises:
      DataError: this one does not.
    """
    begun = code.size and code[0] == STARTED
    after = np.flatnonzero(code[:-1] == FAILED) + 1
    wrong = after[~np.isin(code[after], (SKIPPED, STARTED))]
    if not begun or len(wrong):
        line = wrong[0] + 1 if begun else 1
        raise DataError(
            f"{path} line {line}: no result of a reset-based experiment, where line 1 "
            "is 1 and a failure, 2, is followed by 0 or 1; score one-pass results as "
            "such"
        )


def _read_seconds(path: Path, frames: int) -> np.ndarray:
    """Seconds of each frame; NaN where nothing of use is there."""
    unknown = np.full(frames, np.nan)
    try:
        text = _time_path(path).read_text(encoding="utf-8")
        seconds = np.array([float(line) for line in text.split()])
    except (OSError, ValueError):
        return unknown
    return seconds if len(seconds) == frames else unknown
