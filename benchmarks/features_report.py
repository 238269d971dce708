"""The table of ``features_table.py`` from its scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import seed_tables
from seed_tables import deviation, summary
from tabulate import tabulate

from tirjax_shell.measuring import facts

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


def collected(workdir: Path) -> dict[str, list[dict[str, Any]]]:
    """What was measured by row, with and without motion, one entry a seed."""
    names = [name for row in ROWS for name in (row, f"{row}+motion")]
    return seed_tables.collected(workdir, names)


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Success, precision and normalised precision on both kinds."""
    kinds = list(summary(next(iter(found.values()))[0]["sequences"]))
    lines = []
    for name, runs in found.items():
        each = [summary(run["sequences"]) for run in runs]
        cells = [deviation([s[k][i] for s in each]) for k in kinds for i in range(3)]
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
    about = seed_tables.about({name: getattr(options, name) for name in SHOWN})
    file = options.workdir / "translator.json"
    if file.exists():
        errors = json.loads(file.read_text())
        text = ", ".join(f"{who} {error}" for who, error in errors.items())
        about["error on the translated scenes, grey levels"] = text
    text = (
        "# Features for ECO on a small scale\n\nPercent, mean ± standard deviation "
        "over seeds: success (S), precision (P), normalised\nprecision (NP). Written "
        "by `benchmarks/features_table.py`, whose docstring says what\nthe rows are."
        "\n\n"
        f"{facts(about)}\n\n{table(found)}\n\n## Success on each real sequence\n\n"
        f"{table_by_sequence(found)}\n"
    )
    seed_tables.write(options.out, "features_table", about, found, text)
