"""Our trackers beside OpenCV's, in one run: accuracy, and speed without decoding.

OpenCV's CSRT and KCF come with ``opencv-contrib-python-headless`` alone, which cannot
share an environment with ``opencv-python-headless``; the peers therefore run in a
process of their own, under an interpreter made with

    python -m venv peer && peer/bin/pip install opencv-contrib-python-headless

and the comparison is

    python benchmarks/opencv_peers.py --peer-python peer/bin/python --data DIR

``DIR`` holds the sequences named in ``SEQUENCES`` and, for TrackerNano, the networks
``weights/nanotrackv2_{backbone,head}_sim.onnx``.

What is compared. Contenders take turns on each sequence, so that a busy machine slows
all of them alike. Each runs from ``STARTS``: the annotated first box and the same moved
by a pixel, because one pixel decides more than most differences between trackers. Ours
take the box as annotated, OpenCV's the same rounded to whole pixels, as they require.
A failed update of a peer repeats its box before. Times are means over blocks of
``BLOCK`` frames, which is how ours run; compilation and decoding are in none of them.
"""

import contextlib
import dataclasses
import functools
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import tyro
from opencv_report import markdown
from tirjax_track import bench_peers, weights
from tirjax_track.bench import DEFAULT
from tirjax_track.bench_peers import Run
from tirjax_track.runner import follow, follow_many

from tirjax.data import Sequence, open_sequence
from tirjax.evaluation import PROTOCOLS, curves, scores
from tirjax.trackers import TRACKERS
from tirjax_shell import measuring
from tirjax_shell.workers import Worker

SEQUENCES = (
    "tir_airplane",
    "tir_horse",
    "tir_antiuav_clips/05.avi",
    "tir_antiuav_clips/07.avi",
    "tir_antiuav_clips/18.avi",
    "tir_antiuav_clips/40.avi",
    "rgb_crossing",
    "rgb_david",
    "rgb_motorrolling",
    "rgb_vot_bag",
)
PEERS = bench_peers.OPENCV
STARTS = ((0, 0), (1, 1), (-1, 0), (0, -1))
BLOCK = 32
PROTOCOL = PROTOCOLS["ptb"]
RESULTS = Path(__file__).with_name("results")


@dataclasses.dataclass(frozen=True)
class Options:
    """Our trackers beside OpenCV's, in one run.

    Attributes:
      peer_python: interpreter with opencv-contrib-python-headless.
      data: folder of the sequences.
      out: where the Markdown and JSON reports go.
      trackers: which of ours; all that need no checkpoint by default.
      weights: NAME=DIR for the others, as of `train convert`.
      sequences: which sequences, paths below the data folder.
      starts: first boxes tried a sequence; 1 is the annotated one alone.
      batch: clips of one size that advance together in the batched measurement.
    """

    peer_python: Path
    data: Path
    out: Path = RESULTS
    trackers: tuple[str, ...] = DEFAULT
    weights: tuple[str, ...] = ()
    sequences: tuple[str, ...] = SEQUENCES
    starts: int = len(STARTS)
    batch: int = 4


class Clip(NamedTuple):
    """A sequence, decoded.

    Attributes:
      name: its path below the data folder.
      sequence: its truth.
      frames: pictures in memory.
      path: the same for the peers, ``[t, rows, columns, 3]`` blue first, a npy file.
    """

    name: str
    sequence: Sequence
    frames: list[np.ndarray]
    path: Path


@functools.cache
def params(options: Options, name: str) -> Any:
    """Variables of a tracker's network, if it has one: given, or what ships."""
    given = [text for text in options.weights if text.startswith(f"{name}=")]
    return weights.load([name], given)[name].params


def run_ours(options: Options, name: str, clip: Clip, box: np.ndarray) -> Run:
    """Follows one target with a tracker of ``TRACKERS``."""
    variables = params(options, name)
    tracker = TRACKERS[name]((box[2], box[3]))
    key = jax.random.key(0)
    results = list(follow(tracker, variables, clip.frames, box, key, chunk=BLOCK))
    seconds = [r.seconds for r in results[1:]]
    boxes = np.array([r.box for r in results], float)
    return Run(boxes, np.array(seconds), results[0].seconds)


def run_theirs(
    options: Options, peers: Worker, name: str, clip: Clip, box: np.ndarray
) -> Run:
    """Follows one target with a tracker of OpenCV."""
    return bench_peers.follow(peers, name, clip.path, box, options.data / "weights")


def decode(options: Options, name: str, folder: Path) -> Clip:
    """Decodes a sequence once for all contenders."""
    sequence = open_sequence(options.data / name)
    frames = list(sequence.frames)
    path = bench_peers.save(frames, folder / f"{sequence.name}.npy")
    return Clip(str(Path(name).with_suffix("")), sequence, frames, path)


def blocks(seconds: np.ndarray) -> list[float]:
    """Mean time of a frame in every whole block, or of all frames if there is none."""
    whole = len(seconds) // BLOCK * BLOCK
    if not whole:
        return [float(seconds.mean())]
    return seconds[:whole].reshape(-1, BLOCK).mean(1).tolist()


def measure(run: Run, clip: Clip) -> dict[str, Any]:
    """What the report needs of a run."""
    truth = clip.sequence.boxes
    counted = curves(run.boxes, truth, PROTOCOL, visible=clip.sequence.visible)
    result = scores([counted], PROTOCOL)
    return {
        "success": result.success,
        "precision": result.precision,
        "seconds": float(run.seconds.sum()),
        "blocks": blocks(run.seconds),
    }


def compare(options: Options, peers: Worker, clip: Clip) -> list[dict[str, Any]]:
    """All contenders on one sequence, taking turns."""
    rows = []
    theirs = functools.partial(run_theirs, options, peers)
    contenders = [(f"opencv {name}", name, theirs) for name in PEERS]
    ours = functools.partial(run_ours, options)
    contenders += [(name, name, ours) for name in options.trackers]
    for shift in STARTS[: options.starts]:
        box = clip.sequence.boxes[0] + np.array([*shift, 0, 0])
        for label, name, run in contenders:
            row = {
                "tracker": label,
                "sequence": clip.name,
                "frames": len(clip.frames),
                "start": shift,
                **measure(run(name, clip, box), clip),
            }
            rows.append(row)
            speed = (len(clip.frames) - 1) / row["seconds"]
            print(
                f"{row['sequence']:22} {label:12} success {row['success']:.3f} "
                f"precision {row['precision']:.3f} {speed:8.1f} fps",
                flush=True,
            )
    return rows


def batched(options: Options, name: str, clips: list[Clip]) -> dict[str, Any] | None:
    """Frames per second of clips of one size in lock-step; None if they cannot be."""
    firsts = [clip.sequence.boxes[0] for clip in clips]
    trackers = {TRACKERS[name]((box[2], box[3])) for box in firsts}
    if len(clips) < 2 or len(trackers) > 1:
        return None
    length = min(len(clip.frames) for clip in clips)
    frames = [clip.frames[:length] for clip in clips]
    keys = list(jax.random.split(jax.random.key(0), len(clips)))
    variables = params(options, name)
    runs = follow_many(trackers.pop(), variables, frames, firsts, keys, chunk=BLOCK)
    seconds = np.array([[r.seconds for r in row if r] for row in runs])[1:].sum(1)
    return {
        "tracker": name,
        "clips": len(clips),
        "names": [clip.name for clip in clips],
        "frames": len(clips) * (length - 1),
        "seconds": float(seconds.sum()),
        "blocks": [s / len(clips) for s in blocks(seconds)],
    }


def of_one_size(clips: list[Clip], count: int) -> list[Clip]:
    """The most clips with equal frame shapes, at most ``count``."""
    groups: dict[tuple, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(clip.frames[0].shape, []).append(clip)
    return max(groups.values(), key=len)[:count]


def conditions(options: Options, peers: Worker) -> dict[str, Any]:
    """Where and with what the numbers were measured."""
    return measuring.conditions() | {
        **{f"{name} (peers)": value for name, value in peers.about.items()},
        "protocol": PROTOCOL.name,
        "starts": options.starts,
        "block": BLOCK,
    }


def main(options: Options) -> None:
    """Runs everything and writes the two reports."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peers = stack.enter_context(bench_peers.opencv(options.peer_python))
        about = conditions(options, peers)
        clips = [decode(options, name, folder) for name in options.sequences]
        rows = [row for clip in clips for row in compare(options, peers, clip)]
    group = of_one_size(clips, options.batch)
    found = (batched(options, name, group) for name in options.trackers)
    together = [row for row in found if row]
    report = {"conditions": about, "runs": rows, "batched": together}
    text = markdown(report)
    name = f"opencv_peers_{jax.default_backend()}"
    measuring.write(options.out, name, report, text)
    print(text)


if __name__ == "__main__":
    main(tyro.cli(Options))
