"""The command line: what every command takes, as plain values.

Nothing heavy is imported here, so that ``--help`` answers at once. The docstrings are
the help.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from tirjax_shell.options import COMMON, Common, Folder, Number, Text

# A choice that something else makes where it is not given.
_UNSET = arg(help_behavior_hint="")


@dataclasses.dataclass(frozen=True)
class Convert:
    """Turn a published checkpoint into one that `track` reads.

    Reads PyTracking's DiMP-18, DiMP-50, SuperDiMP and ATOM, torchvision's ResNet-18 and
    -50, generators and discriminators of pix2pix and CycleGAN, DCFNet as PyTorch or
    MatConvNet file, and the .mat files of SiamFC, CFNet, MLSSNet and MMNet: without
    PyTorch or MATLAB, and without running anything in the file. Writes the variables to
    OUT with a record of the file they come from.

    For example:
        python -m train convert dimp50.pth --out weights/dimp50
        python -m train convert net.pth.tar --out weights/mine --architecture super_dimp
    """

    file: Positional[Path]
    """Checkpoint, as downloaded."""
    out: Path
    """Folder for the converted network; a network that is there is replaced."""
    architecture: Text = None
    """dimp18, dimp50, super_dimp, atom, resnet18, resnet50, dcfnet or a translator, as
    pix2pix_unet256 or cyclegan_resnet9; by default what names and shapes in the file
    say."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Prepare:
    """Turn a data set into files that training reads fast, or check it.

    Writes OUT/tirjax_DATASET/1.0.0: ArrayRecord files in the layout of TensorFlow
    Datasets, without TensorFlow, one record a picture: JPEG and PNG files as they are,
    anything else as PNG of 8 bits (a video grows about twentyfold).
    The folder appears when everything is in it: an interrupted command leaves nothing,
    repeating a finished one does nothing. Training also reads the plain files; this
    pays for large sets, on network disks, and to move a set as a few large files.

    Data sets: lsotb_tir_train, got10k, lasot, trackingnet, coco, imagenet_vid, kaist,
    rgbt210, rgbt234, lasher (and with _rgb for their visible pictures), hit_uav,
    ptb_tir, lsotb_tir, vot_tir2015, vot_tir2016, otb, antiuav, and folder, your own
    sequences with boxes.

    For example:
        python -m train prepare lsotb_tir_train --data ~/LSOTB-TIR
        python -m train prepare got10k --data ~/GOT-10k --out /fast/prepared
        python -m train prepare folder --data my_clips --check
    """

    dataset: Positional[str]
    """Name of the data set."""
    data: Folder = None
    """Folder of the data set."""
    out: Path = Path("prepared")
    """Folder for prepared data sets."""
    cut: Text = None
    """Part of the data set by its name, or names of sequences with commas."""
    check: bool = False
    """Only open every sequence, decode every frame, and list what is missing or
    corrupt; exit status 2 if anything is."""
    quick: bool = False
    """With --check: only the first and the last frame of each sequence."""
    on_error: Literal["stop", "skip"] = "stop"
    """At a sequence that cannot be read: stop, or leave it out and say so."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Look at RGB-thermal pairs: which there are, and whether the halves are aligned.

    Distillation needs both halves of a pair to show the same thing at the same place.
    This lists pictures without another half and files that cannot be read, and measures
    how far the thermal half lies from the visible one, from the edges they share.

    Sets: kaist, kaist_concat (both halves in one picture), rgbt210, rgbt234, lasher,
    llvip, roadscene, tno, and two_folders, any other: visible, vis or rgb beside
    infrared, ir or thermal.

    For example:
        python -m train pairs llvip ~/LLVIP
        python -m train pairs two_folders my_pairs --check --sheet sheet.png
    """

    dataset: Positional[str]
    """Name of the set."""
    data: Positional[Path]
    """Folder of the set."""
    cut: Text = None
    """Part of the set by its name, or names with commas."""
    check: bool = False
    """Decode every pair, not only those measured; exit status 2 if one cannot be."""
    sheet: Folder = None
    """Picture to write: some pairs and the least clear ones, with a checkerboard."""
    sample: int = 200
    """Pairs to measure, spread evenly over the set."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Merge:
    """Put branches of several runs into one tracker: row B3 of distillation.

    Everything that is not asked for is the base's. Branches are the reference half of
    the IoU-Net, its test half, and the classifier.

    For example:
        python -m train merge runs/rgb --reference runs/B1 --test runs/B2 --out runs/B3
    """

    base: Positional[Path]
    """Checkpoint of the whole tracker, or a training run."""
    out: Path
    """Folder of the new checkpoint."""
    tracker: str = "super_dimp"
    """Whose network it is: dimp10, dimp18, dimp50, super_dimp or atom."""
    reference: Folder = None
    """Checkpoint or run that gives the reference half."""
    test: Folder = None
    """Checkpoint or run that gives the test half."""
    classifier: Folder = None
    """Checkpoint or run that gives the classifier."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Fit:
    """Train a network as a config file says.

    CONFIG is a Python file whose function `config` returns the run; its keyword
    arguments are settings, given after it as flags (`train fit CONFIG --help` lists
    them). WORKDIR gets checkpoints (the newest three and the best), metrics.jsonl,
    curves.png, pictures of predictions, and TensorBoard files where tensorboardX is
    installed. Interrupting saves; repeating the command goes on, exactly as if nothing
    had happened. `track --weights WORKDIR` uses the newest checkpoint.

    For example:
        python -m train fit configs/dimp10_synthetic.py --workdir runs/small
        python -m train fit configs/dimp18_synthetic.py --workdir runs/a --batch 32
    """

    config: Positional[Path]
    """Python file with the run."""
    workdir: Path
    """Folder of the run."""
    devices: Number = None
    """Virtual devices on a CPU, for trying out several; a batch is spread over all."""
    distributed: bool = False
    """Be one of several processes; on TPU pods and Slurm the rest is found out."""
    coordinator: Text = None
    """HOST:PORT of the first process, where it is not found out."""
    processes: Number = None
    """How many processes there are."""
    process: Number = None
    """Which one this is, from 0."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Extract:
    """Take the network out of a training run, to pass it on.

    Writes its variables and its record to OUT, without the state of the optimizer.
    `track --weights OUT` uses it, as it would use the run.

    For example:
        python -m train extract runs/a --out weights/mine
        python -m train extract runs/a/checkpoints/3000 --out weights/mine
    """

    run: Positional[Path]
    """Folder of a run, for its newest checkpoint, or of one checkpoint."""
    out: Path
    """Folder for the network; a network that is there is replaced."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Synthesize:
    """Translate a labelled visible data set, frame by frame, into a thermal one.

    Boxes, absence and attributes are those of the originals, and pictures have their
    size. OUT gets a folder a sequence in the layout of GOT-10k, manifest.json and
    contact_sheet.png. A sequence appears when all of it is there; repeating an
    interrupted command goes on where it stopped, with the same settings only. Data sets
    are those of `train prepare`, and `synthetic_rgb`, which is rendered: its --cut is a
    number of sequences. `folder` reads what comes out.

    The preset `default` squashes every frame to 256x256 as the authors of ECO-stir did,
    rounds to the nearest value and writes PNG. `released` does all as they did: values
    rounded down, JPEG of quality 75. Flags below change single choices.

    For example:
        python -m train synthesize got10k --data ~/GOT-10k --generator weights/g --out s
        python -m train synthesize folder --data clips --generator runs/cycle --out s \\
            --direction forward --fit full
        python -m train synthesize synthetic_rgb --cut 50 --generator runs/p2p --out s
    """

    dataset: Positional[str]
    """Name of the data set."""
    generator: Path
    """Checkpoint of a U-Net or ResNet generator, its .pth file, or a training run."""
    out: Path
    """Folder for the translated data set."""
    data: Folder = None
    """Folder of the data set."""
    cut: Text = None
    """Part of the data set by its name, or names of sequences with commas."""
    direction: Annotated[Literal["forward", "backward"] | None, _UNSET] = None
    """Which generator of a CycleGAN run: from source to target, or back."""
    preset: Literal["default", "released"] = "default"
    """Where all choices below begin."""
    fit: Annotated[Literal["squash", "keep", "full"] | None, _UNSET] = None
    """To a square of --size; to a longer side of --size, the aspect kept; or not
    resized at all. The last two mirror frames up to the next multiple that the network
    needs, and cut that off again."""
    size: Number = None
    """Working size, pixels."""
    statistics: Annotated[Literal["image", "running"] | None, _UNSET] = None
    """Of batch norms: of the image that is translated, or those kept in training."""
    rounding: Annotated[Literal["nearest", "down"] | None, _UNSET] = None
    """Of values to whole numbers."""
    format: Annotated[Literal["png", "jpeg", "png16"] | None, _UNSET] = None
    """Of the pictures; png16 has 16 bits."""
    quality: Number = None
    """Of JPEG, 1 to 100."""
    channels: Annotated[Literal[1, 3] | None, _UNSET] = None
    """Of the pictures: 1 keeps the first, as the authors do; 3 for visible ones."""
    batch: Number = None
    """Images at a time, a multiple of the devices; by default 4 a device. It changes
    the speed and no picture."""
    devices: Number = None
    """Virtual devices on a CPU, for trying out several; a batch is spread over all."""
    on_error: Literal["stop", "skip"] = "stop"
    """At a frame that cannot be read: stop, or leave out the frame and its labels; a
    sequence that cannot be opened is left out as a whole."""
    common: OmitArgPrefixes[Common] = COMMON


@dataclasses.dataclass(frozen=True)
class Analyse:
    """Compare kinds of images: what a network's first filters make of them, and how
    steep they are.

    Both analyses of the paper on synthetic thermal data. Activations: the mean answer
    of each filter of a first layer, as its share of all; networks of visible images
    have filters that thermal ones hardly move. Gradients: a histogram of their lengths;
    thermal images are flatter than grey ones, and synthetic ones should be too. OUT
    gets plots, tables (CSV) and analysis.json.

    A pile is PATH or NAME=PATH: a folder with pictures at any depth, a data set, a
    video, a prepared data set. Two or more; others are compared with the first. All
    pictures are squeezed to one square: piles of very different sizes differ in
    steepness for that alone.

    For example:
        python -m train analyse real=LSOTB-TIR synthetic=out grey=GOT-10k --out a
        python -m train analyse vis ir --out a --what activations --backbone w/dimp50
    """

    piles: Positional[tuple[str, ...]]
    """Pictures to compare."""
    out: Path
    """Folder for plots and numbers."""
    backbone: str = "dimp10"
    """A converted network or a training run, SqueezeNet's .npz, or dimp10, which
    ships."""
    what: str = "activations,gradients"
    """Either, or both with a comma."""
    sample: int = 200
    """Pictures of each pile to look at, spread evenly."""
    size: int = 256
    """Side of the square, pixels."""
    operator: Literal["sobel", "prewitt", "central"] = "sobel"
    """Of the gradient."""
    common: OmitArgPrefixes[Common] = COMMON
