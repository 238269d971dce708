"""How sure scores with restarts are: intervals, and trackers in pairs."""

from typing import TYPE_CHECKING

from tirjax.evaluation.resampling import DRAWS, Interval, bounds
from tirjax.evaluation.supervised import Rules, supervised_scores
from tirjax.evaluation.supervised_resampling import intervals as resampled_intervals
from tirjax.evaluation.supervised_resampling import resampled

from .compare import ALL_PAIRS, BOUNDS, SEED
from .tables import Table
from .trial_scoring import Tried

if TYPE_CHECKING:
    from .trial_report import Board

KINDS = {"eao": "EAO", "accuracy": "accuracy", "failures": "failures"}
METHOD = (
    f"Intervals: 95 %, percentile bootstrap over sequences, {DRAWS} draws, seed {SEED};"
    " of a difference, the same draws for both trackers."
)


def intervals(
    tried: Tried, rules: Rules, interval: tuple[int, int] | None
) -> dict[str, Interval]:
    """Interval of each score; ``interval`` holds the lengths of the EAO."""
    return resampled_intervals([*tried.measured.values()], rules, interval, SEED)


def tables(board: "Board") -> dict[str, Table]:
    """By file name: the intervals, and differences of expected overlap."""
    found = [board.intervals[t.name] for t in board.tried]
    kinds = [kind for kind in KINDS if all(kind in f for f in found)]
    heads = ["tracker"]
    for kind in kinds:
        heads += [KINDS[kind], *BOUNDS]
    rows = []
    for t, of_one in zip(board.tried, found, strict=True):
        rows.append([t.name])
        for kind in kinds:
            rows[-1] += [getattr(t.overall, kind), *of_one[kind]]
    made = {"intervals": Table(heads, rows, neutral=(*BOUNDS, KINDS["failures"]))}
    lines = _differences(board)
    if lines:
        numbers = "difference", *BOUNDS
        heads = ["tracker", "against", *numbers, "sequences"]
        made["differences_eao"] = Table(heads, lines, neutral=numbers)
    return made


def _differences(board: "Board") -> list[list]:
    """All pairs of few trackers, the best against each of many."""
    if board.interval is None:
        return []
    ranked = board.tried
    firsts = ranked if len(ranked) <= ALL_PAIRS else ranked[:1]
    pairs = [(a, b) for i, a in enumerate(firsts) for b in ranked[i + 1 :]]
    return [row for a, b in pairs if (row := _difference(a, b, board))]


def _difference(a: Tried, b: Tried, board: "Board") -> list | None:
    """Over the sequences that both have; None if that is one or none."""
    shared = [name for name in a.measured if name in b.measured]
    if len(shared) < 2:
        return None
    both = [[t.measured[name] for name in shared] for t in (a, b)]
    how = board.rules, board.interval
    one, two = (supervised_scores(m, *how).eao for m in both)
    first, second = (resampled(m, *how, SEED)["eao"] for m in both)
    return [a.name, b.name, one - two, *bounds(first - second), len(shared)]
