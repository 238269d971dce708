"""What reports of one pass and of runs with restarts share: opening, and writing."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tirjax.data import DataError, SequenceList
from tirjax.data import Sequence as Clip

from . import catalogue, citing, page, scoring, truths
from .citing import Cited
from .entries import Entry, about, distinct
from .options import Report
from .tables import Table, escaped

_Board = TypeVar("_Board")


@dataclasses.dataclass(frozen=True)
class Opened:
    """The data set that results are of.

    Attributes:
      dataset: its name.
      title: with its cut, or the name of a folder.
      protocol: told or recorded; None if nothing says it.
      total: number of its sequences.
      clips: sequences with results, by name.
      entries: where the results are from, by name of tracker.
      cited: rows of published tables.
    """

    dataset: str
    title: str
    protocol: str | None
    total: int
    clips: Mapping[str, Clip]
    entries: Mapping[str, Entry]
    cited: Sequence[Cited]


def opened(
    entries: list[Entry],
    options: Report,
    done: Callable[[Path], Iterable[str]],
    truth: Path | None = None,
) -> Opened:
    """Opens the data set that the entries are results of.

    Args:
      entries: at least one.
      options: of the command.
      done: sequences with results in a tracker's folder.
      truth: folder of the annotations alone, in place of the data set.

    Raises:
      DataError: nothing says which it is, or no sequence of it has results.
    """
    said = about(entries, options)
    name, cut = said["dataset"], said["cut"]
    data: SequenceList
    if truth is None:
        data = catalogue.dataset(name, said["data"], cut)
    else:
        data = truths.annotations(name, truth, cut)
    clips = scoring.load(data, set().union(*(done(e.folder) for e in entries)))
    if not clips:
        raise DataError(
            f"no annotated sequence of {name} has results in {entries[0].folder}; is "
            "it the right data set and cut?"
        )
    # `folder` says nothing; its own name does.
    own = (truth or said["data"]).name if name == "folder" else name
    return Opened(
        dataset=name,
        title=" ".join(filter(None, [own, cut])),
        protocol=options.protocol or said["protocol"],
        total=len(data),
        clips=clips,
        entries=distinct(entries),
        cited=citing.cited(options.published, name),
    )


def each(
    found: Mapping[Path, list[Entry]],
    baselines: list[Entry],
    out: Path,
    assemble: Callable[[list[Entry]], _Board],
    write: Callable[[_Board, Path], object],
) -> list[tuple[_Board, Path]]:
    """What was reported, a board a data set, and the folder it was written to."""
    made = []
    for folder, entries in found.items():
        board = assemble([*entries, *baselines])
        place = out if len(found) == 1 else out / folder.name
        write(board, place)
        made.append((board, place))
    return made


def say(main: Table, name: str, source: str, place: Path) -> None:
    """Prints the main table, whose rules it follows, and where the rest is."""
    print(f"{main.plain()}\n")
    print(f"protocol {name}: {source}")
    print(f"tables, plots and page: {place / 'report.html'}")


def files(
    out: Path,
    tables: Mapping[str, Table],
    pictures: Mapping[str, bytes],
    texts: Mapping[str, str],
) -> list[Path]:
    """Writes every file of a report: tables as CSV and LaTeX, PNG, and ``texts``."""
    content: dict[str, str | bytes] = {**texts}
    for name, table in tables.items():
        content |= {f"{name}.csv": table.csv(), f"{name}.tex": table.latex()}
    content |= {f"{name}.png": picture for name, picture in pictures.items()}
    out.mkdir(parents=True, exist_ok=True)
    for name, body in content.items():
        data = body.encode() if isinstance(body, str) else body
        (out / name).write_bytes(data)
    return [out / name for name in content]


def markdown(
    title: str, rules: str, tables: Mapping[str, Table], notes: Sequence[str]
) -> str:
    """The report as Markdown."""
    parts = [f"# {title}\n\nProtocol {rules}"]
    parts += [f"## {page.heading(n)}\n\n{t.markdown()}" for n, t in tables.items()]
    if notes:
        parts.append("## Notes\n\n" + "\n".join(f"- {escaped(n)}" for n in notes))
    return "\n\n".join(parts) + "\n"
