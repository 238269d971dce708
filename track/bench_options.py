"""The command line of ``track bench``, as plain values.

Nothing heavy is imported here; the docstrings are the help.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, UseAppendAction, arg

from tirjax_shell.options import COMMON, Common, Folder

from .options import Weights


@dataclasses.dataclass(frozen=True)
class Bench:
    """Measure speed, start-up and memory of trackers on this machine.

    Tracks the same frames again and again; trackers take turns, so that a busy machine
    slows all alike. Numbers are medians with the 10th to 90th percentile of the
    turns: frames a second of one clip and of several in a batch; the first frame; from
    the start of a process to its first box, with an empty and with a filled cache of
    compiled programs; memory; and what XLA counts in a frame beside what this machine
    reaches in a matrix product and a copy. Writes NAME_DEVICE.json, .md and .png to
    OUT, also when interrupted. Decoding is in no time.

    For example:
        python -m track bench
        python -m track bench --tracker eco_hc,dimp_squeezenet --batch 1,8 --repeats 9
        python -m track bench --tracker dimp18,atom --random-weights
        python -m track bench --opencv peer/bin/python --nano networks/
    """

    tracker: Annotated[
        UseAppendAction[tuple[str, ...]],
        arg(
            metavar="NAME[,NAME]", help_behavior_hint="(default: what needs no weights)"
        ),
    ] = ()
    """What to measure; what cannot run here is named and skipped."""
    weights: Weights = ()
    """Checkpoint of a tracker with a network; NAME= says whose."""
    random_weights: bool = False
    """Measure networks without a checkpoint too, with random weights. The tracker then
    never thinks its target lost, or it would skip the work of a found one, nor sees a
    rival, of which it would learn at once."""
    never_lost: bool = False
    """The same with a checkpoint: every frame is then the work of a found target."""
    batch: Annotated[str, arg(metavar="N,N")] = "1,8"
    """Clips that advance together."""
    size: Annotated[str, arg(metavar="WIDTHxHEIGHT")] = "640x512"
    """Of the frames to render."""
    source: Annotated[str | None, arg(metavar="SOURCE", help_behavior_hint="")] = None
    """Track these frames instead: an annotated sequence, or a video with --init."""
    init: Annotated[str | None, arg(metavar="x,y,w,h", help_behavior_hint="")] = None
    """Target in the first frame of --source."""
    frames: int = 32
    """Tracked in every turn."""
    repeats: int = 5
    """Turns of every tracker."""
    no_start: bool = False
    """Leave out the starts of processes, and with them the memory."""
    opencv: Folder = None
    """Interpreter with opencv-contrib-python-headless: CSRT and KCF take turns too."""
    nano: Folder = None
    """Folder of nanotrackv2_{backbone,head}_sim.onnx, for OpenCV's Nano."""
    peer: Annotated[
        UseAppendAction[tuple[str, ...]],
        arg(metavar="NAME[:TRACKER,TRACKER]=COMMAND", help_behavior_hint=""),
    ] = ()
    """Any other program that tracks, behind the pipe that track/bench_peers.py says.
    With TRACKERs it has the same ones as we: speed and boxes of each are compared with
    ours of that name. benchmarks/pytracking_worker.py is such a program."""
    out: Path = Path("bench")
    """Folder for the results."""
    name: str = "speed"
    """Of the files in OUT, before _DEVICE."""
    common: OmitArgPrefixes[Common] = COMMON
