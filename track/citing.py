"""Published numbers beside measured ones: which, and how they are marked."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tirjax.data import DataError
from tirjax.evaluation import published
from tirjax.evaluation.published import Published, Source

from .tables import Table

VOT = ("eao", "accuracy", "robustness")


@dataclasses.dataclass(frozen=True)
class Cited:
    """A row of a published table.

    Attributes:
      name: the paper's, with the table's in brackets: marked wherever it stands.
      numbers: by attribute, the empty one over all sequences, and measure.
      source: where they are from.
    """

    name: str
    numbers: Mapping[str, Mapping[str, float]]
    source: Source

    def overall(self, measure: str) -> float | None:
        """The number over all sequences, if it is printed."""
        return self.numbers.get("", {}).get(measure)


def cited(wanted: Sequence[str], dataset: str) -> list[Cited]:
    """Rows of the published tables that are about a data set.

    Args:
      wanted: ``TABLE`` or ``TABLE:ROW,ROW``.
      dataset: name of the data set.

    Raises:
      DataError: no such table or row, or it is about other data.
    """
    found = [one for text in wanted for one in _rows(text, dataset)]
    return list({one.name: one for one in found}.values())


def _rows(text: str, dataset: str) -> list[Cited]:
    name, _, chosen = text.partition(":")
    table = published.table(name)
    about = [row for row in table if row.about(dataset)]
    if not about:
        others = ", ".join(dict.fromkeys(row.data for row in table))
        raise DataError(
            f"--published {name} is about {others}, the results are of {dataset}; "
            "report each data set with its own tables"
        )
    rows: dict[str, list[Published]] = {}
    for row in about:
        rows.setdefault(row.row, []).append(row)
    names = [n.strip() for n in chosen.split(",") if n.strip()] or list(rows)
    unknown = [n for n in names if n not in rows]
    if unknown:
        raise DataError(
            f"--published {name} has no row {unknown[0]!r}; it has {', '.join(rows)}"
        )
    return [
        Cited(
            f"{n} [{name}]", {r.attribute: r.numbers for r in rows[n]}, about[0].source
        )
        for n in names
    ]


def sources(found: Sequence[Cited]) -> list[Source]:
    """Where the rows are from, each table once."""
    return list({c.source.name: c.source for c in found}.values())


def notes(found: Sequence[Cited]) -> list[str]:
    """The same in words, a line a table."""
    return [
        f"[{s.name}] {s.paper}, {s.place}; protocol {s.protocol}. {s.note}"
        for s in sources(found)
    ]


def remarks(found: Sequence[Cited], total: int) -> list[str]:
    """What keeps the numbers from being comparable with scores over ``total``."""
    return [
        f"{s.name} averages over cut {s.cut}, the results over {total} sequences"
        for s in sources(found)
        if s.cut and s.cut != str(total)
    ]


def merged(table: Table, found: Sequence[Cited], columns: Mapping[str, str]) -> Table:
    """The overall table with published rows in their places, and a column saying so.

    Args:
      table: of trackers, best first.
      found: published rows; without any the table is returned as it is.
      columns: measure by header; the first ranks.
    """
    if not found:
        return table
    at = table.headers.index(next(iter(columns)))
    rows = [[*row, "run"] for row in table.rows]
    for one in found:
        row: list = [_cell(one, columns.get(head, "")) for head in table.headers[1:]]
        if not all(cell is None for cell in row):
            where = f"published, {one.source.place}"
            rows.append([one.name, *row, where])
    rank = lambda row: -1.0 if row[at] is None or np.isnan(row[at]) else row[at]
    rows.sort(key=lambda row: -rank(row))
    return table._replace(headers=[*table.headers, "from"], rows=rows)


def _cell(one: Cited, measure: str) -> float | str | None:
    """A number; as text where the largest is not the best."""
    value = one.overall(measure)
    form = {"robustness": ".2f", "fps": ".1f"}.get(measure)
    return value if value is None or form is None else format(value, form)


def vot_table(found: Sequence[Cited]) -> Table | None:
    """Published accuracy, robustness and expected overlap; None if no row has them."""
    have = [c for c in found if c.overall("eao") is not None]
    if not have:
        return None
    rows = [
        [
            c.name,
            *(_cell(c, m) for m in (*VOT, "fps")),
            f"published, {c.source.place}",
        ]
        for c in sorted(have, key=lambda c: -(c.overall("eao") or 0))
    ]
    heads = ["tracker", "EAO", "accuracy", "robustness", "frames/s", "from"]
    return Table(heads, rows)
