"""Scores by attribute: a table a measure, the papers' table of all, and a radar."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from tirjax.data.listed import LSOTB_ATTRIBUTES, PTB_ATTRIBUTES

from .citing import Cited
from .plots import _plain, _style
from .scoring import LABELS, Scored, measures
from .tables import MISSING, Table

if TYPE_CHECKING:
    from .report import Board

LEAST, MOST = 3, 8  # axes that make a polygon; trackers that can be told apart in it
_LISTED = LSOTB_ATTRIBUTES, PTB_ATTRIBUTES


def names(scored: Sequence[Scored]) -> list[str]:
    """Attributes that any tracker has a score of, in the benchmark's order.

    Those of a data set without a list are in order of appearance.
    """
    found = dict.fromkeys(a for s in scored for a in s.attributes)
    # PTB-TIR's words are among LSOTB-TIR's, so the shorter list is asked first.
    for listed in sorted(_LISTED, key=len):
        if found.keys() <= set(listed):
            return [a for a in listed if a in found]
    return list(found)


def count(scored: Sequence[Scored], attribute: str) -> int:
    """Sequences with the attribute, of the tracker that has most."""
    found = (s.attributes.get(attribute) for s in scored)
    return max(f.sequences for f in found if f)


def tables(board: "Board") -> dict[str, Table]:
    """By file name: one for each measure, and one with all of them in percent."""
    attributes = names(board.scored)
    if not attributes:
        return {}
    kinds = measures(board.protocol)
    cited = [c for c in board.cited if len(c.numbers) > 1]
    heads = ["attribute", "sequences", *(s.name for s in board.scored)]
    heads += [c.name for c in cited]
    made = {
        f"attributes_{kind}": Table(
            heads,
            [
                [a, count(board.scored, a), *_cells(board.scored, cited, a, kind)]
                for a in attributes
            ],
        )
        for kind in kinds
    }
    both = {kind: made[f"attributes_{kind}"].rows for kind in kinds}
    made["attributes"] = Table(heads, _percent(both, attributes))
    return made


def _cells(
    scored: Sequence[Scored], cited: Sequence[Cited], attribute: str, kind: str
) -> list[float | None]:
    ours = (s.attributes.get(attribute) for s in scored)
    theirs = (c.numbers.get(attribute, {}) for c in cited)
    return [*(f and getattr(f, kind) for f in ours), *(n.get(kind) for n in theirs)]


def _percent(both: Mapping[str, list[list]], attributes: Sequence[str]) -> list[list]:
    """Rows whose cells are all measures in percent, ``68.0 / 80.8 / 72.7``."""
    rows = []
    for i, attribute in enumerate(attributes):
        columns = zip(*(rows[i][2:] for rows in both.values()), strict=True)
        texts = [" / ".join(map(_in_percent, cells)) for cells in columns]
        rows.append([attribute, next(iter(both.values()))[i][1], *texts])
    return rows


def _in_percent(value: float | None) -> str:
    return MISSING if value is None or np.isnan(value) else f"{100 * value:.1f}"


def radar(board: "Board", kind: str) -> Figure | None:
    """One axis an attribute, one polygon a tracker; None with too few attributes.

    An attribute that every sequence has is the overall score again and is left out.
    """
    total = len(board.clips)
    axes_of = [a for a in names(board.scored) if count(board.scored, a) < total]
    if len(axes_of) < LEAST:
        return None
    figure = Figure((6.6, 6.4), layout="constrained")
    axes = cast(PolarAxes, figure.add_subplot(projection="polar"))
    angle = np.linspace(0, 2 * np.pi, len(axes_of), endpoint=False)
    best = sorted(board.scored, key=lambda s: -np.nan_to_num(getattr(s.overall, kind)))
    place = {s.name: i for i, s in enumerate(board.scored)}
    for s in best[:MOST]:
        found = (s.attributes.get(a) for a in axes_of)
        values = [getattr(f, kind) if f else np.nan for f in found]
        axes.plot(
            [*angle, angle[0]],
            [*values, values[0]],
            label=f"{getattr(s.overall, kind):.3f}  {_plain(s.name)}",
            linewidth=1.6,
            **_style(place[s.name]),
        )
    labels = [f"{_broken(a)}\n({count(board.scored, a)})" for a in axes_of]
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    axes.set_rlabel_position(180 / len(axes_of))
    axes.set_xticks(angle, labels, fontsize=8)
    for text, sine in zip(axes.get_xticklabels(), np.sin(angle), strict=True):
        # Away from the circle: clockwise from the top, the right half comes first.
        text.set_horizontalalignment(
            "center" if abs(sine) < 0.1 else "left" if sine > 0 else "right"
        )
    axes.set_ylim(0, None)
    axes.tick_params(axis="y", labelsize=7, colors="0.4")
    axes.grid(color="0.88")
    figure.suptitle(
        f"{LABELS[kind].capitalize()} by attribute · {_plain(board.title)}",
        fontsize=11,
    )
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2,
        fontsize=9,
        frameon=False,
    )
    return figure


def _broken(attribute: str) -> str:
    """At most two words a line."""
    words = _plain(attribute).split()
    return "\n".join(" ".join(words[i : i + 2]) for i in range(0, len(words), 2))
