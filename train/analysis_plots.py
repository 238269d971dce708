"""Plots of how active filters are, and of how steep images are."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

DPI = 120
DRAWN = 10  # filters at each end
_GAP, _ZOOM = 1, 4
# From this ratio of the largest to the median share a linear axis hides the others.
_STEEP, _FLOOR = 10, 1e-4
# Told apart with every common colour blindness (after Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def activations(
    shares: Mapping[str, np.ndarray], kernel: np.ndarray, title: str
) -> Figure:
    """Sorted shares of each pile above its most and its least active filters.

    Args:
      shares: ``[k]`` by name of pile.
      kernel: ``[rows, columns, channels, k]``.
      title: what the filters are of.
    """
    rows = len(shares)
    heights = [3.6, *([0.62] * rows)]
    figure = Figure((7.2, 4.0 + 0.75 * rows), layout="constrained")
    grid = figure.add_gridspec(1 + rows, 1, height_ratios=heights)
    axes = figure.add_subplot(grid[0])
    for i, (name, values) in enumerate(shares.items()):
        rank = np.arange(1, len(values) + 1)
        style = {"color": _COLOURS[i % len(_COLOURS)], "linewidth": 1.8}
        axes.plot(rank, np.sort(values)[::-1], label=_plain(name), **style)
    axes.axhline(1 / kernel.shape[-1], color="0.6", linewidth=0.8, linestyle="--")
    axes.set(
        xlabel="filters of the first layer, most active first, for each kind of image",
        ylabel="share of the activation",
        xlim=(1, kernel.shape[-1]),
    )
    _scale(axes, np.stack([*shares.values()]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(axes, title)
    for i, (name, values) in enumerate(shares.items()):
        below = figure.add_subplot(grid[1 + i])
        below.imshow(_filters(kernel, values), cmap="gray", vmin=0, vmax=1)
        below.set_axis_off()
        text = f"{_plain(name)}: most active (left) and least active (right)"
        below.set_title(text, fontsize=9, color=_COLOURS[i % len(_COLOURS)])
    return figure


def gradients(histograms: Mapping[str, np.ndarray], bins: np.ndarray) -> Figure:
    """Pixels an image by the length of their gradient.

    Args:
      histograms: ``[n]`` by name of pile.
      bins: ``[n + 1]`` edges; the last bin holds all that is longer, and is not drawn.
    """
    figure = Figure((7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    for i, (name, counts) in enumerate(histograms.items()):
        colour = _COLOURS[i % len(_COLOURS)]
        beyond = counts[-1] / counts.sum()
        label = f"{_plain(name)} ({beyond:.1%} beyond {bins[-2]:g})"
        axes.plot(bins[:-2], counts[:-1], label=label, color=colour, linewidth=1.8)
    axes.set(
        xlabel="length of the gradient",
        ylabel=f"pixels an image, in bins of {bins[1] - bins[0]:g}",
        xlim=(bins[0], bins[-2]),
    )
    axes.set_ylim(bottom=0)
    _finish(axes, "Gradients")
    return figure


def write(path: Path, figure: Figure) -> None:
    """Writes a PNG."""
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


def _scale(axes, shares: np.ndarray) -> None:
    """Logarithmic where a few filters would press all others down to the axis."""
    top = shares.max()
    if top < _STEEP * np.median(shares):
        axes.set_ylim(bottom=0)
        return
    axes.set_yscale("log")
    lowest = shares[shares > 0].min()
    axes.set_ylim(max(lowest, _FLOOR * top) / 1.5, 1.5 * top)


def _finish(axes, title: str) -> None:
    axes.set_title(_plain(title), fontsize=11)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.legend(loc="upper right", framealpha=0.85)


def _filters(kernel: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The filters at both ends of the order in a row, white between them."""
    order = np.argsort(-values, kind="stable")
    ends = min(DRAWN, len(order) // 2)
    side, blank = kernel.shape[0], np.ones
    tiles: list[np.ndarray] = []
    for group in (order[:ends], order[len(order) - ends :]):
        if tiles:
            tiles.append(blank((side + _GAP, side, 3)))
        for k in group:
            tile = blank((side + _GAP, side + _GAP, 3))
            tile[:side, :side] = _scaled(kernel[..., k])
            tiles.append(tile)
    return np.concatenate(tiles, axis=1)


def _scaled(one: np.ndarray) -> np.ndarray:
    """A filter as a picture: grey is 0, its largest weight is black or white."""
    largest = max(float(np.abs(one).max()), 1e-12)
    shown = 0.5 + one / (2 * largest)
    return np.broadcast_to(shown, (*shown.shape[:2], 3))


def _plain(text: str) -> str:
    """Text that matplotlib takes as it is."""
    return text.replace("$", r"\$").lstrip("_") or "-"
