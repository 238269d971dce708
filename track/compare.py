"""How sure the scores are: intervals of each tracker, and trackers in pairs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tirjax.evaluation.resampling import (
    DRAWS,
    Comparison,
    Interval,
    by_sequence,
    compare,
    holm,
    interval,
)

from .scoring import LABELS, Scored, measures
from .tables import Table

if TYPE_CHECKING:
    from .report import Board

SEED = 0
ALL_PAIRS = 6  # more trackers are compared with the best one only
BOUNDS = "low", "high"
METHOD = (
    f"Intervals: 95 %, percentile bootstrap over sequences, {DRAWS} draws, seed {SEED}."
    " p: two-sided test by flipping the signs of the differences sequence by sequence;"
    " p (Holm) is adjusted for all rows of its table."
)


class Pair(NamedTuple):
    """Two trackers under one measure.

    Attributes:
      first: whose score is the minuend.
      second: whose score is taken off.
      found: the comparison.
      adjusted: p for being one of several.
    """

    first: str
    second: str
    found: Comparison
    adjusted: float


def intervals(scored: Scored) -> dict[str, Interval]:
    """Interval of each score by measure."""
    made = {}
    for kind in measures(scored.overall.protocol):
        pairs = list(_sequences(scored, kind).values())
        values, weights = np.array(pairs, float).reshape(-1, 2).T
        made[kind] = interval(values, weights, SEED)
    return made


def pairs(board: "Board", kind: str) -> list[Pair]:
    """All pairs of few trackers, the best against each of many.

    Trackers without a sequence in common are not compared.
    """
    ranked = board.scored
    firsts = ranked if len(ranked) <= ALL_PAIRS else ranked[:1]
    values = {s.name: _sequences(s, kind) for s in ranked}
    found = [
        (a.name, b.name, compare(values[a.name], values[b.name], SEED))
        for i, a in enumerate(firsts)
        for b in ranked[i + 1 :]
        if values[a.name].keys() & values[b.name].keys()
    ]
    adjusted = holm([c.p for *_, c in found])
    return [Pair(*row, p) for row, p in zip(found, adjusted, strict=True)]


def tables(board: "Board") -> dict[str, Table]:
    """By file name: the intervals, and the pairs under each measure."""
    kinds = measures(board.protocol)
    heads, rows = ["tracker"], []
    for kind in kinds:
        heads += [LABELS[kind], "low", "high"]
    for s in board.scored:
        found = intervals(s)
        rows.append([s.name])
        for kind in kinds:
            rows[-1] += [getattr(s.overall, kind), *found[kind]]
    made = {"intervals": Table(heads, rows, neutral=BOUNDS)}
    for kind in kinds:
        lines = [_line(pair) for pair in pairs(board, kind)]
        if lines:
            heads = ["tracker", "against", *_NUMBERS, "wins", "ties", "losses"]
            made[f"differences_{kind}"] = Table(heads, lines, 4, _NUMBERS)
    return made


def plain(board: "Board") -> Mapping[str, list[dict]]:
    """The pairs as JSON types, by measure."""
    return {
        kind: [
            {
                "trackers": [pair.first, pair.second],
                "difference": round(pair.found.difference, 6),
                "interval": [None if np.isnan(v) else round(v, 6) for v in bounds],
                "p": round(pair.found.p, 6),
                "p_holm": round(pair.adjusted, 6),
                "better_equal_worse": [*pair.found[-3:]],
            }
            for pair in pairs(board, kind)
            for bounds in [pair.found.interval]
        ]
        for kind in measures(board.protocol)
    }


_NUMBERS = "difference", *BOUNDS, "p", "p (Holm)"


def _line(pair: Pair) -> list:
    found = pair.found
    numbers = [found.difference, *found.interval, found.p, pair.adjusted]
    return [pair.first, pair.second, *numbers, *found[-3:]]


def _sequences(scored: Scored, kind: str) -> dict[str, tuple[float, float]]:
    return by_sequence(scored.curves, scored.overall.protocol, kind)
