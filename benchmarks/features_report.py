"""The table of ``features_table.py`` from its scores."""

import datetime
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tabulate import tabulate

ROWS = (
    "hc",
    "dcfnet",
    "random",
    "few",
    "translated",
    "both",
    "thermal",
    "grey",
)
MEASURES = ("success", "precision", "norm_precision")
SHOWN = (
    "few",
    "many",
    "unlabelled",
    "updates",
    "translator_width",
    "widths",
    "side",
    "steps",
    "batch",
    "first",
    "last",
    "sigma",
    "sample",
    "clips",
    "frames",
    "real_frames",
)


def summary(entries: list[dict[str, Any]]) -> dict[str, tuple[float, ...]]:
    """Means over the sequences of each kind."""
    kinds = defaultdict(list)
    for entry in entries:
        kinds[entry["kind"]].append([entry[m] for m in MEASURES])
    return {k: tuple(np.mean(v, 0).round(4).tolist()) for k, v in kinds.items()}


def collected(workdir: Path) -> dict[str, list[dict[str, Any]]]:
    """What was measured by row, with and without motion, one entry a seed."""
    found = {}
    for row in ROWS:
        for name in (row, f"{row}+motion"):
            files = sorted(workdir.glob(f"{name}-seed*.json"))
            scores = [f for f in files if not f.name.endswith(".losses.json")]
            if scores:
                found[name] = [json.loads(file.read_text()) for file in scores]
    return found


def spread(values: list[float]) -> str:
    """Mean, and the standard deviation over the seeds if there are several."""
    mean = f"{100 * np.mean(values):.1f}"
    return mean if len(values) < 2 else f"{mean} ± {100 * np.std(values, ddof=1):.1f}"


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Success, precision and normalised precision on both kinds."""
    kinds = list(summary(next(iter(found.values()))[0]["sequences"]))
    lines = []
    for name, runs in found.items():
        each = [summary(run["sequences"]) for run in runs]
        cells = [spread([s[k][i] for s in each]) for k in kinds for i in range(3)]
        ends = [run["losses"] for run in runs if run["losses"]]
        fall = " → ".join(f"{x:.2f}" for x in np.mean(ends, 0)) if ends else "–"
        lines.append([name, len(runs), *cells, fall])
    heads = [f"{kind} {m}" for kind in kinds for m in ("S", "P", "NP")]
    return tabulate(lines, ["row", "seeds", *heads, "loss"], "github")


def table_by_sequence(found: dict[str, list[dict[str, Any]]]) -> str:
    """Success on each real sequence, mean over the seeds."""
    first = next(iter(found.values()))[0]["sequences"]
    names = [e["name"] for e in first if e["kind"] == "real"]
    lines = []
    for row, runs in found.items():
        of = lambda run: {e["name"]: e["success"] for e in run["sequences"]}
        each = [of(run) for run in runs]
        lines.append(
            [row, *(f"{100 * np.mean([s[n] for s in each]):.1f}" for n in names)]
        )
    return tabulate(lines, ["row", *names], "github")


def report(options: Any) -> None:
    """Writes the tables."""
    found = collected(options.workdir)
    about = {
        "date": datetime.date.today().isoformat(),
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
    }
    about |= {name: getattr(options, name) for name in SHOWN}
    file = options.workdir / "translator.json"
    if file.exists():
        errors = json.loads(file.read_text())
        text = ", ".join(f"{who} {error}" for who, error in errors.items())
        about["error on the translated scenes, grey levels"] = text
    facts = "\n".join(f"* {key}: {value}" for key, value in about.items())
    text = (
        "# Features for ECO on a small scale\n\nPercent, mean ± standard deviation "
        "over seeds: success (S), precision (P), normalised\nprecision (NP). Written "
        "by `benchmarks/features_table.py`, whose docstring says what\nthe rows are."
        "\n\n"
        f"{facts}\n\n{table(found)}\n\n## Success on each real sequence\n\n"
        f"{table_by_sequence(found)}\n"
    )
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / "features_table"
    target.with_suffix(".md").write_text(text)
    target.with_suffix(".json").write_text(
        json.dumps({"conditions": about, "rows": found}) + "\n"
    )
    print(text)
