"""The command line: what every command takes, as plain values.

Nothing heavy is imported here, so that ``--help`` answers at once. The docstrings are
the help.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction, arg

from tirjax_shell.options import COMMON, Common, Folder, Text

Names = Annotated[
    UseAppendAction[tuple[str, ...]],
    arg(
        name="tracker",
        metavar="NAME[,NAME]",
        help_behavior_hint="(default: eco_hc_tir)",
    ),
]


Weights = Annotated[
    UseAppendAction[tuple[str, ...]], arg(metavar="[NAME=]PATH", help_behavior_hint="")
]


@dataclasses.dataclass(frozen=True)
class Demo:
    """Try everything in a minute: no data, no download.

    Renders synthetic thermal clips, tracks them with two trackers, the network that
    comes with tirjax and ECO with gradient histograms, and leaves a video,
    plots, tables and an HTML page. Repeating it continues or confirms what is there.

    For example:
        python -m track demo
    """

    out: Path = Path("demo")
    """Folder for everything."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Run:
    """Follow targets through a video, a folder of pictures, or a camera.

    Writes to OUT tracked.mp4, the video with boxes; frames.png, a sheet of frames;
    scores.png, scores over time; and for each tracker NAME.txt, its boxes (x,y,w,h in
    pixels, the first pixel begins at 0) and NAME.frames.csv, its score, status and
    seconds of every frame. With ground truth it prints a score as well.

    For example:
        python -m track run video.mp4 --init 310,120,24,16 --tracker eco_hc
        python -m track run frames/ --init 10,20,30,40 --init 60,20,30,40
        python -m track run sequence/ --tracker eco_hc,kcf
        python -m track run video.mp4 --init 9,8,30,40 --tracker dimp18 --weights W
        python -m track run 0 --init 300,220,40,40 --show
    """

    source: Positional[str]
    """Video file, folder of pictures, annotated sequence, camera number or address."""
    init: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="x,y,w,h")] = ()
    """Target in the first frame, pixels; repeat it for several targets. By default the
    ground truth of an annotated sequence."""
    tracker: Names = ()
    """What to run; several are compared in one pass."""
    weights: Weights = ()
    """Checkpoint of a tracker with a network, as `python -m train convert` writes it;
    NAME= says whose, where several need one."""
    out: Path = Path("out")
    """Folder for the results."""
    show: bool = False
    """Watch it live in a window (needs `pip install 'tirjax[show]'`)."""
    window: Annotated[str | None, arg(metavar="LOW,HIGH", help_behavior_hint="")] = None
    """Counts of 14/16-bit input that become black and white: LOW,HIGH, or `sequence` or
    `frame` for percentiles of one or the other (default for deep input: sequence)."""
    seed: int = 0
    """Of every random draw."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Eval:
    """Run trackers over a benchmark and keep the raw results.

    Writes OUT/DATASET/TRACKER/SEQUENCE.txt (x,y,w,h a frame, in the benchmark's own
    origin), SEQUENCE.frames.csv and manifest.json. Complete sequences are skipped, so
    interrupting and repeating the command continues it.

    For example:
        python -m track eval ptb_tir --data ~/PTB-TIR --tracker eco_hc,kcf
        python -m track eval lsotb_tir --data ~/LSOTB --cut st100 --out results
        python -m track eval synthetic --cut hard --tracker mosse
        python -m track eval folder --data my_clips --check
    """

    dataset: Positional[str]
    """Name of the data set; `synthetic` needs no data."""
    data: Folder = None
    """Folder of the data set."""
    tracker: Names = ()
    """What to run, one after the other."""
    weights: Weights = ()
    """Checkpoint of a tracker with a network, as `python -m train convert` writes it;
    NAME= says whose, where several need one."""
    out: Path = Path("results")
    """Folder for the results."""
    cut: Text = None
    """Part of the benchmark by its name, for example st100 of lsotb_tir; for synthetic
    the preset: easy, mixed or hard."""
    sequences: Annotated[
        str | None, arg(metavar="NAME,NAME", help_behavior_hint="")
    ] = None
    """Only these sequences."""
    protocol: Text = None
    """Whose rules score the result; by default the benchmark's own."""
    batch: int = 1
    """Sequences that advance together; pays on an accelerator."""
    seed: int = 0
    """Of every random draw."""
    check: bool = False
    """Only open every sequence and say what is wrong with it."""
    overwrite: bool = False
    """Delete results there that were made with other settings."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Report:
    """Turn results into tables, plots and one HTML page.

    Reads what `eval` wrote, and other people's raw results, NAME/SEQUENCE.txt. Writes
    overall, per-attribute and per-sequence tables (Markdown, CSV, JSON, LaTeX), success
    and precision plots, and report.html, which needs no other file.

    For example:
        python -m track report results
        python -m track report results/ptb_tir --baselines published/ --out report
        python -m track report boxes/ --dataset ptb_tir --data ~/PTB-TIR
    """

    results: Positional[Path]
    """Folder that `eval` wrote, OUT or OUT/DATASET, or one of NAME/SEQUENCE.txt."""
    baselines: UseAppendAction[tuple[Path, ...]] = ()
    """Folder of other trackers' NAME/SEQUENCE.txt, in the benchmark's origin."""
    out: Folder = None
    """Folder for the report; by default RESULTS/report."""
    dataset: Text = None
    """Name of the data set, where no manifest says it."""
    data: Folder = None
    """Folder of the data set, where the manifest's is not here."""
    cut: Text = None
    """Part of the benchmark, where no manifest says it."""
    protocol: Text = None
    """Whose rules score the results; by default the benchmark's own."""
    common: OmitArgPrefixes[Common] = COMMON
