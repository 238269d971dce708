"""The command line: what every command takes, as plain values.

Nothing heavy is imported here, so that ``--help`` answers at once. The docstrings are
the help.
"""

import dataclasses
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes, Positional

from tirjax_shell.options import COMMON, Common, Folder, Number, Text


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
