"""All of LSOTB-TIR through ``track eval`` with a kill in the middle, on made pictures.

    python benchmarks/lsotb_scale.py --annotations DIR                    # shortened
    python benchmarks/lsotb_scale.py --annotations DIR --scale 1 --picture 1 \
        --tracker eco_hc_tir --batch 32 --devices 4

The 120 sequences have their true numbers of frames, times ``--scale``, and boxes; the
pictures are painted (``scale_world``). A process evaluates them until half are complete
and is killed (SIGKILL); a second one finishes. Then the longest few are tracked again
one by one and compared. Times include start, decoding and compilation. ``--scale 1`` is
82,133 frames: minutes to hours, as the device has it; the default is a fortieth of the
frames in pictures of half the size. Runs of other trackers in the report are kept.

The second table is arithmetic: how many frames the slots of a batch would compute for
no sequence at the full lengths, and how evenly ``--shard`` divides them.
"""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from scale_world import items, world
from tabulate import tabulate
from tirjax_track import pools, records
from tirjax_track.__main__ import main as track

from tirjax.data import DATASETS, SequenceList
from tirjax_shell import measuring

RESULTS = Path(__file__).with_name("results")
POLL = 0.05  # seconds between looks at the folder of results
SAME = 2e-3  # pixels; files keep three decimals


@dataclasses.dataclass(frozen=True)
class Options:
    """All of LSOTB-TIR with a kill in the middle.

    Attributes:
      annotations: folder of NAME.txt, LSOTB-TIR's ``anno``.
      tracker: what to run; one without weights.
      scale: share of every sequence's frames; 1 is all.
      picture: size of the pictures over the true one.
      sequences: how many; 0 is all.
      batch: sequences that advance together.
      devices: that the batch is spread over.
      compared: sequences that are tracked again one by one.
      out: Markdown and JSON report, without the ending.
      worker: folder of results; set for the process that is killed.
    """

    annotations: Path
    tracker: str = "mosse"
    scale: float = 0.025
    picture: float = 0.5
    sequences: int = 0
    batch: int = 8
    devices: int = 1
    compared: int = 3
    out: Path = RESULTS / "lsotb_scale"
    worker: Path | None = None


def simulated(options: Options) -> SequenceList:
    """The sequences of a run."""
    shape = options.scale, options.picture, options.sequences
    return world(options.annotations, *shape)


def evaluate(options: Options, out: Path, *arguments: str) -> int:
    """``track eval`` of the simulated set, in this process; its exit status."""
    DATASETS["lsotb_tir"] = lambda root, cut: simulated(options)
    where = "--data", str(options.annotations), "--out", str(out)
    return track(
        ["eval", "lsotb_tir", *where, "--tracker", options.tracker, *arguments]
    )


def work(options: Options, out: Path) -> None:
    """What the process does that is killed, and the one that finishes."""
    how = "--batch", str(options.batch), "--devices", str(options.devices)
    cache = "--cache-dir", str(out.with_name("cache"))  # cold in the first process
    status = evaluate(options, out, *how, *cache)
    memory = jax.local_devices()[0].memory_stats() or {}
    peak = memory.get("peak_bytes_in_use")
    (out / "device.json").write_text(json.dumps({"peak": peak}))
    sys.exit(status)


@dataclasses.dataclass(frozen=True)
class Ended:
    """A process that has ended.

    Attributes:
      status: as the system gives it.
      seconds: it ran.
      memory: most that was resident, bytes.
    """

    status: int
    seconds: float
    memory: int


def process(options: Options, out: Path, enough: int | None) -> Ended:
    """Evaluates in a process of its own; kills it when so many are complete."""
    given = dataclasses.replace(options, worker=out)
    command = [sys.executable, __file__, *_flags(given)]
    folder = out / "lsotb_tir" / options.tracker
    started = time.perf_counter()
    with open(f"{out}.log", "a") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while True:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    break
                if enough is not None and len(records.completed(folder)) >= enough:
                    child.send_signal(signal.SIGKILL)
                    enough = None
                time.sleep(POLL)
        except BaseException:
            child.kill()
            raise
    child.returncode = os.waitstatus_to_exitcode(status)
    spent = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    return Ended(child.returncode, spent, usage.ru_maxrss * unit)


def _last(out: Path) -> str:
    """The end of what the processes said; their folder is about to go."""
    return "\n".join(Path(f"{out}.log").read_text().splitlines()[-20:])


def _flags(options: Options) -> list[str]:
    values = dataclasses.asdict(options).items()
    return [part for k, v in values if v is not None for part in (f"--{k}", str(v))]


def run(options: Options, out: Path) -> dict[str, Any]:
    """Kills, repeats, checks, compares; what was measured."""
    data = simulated(options)
    folder = out / "lsotb_tir" / options.tracker
    first = process(options, out, len(data) // 2)
    if first.status != -signal.SIGKILL:
        raise SystemExit(f"the first process ended by itself:\n{_last(out)}")
    kept = {n: _written(folder, n) for n in records.completed(folder)}
    second = process(options, out, None)
    if second.status:
        raise SystemExit(f"the second process failed:\n{_last(out)}")
    lengths = {clip.name: len(clip.frames) for clip in data}
    made = {n: len(_boxes(folder, n)) for n in records.completed(folder)}
    total = _work(folder)
    busy = total["seconds"]
    device = json.loads((out / "device.json").read_text())["peak"]
    return {
        "sequences": len(data),
        "frames": sum(lengths.values()),
        "complete at the kill": len(kept),
        "complete at the end, every frame there": made == lengths,
        "files of before the kill untouched": all(
            _written(folder, n) == when for n, when in kept.items()
        ),
        "s until the kill": round(first.seconds, 1),
        "s of the repeat": round(second.seconds, 1),
        "s in batches, of both": round(busy, 1),
        "frames/s in batches": round(total["frames"] / busy, 1),
        "frames computed for no sequence, %": round(100 * total["waste"], 2),
        "frames tracked twice for the kill, at least": _twice(total, lengths),
        "peak memory, GiB": round(max(first.memory, second.memory) / 2**30, 2),
        "peak memory of the device, GiB": round(device / 2**30, 2) if device else "-",
        **compare(options, folder, out.with_name("alone"), lengths),
    }


def _twice(total: dict[str, Any], lengths: dict[str, int]) -> int:
    return total["frames"] - sum(lengths.values())


def _work(folder: Path) -> dict[str, Any]:
    manifest = records.read_manifest(folder)
    return manifest["work"] if manifest else {}


def _written(folder: Path, name: str) -> int:
    return (folder / f"{name}.txt").stat().st_mtime_ns


def _boxes(folder: Path, name: str) -> np.ndarray:
    return records.read_record(folder, name, 1).boxes


def compare(
    options: Options, folder: Path, out: Path, lengths: dict[str, int]
) -> dict[str, Any]:
    """The longest sequences one by one: how far their boxes lie from the batch's."""
    longest = sorted(lengths, key=lambda n: -lengths[n])[: options.compared]
    with open(f"{out}.log", "a") as log, contextlib.redirect_stdout(log):
        evaluate(options, out, "--sequences", ",".join(longest))
    alone = out / "lsotb_tir" / options.tracker
    apart = [np.abs(_boxes(folder, n) - _boxes(alone, n)).max() for n in longest]
    return {
        "sequences compared": len(longest),
        "pixels apart at most": round(float(max(apart)), 4),
        "equal": bool(max(apart) < SAME),
        "their frames/s of tracking alone, in batches": _speed(folder, longest),
        "their frames/s of tracking alone, one by one": _speed(alone, longest),
    }


def _speed(folder: Path, names: list[str]) -> float:
    """Frames a second on the device, without decoding and compilation."""
    kept = [records.read_record(folder, name, 1) for name in names]
    seconds = sum(float(k.seconds[1:].sum()) for k in kept)
    return round(sum(len(k.boxes) - 1 for k in kept) / seconds, 1)


def schedule(options: Options) -> list[dict[str, Any]]:
    """Pools of the full lengths: slots, steps and frames for nobody, by batch.

    For a tracker that needs one program for all targets.
    """
    sequences = items(options.annotations)
    frames, rows = sum(item.length for item in sequences), []
    for batch in (1, 4, 8, 16, 32, 64):
        found = pools.pools(sequences, batch)
        taken = [pools.steps([i.length for i in p.items], p.slots) for p in found]
        computed = sum(p.slots * n for p, n in zip(found, taken, strict=True))
        row = {"batch": batch, "pools": len(found), "steps": sum(taken)}
        row |= {"most slots": max(p.slots for p in found)}
        rows.append(
            row | {"for no sequence, %": round(100 * (1 - frames / computed), 1)}
        )
    return rows


def shards(options: Options) -> list[dict[str, Any]]:
    """How much more than an even share the longest part of N processes has."""
    lengths = [item.length for item in items(options.annotations)]
    even = sum(lengths)
    return [
        {
            "processes": n,
            "longest part over an even one": round(
                max(sum(lengths[i::n]) for i in range(n)) * n / even, 3
            ),
        }
        for n in (2, 4, 8, 16)
    ]


def markdown(report: dict[str, Any]) -> str:
    """The report as text: a column a run."""
    runs = report["runs"]
    measured = [[k, *(str(run.get(k, "-")) for run in runs)] for k in runs[0]]
    heads = ["", *(run["tracker"] for run in runs)]
    parts = [
        "# LSOTB-TIR's sequences in batches, with a kill in the middle",
        "Written by `benchmarks/lsotb_scale.py`; its docstring says how.",
        tabulate(measured, heads, "github", disable_numparse=True),
        "## The schedule of the full lengths, computed",
        tabulate(report["schedule"], "keys", "github"),
        tabulate(report["shards"], "keys", "github"),
    ]
    return "\n\n".join(parts) + "\n"


def conditions(options: Options) -> dict[str, Any]:
    """What the numbers depend on."""
    shown = "tracker", "scale", "picture", "batch", "devices"
    where = measuring.conditions()
    about = {k: where[k] for k in ("date", "device", "processors", "python", "jax")}
    about["load at the end"] = where["load at the start"]
    return {name: getattr(options, name) for name in shown} | about


def main(options: Options) -> None:
    """Runs everything and writes the two reports."""
    if options.worker is not None:
        work(options, options.worker)
    with tempfile.TemporaryDirectory() as folder:
        made = run(options, Path(folder) / "results")
    # Only now, or this process would hold the accelerator that the others need.
    new = conditions(options) | made
    path = options.out.with_suffix(".json")
    old = json.loads(path.read_text())["runs"] if path.is_file() else []
    runs = [r for r in old if r["tracker"] != options.tracker] + [new]
    tables = {"schedule": schedule(options), "shards": shards(options)}
    report = {"runs": runs, **tables}
    text = markdown(report)
    measuring.write(path.parent, path.stem, report, text)
    print(text)


if __name__ == "__main__":
    main(tyro.cli(Options))
