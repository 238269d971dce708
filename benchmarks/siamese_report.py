"""The tables of ``siamese_table.py``."""

import dataclasses
from typing import Any

import numpy as np
import seed_tables
from seed_tables import Entry, collected, deviation, summary
from tabulate import tabulate

from tirjax_shell.measuring import facts

# Of MMNet's paper: EAO on VOT-TIR2015 (table 1), success on PTB-TIR in percent (2).
# Source: Liu et al., Multi-Task Driven Feature Models for Thermal Infrared Tracking,
# AAAI 2020.
TABLE1 = {
    "dis": ".282",
    "cls": ".307",
    "fine_hc": ".322",
    "fine_pc": ".326",
    "only_vid": ".332",
}
TABLE2 = {
    "only_vid": "50.2",
    "only_tir": "51.9",
    "re_training": "52.1",
    "fine_tuning": "52.5",
    "mix_training": "53.9",
}
NETS = ("siamfc", "cfnet", "mlssnet")
OTHERS = (*NETS, "mlssnet_longer")
_LABELS = {"only_vid": "all (only_vid)"}


def losses(runs: list[Entry], what: str = "loss") -> str:
    """First and last, means over the seeds; a dash where nothing was learned."""
    ends = [run["metrics"][what] for run in runs if what in run["metrics"]]
    if not ends:
        return "–"
    first, last = np.mean(ends, 0)
    return f"{first:.3f} → {last:.3f}"


def gain(found: dict[str, list[Entry]], row: str, kind: str, what: str) -> str:
    """A measure over the untrained network's, ± the standard error over sequences.

    Both are means over their seeds.
    """
    name = row.removesuffix("_longer")
    base = f"untrained {name if name in NETS else 'mmnet'}"
    if "untrained" in row or base not in found:
        return "–"

    def measured(runs):
        chosen = [[e for e in r["sequences"] if e["kind"] == kind] for r in runs]
        return np.mean([[e[what] for e in run] for run in chosen], 0)

    apart = 100 * (measured(found[row]) - measured(found[base]))
    return f"{apart.mean():+.1f} ± {apart.std(ddof=1) / len(apart) ** 0.5:.1f}"


def table(found: dict[str, list[Entry]], rows: tuple[str, ...], paper: Any) -> str:
    """Losses, success and precision of some rows, and what the paper has."""
    there = [row for row in rows if row in found]
    kinds = [*summary(found[there[0]][0]["sequences"])]
    lines = []
    for row in there:
        runs = found[row]
        each = [summary(run["sequences"]) for run in runs]
        line = [_LABELS.get(row, row), len(runs), losses(runs)]
        line += [losses(runs, f"held_{what}") for what in ("loss", "miss")]
        for kind in kinds:
            for i, measure in enumerate(("success", "precision")):
                line.append(deviation([s[kind][i] for s in each]))
                line.append(gain(found, row, kind, measure))
        lines.append([*line, paper.get(row, "–")])
    heads = [f"{kind} {m}" for kind in kinds for m in ("S", "gain", "P", "gain")]
    heads = ["row", "seeds", "loss", "held-out loss", "held-out miss", *heads, "paper"]
    return tabulate(lines, heads, "github", disable_numparse=True)


def sequences_table(found: dict[str, list[Entry]]) -> str:
    """Success on every real sequence."""
    names = [e["name"] for e in next(iter(found.values()))[0]["sequences"]]
    kinds = [e["kind"] for e in next(iter(found.values()))[0]["sequences"]]
    real = [i for i, kind in enumerate(kinds) if kind == "real"]
    lines = [
        [row, *(deviation([r["sequences"][i]["success"] for r in runs]) for i in real)]
        for row, runs in found.items()
    ]
    heads = ["row", *(names[i] for i in real)]
    return tabulate(lines, heads, "github", disable_numparse=True)


def about(options: Any) -> dict[str, Any]:
    """Where and with what it was measured."""
    left_out = ("workdir", "out", "report", "rows", "hit_uav", "real")
    shown = dataclasses.asdict(options)
    given = {k: v for k, v in shown.items() if k not in left_out}
    given["hit_uav"] = "its tracks" if options.hit_uav else "none"
    return seed_tables.about(given)


def report(options: Any, rows: tuple[str, ...]) -> None:
    """Writes the tables."""
    found = collected(options.workdir, rows)
    conditions = about(options)
    untrained = tuple(row for row in rows if row.startswith("untrained"))
    text = (
        "# Siamese trackers, trained on a small scale\n\nSuccess (S) and precision at "
        "20 pixels (P) in percent, mean ± standard deviation over seeds; gain over "
        "the same network\nuntrained, ± standard error over sequences. Clutter: "
        "held-out clips where nothing hides.\nLoss of the first and last 20 steps. "
        "On held-out pairs, before and after: "
        "loss, and the share of positive pairs whose peak is off\nthe target (miss). "
        "Written by `benchmarks/siamese_table.py`, whose docstring says what is\n"
        f"compared.\n\n{facts(conditions)}\n\n"
        "## Branches of MMNet (its table 1)\n\n"
        "Trained on colour clips in grey; paper: EAO on VOT-TIR2015.\n\n"
        f"{table(found, (*TABLE1, 'untrained mmnet'), TABLE1)}\n\n"
        "## Strategies (its table 2)\n\nPaper: success on PTB-TIR, percent.\n\n"
        f"{table(found, (*TABLE2, 'untrained mmnet'), TABLE2)}\n\n"
        "## The others\n\nSiamFC and CFNet from thermal clips, MLSSNet from both "
        "kinds; `longer`: five times the\nupdates, three times the rates, targets up "
        "to 32 pixels (of 255) off the middle of search regions.\n\n"
        f"{table(found, (*OTHERS, *untrained), {})}\n\n"
        f"## Success on the real sequences\n\n{sequences_table(found)}\n"
    )
    seed_tables.write(options.out, "siamese_table", conditions, found, text)
