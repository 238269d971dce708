"""Frames per second of the Siamese trackers at published size, OpenCV's beside them.

    python benchmarks/siamese_speed.py --peer-python peer/bin/python --data DIR

``DIR`` holds the sequences named in ``SEQUENCES``, which have one size, and
``weights/nanotrackv2_{backbone,head}_sim.onnx``; the peers' environment is that of
``opencv_peers.py``. Weights are random: speed does not depend on them. Contenders take
turns, so that a busy machine slows all of them alike; compilation and decoding are in
no time. Under five minutes on two quiet cores.
"""

import contextlib
import dataclasses
import datetime
import functools
import itertools
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from opencv_peers import Clip, Peers
from tabulate import tabulate
from tirjax_track.runner import follow, follow_many

from tirjax.data import open_sequence
from tirjax.trackers import NETWORKS, TRACKERS

SEQUENCES = tuple(f"tir_antiuav_clips/{name}.avi" for name in ("05", "07", "18", "40"))
RESULTS = Path(__file__).with_name("results")
# Frames per second on a GTX 1080. Source: Liu et al., Multi-Task Driven Feature Models
# for Thermal Infrared Tracking, AAAI 2020, table 3.
PAPER = {"siamfc": 66.9, "cfnet": 37.0, "mlssnet": 18.0, "mmnet": 18.9}


@dataclasses.dataclass(frozen=True)
class Options:
    """Frames per second of the Siamese trackers at published size.

    Attributes:
      peer_python: interpreter with opencv-contrib-python-headless.
      data: folder of the sequences.
      out: where the Markdown and JSON reports go.
      trackers: which of ours.
      peers: which of OpenCV's.
      sequences: of one size; as many as advance together in the batched measurement.
      frames: tracked in each turn.
      turns: of every contender.
    """

    peer_python: Path
    data: Path
    out: Path = RESULTS
    trackers: tuple[str, ...] = tuple(PAPER)
    peers: tuple[str, ...] = ("nano", "csrt")
    sequences: tuple[str, ...] = SEQUENCES
    frames: int = 4
    turns: int = 3


@functools.cache
def contender(name: str) -> tuple[Any, Any]:
    """A tracker and random variables of its network."""
    images, boxes = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    variables = jax.jit(NETWORKS[name]().init)(jax.random.key(0), images, boxes)
    return TRACKERS[name]((20.0, 20.0)), variables


def decode(options: Options, name: str, folder: Path) -> Clip:
    """The first frames of a sequence."""
    sequence = open_sequence(options.data / name)
    frames = list(itertools.islice(sequence.frames, options.frames + 1))
    colour = np.stack(frames)[..., ::-1]
    path = folder / f"{sequence.name}.npy"
    np.save(path, np.broadcast_to(colour, (*colour.shape[:3], 3)))
    return Clip(str(Path(name).with_suffix("")), sequence, frames, path)


def alone(name: str, clip: Clip) -> float:
    """Frames per second of one of ours on one clip."""
    tracker, variables = contender(name)
    box, key = clip.sequence.boxes[0], jax.random.key(0)
    chunk = len(clip.frames) - 1
    results = list(follow(tracker, variables, clip.frames, box, key, chunk=chunk))
    return chunk / sum(r.seconds for r in results[1:])


def together(name: str, clips: list[Clip]) -> float:
    """Frames per second of all clips, in lock-step."""
    tracker, variables = contender(name)
    keys = list(jax.random.split(jax.random.key(0), len(clips)))
    boxes = [clip.sequence.boxes[0] for clip in clips]
    frames = [clip.frames for clip in clips]
    chunk = len(frames[0]) - 1
    rows = follow_many(tracker, variables, frames, boxes, keys, chunk=chunk)
    seconds = [sum(r.seconds for r in row if r) for row in rows][1:]
    return len(clips) * chunk / sum(seconds)


def measure(options: Options, peers: Peers, clips: list[Clip]) -> dict[str, Any]:
    """Frames per second by contender and way, one a turn."""
    found: dict[str, Any] = {}

    def note(name: str, way: str, speed: float) -> None:
        found.setdefault(name, {}).setdefault(way, []).append(speed)
        print(f"{name:14} {way:8} {speed:8.2f} frames/s", flush=True)

    for turn in range(options.turns):
        clip = clips[turn % len(clips)]
        for name in options.peers:
            run = peers.run(name, clip, clip.sequence.boxes[0])
            note(f"opencv {name}", "alone", len(run.seconds) / run.seconds.sum())
        for name in options.trackers:
            note(name, "alone", alone(name, clip))
            note(name, "together", together(name, clips))
    return found


def spread(speeds: list[float]) -> str:
    """Median, lowest and highest."""
    low, middle, high = np.percentile(speeds, [0, 50, 100])
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def markdown(found: dict[str, Any], about: dict[str, Any], count: int) -> str:
    """A row a contender."""
    rows = []
    for name, ways in found.items():
        cells = [spread(ways[w]) if w in ways else "–" for w in ("alone", "together")]
        rows.append([name, *cells, PAPER.get(name, "–")])
    heads = ["tracker", "alone", f"{count} clips together", "paper, GTX 1080"]
    facts = "\n".join(f"* {key}: {value}" for key, value in about.items())
    return (
        "# Siamese trackers: frames per second\n\nMedian of the turns, lowest and "
        "highest. Published sizes, random weights, decoding left out.\nWritten by "
        f"`benchmarks/siamese_speed.py`.\n\n{facts}\n\n"
        f"{tabulate(rows, heads, 'github', disable_numparse=True)}\n"
    )


def main(options: Options) -> None:
    """Runs everything and writes the two reports."""
    device = jax.devices()[0]
    about = {
        "date": datetime.date.today().isoformat(),
        "device": f"{device.platform} {device.device_kind}",
        "processors": os.cpu_count(),
        "load at the start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "frames a turn": options.frames,
        "turns": options.turns,
    }
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peers = Peers(options, stack)  # pyright: ignore[reportArgumentType]
        about |= {"opencv (peers)": peers.about["opencv"]}
        clips = [decode(options, name, folder) for name in options.sequences]
        about["frames of"] = "{} x {} pixels".format(*clips[0].frames[0].shape[1::-1])
        found = measure(options, peers, clips)
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.out / f"siamese_speed_{jax.default_backend()}"
    report = {"conditions": about, "frames_per_second": found}
    target.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    text = markdown(found, about, len(clips))
    target.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(tyro.cli(Options))
