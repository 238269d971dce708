"""The comparison with OpenCV's trackers as Markdown."""

from typing import Any

import numpy as np
from tabulate import tabulate

from tirjax_shell.measuring import spread

REFERENCE = "opencv csrt"


def markdown(report: dict[str, Any]) -> str:
    """Tables of success, precision and speed.

    Args:
      report: ``conditions``, ``runs`` and ``batched`` as ``opencv_peers`` writes them.
    """
    runs = report["runs"]
    trackers = list(dict.fromkeys(r["tracker"] for r in runs))
    sequences = list(dict.fromkeys(r["sequence"] for r in runs))
    about = ", ".join(f"{k} {v}" for k, v in report["conditions"].items())
    parts = [
        "# Our trackers beside OpenCV's",
        "Written by `benchmarks/opencv_peers.py`; its docstring says what is compared.",
        f"Conditions: {about}.",
        "## Success / precision at 20 pixels, mean over the starts",
        _quality(runs, trackers, sequences),
        "## Spread over the starts: lowest to highest success",
        _spread(runs, trackers, sequences),
        "## Frames per second: median block, and the 10th to 90th percentile",
        _speed(runs, trackers, sequences),
    ]
    if report["batched"]:
        parts += [
            "## Several clips in one batch: frames per second of all of them",
            _batch(report["batched"], runs),
        ]
    return "\n\n".join(parts) + "\n"


def _of(runs: list[dict], **wanted) -> list[dict]:
    return [r for r in runs if all(r[k] == v for k, v in wanted.items())]


def _mean(runs: list[dict], what: str) -> float:
    """Every sequence weighs the same."""
    groups: dict[str, list[float]] = {}
    for run in runs:
        groups.setdefault(run["sequence"], []).append(run[what])
    return float(np.mean([np.mean(g) for g in groups.values()]))


def _table(rows: list[list[str]], header: list[str]) -> str:
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def _quality(runs, trackers, sequences) -> str:
    """A row a sequence, a column a tracker, and the mean below."""
    pair = lambda found: (
        f"{_mean(found, 'success'):.3f} / {_mean(found, 'precision'):.2f}"
    )
    rows = [
        [s] + [pair(_of(runs, tracker=t, sequence=s)) for t in trackers]
        for s in sequences
    ]
    thermal = [r for r in runs if not r["sequence"].startswith("rgb")]
    rows.append(["mean, thermal"] + [pair(_of(thermal, tracker=t)) for t in trackers])
    rows.append(["mean, all"] + [pair(_of(runs, tracker=t)) for t in trackers])
    return _table(rows, ["sequence", *trackers])


def _spread(runs, trackers, sequences) -> str:
    rows = []
    for s in sequences:
        found = [
            [r["success"] for r in _of(runs, tracker=t, sequence=s)] for t in trackers
        ]
        rows.append([s] + [f"{min(f):.3f} - {max(f):.3f}" for f in found])
    return _table(rows, ["sequence", *trackers])


def _blocks(runs: list[dict]) -> np.ndarray:
    return np.concatenate([r["blocks"] for r in runs])


def _speed(runs, trackers, sequences) -> str:
    """Medians with their spread; below, the ratio to the reference, sequence by
    sequence, as a geometric mean."""
    rows, ratios = [], {t: [] for t in trackers}
    for s in sequences:
        row = [s]
        times = {t: _blocks(_of(runs, tracker=t, sequence=s)) for t in trackers}
        for t in trackers:
            row.append(spread(1 / times[t], 0))
            if REFERENCE in times:
                ratios[t].append(np.median(times[REFERENCE]) / np.median(times[t]))
        rows.append(row)
    if ratios.get(REFERENCE):
        mean = lambda values: np.exp(np.mean(np.log(values)))
        rows.append(
            [f"ratio to {REFERENCE}"] + [f"{mean(ratios[t]):.2f}" for t in trackers]
        )
    return _table(rows, ["sequence", *trackers])


def _batch(batched: list[dict], runs) -> str:
    rows = []
    for b in batched:
        speeds = 1 / np.array(b["blocks"])
        alone = 1 / np.median(
            _blocks(
                [
                    r
                    for r in runs
                    if r["sequence"] in b["names"] and r["tracker"] == b["tracker"]
                ]
            )
        )
        rows.append(
            [
                b["tracker"],
                str(b["clips"]),
                spread(speeds, 0),
                f"{alone:.0f}",
                f"{np.median(speeds) / alone:.2f}",
            ]
        )
    return _table(rows, ["tracker", "clips", "together", "one at a time", "gain"])
