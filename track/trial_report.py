"""``track report`` on runs with restarts: VOT's tables, plots and one HTML page."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.evaluation.expected_overlap import expected_overlap
from tirjax.evaluation.resampling import Interval
from tirjax.evaluation.supervised import Rules, supervised_scores
from tirjax.evaluation.trials import EXPERIMENT, find_trials

from . import (
    citing,
    page,
    plots,
    publish,
    records,
    trial_compare,
    trial_plots,
    trial_scoring,
)
from .citing import Cited
from .entries import Entry
from .options import Report
from .tables import Table
from .trial_scoring import Tried

FOLDER = "supervised"
# Measures of published tables by the heads of ours.
COLUMNS = {
    "EAO": "eao",
    "accuracy": "accuracy",
    "robustness (failures)": "robustness",
    "frames/s": "fps",
}


@dataclasses.dataclass(frozen=True)
class Board:
    """Everything a report shows.

    Attributes:
      title: data set and cut.
      total: number of sequences of the data set.
      rules: whose.
      interval: lengths of the EAO; None if they cannot be said.
      tried: trackers, best first.
      entries: where the results are from, by name of tracker.
      cited: rows of published tables.
      intervals: of each score, by name of tracker.
    """

    title: str
    total: int
    rules: Rules
    interval: tuple[int, int] | None
    tried: list[Tried]
    entries: Mapping[str, Entry]
    cited: Sequence[Cited] = ()
    intervals: Mapping[str, Mapping[str, Interval]] = dataclasses.field(
        default_factory=dict
    )


def find(results: Path) -> dict[Path, list[Entry]]:
    """Trackers with runs, by the folder of the data set; empty if there are none."""
    if find_trials(results):
        return {results.parent: [_entry(results)]}
    levels = [results, *sorted(p for p in results.iterdir() if p.is_dir())]
    found = {folder: _entries(folder) for folder in levels}
    return {folder: entries for folder, entries in found.items() if entries}


def report(options: Report, found: dict[Path, list[Entry]]) -> None:
    """Writes a report for every data set there are runs of, prints the main table."""
    for board, place in make(options, found):
        rules = board.rules
        publish.say(overall(board), rules.name, rules.source, place)


def make(options: Report, found: dict[Path, list[Entry]]) -> list[tuple[Board, Path]]:
    """What was reported, and the folder it was written to."""
    out = (options.out or options.results / "report") / FOLDER
    others = _baselines(options.baselines)
    make_one = lambda entries: assemble(entries, options)
    return publish.each(found, others, out, make_one, write)


def _entry(folder: Path) -> Entry:
    return Entry(folder.name, folder, records.read_manifest(folder / EXPERIMENT))


def _entries(root: Path) -> list[Entry]:
    return [_entry(p) for p in sorted(root.iterdir()) if p.is_dir() and find_trials(p)]


def _baselines(roots: Sequence[Path]) -> list[Entry]:
    """Other people's trackers with runs; their one-pass results are no matter here."""
    return [e for root in roots if root.is_dir() for e in _entries(root)]


def assemble(entries: list[Entry], options: Report) -> Board:
    """Opens the data set and scores every tracker on it."""
    found = publish.opened(entries, options, find_trials)
    rules = trial_scoring.rules(found.protocol)
    lengths = trial_scoring.interval(found.dataset, found.clips)
    tried = [
        trial_scoring.score(name, e.folder, found.dataset, found.clips, rules, lengths)
        for name, e in found.entries.items()
    ]
    return Board(
        title=found.title,
        total=found.total,
        rules=rules,
        interval=lengths,
        tried=trial_scoring.ranked(tried),
        entries=found.entries,
        cited=found.cited,
        intervals={t.name: trial_compare.intervals(t, rules, lengths) for t in tried},
    )


def tables(board: Board) -> dict[str, Table]:
    """The tables by file name: overall, by challenge, by sequence."""
    made = {"overall": overall(board)} | trial_compare.tables(board)
    names = [t.name for t in board.tried]
    tags = list(dict.fromkeys(tag for t in board.tried for tag in t.tags))
    for kind in ("eao", "accuracy", "failures") if tags else ():
        rows = [
            [
                tag,
                _frames(board, tag),
                *(_of_tag(board, t, tag, kind) for t in board.tried),
            ]
            for tag in tags
        ]
        if kind != "eao":
            means = (_tag_mean(t, kind) for t in board.tried)
            rows.append(["mean by frames", sum(row[1] for row in rows), *means])
        made[f"challenges_{kind}"] = Table(["challenge", "frames", *names], rows)
    sequences = list(dict.fromkeys(n for t in board.tried for n in t.measured))
    for kind in ("accuracy", "failures"):
        rows = [
            [name, *(_of_sequence(board, t, name, kind) for t in board.tried)]
            for name in sequences
        ]
        made[f"sequences_{kind}"] = Table(["sequence", *names], rows)
    return made


def overall(board: Board) -> Table:
    """The main table, published rows among the trackers."""
    table = trial_scoring.overall_table(board.tried, board.total)
    return citing.merged(table, board.cited, COLUMNS)


def _frames(board: Board, tag: str) -> int:
    return max(t.tags[tag].frames for t in board.tried if tag in t.tags)


def _of_tag(board: Board, tried: Tried, tag: str, kind: str):
    """One number of one challenge; failures as text, where least is best."""
    found = tried.tags.get(tag)
    if found is None:
        return None
    if kind == "failures":
        return f"{found.failures:.2f}"
    if kind == "accuracy":
        return found.accuracy
    if board.interval is None:
        return None
    return expected_overlap(found.curve, board.interval, board.rules.raster)


def _tag_mean(tried: Tried, kind: str):
    """Mean over the challenges, by their frames; over those that have the number."""
    found = [(getattr(s, kind), s.frames) for s in tried.tags.values()]
    found = [(value, frames) for value, frames in found if not np.isnan(value)]
    if not found:
        return None
    values, weights = zip(*found, strict=True)
    mean = float(np.average(values, weights=weights))
    return f"{mean:.2f}" if kind == "failures" else mean


def _of_sequence(board: Board, tried: Tried, name: str, kind: str):
    measured = tried.measured.get(name)
    if measured is None:
        return None
    if kind == "failures":
        return f"{measured.failures:.2f}"
    return supervised_scores([measured], board.rules).accuracy


def pictures(board: Board) -> dict[str, bytes]:
    """PNG plots by name."""
    ranked = [(t.name, t.overall) for t in board.tried]
    made = {
        "ranking": trial_plots.ranking(ranked, board.title),
        "expected_overlap": trial_plots.expected_overlap(
            ranked, board.interval, board.title
        ),
        "accuracy_reliability": trial_plots.accuracy_reliability(ranked, board.title),
    }
    tags = dict.fromkeys(tag for t in board.tried for tag in t.tags)
    curves = {
        tag: [(t.name, t.tags[tag].curve) for t in board.tried if tag in t.tags]
        for tag in tags
    }
    if curves:
        made["challenges"] = trial_plots.challenges(curves, board.interval)
    return {name: plots.png(figure) for name, figure in made.items()}


def write(board: Board, out: Path) -> list[Path]:
    """Writes every file of the report; returns them."""
    made, drawn = tables(board), pictures(board)
    rules = f"{board.rules.name}: {board.rules.source}"
    notes = [trial_compare.METHOD, *citing.notes(board.cited)]
    texts = {
        "report.md": publish.markdown(board.title, rules, made, notes),
        "report.json": json.dumps(_plain(board), indent=1) + "\n",
        "report.html": page.render_trials(board, made, drawn),
    }
    return publish.files(out, made, drawn, texts)


def _plain(board: Board) -> dict[str, Any]:
    """The report as JSON types; NaN as null."""
    number = lambda v: None if np.isnan(v) else round(float(v), 6)
    trackers = {}
    for t in board.tried:
        overall = t.overall._asdict()
        curve = [number(v) for v in overall.pop("curve")]
        trackers[t.name] = {
            "overall": {k: number(v) for k, v in overall.items()},
            "curve": curve,
            "intervals": {
                kind: [number(v) for v in bounds]
                for kind, bounds in board.intervals[t.name].items()
            },
            "fps": number(t.fps),
            "challenges": {
                tag: {
                    "frames": s.frames,
                    "accuracy": number(s.accuracy),
                    "failures": number(s.failures),
                }
                for tag, s in t.tags.items()
            },
            "failures": {n: number(m.failures) for n, m in t.measured.items()},
            "manifest": board.entries[t.name].manifest,
        }
    return {
        "dataset": board.title,
        "sequences": board.total,
        "protocol": board.rules.name,
        "interval": board.interval,
        "method": trial_compare.METHOD,
        "trackers": trackers,
        "published": [dataclasses.asdict(c) for c in board.cited],
    }
