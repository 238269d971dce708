"""Plots of runs with restarts: ranks, expected overlap by length, both axes of VOT."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from tirjax.evaluation.supervised import SENSITIVITY, SupervisedScores

from .plots import LEGEND, _plain, _style

Scored = Sequence[tuple[str, SupervisedScores]]


def ranking(ranked: Scored, title: str) -> Figure:
    """EAO of each tracker over its rank, the best on the right.

    Args:
      ranked: scores by name of tracker, best first.
      title: what was evaluated.
    """
    figure = Figure((5.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for i, (name, scores) in enumerate(ranked):
        style = _mark(i)
        axes.plot(i + 1, scores.eao, linestyle="none", markersize=9, **style)
        if i < LEGEND:
            text = _plain(name)
            axes.annotate(
                text,
                (i + 1, scores.eao),
                (0, 7),
                textcoords="offset points",
                fontsize=8,
                rotation=35,
            )
    top = max((s.eao for _, s in ranked if np.isfinite(s.eao)), default=1.0)
    axes.set(xlabel="rank", ylabel="expected average overlap", ylim=(0, 1.25 * top))
    # Room on the right for the name of the best.
    axes.set_xlim(len(ranked) + 0.6, 0.6 - 0.22 * len(ranked))
    shown = min(len(ranked), LEGEND)
    axes.set_xticks(range(1, shown + 1))
    return _finish(figure, f"EAO ranking · {_plain(title)}")


def expected_overlap(
    ranked: Scored, interval: tuple[int, int] | None, title: str
) -> Figure:
    """Expected overlap by length of the run, the interval of the EAO shaded."""
    figure = Figure((5.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for i, (name, scores) in enumerate(ranked):
        label = f"{scores.eao:.3f}  {_plain(name)}" if i < LEGEND else None
        _curve(axes, scores.curve, i, label)
    _shade(axes, interval)
    axes.set(xlabel="length of the run, frames", ylabel="expected overlap", ylim=(0, 1))
    axes.legend(loc="upper right", fontsize=9, framealpha=0.85)
    return _finish(figure, f"Expected overlap · {_plain(title)}")


def accuracy_reliability(ranked: Scored, title: str) -> Figure:
    """Accuracy over reliability; the best are at the top right."""
    figure = Figure((5.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for i, (name, scores) in enumerate(ranked):
        label = _plain(name) if i < LEGEND else None
        at = scores.reliability, scores.accuracy
        axes.plot(*at, linestyle="none", markersize=9, label=label, **_mark(i))
    survived = f"reliability: survives {SENSITIVITY:.0f} frames with this probability"
    axes.set(xlabel=survived, ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="lower left", fontsize=9, framealpha=0.85)
    return _finish(figure, f"Accuracy and reliability · {_plain(title)}")


def challenges(
    curves: Mapping[str, Sequence[tuple[str, np.ndarray]]],
    interval: tuple[int, int] | None,
) -> Figure:
    """Expected overlap by length, a panel for each challenge.

    Args:
      curves: by challenge, those of each tracker that has it, by name, best first.
      interval: of the EAO.
    """
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure((3.2 * columns + 0.6, 2.5 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes, (challenge, found) in zip(panels.flat, curves.items(), strict=False):
        for i, (name, curve) in enumerate(found):
            _curve(axes, curve, i, _plain(name) if i < LEGEND else None)
        _shade(axes, interval)
        axes.set_title(_plain(challenge.replace("_", " ")), fontsize=10)
        axes.set_ylim(0, 1)
        axes.grid(color="0.9")
    for axes in panels.flat[len(curves) :]:
        axes.set_axis_off()
    panels[0, 0].legend(loc="upper right", fontsize=8, framealpha=0.85)
    figure.supxlabel("length of the run, frames", fontsize=10)
    figure.supylabel("expected overlap", fontsize=10)
    return figure


def _curve(axes, curve: np.ndarray, i: int, label: str | None) -> None:
    style = _style(i) if i < LEGEND else {"color": "0.8", "zorder": 1}
    lengths = np.arange(2, len(curve) + 1)
    width = 1.6 if i < LEGEND else 0.8
    axes.plot(lengths, curve[1:], label=label, linewidth=width, **style)


def _mark(i: int) -> dict:
    """Colour and shape of tracker ``i``."""
    if i >= LEGEND:
        return {"color": "0.8", "marker": "o", "zorder": 1}
    return {"color": _style(i)["color"], "marker": "osD^vP*X"[i % 8]}


def _shade(axes, interval: tuple[int, int] | None) -> None:
    if interval is not None:
        axes.axvspan(*interval, color="0.93", zorder=0)


def _finish(figure: Figure, title: str) -> Figure:
    (axes,) = figure.axes
    axes.set_title(title, fontsize=11)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    return figure
