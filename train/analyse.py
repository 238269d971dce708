"""``train analyse``: how kinds of images differ for a network, and in steepness."""

import collections
import csv
import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tirjax.backbones.first_layer import FirstLayer, first_layer, respond
from tirjax.checkpoints import load_variables, read_about
from tirjax.convert import squeezenet
from tirjax.data.sequence import DataError
from tirjax.evaluation import activations as active
from tirjax.evaluation import gradients as steep
from tirjax.tasks.cyclegan import WAYS, one_way
from tirjax.weights import SHIPPED

from . import about, analysis_plots
from .options import Analyse
from .piles import Pile, open_pile

BOTH = ("activations", "gradients")
AT_ONCE = 8  # images a batch


def analyse(options: Analyse) -> None:
    """Compares piles of images; writes plots and numbers, prints a summary.

    Args:
      options: the command line.

    Raises:
      DataError: a pile, the backbone or a setting cannot be used.
    """
    what = options.what.split(",")
    if strange := [word for word in what if word not in BOTH]:
        raise DataError(f"--what {strange[0]}: choose of {','.join(BOTH)}")
    if len(options.piles) < 2 or options.size < 16 or options.sample < 1:
        raise DataError(
            f"{len(options.piles)} piles, --size {options.size}, --sample "
            f"{options.sample}: at least 2 piles of 1 picture, and 16 pixels"
        )
    opened = [open_pile(p, options.sample, options.size) for p in options.piles]
    piles = _named(opened)
    results: dict[str, Any] = {
        "piles": {
            name: {"path": path.partition("=")[2] or path, "found": pile.found}
            | {"looked at": len(pile)}
            for (name, pile), path in zip(piles.items(), options.piles, strict=True)
        },
        "size": options.size,
        "date": about.now(),
        "versions": about.versions(("jax", "numpy", "pillow")),
    }
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{options.out}: cannot be made ({error.strerror})") from error
    for name, pile in piles.items():
        print(f"{name:<13} {len(pile):,} of {pile.found:,} pictures")
    if BOTH[0] in what:
        results[BOTH[0]] = _activations(piles, options.backbone, options.out)
    if BOTH[1] in what:
        results[BOTH[1]] = _gradients(piles, options.operator, options.out)
    text = json.dumps(about.plain(results), indent=1)
    (options.out / "analysis.json").write_text(text)
    print(f"{'written to':<13} {options.out}")


def _activations(piles: dict[str, Pile], backbone: str, out: Path) -> dict[str, Any]:
    """Shares of the filters of a first layer: plot, table, summary."""
    layer, origin = _first_layer(backbone)
    run = jax.jit(functools.partial(respond, layer))
    means = {}
    for name, pile in piles.items():
        answers = (run(batch)[:n] for batch, n in _batches(pile))
        means[name] = active.mean_activation(np.asarray(a) for a in answers)
    shares = {name: active.activation_ratio(a) for name, a in means.items()}
    kernel = np.asarray(layer.kernel)
    figure = analysis_plots.activations(
        shares, kernel, f"Filters of the first layer · {origin}"
    )
    analysis_plots.write(out / "activations.png", figure)
    rows = zip(range(kernel.shape[-1]), *means.values(), *shares.values(), strict=True)
    header = ["filter", *(f"{n} mean" for n in means), *(f"{n} share" for n in shares)]
    _table(out / "activations.csv", header, rows)
    first, *others = shares
    summary = {
        name: {
            "effective filters": active.effective_filters(share),
            "share of the ten most active": float(np.sort(share)[::-1][:10].sum()),
            "silent filters": int((share < 0.01 / len(share)).sum()),
        }
        for name, share in shares.items()
    }
    for name in others:
        found = active.crossing_rank(shares[first], shares[name])
        moved = 0.5 * float(np.abs(shares[first] - shares[name]).sum())
        summary[name][f"crosses {first} at rank"] = found
        summary[name][f"apart from {first}"] = moved
    print(
        f"first layer   {kernel.shape[-1]} filters of {kernel.shape[0]}x"
        f"{kernel.shape[1]}, {origin}"
    )
    _print(summary)
    return {"backbone": origin, "summary": summary, "mean": means, "share": shares}


def _gradients(
    piles: dict[str, Pile], operator: steep.Operator, out: Path
) -> dict[str, Any]:
    """Histograms of gradients: plot, table, summary."""
    bins = steep.BINS
    found = {n: steep.gradient_histogram(p, bins, operator) for n, p in piles.items()}
    analysis_plots.write(out / "gradients.png", analysis_plots.gradients(found, bins))
    rows = zip(bins[:-1], *found.values(), strict=True)
    _table(out / "gradients.csv", ["from", *found], rows)
    first, *others = found
    summary = {}
    for name, counts in found.items():
        middle = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
        summary[name] = {
            "median gradient": float(bins[middle]),
            "share below 10": float(counts[bins[:-1] < 10].sum() / counts.sum()),
        }
    for name in others:
        apart = steep.histogram_distance(found[first], found[name])
        summary[name][f"apart from {first}"] = apart
    print(f"gradients     {operator}")
    _print(summary)
    return {"operator": operator, "summary": summary, "histogram": found}


def _first_layer(backbone: str) -> tuple[FirstLayer, str]:
    """A first layer and what it is of."""
    path = SHIPPED.get(backbone, Path(backbone))
    if path.suffix == ".npz":
        variables, origin = {"params": squeezenet.read(path)}, path.stem
    else:
        variables = load_variables(path)
        origin = str(read_about(path).get("architecture", path.name))
    if {*WAYS} <= variables["params"].keys():
        variables = one_way(variables)
    found = first_layer(variables)
    if found is None:
        raise DataError(
            f"{backbone}: no first convolution that is known here; give a converted "
            f"network, a training run, SqueezeNet's .npz, or {', '.join(SHIPPED)}"
        )
    return found, origin


def _named(opened: Sequence[Pile]) -> dict[str, Pile]:
    """Piles by name; equal names are numbered."""
    names: dict[str, Pile] = {}
    seen: collections.Counter[str] = collections.Counter()
    for pile in opened:
        seen[pile.name] += 1
        number = f" {seen[pile.name]}" if seen[pile.name] > 1 else ""
        names[f"{pile.name}{number}"] = pile
    return names


def _batches(pile: Pile) -> Iterator[tuple[np.ndarray, int]]:
    """Batches of one shape, the last filled up, and how many of each count."""
    batch: list[np.ndarray] = []
    for picture in pile:
        batch.append(np.broadcast_to(picture, (*picture.shape[:2], 3)))
        if len(batch) == AT_ONCE:
            yield np.stack(batch), AT_ONCE
            batch = []
    if batch:
        filled = batch + [batch[-1]] * (AT_ONCE - len(batch))
        yield np.stack(filled), len(batch)


def _table(path: Path, header: Sequence[str], rows) -> None:
    with path.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(header)
        writer.writerows([f"{value:.6g}" for value in row] for row in rows)


def _print(summary: dict[str, dict[str, Any]]) -> None:
    for name, values in summary.items():
        shown = (
            f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}"
            for k, v in values.items()
        )
        print(f"  {name}: {', '.join(shown)}")
