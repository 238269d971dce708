"""What tables over several seeds share: scoring, collecting, means with deviations.

A row is trained once a seed; what was measured stands in ``ROW-seedN.json`` in the
workdir, so a repeated command goes on. Measured are the sequences of a few kinds, an
entry each.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tirjax_track.runner import follow

from tirjax.data import Sequence
from tirjax.evaluation import PROTOCOLS, curves, scores
from tirjax.trackers import Tracker
from tirjax_shell import measuring

MEASURES = ("success", "precision", "norm_precision")
PROTOCOL = PROTOCOLS["lsotb"]
RESULTS = Path(__file__).with_name("results")

Entry = dict[str, Any]


def scored(
    tracker: Tracker,
    variables: Any,
    kind: str,
    sequence: Sequence,
    frames: list[np.ndarray],
    **how: int,
) -> Entry:
    """Tracks the frames, the first ones of a sequence, and scores the boxes.

    Args:
      tracker: what to run.
      variables: of its network.
      kind: of the sequence, for ``summary``.
      sequence: its truth.
      frames: the pictures.
      **how: bucket and chunk of ``follow``.
    """
    start, key = sequence.boxes[0], jax.random.key(0)
    run = follow(tracker, variables, frames, start, key, **how)
    boxes = np.array([r.box for r in run], float)
    truth, shown = sequence.boxes[: len(boxes)], sequence.visible[: len(boxes)]
    score = scores([curves(boxes, truth, PROTOCOL, visible=shown)], PROTOCOL)
    entry = {m: float(getattr(score, m)) for m in MEASURES}
    return entry | {"kind": kind, "name": sequence.name}


def summary(entries: list[Entry]) -> dict[str, tuple[float, ...]]:
    """Means over the sequences of each kind."""
    kinds = defaultdict(list)
    for entry in entries:
        kinds[entry["kind"]].append([entry[m] for m in MEASURES])
    return {k: tuple(np.mean(v, 0).round(4).tolist()) for k, v in kinds.items()}


def collected(workdir: Path, rows: Iterable[str]) -> dict[str, list[Entry]]:
    """What was measured by row, one entry a seed; rows that have none are left out."""
    found: dict[str, list[Entry]] = {}
    for row in rows:
        files = sorted(workdir.glob(f"{row.replace(' ', '_')}-seed*.json"))
        scores = [f for f in files if not f.name.endswith(".losses.json")]
        found[row] = [json.loads(file.read_text()) for file in scores]
    return {row: runs for row, runs in found.items() if runs}


def deviation(values: list[float]) -> str:
    """Mean, and the standard deviation over the seeds if there are several."""
    mean = f"{100 * np.mean(values):.1f}"
    return mean if len(values) < 2 else f"{mean} ± {100 * np.std(values, ddof=1):.1f}"


def about(settings: dict[str, Any]) -> dict[str, Any]:
    """Where the tables were made, and with which settings."""
    where = measuring.conditions()
    return {k: where[k] for k in ("date", "device", "jax")} | settings


def write(
    folder: Path, name: str, conditions: dict[str, Any], rows: Any, text: str
) -> None:
    """Writes both reports and prints the text."""
    record = {"conditions": conditions, "rows": rows}
    measuring.write(folder, name, record, text, indent=None)
    print(text)
