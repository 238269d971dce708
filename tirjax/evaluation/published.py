"""Numbers that papers print, with where each is from.

A table is ``tables/NAME.csv``, as printed: a line is a row of the paper, of one data
set where the paper's table has several, and of one attribute where it has them. Its
source is in ``tables/sources.json``. Numbers that cannot be read any more are not here;
the source's note says so.

Source: named by ``Published.source`` of each number.
"""

import csv
import dataclasses
import json
from collections.abc import Mapping
from importlib import resources

from tirjax.data.sequence import DataError

SHARES = ("success", "precision", "norm_precision", "eao", "accuracy")
"""Measures that are given in [0, 1] whatever the paper's unit."""

# The challenge of 2017 ran on the sequences of 2016.
_SAME = {"vot_tir2017": "vot_tir2016"}


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a table is from.

    Attributes:
      name: of the table here.
      paper: authors, title, venue.
      place: table or figure in it.
      protocol: whose rules, a name in ``PROTOCOLS`` or words.
      unit: of the shares as printed, ``'share'`` or ``'percent'``.
      note: what a reader has to know.
      cut: part of the benchmark; empty for all of it.
    """

    name: str
    paper: str
    place: str
    protocol: str
    unit: str
    note: str
    cut: str = ""


@dataclasses.dataclass(frozen=True)
class Published:
    """One row of a table on one data set.

    Attributes:
      row: as the paper calls the tracker or the variant.
      data: name of the data set; ``vot_tir2017`` is that of ``vot_tir2016``.
      attribute: name in the benchmark's words; empty over all sequences.
      numbers: by measure: ``success``, ``precision``, ``norm_precision``, ``eao`` and
        ``accuracy`` in [0, 1], ``robustness`` in failures, ``fps``.
      source: where they are from.
    """

    row: str
    data: str
    attribute: str
    numbers: Mapping[str, float]
    source: Source

    def about(self, dataset: str) -> bool:
        """Whether the numbers are of this data set."""
        return dataset in (self.data, _SAME.get(self.data))


def names() -> list[str]:
    """Names of the tables there are."""
    return list(_sources())


def source(name: str) -> Source:
    """Where a table is from.

    Raises:
      DataError: there is no table of this name; lists them.
    """
    found = _sources()
    if name not in found:
        raise DataError(f"no published table {name!r}; there are {', '.join(found)}")
    fields = {k: v for k, v in found[name].items() if k != "data"}
    return Source(name=name, **fields)


def table(name: str) -> list[Published]:
    """The rows of a table, in the paper's order.

    Raises:
      DataError: there is no table of this name; lists them.
    """
    where = source(name)
    data = _sources()[name].get("data", "")
    lines = csv.DictReader(_text(f"{name}.csv").splitlines())
    return [_row(line, data, where) for line in lines]


def _row(line: dict[str, str], data: str, where: Source) -> Published:
    row = line.pop("row")
    data = line.pop("data", data)
    attribute = line.pop("attribute", "")
    numbers = {k: _number(k, v, where.unit) for k, v in line.items() if v}
    return Published(row, data, attribute, numbers, where)


def _number(measure: str, text: str, unit: str) -> float:
    percent = unit == "percent" and measure in SHARES
    # The number nearest to the decimal; a division would round a second time.
    return float(f"{text}e-2") if percent else float(text)


def _sources() -> dict[str, dict[str, str]]:
    return json.loads(_text("sources.json"))


def _text(name: str) -> str:
    file = resources.files("tirjax.evaluation") / "tables" / name
    return file.read_text(encoding="utf-8")
