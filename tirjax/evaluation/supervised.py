"""Accuracy, robustness and expected overlap of runs with restarts, as VOT scores them.

Source: Kristan et al., A Novel Performance Evaluation Methodology for Single-Target
Trackers, TPAMI 2016, and the toolkits named in ``RULES``.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.evaluation.expected_overlap import (
    curve_sums,
    expected_overlap,
    fragments,
    overlap_curve,
    typical_lengths,
)
from tirjax.evaluation.regions import Raster, overlaps
from tirjax.evaluation.trials import FAILED, STARTED, TRACKED, Trial

BURN_IN = 10  # frames from a start on that say nothing about accuracy
SENSITIVITY = 30.0  # frames of the run whose survival is the reliability
EMPTY = "empty"  # the tag of frames without any other

INTERVALS = {"vot_tir2015": (82, 546), "vot_tir2016": (34, 509)}
"""Lengths of the EAO: computed from the 20 lengths of VOT-TIR2015; read off the
organisers' plot, to a frame, for VOT-TIR2016 (whose sequences 2017 used again). Other
data sets: ``typical_lengths``."""


class Rules(NamedTuple):
    """A toolkit.

    Attributes:
      name: key in ``RULES``.
      source: whose rules and what they were checked against.
      raster: how regions are filled and expected overlap is averaged.
    """

    name: str
    source: str
    raster: Raster


RULES = {
    "vot_legacy": Rules(
        "vot_legacy",
        "VOT's MATLAB toolkit, whose numbers the VOT-TIR papers print; accuracy pools"
        " the frames of all sequences. EAO equal for eight trackers on VOT2018.",
        "legacy",
    ),
    "vot_toolkit": Rules(
        "vot_toolkit",
        "vot-toolkit 0.7.4 (Python); sequences weigh by their length. Equal for eight"
        " trackers on VOT2018.",
        "vot",
    ),
}


class Measured(NamedTuple):
    """The runs over one sequence against its annotation.

    Attributes:
      overlap: ``[r, t]``, NaN where a run has no region.
      code: ``[r, t]``, as in ``Trial``.
      tags: ``[t]`` bool by name of challenge; empty if they are not known.
    """

    overlap: np.ndarray
    code: np.ndarray
    tags: Mapping[str, np.ndarray]

    @property
    def failures(self) -> float:
        """Failures a run."""
        return float((self.code == FAILED).sum(1).mean())

    @property
    def frames(self) -> int:
        """Length of the sequence."""
        return self.code.shape[1]


class SupervisedScores(NamedTuple):
    """What a table and a plot need.

    Attributes:
      sequences: how many.
      accuracy: mean overlap while tracking, without the frames after a start.
      failures: a run, mean over sequences weighted by their lengths; what TIR papers
        print as robustness.
      failures_mean: the same, every sequence weighing as much.
      failures_total: over all sequences.
      per_hundred: failures in a hundred frames; what VOT prints since 2017.
      reliability: probability to survive ``SENSITIVITY`` frames.
      eao: expected average overlap; NaN without runs of typical lengths.
      curve: expected overlap by length, element j that of j + 1 frames.
    """

    sequences: int
    accuracy: float
    failures: float
    failures_mean: float
    failures_total: float
    per_hundred: float
    reliability: float
    eao: float
    curve: np.ndarray


class TagScores(NamedTuple):
    """The frames of one challenge.

    Attributes:
      frames: that carry the tag.
      accuracy: as in ``SupervisedScores``, of these frames; NaN if none was tracked.
      failures: a run, in these frames.
      curve: expected overlap by length; a fragment weighs by its share of such frames.
    """

    frames: int
    accuracy: float
    failures: float
    curve: np.ndarray


def measure(
    trials: Sequence[Trial],
    truth: np.ndarray,
    rules: Rules,
    size: tuple[int, int],
    tags: Mapping[str, np.ndarray] | None = None,
) -> Measured:
    """Overlaps of the runs over one sequence.

    Args:
      trials: one a repetition.
      truth: ``[t, k]`` regions in the numbering of the benchmark's files.
      rules: whose.
      size: (rows, columns) of the image.
      tags: ``[t]`` flags by name of challenge.

    Raises:
      DataError: a run or a tag has another length than the annotation.
    """
    tags = dict(tags or {})
    lengths = {len(t.code) for t in trials} | {len(flags) for flags in tags.values()}
    if not trials or lengths != {len(truth)}:
        raise DataError(
            f"{len(truth)} annotations for runs and tags of {sorted(lengths)} frames; "
            "give one region a frame, the first included"
        )
    found = [overlaps(t.regions, truth, rules.raster, size) for t in trials]
    code = np.stack([t.code for t in trials])
    return Measured(np.where(code == TRACKED, np.stack(found), np.nan), code, tags)


def supervised_scores(
    measured: Sequence[Measured],
    rules: Rules,
    interval: tuple[int, int] | None = None,
) -> SupervisedScores:
    """Scores over sequences.

    Args:
      measured: one a sequence, under the same rules.
      rules: whose.
      interval: lengths of the EAO; by default those typical of the sequences.

    Raises:
      DataError: there is nothing to average.
    """
    if not measured:
        raise DataError("no sequence to average; evaluate at least one")
    length = np.array([m.frames for m in measured], np.float64)
    failures = np.array([m.failures for m in measured])
    weighted = float(failures @ length / length.sum())
    rate = failures.sum() / length.sum()
    if rules.raster == "vot":
        rate = weighted / length.mean()
    if interval is None and len(set(length)) > 1:
        low, _, high = typical_lengths(length.astype(int).tolist())
        interval = low, high
    curve = _curve(measured, rules, [f for m in measured for f in _pieces(m, rules)])
    return SupervisedScores(
        sequences=len(measured),
        accuracy=_accuracy(measured, rules),
        failures=weighted,
        failures_mean=float(failures.mean()),
        failures_total=float(failures.sum()),
        per_hundred=float(100 * failures.sum() / length.sum()),
        reliability=float(np.exp(-SENSITIVITY * rate)),
        eao=expected_overlap(curve, interval, rules.raster)
        if interval
        else float("nan"),
        curve=curve,
    )


def by_tag(measured: Sequence[Measured], rules: Rules) -> dict[str, TagScores]:
    """Scores of each challenge that some frame carries, and of ``EMPTY``.

    Frames are pooled over sequences under either rules. Their mean weighted by
    ``frames`` is what the MATLAB toolkit's reports print. Checked against no toolkit.
    """
    known = [m for m in measured if m.tags]
    names = dict.fromkeys(name for m in known for name in m.tags)
    found = {}
    for name in (*names, EMPTY):
        flags = [_flags(m, name) for m in known]
        if not any(f.any() for f in flags):
            continue
        pairs = list(zip(known, flags, strict=True))
        values = np.concatenate([_by_frame(m)[f] for m, f in pairs])
        pieces = [p for m, f in pairs for p in _pieces(m, rules, f)]
        found[name] = TagScores(
            frames=int(sum(f.sum() for f in flags)),
            accuracy=_mean(values),
            failures=sum(
                float((m.code[:, f] == FAILED).sum(1).mean()) for m, f in pairs
            ),
            curve=_curve(known, rules, pieces),
        )
    return found


def parts(
    measured: Sequence[Measured], rules: Rules
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What the scores are quotients of, sequence by sequence.

    Returns:
      By score, ``'accuracy'`` and ``'failures'`` as ``[n]`` numerators and denominators
      and ``'curve'`` as ``[n, length]`` of both: the score over some sequences is the
      sum of their numerators over that of their denominators.
    """
    length = np.array([m.frames for m in measured], np.float64)
    if rules.raster == "legacy":
        values = [_by_frame(m) for m in measured]
        values = [v[np.isfinite(v)] for v in values]
        accuracy = np.array([v.sum() for v in values]), np.array([*map(len, values)])
    else:
        accuracy = length * [_run_accuracy(m) for m in measured], length
    failures = length * [m.failures for m in measured], length
    pieces = [_pieces(m, rules) for m in measured]
    reach = len(_curve(measured, rules, [p for of_one in pieces for p in of_one]))
    sums = [curve_sums(of_one, reach) for of_one in pieces]
    totals, weights = (np.stack(rows) for rows in zip(*sums, strict=True))
    return {"accuracy": accuracy, "failures": failures, "curve": (totals, weights)}


def usable(measured: Measured) -> np.ndarray:
    """``[r, t]`` overlaps that count for accuracy, the others NaN."""
    started = measured.code == STARTED
    recent = np.zeros_like(started)
    for k in range(min(BURN_IN, measured.frames)):
        recent[:, k:] |= started[:, : measured.frames - k]
    return np.where(recent, np.nan, measured.overlap)


def _accuracy(measured: Sequence[Measured], rules: Rules) -> float:
    """Accuracy over sequences."""
    if rules.raster == "legacy":
        return _mean(np.concatenate([_by_frame(m) for m in measured]))
    single = [_run_accuracy(m) for m in measured]
    return float(np.average(single, weights=[m.frames for m in measured]))


def _run_accuracy(measured: Measured) -> float:
    """Mean over the runs of one sequence; a run without a usable frame counts as 0."""
    return float(np.mean([np.nan_to_num(_mean(run)) for run in usable(measured)]))


def _by_frame(measured: Measured) -> np.ndarray:
    """``[t]`` mean over the runs that count."""
    values = usable(measured)
    count = np.isfinite(values).sum(0)
    return np.where(count > 0, np.nansum(values, 0) / np.maximum(count, 1), np.nan)


def _mean(values: np.ndarray) -> float:
    """Mean of the numbers; NaN if there is none."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def _pieces(measured: Measured, rules: Rules, tag: np.ndarray | None = None) -> list:
    """Fragments of every run."""
    weight = 1.0 if rules.raster == "vot" else 1 / len(measured.code)
    return [
        piece
        for overlap, code in zip(measured.overlap, measured.code, strict=True)
        for piece in fragments(
            overlap,
            np.flatnonzero(code == FAILED).tolist(),
            rules.raster,
            starts=np.flatnonzero(code == STARTED).tolist(),
            weight=weight,
            tag=tag,
        )
    ]


def _curve(measured: Sequence[Measured], rules: Rules, pieces: list) -> np.ndarray:
    """The curve up to the longest fragment, or MATLAB's: the longest sequence."""
    longest = max(m.frames for m in measured)
    return overlap_curve(pieces, longest if rules.raster == "legacy" else None)


def _flags(measured: Measured, name: str) -> np.ndarray:
    """``[t]`` bool, the frames with a tag."""
    if name == EMPTY:
        return ~np.any(list(measured.tags.values()), axis=0)
    return np.asarray(measured.tags.get(name, np.zeros(measured.frames)), bool)
