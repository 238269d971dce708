"""How evaluation grows with devices and hosts: a model from measured numbers.

    python -m track bench --tracker eco_hc,dimp_squeezenet --batch 1,8 --out DIR
    python benchmarks/scaling.py --bench FILE.json --annotations LSOTB --pictures JPEGS

Three parts. *Same boxes*: ``track eval`` on 1, 2 and 4 devices that share this
machine's processor, files compared byte by byte; it says nothing about speed. *Measured
here*: how many pictures a core decodes a second, and their bytes. *Computed*: the
schedule that ``track eval --batch --devices --shard`` makes of true lengths, with the
measured seconds of a step; no link between devices is in it, because evaluation has
none: parameters are copied once, boxes come back. Two minutes.
"""

import dataclasses
import filecmp
import itertools
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import tyro
from scale_world import Item, items
from tabulate import tabulate
from tirjax_track import pools
from tirjax_track.__main__ import main as track
from tirjax_track.canvas import canvas_of
from tirjax_track.runner import BUCKET

from tirjax_shell import measuring

RESULTS = Path(__file__).with_name("results")
SIMULATED = (4, 2, 1)  # devices of one processor; the first run makes them
DEVICES = (1, 4, 8, 64)
A_HOST = 8  # devices of one
CORES = 64  # of a host, that decode
CORPUS = 10_000, 150  # sequences and their frames: a large set of short ones
GOAL = 2000.0  # frames a second of one accelerator: what we aim at, not measured


@dataclasses.dataclass(frozen=True)
class Options:
    """How evaluation grows with devices.

    Attributes:
      bench: JSON of ``track bench`` with batches of 1 and of more.
      annotations: folder of LSOTB-TIR's NAME.txt.
      pictures: folder of JPEG files that are decoded.
      trackers: which of those that were measured; of one program for all targets.
      out: Markdown and JSON report, without the ending.
    """

    bench: Path
    annotations: Path
    pictures: Path
    trackers: tuple[str, ...] = ("eco_hc_tir", "dimp_squeezenet", "dimp50")
    out: Path = RESULTS / "scaling"


class Speed(NamedTuple):
    """Seconds of a step of one device: ``alone + more * (batch - 1)``."""

    alone: float
    more: float

    def step(self, batch: int) -> float:
        """Seconds."""
        return self.alone + self.more * (batch - 1)


def same_boxes(folder: Path) -> list[dict[str, Any]]:
    """The files of a benchmark tracked on one device and on several."""
    rows, most = [], SIMULATED[0]
    for devices in SIMULATED:
        out = folder / str(devices)
        how = "--batch", "4", "--devices", str(devices), "--out", str(out)
        started = time.perf_counter()
        if track(["eval", "synthetic", "--tracker", "mosse", *how]):
            raise SystemExit(f"evaluation on {devices} devices failed")
        spent = time.perf_counter() - started
        first, here = (folder / str(n) / "synthetic/mosse" for n in (most, devices))
        names = sorted(p.name for p in first.glob("*.txt"))
        if not names:
            raise SystemExit(f"no results in {first}")
        _, differ, missing = filecmp.cmpfiles(first, here, names, shallow=False)
        rows.append(
            {
                "devices": devices,
                "files": len(names),
                f"that differ from {most} devices'": len(differ + missing),
                "s, start and compilation included": round(spent, 1),
            }
        )
    return rows


def decoding(folder: Path, rounds: int = 5) -> dict[str, Any]:
    """Pictures a core decodes a second, and what they weigh.

    Raises:
      SystemExit: there are no pictures.
    """
    files = sorted(folder.glob("*.jp*g"))[:60]
    if not files:
        raise SystemExit(f"no JPEG files in {folder}; give a folder of pictures")
    cv2.setNumThreads(1)
    rates = []
    for _ in range(rounds):
        started = time.perf_counter()
        shapes = {cv2.imread(str(f), cv2.IMREAD_GRAYSCALE).shape for f in files}
        rates.append(len(files) / (time.perf_counter() - started))
    rows, cols = max(shapes)
    return {
        "pixels of a picture": f"{cols} x {rows}",
        "bytes of a picture": round(np.mean([f.stat().st_size for f in files])),
        "pictures a second and core": measuring.spread(rates),
        "rate": float(np.median(rates)),
    }


def speeds(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Speed]:
    """Of those trackers that were measured alone and in a batch.

    Raises:
      SystemExit: there is none.
    """
    found = {}
    for name in names:
        entry = record["trackers"].get(name, {})
        rates = entry.get("frames_per_second", {})
        steps = {int(b): int(b) / float(np.median(v)) for b, v in rates.items()}
        if 1 in steps and len(steps) > 1:
            most = max(steps)
            more = (steps[most] - steps[1]) / (most - 1)
            found[name] = Speed(steps[1], max(more, 0.0))
    if not found:
        raise SystemExit("no tracker was measured alone and in a batch; `--batch 1,8`")
    return found


def corpus() -> list[Item]:
    """Many short sequences of one size."""
    count, frames = CORPUS
    canvas = canvas_of([np.zeros((512, 640, 1), np.uint8)], BUCKET)
    return [Item(None, canvas, frames)] * count


def predicted(
    work: Sequence[Item], speed: Speed, devices: int, batch: int, rate: float
) -> dict[str, Any]:
    """Seconds of an evaluation: the host that takes longest.

    Args:
      work: sequences, in the benchmark's order.
      speed: of a device.
      devices: in all, ``A_HOST`` a host.
      batch: slots of a device.
      rate: pictures a core decodes a second.
    """
    hosts = -(-devices // A_HOST)
    local = devices // hosts
    times, bounds, computed = [], [], 0
    for host in range(hosts):
        mine = work[host::hosts]
        if not mine:
            continue
        found = pools.pools(mine, batch * local, local)
        taken = [pools.steps([i.length for i in p.items], p.slots) for p in found]
        tracking = sum(
            n * speed.step(-(-p.slots // local))
            for p, n in zip(found, taken, strict=True)
        )
        computed += sum(p.slots * n for p, n in zip(found, taken, strict=True))
        reading = sum(i.length for i in mine) / (rate * CORES)
        ends = sum(max(i.length for i in p.items) for p in found)
        times.append(max(tracking, reading))
        bound = "longest sequences" if ends >= 0.95 * sum(taken) else "tracking"
        bounds.append("decoding" if reading > tracking else bound)
    frames = sum(i.length for i in work)
    return {
        "frames/s": frames / max(times),
        "for no sequence, %": round(100 * (1 - frames / computed), 1),
        "bound by": bounds[int(np.argmax(times))],
    }


def growth(options: Options, rate: float) -> list[dict[str, Any]]:
    """Frames a second by tracker, benchmark and number of devices."""
    record = json.loads(options.bench.read_text())
    sets = {"LSOTB-TIR": items(options.annotations), "10,000 short": corpus()}
    step = 8 / GOAL
    known = speeds(record, options.trackers) | {
        "an accelerator at the goal": Speed(step, 0.0)
    }
    rows = []
    for (name, speed), (title, work) in itertools.product(known.items(), sets.items()):
        alone = None
        for devices in DEVICES:
            found = predicted(work, speed, devices, 8, rate)
            alone = alone or found["frames/s"]
            share = found["frames/s"] / alone / devices
            found["frames/s"] = round(found["frames/s"])
            row = {"tracker": name, "benchmark": title, "devices": devices}
            rows.append(row | found | {"of an even growth, %": round(100 * share)})
    return rows


def storage(size: float, rate: float) -> list[dict[str, Any]]:
    """What must be read and decoded to keep devices busy at the goal."""
    rows = []
    for devices in DEVICES:
        pictures = devices * GOAL
        rows.append(
            {
                "devices": devices,
                "pictures/s": round(pictures),
                "MB/s from storage": round(pictures * size / 1e6, 1),
                "cores that decode": round(pictures / rate, 1),
                "MB/s to the devices": round(pictures * 640 * 512 / 1e6),
            }
        )
    return rows


def main(options: Options) -> None:
    """Measures, computes and writes."""
    with tempfile.TemporaryDirectory() as folder:
        same = same_boxes(Path(folder))
    decoded = decoding(options.pictures)
    rate = decoded["rate"]
    report = {
        "conditions": measuring.conditions(),
        "same boxes": same,
        "decoding": decoded,
        "growth": growth(options, rate),
        "storage": storage(decoded["bytes of a picture"], rate),
    }
    shown = {k: v for k, v in decoded.items() if k != "rate"}
    parts = [
        "# Evaluation on more devices",
        "Written by `benchmarks/scaling.py`; its docstring says how.",
        measuring.facts(report["conditions"] | shown),
        "## Same boxes: devices that share this processor",
        tabulate(same, "keys", "github"),
        f"## Computed: {A_HOST} devices a host, {CORES} cores that decode, 8 slots a "
        "device",
        tabulate(report["growth"], "keys", "github"),
        f"## Computed: reading for devices that track {GOAL:.0f} frames a second each",
        tabulate(report["storage"], "keys", "github"),
    ]
    text = "\n\n".join(parts) + "\n"
    measuring.write(options.out.parent, options.out.name, report, text)
    print(text)


if __name__ == "__main__":
    main(tyro.cli(Options))
