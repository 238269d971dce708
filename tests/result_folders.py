"""Tiny data sets and fabricated results of trackers, for the tests of reports."""

import json

import cv2
import numpy as np

from tirjax.data import write_boxes

LENGTHS = {"birds": 10, "car": 20, "horse": 10}


def truth(name):
    """A target of 16 by 12 pixels that drifts."""
    steps = np.arange(LENGTHS[name])[:, None]
    return np.array([20.0, 30, 16, 12]) + steps * [1.0, 0.5, 0, 0]


def write_data(root):
    """Three OTB folders of flat frames."""
    for name, length in LENGTHS.items():
        folder = root / name
        (folder / "img").mkdir(parents=True)
        for i in range(length):
            picture = np.full((64, 80), 90 + i, np.uint8)
            cv2.imwrite(str(folder / "img" / f"{i:04d}.png"), picture)
        write_boxes(folder / "groundtruth_rect.txt", truth(name), origin=1)
    return root


def fabricate(root, name, shift, sequences=tuple(LENGTHS), manifest=None):
    """Results of a tracker that is ``shift`` pixels beside the truth."""
    folder = root / name
    folder.mkdir(parents=True)
    for sequence in sequences:
        boxes = truth(sequence) + np.array([shift, 0, 0, 0])
        write_boxes(folder / f"{sequence}.txt", boxes, origin=1)
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def about(data):
    """The least that a manifest says."""
    return {"dataset": "otb", "cut": None, "data": str(data), "protocol": "otb"}
