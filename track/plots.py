"""Plots: scores over the frames of a clip, and the curves of a benchmark."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tirjax.evaluation.scores import Scores

from .view import PALETTE

# Beyond as many trackers a legend hides the curves; the others stay, in grey.
LEGEND = 10
LONGEST = 34  # characters of a name that leave room for curves
FEW = 3  # published scores that always have a place in it
DPI = 120

_KINDS = {
    "success": ("Success", "overlap threshold", "share of frames above it"),
    "precision": ("Precision", "distance of centres, pixels", "share within it"),
    "norm_precision": (
        "Normalised precision",
        "distance of centres over the target's size",
        "share within it",
    ),
}


def over_time(
    scores: Mapping[str, np.ndarray],
    overlaps: Mapping[str, np.ndarray],
    frames: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Score of each tracker frame by frame, and its overlap where truth is known.

    Args:
      scores: ``[t]`` by name of tracker; NaN leaves a gap.
      overlaps: ``[t]`` by name of tracker, in [0, 1]; may be empty.
      frames: their numbers, ``[t]`` by name of tracker; counted from 0 by default.
    """
    panels = 2 if overlaps else 1
    figure = Figure((8.5, 2.6 * panels + 0.4), layout="constrained")
    axes = figure.subplots(panels, 1, squeeze=False, sharex=True)[:, 0]
    _lines(axes[0], scores, frames or {})
    axes[0].set_ylabel("score\n(of the tracker itself)")
    if overlaps:
        _lines(axes[1], overlaps, frames or {})
        axes[1].set(ylabel="overlap with\nground truth", ylim=(-0.03, 1.03))
    axes[-1].set_xlabel("frame")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)
    return figure


def curves(
    kind: str,
    ranked: Sequence[tuple[str, Scores]],
    title: str,
    published: Sequence[tuple[str, float]] = (),
) -> Figure:
    """Success or precision curves, best first in the legend.

    Args:
      kind: ``'success'``, ``'precision'`` or ``'norm_precision'``.
      ranked: scores by name of tracker, all of one protocol, in any order. A tracker
        keeps its colour in every plot of the same ``ranked`` order.
      title: what was evaluated.
      published: scores without a curve by name; they have their place in the legend,
        and a mark where the score is read at one threshold.
    """
    name, xlabel, ylabel = _KINDS[kind]
    protocol = ranked[0][1].protocol
    at = np.array(getattr(protocol, kind).at)
    order = sorted(
        range(len(ranked)), key=lambda i: -np.nan_to_num(getattr(ranked[i][1], kind))
    )
    figure = Figure((5.4, 4.2), layout="constrained")
    axes = figure.subplots()
    shown = []
    for place, i in enumerate(order):
        tracker, scored = ranked[i]
        style = _style(i) if place < LEGEND else {"color": "0.8", "zorder": 1}
        (line,) = axes.plot(
            at,
            getattr(scored, f"{kind}_curve"),
            linewidth=1.8 if place < LEGEND else 0.8,
            **style,
        )
        shown += [(getattr(scored, kind), tracker, line)] if place < LEGEND else []
    threshold = getattr(protocol, kind).score
    best = sorted(published, key=lambda p: -p[1])
    for i, (tracker, score) in enumerate(best[: max(FEW, LEGEND - len(shown))]):
        here = ([threshold], [score]) if isinstance(threshold, float) else ([], [])
        (point,) = axes.plot(*here, "osD^vP*X"[i % 8], color="0.35")
        shown.append((score, tracker, point))
    shown.sort(key=lambda entry: -np.nan_to_num(entry[0]))
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(at[0], at[-1]), ylim=(0, 1))
    axes.set_title(f"{name} · {_plain(title)}", fontsize=11)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    corner = "lower left" if kind == "success" else "lower right"
    axes.legend(
        [line for *_, line in shown],
        [f"{score:.3f}  {_plain(tracker)}" for score, tracker, _ in shown],
        loc=corner,
        fontsize=9,
        framealpha=0.85,
    )
    return figure


def write(figure: Figure, path: Path) -> None:
    """Writes a PNG."""
    path.write_bytes(png(figure))


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes; the same figure gives the same bytes."""
    FigureCanvasAgg(figure)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI, metadata={"Software": None})
    return data.getvalue()


def _lines(
    axes, values: Mapping[str, np.ndarray], frames: Mapping[str, np.ndarray]
) -> None:
    for i, (name, row) in enumerate(values.items()):
        # A clip of one frame has no line to draw.
        look = {"linewidth": 1.3, "marker": "o" if np.isfinite(row).sum() < 2 else None}
        at = frames.get(name, np.arange(len(row)))
        axes.plot(at, row, label=_plain(name), **look, **_style(i))
    axes.grid(color="0.9")
    axes.set_axisbelow(True)


def _style(i: int) -> dict:
    """Colour of tracker ``i``; the dashes change when the colours are used up."""
    dashes = ("-", "--", ":", "-.")
    rgb = np.array(PALETTE[i % len(PALETTE)]) / 255
    return {"color": tuple(rgb), "linestyle": dashes[i // len(PALETTE) % len(dashes)]}


def _plain(text: str) -> str:
    """Text that matplotlib takes as it is: no formulas, no hidden labels, no novels."""
    text = text.lstrip("_") or "-"
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return text.replace("$", r"\$")
