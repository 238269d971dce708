"""CMD's tables from the scores of ``cmd_table.py``."""

from pathlib import Path
from typing import Any

import numpy as np
import seed_tables
from seed_tables import deviation, summary
from tabulate import tabulate

from tirjax.data.synthetic import CHALLENGES
from tirjax_shell.measuring import facts

ROWS = ("A1", "B1", "B2", "B3", "C1", "D1", "D2", "D3", "D4", "D5", "labelled")
# LSOTB-TIR, in percent. Source: Sun et al., ACM MM 2021, Table 1.
PAPER = {
    "A1": (66.2, 78.7, 70.7),
    "B1": (67.4, 80.4, 72.1),
    "B2": (67.2, 80.1, 71.9),
    "B3": (67.8, 80.8, 72.5),
    "C1": (67.7, 80.7, 72.5),
    "D1": (67.1, 79.7, 71.8),
    "D2": (67.6, 80.6, 72.3),
    "D3": (68.0, 80.8, 72.7),
    "D4": (67.3, 80.2, 72.1),
    "D5": (67.5, 80.4, 72.3),
}


def collected(workdir: Path) -> dict[str, list[list[dict[str, Any]]]]:
    """Entries by row, one list a seed."""
    found = seed_tables.collected(workdir, ROWS)
    return {row: [run["sequences"] for run in runs] for row, runs in found.items()}


def table1(found: dict[str, list]) -> str:
    """Success, precision, normalised precision on both kinds, and the paper's."""
    kinds = [k for k in ("synthetic", "real") if k in summary(found["A1"][0])]
    base = summary(found["A1"][0])
    lines = []
    for row, runs in found.items():
        each = [summary(entries) for entries in runs]
        line: list[Any] = [row, len(runs)]
        for kind in kinds:
            line += [deviation([s[kind][i] for s in each]) for i in range(3)]
            line.append(
                f"{100 * np.mean([s[kind][0] - base[kind][0] for s in each]):+.1f}"
            )
        line += [" / ".join(map(str, PAPER[row])) if row in PAPER else "–"]
        lines.append(line)
    heads = [f"{k} {m}" for k in kinds for m in ("S", "P", "NP", "gain S")]
    return tabulate(lines, ["row", "seeds", *heads, "paper S / P / NP"], "github")


def table2(found: dict[str, list], rows: tuple[str, ...]) -> str:
    """P / NP / S of some rows on the synthetic clips of each attribute."""
    names = [name.replace("_", " ") for name in CHALLENGES]
    lines = []
    for name in [*names, "all"]:
        line: list[Any] = [name]
        for row in rows:
            cells = [
                [
                    [e[m] for m in ("precision", "norm_precision", "success")]
                    for e in run
                    if e["kind"] == "synthetic"
                    and (name in e["attributes"] or name == "all")
                ]
                for run in found[row]
            ]
            line.append(
                " / ".join(f"{100 * x:.1f}" for x in np.mean(cells, (0, 1)))
                if cells[0]
                else "–"
            )
        count = sum(
            name in e["attributes"] or name == "all"
            for e in found[rows[0]][0]
            if e["kind"] == "synthetic"
        )
        lines.append([*line, count])
    return tabulate(lines, ["attribute", *rows, "clips"], "github")


def report(options: Any) -> None:
    """Writes the tables."""
    found = collected(options.workdir)
    best = tuple(r for r in ("A1", "B3", "C1", "D3", "labelled") if r in found)
    shown = (
        "tracker",
        "preset",
        "statistics",
        "steps",
        "batch",
        "rate",
        "pool",
        "clips",
        "frames",
        "real_frames",
    )
    given = {n: value for n in shown if (value := getattr(options, n)) is not None}
    about = seed_tables.about(given)
    about["pairs"] = ", ".join(text.partition("=")[0] for text in options.pairs)
    text = (
        "# CMD, Table 1 on a small scale\n\nPercent, mean ± standard deviation over "
        "seeds; gains are of success over A1.\nWritten by `benchmarks/cmd_table.py`, "
        f"whose docstring says what is compared.\n\n{facts(about)}\n\n"
        f"{table1(found)}\n\n"
        "## Attributes (form of Table 2)\n\nPrecision / normalised precision / success "
        f"on the synthetic clips.\n\n{table2(found, best)}\n"
    )
    seed_tables.write(options.out, "cmd_table", about, found, text)
