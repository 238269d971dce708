"""From files of runs with restarts and a data set to VOT's scores."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tirjax.data import DataError, SequenceList
from tirjax.data import Sequence as Clip
from tirjax.evaluation.expected_overlap import typical_lengths
from tirjax.evaluation.supervised import (
    INTERVALS,
    RULES,
    Measured,
    Rules,
    SupervisedScores,
    TagScores,
    by_tag,
    measure,
    supervised_scores,
)
from tirjax.evaluation.trials import FAILED, TRACKED, Trial, find_trials, read_trial

from . import catalogue, scoring
from .tables import Table

DEFAULT_RULES = "vot_legacy"
# Where a tracker shares nothing with the truth the experiment would have restarted it;
# other rules of rounding, or an image of unknown size, explain so large a share.
STRAY = 0.05


@dataclasses.dataclass(frozen=True)
class Tried:
    """A tracker's runs with restarts on a data set.

    Attributes:
      name: as tables call it.
      measured: by name of sequence.
      overall: over all of them.
      tags: by name of challenge.
      fps: frames tracked over seconds; NaN if the results hold no times.
    """

    name: str
    measured: Mapping[str, Measured]
    overall: SupervisedScores
    tags: Mapping[str, TagScores]
    fps: float


def rules(name: str | None) -> Rules:
    """The rules of this name; by default those of the VOT-TIR papers."""
    return RULES[catalogue.pick("protocol", name or DEFAULT_RULES, RULES)]


def origin(clip: Clip, dataset: str) -> int:
    """Coordinate of the first pixel in a clip's result files; VOT's count from 1."""
    return catalogue.origin(dataset) if clip.regions is None else 1


def truth(clip: Clip, origin: float) -> np.ndarray:
    """``[t, k]`` regions of a clip in the numbering of the benchmark's files."""
    regions = clip.boxes if clip.regions is None else clip.regions
    shift = np.full(regions.shape, float(origin))
    shift[np.isfinite(regions).sum(1) == 4, 2:] = 0
    return regions + shift


def frame_size(clip: Clip) -> tuple[int, int]:
    """(rows, columns) of a clip; files of pictures say so without decoding one."""
    known = getattr(clip.frames, "format", None)
    return known.size if known is not None else clip.frames[0].shape[:2]


def interval(dataset: str, clips: Mapping[str, Clip]) -> tuple[int, int] | None:
    """Lengths of the EAO: the benchmark's, else those typical of the sequences."""
    lengths = [len(clip.frames) for clip in clips.values()]
    if dataset in INTERVALS:
        return INTERVALS[dataset]
    if len(set(lengths)) < 2:
        return None
    low, _, high = typical_lengths(lengths)
    return low, high


def score(
    name: str,
    folder: Path,
    dataset: str,
    clips: Mapping[str, Clip],
    how: Rules,
    lengths: tuple[int, int] | None,
) -> Tried:
    """Scores the runs in a tracker's folder, over those of ``clips`` that are there.

    Raises:
      DataError: there is none, or a file does not fit its sequence; names the file.
    """
    files = {n: f for n, f in find_trials(folder).items() if n in clips}
    if not files:
        raise DataError(
            f"{folder} holds no results of these sequences; expected "
            f"baseline/SEQUENCE/SEQUENCE_001.txt, for example of {next(iter(clips))}"
        )
    measured, frames, seconds = {}, 0, 0.0
    for n, paths in files.items():
        clip = clips[n]
        trials = [read_trial(path, len(clip.frames)) for path in paths]
        size = frame_size(clip)
        measured[n] = measure(
            trials, truth(clip, origin(clip, dataset)), how, size, clip.tags
        )
        for path, row in zip(paths, measured[n].overlap, strict=True):
            _check_columns(row, path)
        frames += sum(int(_worked(t).sum()) for t in trials)
        seconds += sum(float(t.seconds[_worked(t)].sum()) for t in trials)
    return Tried(
        name=name,
        measured=measured,
        overall=supervised_scores([*measured.values()], how, lengths),
        tags=by_tag([*measured.values()], how),
        fps=frames / seconds if seconds > 0 else float("nan"),
    )


def print_scores(
    names: Sequence[str], data: SequenceList, root: Path, how: Rules
) -> None:
    """A table of the trackers with results, and where they are."""
    found = {n: find_trials(root / n) for n in names}
    clips = scoring.load(data, set().union(*found.values()))
    lengths = interval(root.name, clips) if clips else None
    ready = [n for n in names if found[n].keys() & clips.keys()]
    tried = [score(n, root / n, root.name, clips, how, lengths) for n in ready]
    if tried:
        print(overall_table(tried, len(data)).plain())
        print(f"\nprotocol {how.name}: {how.source}")
    print(f"\nresults  {root}\nreport   python -m track report {root}")


def overall_table(tried: Sequence[Tried], total: int) -> Table:
    """One row a tracker, largest EAO first.

    Failures are texts: the smallest is the best, and no table may mark the largest.
    """
    heads = [
        *("tracker", "EAO", "accuracy", "robustness (failures)", "failures in all"),
        *("per 100 frames", "reliability", "frames/s", "sequences"),
    ]
    rows = []
    for t in ranked(tried):
        o = t.overall
        failures = (
            f"{o.failures:.2f}",
            f"{o.failures_total:.1f}",
            f"{o.per_hundred:.3f}",
        )
        speed = None if np.isnan(t.fps) else f"{t.fps:.0f}"
        count = f"{o.sequences}/{total}"
        rows.append([t.name, o.eao, o.accuracy, *failures, o.reliability, speed, count])
    return Table(heads, rows)


def ranked(tried: Sequence[Tried]) -> list[Tried]:
    """Largest EAO first; where there is none, largest accuracy."""
    order = lambda t: (
        -np.nan_to_num(t.overall.eao),
        -np.nan_to_num(t.overall.accuracy),
    )
    return sorted(tried, key=order)


def _worked(trial: Trial) -> np.ndarray:
    """Frames on which the tracker itself was at work."""
    return (trial.code == TRACKED) | (trial.code == FAILED)


def _check_columns(overlap: np.ndarray, path: Path) -> None:
    """Raises DataError if a run tracked on where it would have been failed."""
    known = overlap[np.isfinite(overlap)]
    stray = int((known == 0).sum())
    if stray > max(2, STRAY * len(known)):
        raise DataError(
            f"{path}: {stray} of {len(known)} tracked frames do not touch the "
            "annotation, where the experiment would have failed them; are the columns "
            "x,y,w,h, the numbering the benchmark's, and is it the same data set?"
        )
