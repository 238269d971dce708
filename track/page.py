"""The report as one HTML page that needs nothing else."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from . import citing, compare, hardest, scoring, trial_compare
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

WORST = "The worst frame of each of its hardest sequences; white is the ground truth."
PARTED = (
    "The frame of each sequence in which their overlaps differ most; white is the "
    "ground truth."
)


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
    best = board.scored[0].name
    return _render(
        "report.html",
        board,
        tables,
        pictures,
        names=[s.name for s in board.scored],
        remarks=board.remarks,
        incomplete=any(len(s.curves) < board.total for s in board.scored),
        galleries=[
            (f"Where {best} does worst", WORST, _gallery(hardest.worst(board))),
            ("Where the trackers part", PARTED, _gallery(hardest.parted(board))),
        ],
        method=compare.METHOD,
    )


def render_trials(
    board: "TrialBoard", tables: Mapping[str, Table], pictures: Mapping[str, bytes]
) -> str:
    """The page of runs with restarts; arguments as for ``render``."""
    return _render(
        "trials.html",
        board,
        tables,
        pictures,
        names=[t.name for t in board.tried],
        remarks=[],
        incomplete=any(len(t.measured) < board.total for t in board.tried),
        galleries=[],
        method=trial_compare.METHOD,
    )


def _render(
    file: str,
    board: "Board | TrialBoard",
    tables: Mapping[str, Table],
    pictures: Mapping[str, bytes],
    **more: Any,
) -> str:
    return _template(file).render(
        board=board,
        tables=tables,
        headings={name: heading(name) for name in tables},
        pictures={k: _inline(v, "png") for k, v in pictures.items()},
        sources=citing.sources(board.cited),
        **more,
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
    label = scoring.LABELS.get(kind, "EAO" if kind == "eao" else kind)
    label = f"{label[0].upper()}{label[1:]}"
    if what == "differences":
        return f"{label}: pairs of trackers"
    return f"{label} by {what.rstrip('s')}"


def _gallery(shown: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [(caption, _inline(jpeg, "jpeg")) for caption, jpeg in shown]


def _inline(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
