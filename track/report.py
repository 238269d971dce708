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

from . import catalogue, page, plots, records, scoring
from .options import Report
from .scoring import Scored, measures
from .tables import Table


@dataclasses.dataclass(frozen=True)
class Entry:
    """A folder of one tracker's results.

    Attributes:
      name: as tables call it.
      folder: holds ``SEQUENCE.txt``.
      manifest: how they were made, if that is recorded.
    """

    name: str
    folder: Path
    manifest: dict[str, Any] | None


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
    """

    title: str
    total: int
    protocol: Protocol
    scored: list[Scored]
    clips: Mapping[str, Clip]
    entries: Mapping[str, Entry]


def report(options: Report) -> None:
    """Writes a report for every data set there are results of, prints the main table.

    Raises:
      DataError: no results, or nothing says what they are results of.
    """
    for board, place in make(options):
        print(f"{tables(board)['overall'].plain()}\n")
        print(f"protocol {board.protocol.name}: {board.protocol.source}")
        print(f"tables, plots and page: {place / 'report.html'}")


def make(options: Report) -> list[tuple[Board, Path]]:
    """What was reported, and the folder it was written to."""
    if not options.results.is_dir():
        raise DataError(f"no such folder: {options.results}; give what `eval` wrote")
    out = options.out or options.results / "report"
    found = find(options.results)
    made = []
    for folder, entries in found.items():
        board = assemble([*entries, *_baselines(options.baselines)], options)
        place = out if len(found) == 1 else out / folder.name
        write(board, place)
        made.append((board, place))
    return made


def find(results: Path) -> dict[Path, list[Entry]]:
    """Trackers with results, by the folder of the data set.

    Raises:
      DataError: there are none.
    """
    levels = [results, *sorted(p for p in results.iterdir() if p.is_dir())]
    for folders in (levels[:1], levels[1:]):
        found = {folder: _entries(folder) for folder in folders}
        if any(found.values()):
            return {folder: entries for folder, entries in found.items() if entries}
    raise DataError(
        f"no results in {results}: expected TRACKER/SEQUENCE.txt or "
        "DATASET/TRACKER/SEQUENCE.txt"
    )


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
    about = _about(entries, options)
    data = catalogue.dataset(about["dataset"], about["data"], about["cut"])
    protocol = catalogue.protocol(
        options.protocol or about["protocol"], about["dataset"]
    )
    done = set().union(*(records.completed(e.folder) for e in entries))
    clips = scoring.load(data, done)
    if not clips:
        raise DataError(
            f"no annotated sequence of {about['dataset']} has results in "
            f"{entries[0].folder}; is it the right data set and cut?"
        )
    named = _distinct(entries)
    origin = catalogue.origin(about["dataset"])
    scored = [
        scoring.score(name, e.folder, origin, clips, protocol)
        for name, e in named.items()
    ]
    scored.sort(key=lambda s: -s.overall.success)
    # A folder says nothing; its own name does.
    own = about["data"].name if about["dataset"] == "folder" else about["dataset"]
    title = " ".join(filter(None, [own, about["cut"]]))
    return Board(title, len(data), protocol, scored, clips, named)


def _about(entries: list[Entry], options: Report) -> dict[str, Any]:
    """Data set, its folder, cut and protocol: as told, else as the manifests agree."""
    manifests = [e.manifest for e in entries if e.manifest]
    about: dict[str, Any] = {}
    for field in ("dataset", "cut", "data", "protocol"):
        said = list(dict.fromkeys(m.get(field) for m in manifests))
        told = getattr(options, field)
        if told is None and field in ("dataset", "cut") and len(said) > 1:
            raise DataError(
                f"the results are of different {field}s ({', '.join(map(str, said))}): "
                f"report them apart, or choose with --{field}"
            )
        about[field] = told if told is not None else (said[0] if said else None)
    if about["dataset"] is None:
        raise DataError(
            f"no manifest in {entries[0].folder.parent}: say --dataset NAME and "
            "--data DIR"
        )
    if about["data"] is not None:
        about["data"] = Path(about["data"])
    return about


def _distinct(entries: list[Entry]) -> dict[str, Entry]:
    """Entries by name; a name that is taken gets its parent folder's beside it."""
    named: dict[str, Entry] = {}
    for entry in entries:
        name = entry.name
        if name in named:
            name = f"{entry.name} ({entry.folder.parent.name})"
        while name in named:
            name += "'"
        named[name] = entry
    return named


def tables(board: Board) -> dict[str, Table]:
    """The tables by file name: overall, by attribute, by sequence."""
    made = {"overall": scoring.overall_table(board.scored, board.total)}
    names = [s.name for s in board.scored]
    attributes = list(dict.fromkeys(a for s in board.scored for a in s.attributes))
    for kind in measures(board.protocol) if attributes else ():
        rows = []
        for attribute in attributes:
            found = [s.attributes.get(attribute) for s in board.scored]
            count = max(f.sequences for f in found if f)
            rows.append([attribute, count, *(f and getattr(f, kind) for f in found)])
        made[f"attributes_{kind}"] = Table(["attribute", "sequences", *names], rows)
    rows = []
    for clip in board.clips:
        counts = [s.curves.get(clip) for s in board.scored]
        found = [c and scores([c], board.protocol).success for c in counts]
        rows.append([clip, len(board.clips[clip].frames), *found])
    made["sequences_success"] = Table(["sequence", "frames", *names], rows)
    return made


def write(board: Board, out: Path) -> list[Path]:
    """Writes every file of the report; returns them."""
    out.mkdir(parents=True, exist_ok=True)
    files: dict[str, str | bytes] = {}
    made = tables(board)
    for name, table in made.items():
        files[f"{name}.csv"] = table.csv()
        files[f"{name}.tex"] = table.latex()
    files["report.md"] = _markdown(board, made)
    files["report.json"] = json.dumps(_plain(board), indent=1) + "\n"
    pictures = {}
    ranked = [(s.name, s.overall) for s in board.scored]
    for kind in measures(board.protocol):
        pictures[kind] = plots.png(plots.curves(kind, ranked, board.title))
        files[f"{kind}.png"] = pictures[kind]
    files["report.html"] = page.render(board, made, pictures)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (out / name).write_bytes(data)
    return [out / name for name in files]


def _markdown(board: Board, made: Mapping[str, Table]) -> str:
    parts = [
        f"# {board.title}\n\nProtocol {board.protocol.name}: {board.protocol.source}"
    ]
    parts += [
        f"## {page.heading(name)}\n\n{table.markdown()}" for name, table in made.items()
    ]
    return "\n\n".join(parts)


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
    }
