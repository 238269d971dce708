"""The command line: what every command takes, as plain values.

Nothing heavy is imported here, so that ``--help`` answers at once. The docstrings are
the help.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction, arg

from tirjax_shell.options import COMMON, Common, Folder, Number, Text

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
    """Follow targets through a video, a folder of pictures, or a live source.

    Writes to OUT tracked.mp4, the video with boxes; frames.png, a sheet of frames;
    scores.png, scores over time; and for each tracker NAME.txt, its boxes (x,y,w,h in
    pixels, the first pixel begins at 0) and NAME.frames.csv, its score, status and
    seconds of every frame. With ground truth it prints a score as well.

    Live sources are a camera (its number, or /dev/video0), an address (rtsp, http,
    udp...), a named pipe, and `-`, standard input; pipes carry JPEGs or YUV4MPEG2. They
    run until they end, or until Ctrl-C or SIGTERM; memory does not grow.

    Keys in the window of `--show`: space pauses; r draws the target anew, 1 to 9 choose
    which; a adds a target; s saves the picture; q, Escape or closing the window quits.

    For example:
        python -m track run video.mp4 --init 310,120,24,16 --tracker eco_hc
        python -m track run frames/ --init 10,20,30,40 --init 60,20,30,40
        python -m track run sequence/ --tracker eco_hc,kcf
        python -m track run video.mp4 --init 9,8,30,40 --tracker dimp18 --weights W
        python -m track run 0 --show
        python -m track run rtsp://host/stream --init 300,220,40,40 --json - --no-record
        ffmpeg -i X -f image2pipe -c:v mjpeg - | python -m track run - --init 9,8,30,40
    """

    source: Positional[str]
    """Video file, folder of pictures, annotated sequence; camera number, address, named
    pipe, or - for standard input."""
    init: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="x,y,w,h")] = ()
    """Target in the first frame, pixels; repeat it for several targets. By default the
    ground truth of an annotated sequence; with --show you can draw it."""
    tracker: Names = ()
    """What to run; several are compared in one pass."""
    weights: Weights = ()
    """Checkpoint of a tracker with a network, as `python -m train convert` writes it;
    NAME= says whose, where several need one."""
    out: Path = Path("out")
    """Folder for the results."""
    show: bool = False
    """Watch it live in a window (needs `pip install 'tirjax[show]'`)."""
    record: bool = True
    """Leave out tracked.mp4."""
    json: Annotated[str | None, arg(metavar="FILE|-", help_behavior_hint="")] = None
    """Write a line of JSON for every frame, at once; - is standard output."""
    latency: Annotated[
        Literal["drop", "queue"] | None,
        arg(metavar="{drop,queue}", help_behavior_hint=""),
    ] = None
    """Where a live source is faster than the trackers: `drop` follows the newest frame
    and counts those it skips; `queue` follows every frame and makes the source wait
    (default: drop, for pipes queue)."""
    reconnect: Annotated[
        float | None, arg(metavar="SECONDS", help_behavior_hint="")
    ] = None
    """How long a camera or address that was lost is tried again (default: 30; 0 ends
    the run at once). The end of a pipe is the end."""
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
    origin), SEQUENCE.frames.csv and manifest.json; of `--experiment supervised`, as VOT
    does, OUT/DATASET/TRACKER/baseline/SEQUENCE/SEQUENCE_001.txt. Complete sequences are
    skipped, so interrupting and repeating the command continues it.

    For example:
        python -m track eval ptb_tir --data ~/PTB-TIR --tracker eco_hc,kcf
        python -m track eval lsotb_tir --data ~/LSOTB --cut st100 --out results
        python -m track eval synthetic --cut hard --tracker mosse
        python -m track eval vot_tir2015 --data ~/LTIR --experiment supervised
        python -m track eval lsotb_tir --data ~/LSOTB --batch 32 --devices 4 --shard 0/2
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
    the preset: easy, mixed, hard or day."""
    sequences: Annotated[
        str | None, arg(metavar="NAME,NAME", help_behavior_hint="")
    ] = None
    """Only these sequences."""
    experiment: Literal["ope", "supervised"] = "ope"
    """`ope` tracks each sequence once from its first frame; `supervised` is VOT's with
    restarts: 5 frames after the box has left the target the tracker starts anew."""
    repetitions: int = 1
    """Runs of `supervised` over each sequence, for trackers that draw at random; three
    equal ones are enough."""
    protocol: Text = None
    """Whose rules score the result; by default the benchmark's own. Of `supervised`
    vot_legacy (MATLAB, the papers' numbers) or vot_toolkit (Python)."""
    batch: int = 1
    """Sequences that advance together; pays on an accelerator. The longest begin, and
    the next one takes the place of one that ends."""
    devices: Number = None
    """Devices that a batch is spread over, virtual ones on a CPU; by default one."""
    shard: Annotated[str | None, arg(metavar="I/N", help_behavior_hint="")] = None
    """Track only every N-th sequence from the I-th, counted from 0: the part of one of
    N processes, on any hosts, that write into one folder."""
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
    overall, per-attribute and per-sequence tables (Markdown, CSV, JSON, LaTeX) with
    95 % intervals and paired tests, success and precision plots, radars of the
    attributes, and report.html, which needs no other file. Results with
    restarts, NAME/baseline/SEQUENCE/SEQUENCE_001.txt, are reported as VOT does in
    `supervised` there: accuracy, robustness, expected average overlap.

    For example:
        python -m track report results
        python -m track report results/ptb_tir --baselines published/ --out report
        python -m track report boxes/ --dataset ptb_tir --data ~/PTB-TIR
        python -m track report boxes/ --dataset ptb_tir --truth tiranno
        python -m track report results --published lsotb_tir:ECO-stir,MDNet
    """

    results: Positional[Path]
    """Folder that `eval` wrote, OUT or OUT/DATASET, or one of NAME/SEQUENCE.txt."""
    baselines: UseAppendAction[tuple[Path, ...]] = ()
    """Folder of other trackers' NAME/SEQUENCE.txt, in the benchmark's origin."""
    published: Annotated[
        UseAppendAction[tuple[str, ...]],
        arg(metavar="TABLE[:ROW,ROW]", help_behavior_hint=""),
    ] = ()
    """Numbers that papers print, marked as such among the results: cmd_table1,
    cmd_table2, cmd_figure3, cmd_figure4, mmnet_table1 to 3, ptb_tir, lsotb_tir."""
    truth: Folder = None
    """Folder of the annotations alone, SEQUENCE.txt and att/SEQUENCE.txt: a report
    without pictures where the data set is not at hand."""
    out: Folder = None
    """Folder for the report; by default RESULTS/report."""
    dataset: Text = None
    """Name of the data set, where no manifest says it."""
    data: Folder = None
    """Folder of the data set, where the manifest's is not here."""
    cut: Text = None
    """Part of the benchmark, where no manifest says it."""
    protocol: Text = None
    """Whose rules score the results; by default the benchmark's own. With restarts
    vot_legacy or vot_toolkit."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Diff:
    """Say what changed between two folders of results.

    Compares box by box, and by score where the truth is at hand. Exit status 0 if
    nothing changed, 1 if something did, 2 if they cannot be compared.

    For example:
        python -m track diff before/ptb_tir/eco_hc after/ptb_tir/eco_hc
        python -m track diff before after --tolerance 0.5 --out changes.json
        python -m track diff before after --worse 0.005 || echo regression
    """

    a: Positional[Path]
    """Folder of results before: of a tracker, a data set, or all that `eval` wrote."""
    b: Positional[Path]
    """The same after."""
    tolerance: float = 0.0
    """Pixels that a coordinate may move and still be the same."""
    worse: Annotated[float | None, arg(metavar="LOSS", help_behavior_hint="")] = None
    """Exit with 1 only if overall success falls by more than this, or results are
    missing after."""
    out: Folder = None
    """JSON file to write as well."""
    dataset: Text = None
    """Name of the data set, where no manifest says it."""
    data: Folder = None
    """Folder of the data set, where the manifest's is not here."""
    truth: Folder = None
    """Folder of the annotations alone, SEQUENCE.txt."""
    cut: Text = None
    """Part of the benchmark, where no manifest says it."""
    protocol: Text = None
    """Whose rules score the results; by default the benchmark's own."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Vot:
    """Serve a tracker to the official VOT toolkit (TraX on standard input and output).

    Compiles first and says hello then. In the toolkit's trackers.ini:

        [mosse]
        label = MOSSE
        protocol = trax
        command = /full/path/python -m tirjax_track vot --tracker mosse
        timeout = 300

    The toolkit is a program of its own (GPL), in an environment of its own:
    `pip install "vot-toolkit==0.7.4" "attributee<0.1.10"`.

    For example:
        python -m track vot --tracker eco_hc_tir --sequences workspace/sequences
    """

    tracker: Text = None
    """What to serve (default: eco_hc_tir)."""
    weights: Weights = ()
    """Checkpoint of its network, as `python -m train convert` writes it."""
    sequences: Folder = None
    """Folder of the sequences that will come: everything is compiled for them."""
    frame: tuple[int, int] = (480, 640)
    """Rows and columns of the frames to compile for, where --sequences is not given."""
    channel: Literal["ir", "color"] = "ir"
    """Which pictures of a sequence to ask for."""
    origin: float = 1
    """Coordinate of the first pixel in the toolkit's annotations."""
    seed: int = 0
    """Of every random draw."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a tracker as programs that run without tirjax, on any platform.

    OUT then holds its first frame and its step, online learning included, as StableHLO
    for several platforms at once (init.jaxexport, step.jaxexport), the weights beside
    them, so that others can take their place (weights.npz), loader.py, which needs jax,
    numpy and flatbuffers only and begins with an example, and manifest.json: shapes and
    types of everything that goes in and out, checksums, versions, the weights' origin.
    What was written is then run beside the tracker itself.

    For example:
        python -m track export --out kcf --tracker kcf
        python -m track export --tracker eco_hc --size 640x480 --init-size 40x30
        python -m track export --tracker dimp18 --weights W --quantise bf16
        python -m track export --window 28000,30000 --check sequence/
    """

    tracker: Text = None
    """What to export (default: eco_hc_tir, whose arrays suit every target)."""
    weights: Folder = None
    """Checkpoint of its network, as `python -m train convert` writes it."""
    out: Path = Path("exported")
    """Folder for everything; new or empty."""
    size: Annotated[str, arg(metavar="WIDTHxHEIGHT")] = "640x512"
    """Largest frame. The default holds what most thermal cameras give, 640x512 and
    640x480; smaller frames are padded, which no tracker looks at, and larger ones
    refused."""
    channels: Literal[1, 3] = 1
    """Of a frame; thermal pictures have one."""
    init_size: Annotated[
        str | None, arg(metavar="WIDTHxHEIGHT", help_behavior_hint="")
    ] = None
    """About the first box. Only for trackers that choose array sizes from it (eco_hc,
    eco_deep, eco_stir): another box is followed as well, but not as `run` would."""
    window: Annotated[str | None, arg(metavar="LOW,HIGH", help_behavior_hint="")] = None
    """Make the program take 16-bit counts, of which these become black and white; by
    default it takes bytes."""
    batch: Number = None
    """Clips that one call advances together; by default one, without a leading axis."""
    platforms: Annotated[str, arg(metavar="NAME,NAME")] = "cpu,cuda,tpu"
    """What to lower for, of cpu, cuda, rocm, tpu. The three take an eighth more bytes
    than one alone, and move the last digit of some boxes (at most 1e-4 pixels)."""
    quantise: Annotated[Literal["bf16", "int8"] | None, arg(help_behavior_hint="")] = (
        None
    )
    """Store the weights in 2 bytes or 1; they are float32 again once they are loaded,
    so this saves disk and download, not memory or time."""
    check: Folder = None
    """Annotated sequence to compare on; by default a synthetic clip is rendered."""
    frames: int = 100
    """Of the comparison, at most."""
    no_check: bool = False
    """Only write."""
    common: OmitArgPrefixes[Common] = COMMON
