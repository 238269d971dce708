"""OpenCV's trackers behind a pipe: one JSON request a line in, one reply a line out.

Runs under an interpreter that has ``opencv-contrib-python-headless``; needs nothing
else of this project. A request names a tracker, a file of frames, ``[t, rows, columns,
3]`` blue first, and the first box; the reply holds the boxes of all frames, the seconds
of all but the first and those of the first, or an error.
"""

import json
import os
import sys
import time
from typing import Any

# Before the import: the network trackers warn about every target they try.
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")

import cv2
import numpy as np

# Our own environment has the module without its contributed part.
cv2: Any = cv2


def build(name: str, weights: str):
    """A tracker in OpenCV's default settings.

    Args:
      name: ``csrt``, ``kcf`` or ``nano``.
      weights: folder of NanoTrack's two networks.
    """
    if name == "csrt":
        return cv2.TrackerCSRT.create()
    if name == "kcf":
        return cv2.TrackerKCF.create()
    settings = cv2.TrackerNano_Params()
    settings.backbone = os.path.join(weights, "nanotrackv2_backbone_sim.onnx")
    settings.neckhead = os.path.join(weights, "nanotrackv2_head_sim.onnx")
    return cv2.TrackerNano.create(settings)


def follow(tracker, frames: np.ndarray, box: list[float]) -> dict:
    """Boxes of every frame, the first rounded to whole pixels, as OpenCV requires; one
    that fails keeps the box before it."""
    box = [round(v) for v in box]
    started = time.perf_counter()
    tracker.init(np.ascontiguousarray(frames[0]), box)
    first = time.perf_counter() - started
    boxes, seconds, failed = [[float(v) for v in box]], [], 0
    for frame in frames[1:]:
        frame = np.ascontiguousarray(frame)
        started = time.perf_counter()
        found, new = tracker.update(frame)
        seconds.append(time.perf_counter() - started)
        failed += not found
        boxes.append([float(v) for v in new] if found else boxes[-1])
    return {"boxes": boxes, "seconds": seconds, "failed": failed, "first": first}


def main() -> None:
    """Answers until the pipe closes."""
    about = {"opencv": cv2.__version__, "threads": cv2.getNumThreads()}
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        tracker = build(request["tracker"], request["weights"])
        frames = np.load(request["frames"], mmap_mode="r")
        print(json.dumps(follow(tracker, frames, request["box"])), flush=True)


if __name__ == "__main__":
    main()
