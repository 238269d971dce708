"""What we want of our own speed, and whether a record of `track bench` shows it.

A figure recorded elsewhere was not taken in the same run, and says so.
"""

from typing import Any, NamedTuple

import numpy as np

WORDS = (
    "Our own aims. Where PyTracking did not run in the same turns, its figures were "
    "recorded elsewhere: its own settings, a machine with two x86-64 cores and no GPU, "
    "targets never lost, the lower and the higher median of two runs. They hold beside "
    "a CPU like it alone. A goal is met when the worse end of the spread meets it."
)

# Frames a second of PyTracking at commit 7eb9e74 on the CPU, two threads.
RECORDED = {"dimp18": (7.2, 8.4), "dimp50": (4.5, 4.6), "atom": (6.9, 7.6)}
TIMES = 1.3  # as fast as that
BESIDE = {
    "eco_hc": ("opencv csrt", "opencv nano"),
    "dcfnet": ("opencv csrt", "opencv nano"),
}
START = 5.0  # seconds to the first box from a filled cache


class Goal(NamedTuple):
    """One aim.

    Attributes:
      what: is measured.
      wanted: of it.
      found: in the record, or ``not measured``.
      verdict: ``met``, ``missed``, ``within the spread`` or empty.
    """

    what: str
    wanted: str
    found: str
    verdict: str


def goals(record: dict[str, Any]) -> list[Goal]:
    """Those about the trackers that were measured."""
    return [*_pytracking(record), *_beside(record), *_starts(record)]


def _alone(record: dict[str, Any], kind: str, name: str) -> np.ndarray:
    """Frames a second of one clip; empty if not measured."""
    entry = record[kind].get(name, {})
    return np.array(entry.get("frames_per_second", {}).get("1", []))


def _judged(what: str, wanted: str, ratios: np.ndarray, least: float) -> Goal:
    if not ratios.size:
        return Goal(what, wanted, "not measured", "")
    low, middle, high = np.percentile(ratios, [10, 50, 90])
    found = f"{middle:.2f} ({low:.2f}-{high:.2f})"
    verdict = (
        "met" if low >= least else "missed" if high < least else "within the spread"
    )
    return Goal(what, wanted, found, verdict)


def _pytracking(record: dict[str, Any]) -> list[Goal]:
    """Beside the same tracker in the same turns, or else beside the recorded one."""
    cpu = str(record["conditions"].get("device", "")).startswith("cpu")
    found = []
    for name, figures in RECORDED.items():
        ours = _alone(record, "trackers", name)
        same = [p for p, e in record["peers"].items() if e.get("same_as") == name]
        for peer in same if ours.size else ():
            ratios = _ratios(ours, _alone(record, "peers", peer))
            found.append(_judged(f"{name} over {peer}", f"{TIMES}", ratios, TIMES))
        if ours.size and cpu and not same:
            what = f"{name} over PyTracking's {figures[0]} to {figures[1]} frames/s"
            ratios = np.concatenate([ours / figure for figure in figures])
            found.append(_judged(what, f"{TIMES}, recorded elsewhere", ratios, TIMES))
    return found


def _ratios(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Of equal turns, as many as both have."""
    count = min(len(ours), len(theirs))
    return ours[:count] / theirs[:count]


def _beside(record: dict[str, Any]) -> list[Goal]:
    found = []
    for name, peers in BESIDE.items():
        ours = _alone(record, "trackers", name)
        for peer in peers if ours.size else ():
            ratios = _ratios(ours, _alone(record, "peers", peer))
            found.append(_judged(f"{name} over {peer}", "1", ratios, 1.0))
    return found


def _starts(record: dict[str, Any]) -> list[Goal]:
    found = []
    for name, entry in record["trackers"].items():
        seconds = entry.get("start", {}).get("cached", {}).get("seconds")
        if seconds is not None:
            verdict = "met" if seconds < START else "missed"
            what = f"{name}, start to first box, cached"
            found.append(
                Goal(what, f"under {START:.0f} s", f"{seconds:.1f} s", verdict)
            )
    return found
