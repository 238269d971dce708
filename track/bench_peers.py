"""Trackers of others, each in a process of its own that is a black box to us.

A worker's first line says what it is. It then reads requests, a JSON object a line:
``tracker``; ``frames``, a npy file, ``[t, rows, columns, 3]`` uint8, blue first;
``box``, ``[x, y, w, h]`` on the first frame, pixels; and ``weights``, a folder.
It answers each with ``boxes``, the ``seconds`` of every frame but the first, and those
of the ``first``. ``opencv_worker.py`` and ``benchmarks/pytracking_worker.py`` are two.
"""

import functools
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tirjax.data import DataError
from tirjax.trackers import TRACKERS
from tirjax_shell.workers import Worker

OPENCV = ("csrt", "kcf", "nano")
_NETWORKS = "nanotrackv2_backbone_sim.onnx", "nanotrackv2_head_sim.onnx"


class Peer(NamedTuple):
    """A worker to be.

    Attributes:
      start: starts it.
      trackers: it is asked for.
      same: whether each is the same tracker as ours of that name.
    """

    start: Callable[[], Worker]
    trackers: tuple[str, ...]
    same: bool = False


class Run(NamedTuple):
    """A peer's way through a clip.

    Attributes:
      boxes: ``[t, 4]``, the first frame included.
      seconds: ``[t - 1]`` of every frame but the first.
      first: of the first; NaN if the worker does not say.
    """

    boxes: np.ndarray
    seconds: np.ndarray
    first: float


def opencv(python: Path) -> Worker:
    """OpenCV's trackers under an interpreter that has its contributed ones."""
    return Worker([python, Path(__file__).with_name("opencv_worker.py")])


def wanted(
    python: Path | None, weights: Path | None, commands: Iterable[str]
) -> dict[str, Peer]:
    """The workers by name.

    Args:
      python: interpreter with OpenCV's trackers.
      weights: folder of the networks of Nano.
      commands: NAME=COMMAND of other workers, each asked for the tracker NAME, or
        NAME:TRACKER,TRACKER=COMMAND of one that has the same trackers as we.

    Raises:
      DataError: a command without a name, or with one of ours.
    """
    found: dict[str, Peer] = {}
    if python:
        found["opencv"] = Peer(functools.partial(opencv, python), there(weights))
    for text in commands:
        label, equals, command = text.partition("=")
        name, same, trackers = label.partition(":")
        if not (equals and name):
            raise DataError(
                f"--peer {text}: expected NAME=COMMAND or NAME:TRACKER,TRACKER=COMMAND"
            )
        if name in TRACKERS:
            raise DataError(
                f"--peer {text}: {name} is ours; name theirs, as other:{name}=COMMAND"
            )
        start = functools.partial(Worker, shlex.split(command))
        asked = tuple(t.strip() for t in trackers.split(",")) if same else (name,)
        found[name] = Peer(start, asked, bool(same))
    return found


def there(weights: Path | None) -> tuple[str, ...]:
    """OpenCV's trackers that can run: all but Nano without its networks."""
    if weights and all((weights / name).is_file() for name in _NETWORKS):
        return OPENCV
    return tuple(name for name in OPENCV if name != "nano")


def save(frames: Sequence[np.ndarray], path: Path) -> Path:
    """Writes the frames as workers read them."""
    colour = np.stack(frames)[..., ::-1]
    np.save(path, np.broadcast_to(colour, (*colour.shape[:3], 3)))
    return path


def follow(
    worker: Worker, tracker: str, frames: Path, box, weights: Path | None
) -> Run:
    """Follows one target."""
    reply = worker.ask(
        tracker=tracker,
        frames=str(frames),
        box=[float(v) for v in box],
        weights=str(weights or ""),
    )
    boxes, seconds = np.array(reply["boxes"], float), np.array(reply["seconds"])
    return Run(boxes, seconds, reply.get("first", float("nan")))
