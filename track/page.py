"""The report as one HTML page that needs nothing else."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from . import citing, compare, hardest, scoring
from .tables import Table

if TYPE_CHECKING:
    from .report import Board
    from .trial_report import Board as TrialBoard

_HEADINGS = {
    "attributes": "All measures by attribute, percent",
    "hardest": "Sequences that are hardest for all",
    "intervals": "Scores with 95 % intervals",
    "published": "Published, with restarts",
}


def render(
    board: "Board", tables: Mapping[str, Table], pictures: Mapping[str, bytes]
) -> str:
    """The page.

    Args:
      board: what is reported.
      tables: by heading.
      pictures: PNG plots by name.

    Returns:
      HTML with styles and images inside; every name in it is escaped.
    """
    return _template("report.html").render(
        board=board,
        tables=tables,
        headings={name: heading(name) for name in tables},
        incomplete=any(len(s.curves) < board.total for s in board.scored),
        pictures={k: _inline(v, "png") for k, v in pictures.items()},
        worst=_gallery(hardest.worst(board)),
        parted=_gallery(hardest.parted(board)),
        sources=citing.sources(board.cited),
        method=compare.METHOD,
    )


def render_trials(
    board: "TrialBoard", tables: Mapping[str, Table], pictures: Mapping[str, bytes]
) -> str:
    """The page of runs with restarts; arguments as for ``render``."""
    return _template("trials.html").render(
        board=board,
        tables=tables,
        headings={name: heading(name) for name in tables},
        incomplete=any(len(t.measured) < board.total for t in board.tried),
        pictures={k: _inline(v, "png") for k, v in pictures.items()},
        sources=citing.sources(board.cited),
    )


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(name)


def heading(name: str) -> str:
    """A table's file name as words."""
    if name in _HEADINGS:
        return _HEADINGS[name]
    what, _, kind = name.partition("_")
    if not kind:
        return what.capitalize()
    if what == "differences":
        return f"{scoring.LABELS[kind].capitalize()}: pairs of trackers"
    label = scoring.LABELS.get(kind, "EAO" if kind == "eao" else kind)
    return f"{label[0].upper()}{label[1:]} by {what.rstrip('s')}"


def _gallery(shown: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [(caption, _inline(jpeg, "jpeg")) for caption, jpeg in shown]


def _inline(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
