"""``track report`` on runs with restarts: VOT's tables, plots and one HTML page."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.data import DataError
from tirjax.evaluation.expected_overlap import expected_overlap
from tirjax.evaluation.supervised import Rules, supervised_scores
from tirjax.evaluation.trials import EXPERIMENT, find_trials

from . import (
    catalogue,
    citing,
    page,
    plots,
    records,
    scoring,
    trial_plots,
    trial_scoring,
)
from .citing import Cited
from .entries import Entry, about, distinct
from .options import Report
from .tables import Table, escaped
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
    """

    title: str
    total: int
    rules: Rules
    interval: tuple[int, int] | None
    tried: list[Tried]
    entries: dict[str, Entry]
    cited: Sequence[Cited] = ()


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
        print(f"{tables(board)['overall'].plain()}\n")
        print(f"protocol {board.rules.name}: {board.rules.source}")
        print(f"tables, plots and page: {place / 'report.html'}")


def make(options: Report, found: dict[Path, list[Entry]]) -> list[tuple[Board, Path]]:
    """What was reported, and the folder it was written to."""
    out = (options.out or options.results / "report") / FOLDER
    made = []
    for folder, entries in found.items():
        board = assemble([*entries, *_baselines(options.baselines)], options)
        place = out if len(found) == 1 else out / folder.name
        write(board, place)
        made.append((board, place))
    return made


def _entry(folder: Path) -> Entry:
    return Entry(folder.name, folder, records.read_manifest(folder / EXPERIMENT))


def _entries(root: Path) -> list[Entry]:
    return [_entry(p) for p in sorted(root.iterdir()) if p.is_dir() and find_trials(p)]


def _baselines(roots: Sequence[Path]) -> list[Entry]:
    """Other people's trackers with runs; their one-pass results are no matter here."""
    return [e for root in roots if root.is_dir() for e in _entries(root)]


def assemble(entries: list[Entry], options: Report) -> Board:
    """Opens the data set and scores every tracker on it."""
    said = about(entries, options)
    data = catalogue.dataset(said["dataset"], said["data"], said["cut"])
    rules = trial_scoring.rules(said["protocol"])
    done = set().union(*(find_trials(e.folder) for e in entries))
    clips = scoring.load(data, done)
    if not clips:
        raise DataError(
            f"no annotated sequence of {said['dataset']} has results in "
            f"{entries[0].folder}; is it the right data set and cut?"
        )
    named = distinct(entries)
    lengths = trial_scoring.interval(said["dataset"], clips)
    tried = [
        trial_scoring.score(name, e.folder, said["dataset"], clips, rules, lengths)
        for name, e in named.items()
    ]
    own = said["data"].name if said["dataset"] == "folder" else said["dataset"]
    title = " ".join(filter(None, [own, said["cut"]]))
    ranked = trial_scoring.ranked(tried)
    found = citing.cited(options.published, said["dataset"])
    return Board(title, len(data), rules, lengths, ranked, named, found)


def tables(board: Board) -> dict[str, Table]:
    """The tables by file name: overall, by challenge, by sequence."""
    overall = trial_scoring.overall_table(board.tried, board.total)
    made = {"overall": citing.merged(overall, board.cited, COLUMNS)}
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
    out.mkdir(parents=True, exist_ok=True)
    files: dict[str, str | bytes] = {}
    made, drawn = tables(board), pictures(board)
    for name, table in made.items():
        files[f"{name}.csv"] = table.csv()
        files[f"{name}.tex"] = table.latex()
    files |= {f"{name}.png": picture for name, picture in drawn.items()}
    files["report.md"] = _markdown(board, made)
    files["report.json"] = json.dumps(_plain(board), indent=1) + "\n"
    files["report.html"] = page.render_trials(board, made, drawn)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (out / name).write_bytes(data)
    return [out / name for name in files]


def _markdown(board: Board, made: dict[str, Table]) -> str:
    head = f"# {board.title}\n\nProtocol {board.rules.name}: {board.rules.source}"
    parts = [f"## {page.heading(n)}\n\n{t.markdown()}" for n, t in made.items()]
    notes = "\n".join(f"- {escaped(line)}" for line in citing.notes(board.cited))
    return "\n\n".join([head, *parts, *([f"## Notes\n\n{notes}\n"] if notes else [])])


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
        "trackers": trackers,
        "published": [dataclasses.asdict(c) for c in board.cited],
    }
