"""``track report``: raw results to tables, plots and one HTML page."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.data import DataError
from tirjax.data import Sequence as Clip
from tirjax.evaluation import Protocol, scores
from tirjax.evaluation.trials import find_trials

from . import (
    attributes,
    catalogue,
    citing,
    compare,
    hardest,
    page,
    plots,
    publish,
    records,
    scoring,
    suspect,
    trial_report,
)
from .citing import Cited
from .entries import Entry
from .options import Report
from .scoring import Scored, measures
from .tables import Table


@dataclasses.dataclass(frozen=True)
class Board:
    """Everything a report shows.

    Attributes:
      title: data set and cut.
      total: number of sequences of the data set.
      protocol: whose rules.
      scored: trackers, best first.
      clips: sequences with results, by name.
      entries: where the results are from, by name of tracker.
      cited: rows of published tables.
      remarks: what a reader of the numbers has to know.
    """

    title: str
    total: int
    protocol: Protocol
    scored: list[Scored]
    clips: Mapping[str, Clip]
    entries: Mapping[str, Entry]
    cited: Sequence[Cited] = ()
    remarks: Sequence[str] = ()


def report(options: Report) -> None:
    """Writes a report for every data set there are results of, prints the main table.

    Raises:
      DataError: no results, or nothing says what they are results of.
    """
    if not options.results.is_dir():
        raise DataError(f"no such folder: {options.results}; give what `eval` wrote")
    trials = trial_report.find(options.results)
    if trials:
        trial_report.report(options, trials)
        if not has_one_pass(options.results):
            return
    for board, place in make(options):
        rules = board.protocol
        publish.say(overall(board), rules.name, rules.source, place)


def make(options: Report) -> list[tuple[Board, Path]]:
    """What was reported, and the folder it was written to."""
    out = options.out or options.results / "report"
    others = _baselines(options.baselines)
    make_one = lambda entries: assemble(entries, options)
    return publish.each(find(options.results), others, out, make_one, write)


def find(results: Path) -> dict[Path, list[Entry]]:
    """Trackers with results, by the folder of the data set.

    Raises:
      DataError: there are none.
    """
    levels = _levels(results)
    for folders in (levels[:1], levels[1:]):
        found = {folder: _entries(folder) for folder in folders}
        if any(found.values()):
            return {folder: entries for folder, entries in found.items() if entries}
    raise DataError(
        f"no results in {results}: expected TRACKER/SEQUENCE.txt or "
        "DATASET/TRACKER/SEQUENCE.txt"
    )


def has_one_pass(results: Path) -> bool:
    """Whether there are one-pass results; the runs of a sequence are none."""
    plain = (p for p in _levels(results) if not find_trials(p))
    return any(not find_trials(p.parent) and _entries(p) for p in plain)


def _levels(results: Path) -> list[Path]:
    return [results, *sorted(p for p in results.iterdir() if p.is_dir())]


def _entries(root: Path) -> list[Entry]:
    folders = sorted(p for p in root.iterdir() if p.is_dir() and records.completed(p))
    return [Entry(p.name, p, records.read_manifest(p)) for p in folders]


def _baselines(roots: Sequence[Path]) -> list[Entry]:
    """Trackers of other people's folders.

    Raises:
      DataError: a folder holds none.
    """
    entries = []
    for root in roots:
        found = _entries(root) if root.is_dir() else []
        if not found:
            raise DataError(f"no baselines in {root}: expected NAME/SEQUENCE.txt")
        entries += found
    return entries


def assemble(entries: list[Entry], options: Report) -> Board:
    """Opens the data set and scores every tracker on it."""
    found = publish.opened(entries, options, records.completed, options.truth)
    protocol = catalogue.protocol(found.protocol, found.dataset)
    origin = catalogue.origin(found.dataset)
    scored = [
        scoring.score(name, e.folder, origin, found.clips, protocol)
        for name, e in found.entries.items()
    ]
    scored.sort(key=lambda s: -s.overall.success)
    remarks = [
        line
        for s in scored
        for line in suspect.remarks(s.name, s.records, found.clips, protocol)
    ]
    remarks += citing.remarks(found.cited, found.total)
    return Board(
        title=found.title,
        total=found.total,
        protocol=protocol,
        scored=scored,
        clips=found.clips,
        entries=found.entries,
        cited=found.cited,
        remarks=remarks,
    )


def tables(board: Board) -> dict[str, Table]:
    """The tables by file name: overall, how sure, by attribute, by sequence."""
    kinds = measures(board.protocol)
    made = {"overall": overall(board)}
    optional = {
        "published": citing.vot_table(board.cited),
        "hardest": hardest.table(board),
    }
    made |= compare.tables(board) | attributes.tables(board)
    made |= {name: table for name, table in optional.items() if table is not None}
    heads = ["sequence", "frames", *(s.name for s in board.scored)]
    for kind in kinds:
        rows = [
            [clip, len(board.clips[clip].frames), *_of_sequence(board, clip, kind)]
            for clip in board.clips
        ]
        made[f"sequences_{kind}"] = Table(heads, rows)
    return made


def overall(board: Board) -> Table:
    """The main table, published rows among the trackers."""
    kinds = measures(board.protocol)
    columns = {scoring.LABELS[kind]: kind for kind in kinds} | {"frames/s": "fps"}
    table = scoring.overall_table(board.scored, board.total)
    return citing.merged(table, board.cited, columns)


def _of_sequence(board: Board, clip: str, kind: str) -> list[float | None]:
    counts = (s.curves.get(clip) for s in board.scored)
    return [c and getattr(scores([c], board.protocol), kind) for c in counts]


def pictures(board: Board) -> dict[str, bytes]:
    """PNG plots by name: curves of each measure, then radars of the attributes."""
    ranked = [(s.name, s.overall) for s in board.scored]
    made, radars = {}, {}
    for kind in measures(board.protocol):
        known = [(c.name, c.overall(kind)) for c in board.cited]
        given = [(name, value) for name, value in known if value is not None]
        made[kind] = plots.png(plots.curves(kind, ranked, board.title, given))
        figure = attributes.radar(board, kind)
        if figure is not None:
            radars[f"attributes_{kind}"] = plots.png(figure)
    return made | radars


def write(board: Board, out: Path) -> list[Path]:
    """Writes every file of the report; returns them."""
    made, drawn = tables(board), pictures(board)
    rules = f"{board.protocol.name}: {board.protocol.source}"
    notes = [compare.METHOD, *board.remarks, *citing.notes(board.cited)]
    texts = {
        "report.md": publish.markdown(board.title, rules, made, notes),
        "report.json": json.dumps(_plain(board), indent=1) + "\n",
        "report.html": page.render(board, made, drawn),
    }
    return publish.files(out, made, drawn, texts)


def _plain(board: Board) -> dict[str, Any]:
    """The report as JSON types; NaN as null."""
    kinds = [*measures(board.protocol), "op50", "op75", "ao"]

    def numbers(found) -> dict[str, Any]:
        values = {k: getattr(found, k) for k in kinds}
        return {k: None if np.isnan(v) else round(v, 6) for k, v in values.items()}

    trackers = {}
    for s in board.scored:
        single = {n: scores([c], board.protocol) for n, c in s.curves.items()}
        trackers[s.name] = {
            "overall": numbers(s.overall),
            "intervals": {
                kind: [None if np.isnan(v) else round(v, 6) for v in bounds]
                for kind, bounds in compare.intervals(s).items()
            },
            "fps": None if np.isnan(s.fps) else round(s.fps, 2),
            "attributes": {a: numbers(f) for a, f in s.attributes.items()},
            "sequences": {n: numbers(f) for n, f in single.items()},
            "manifest": board.entries[s.name].manifest,
        }
    return {
        "dataset": board.title,
        "sequences": board.total,
        "protocol": board.protocol.name,
        "trackers": trackers,
        "pairs": compare.plain(board),
        "published": [dataclasses.asdict(c) for c in board.cited],
        "method": compare.METHOD,
        "remarks": [*board.remarks],
    }
