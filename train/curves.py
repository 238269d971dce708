"""Every metric of a run over its steps, as one picture."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLUMNS, DPI = 3, 100
NOT_METRICS = ("step", "time")


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a ``metrics.jsonl``; a last line cut short is left out.

    Args:
      path: file; one that is missing has no records.
    """
    try:
        lines = Path(path).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [record for line in lines if (record := _parsed(line))]


def curves(records: Iterable[Mapping[str, Any]]) -> Figure:
    """A small plot of each metric; logarithmic where all values are positive.

    Args:
      records: ``step`` and metrics; a value that is None leaves a gap.
    """
    series: dict[str, list[tuple[float, float]]] = {}
    for record in records:
        for name, value in record.items():
            if name not in NOT_METRICS:
                number = math.nan if value is None else value
                series.setdefault(name, []).append((record["step"], number))
    columns = max(1, min(COLUMNS, len(series)))
    rows = max(1, -(-len(series) // columns))
    figure = Figure((3.6 * columns, 2.5 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(series) :]:
        axes.set_axis_off()
    for axes, (name, points) in zip(panels, series.items(), strict=False):
        _panel(axes, name, np.array(points, float))
    return figure


def write(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Draws ``curves`` into a PNG."""
    figure = curves(records)
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


def _panel(axes, name: str, points: np.ndarray) -> None:
    steps, values = points.T
    # A line of one point is invisible.
    axes.plot(steps, values, linewidth=1.2, marker="." if len(points) < 50 else None)
    finite = values[np.isfinite(values)]
    if finite.size and (finite > 0).all():
        axes.set_yscale("log")
    axes.set_title(name.replace("$", r"\$"), fontsize=10)
    axes.set_xlabel("step", fontsize=8)
    axes.tick_params(labelsize=8, which="both")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.grid(color="0.9")
    axes.set_axisbelow(True)


def _parsed(line: str) -> dict[str, Any] | None:
    """A record; None for what is none."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "step" in record else None
