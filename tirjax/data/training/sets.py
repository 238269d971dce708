"""Training sets by name: a folder on disk in, named sequences out."""

import difflib
import functools
from collections.abc import Callable
from pathlib import Path

from tirjax.data.collection import Cut, SequenceList
from tirjax.data.datasets import DATASETS
from tirjax.data.pairs.rendered import WORLD
from tirjax.data.sequence import DataError
from tirjax.data.synthetic import Synthetic
from tirjax.data.training.coco import coco
from tirjax.data.training.hit_uav import hit_uav
from tirjax.data.training.kaist import kaist
from tirjax.data.training.multi_target import imagenet_vid, lsotb_tir_train
from tirjax.data.training.rgb_videos import got10k, lasot, trackingnet
from tirjax.data.training.rgbt import rgbt

_RGBT = ("rgbt210", "rgbt234", "lasher")

TRAINING_SETS: dict[str, Callable[[Path, Cut], SequenceList]] = {
    "lsotb_tir_train": lsotb_tir_train,
    "got10k": got10k,
    "lasot": lasot,
    "trackingnet": trackingnet,
    "coco": coco,
    "imagenet_vid": imagenet_vid,
    "kaist": kaist,
    **{name: functools.partial(rgbt, name, "tir") for name in _RGBT},
    **{f"{name}_rgb": functools.partial(rgbt, f"{name}_rgb", "rgb") for name in _RGBT},
    "hit_uav": hit_uav,
    **DATASETS,
}

RENDERED = "synthetic_rgb"  # needs no folder; its cut is a number of sequences
RENDERED_COUNT = 100

_PAIRS = "NAME/{visible,infrared}/*.jpg with NAME/init.txt"
_TWO_TRUTHS = "NAME/{visible,infrared}/*.jpg with NAME/visible.txt and infrared.txt"

# What to have below the root, a line each, for errors and help.
EXPECTED_LAYOUT: dict[str, str] = {
    "lsotb_tir_train": (
        "TrainingData/TIR_training_00k/VIDEO/*.jpg and "
        "Annotations/TIR_training_00k/VIDEO/*.xml with trackid"
    ),
    "got10k": "train/list.txt and train/GOT-10k_Train_000001/{*.jpg,groundtruth.txt}",
    "lasot": "CLASS/CLASS-1/img/*.jpg with CLASS/CLASS-1/groundtruth.txt",
    "trackingnet": "TRAIN_0/frames/VIDEO/0.jpg with TRAIN_0/anno/VIDEO.txt",
    "coco": "annotations/instances_train2017.json with train2017/*.jpg",
    "imagenet_vid": (
        "Data/VID/train/.../VIDEO/*.JPEG and "
        "Annotations/VID/train/.../VIDEO/*.xml with trackid"
    ),
    "kaist": (
        "set00/V000/lwir/I00000.jpg with annotations/set00/V000/I00000.txt or .xml"
    ),
    **dict.fromkeys(("rgbt210", "rgbt210_rgb"), _PAIRS),
    **dict.fromkeys(("rgbt234", "rgbt234_rgb", "lasher", "lasher_rgb"), _TWO_TRUTHS),
    "hit_uav": (
        "img/*.jpg with boxes.json (and minitracks.json), or "
        "normal_xml/{JPEGImages/*.jpg,Annotations/*.xml}"
    ),
    "ptb_tir": "NAME/img/*.jpg with NAME/groundtruth_rect.txt, 60 sequences",
    "lsotb_tir": "NAME/img/*.jpg with NAME/groundtruth_rect.txt, 120 sequences",
    "vot_tir2015": "NAME/*.png with NAME/groundtruth.txt, 20 sequences",
    "vot_tir2016": "NAME/*.png with NAME/groundtruth.txt, 25 sequences",
    "otb": "NAME/img/*.jpg with NAME/groundtruth_rect.txt",
    "antiuav": "NAME/{IR_label.json,infrared.mp4}, or pictures for the video",
    "folder": "sequences in any layout of OTB, VOT or Anti-UAV, or with boxes.txt",
}


def rendered(cut: Cut = None) -> SequenceList:
    """Colour clips of the synthetic world that translators can learn.

    Args:
      cut: how many, as text; ``RENDERED_COUNT`` by default.

    Raises:
      DataError: it is no number.
    """
    text = str(RENDERED_COUNT if cut is None else cut)
    if not text.isdecimal() or not int(text):
        raise DataError(f"{RENDERED}: cut {text!r}: give a number of sequences")
    world = Synthetic(WORLD, int(text), 80_000, "rgb")
    names = tuple(f"day_{i:05d}" for i in range(len(world)))
    openers = tuple(functools.partial(world.__getitem__, i) for i in range(len(world)))
    return SequenceList(RENDERED, names, openers, "rgb")


def open_training_set(
    name: str, root: str | Path | None, cut: Cut = None
) -> SequenceList:
    """Finds a training set's sequences under ``root``; opens none of them yet.

    Sets with track ids or single pictures read their annotations once, here.

    Args:
      name: one of ``TRAINING_SETS``, or ``RENDERED``, which takes no root.
      root: folder of the set, laid out as ``EXPECTED_LAYOUT`` says.
      cut: a part, as the set's reader says, or names (with commas, or a list), or a
        text file of them where the reader takes one. None is all, of sets with a
        training folder that folder.

    Raises:
      DataError: unknown name or cut, no root, nothing found, or unreadable
        annotations.
    """
    if name == RENDERED:
        return rendered(cut)
    if name not in TRAINING_SETS:
        known = (*TRAINING_SETS, RENDERED)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise DataError(
            f"no training set {name!r}; {hint}choose one of {', '.join(known)}"
        )
    if root is None:
        raise DataError(f"where is {name}? give its folder with --data")
    root = Path(root)
    if not root.exists():
        raise DataError(f"no such folder: {root}; check where {name} lies")
    found = TRAINING_SETS[name](root, cut)
    if not len(found):
        part = "" if cut is None else f" (cut {cut})"
        raise DataError(
            f"nothing of {name}{part} in {root}: expected {EXPECTED_LAYOUT[name]}"
        )
    return found
