"""Readers and the synthetic world: files or keys in, ``Sequence`` out."""

from tirjax.data.annotations import read_boxes, write_boxes
from tirjax.data.collection import SequenceList
from tirjax.data.datasets import DATASETS, open_dataset
from tirjax.data.discover import open_sequence
from tirjax.data.frames import open_frames
from tirjax.data.layouts import antiuav, generic, otb, vot
from tirjax.data.sequence import ArrayFrames, DataError, Dataset, Frames, Sequence
from tirjax.data.windows import FixedWindow, FrameWindow, SequenceWindow, Window

__all__ = [
    "DATASETS",
    "ArrayFrames",
    "DataError",
    "Dataset",
    "FixedWindow",
    "FrameWindow",
    "Frames",
    "Sequence",
    "SequenceList",
    "SequenceWindow",
    "Window",
    "antiuav",
    "generic",
    "open_dataset",
    "open_frames",
    "open_sequence",
    "otb",
    "read_boxes",
    "vot",
    "write_boxes",
]
