"""What the tests of VOT's experiment share: tiny sequences and a sleeping tracker."""

import json

import cv2
import jax.numpy as jnp
import numpy as np

from tirjax.trackers.base import FOUND, Prediction, Tracker

CLIPS = {"slow": (0.5, 0.1), "fast": (1.6, 0.0), "calm": (0.0, 0.0)}
LENGTHS = {"slow": 30, "fast": 26, "calm": 12}


def truth(name):
    """Polygons of a target that moves; VOT's numbering."""
    step = np.arange(LENGTHS[name])[:, None] * np.array(CLIPS[name])
    x, y = (step + np.array([10, 20])).T
    corners = x, y, x + 8, y, x + 8, y + 9, x, y + 9
    return np.stack(corners, 1)


def write(root, names=tuple(CLIPS), size=(40, 60)):
    """Sequences in VOT's layout: a warm disc on cold ground."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    for name in names:
        folder = root / name
        (folder / "ir").mkdir(parents=True)
        polygons = truth(name)
        np.savetxt(folder / "groundtruth.txt", polygons, "%.2f", ",")
        (folder / "sequence").write_text(
            f"name={name}\nfps=20\nformat=default\nchannel.default=ir\n"
            "channels.ir=ir/%08d.png\n"
        )
        late = np.arange(len(polygons)) > len(polygons) // 2
        np.savetxt(folder / "occlusion.tag", late, "%d")
        for i, corners in enumerate(polygons, 1):
            cx, cy = corners[::2].mean() - 1, corners[1::2].mean() - 1
            disc = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 30)
            picture = 40 + 150 * disc + 4 * rng.normal(size=disc.shape)
            picture = picture.clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / "ir" / f"{i:08d}.png"), picture)
    (root / "list.txt").write_text("\n".join(names) + "\n")


def still(size):
    """A tracker that answers the box it was started with."""
    del size
    return STILL


def _init(params, frame, box, key):
    del params, frame, key
    return box


def _step(params, state, frame):
    del params, frame
    one = jnp.float32(1)
    return state, Prediction(state, one, jnp.int32(FOUND), one)


STILL = Tracker(_init, _step)


def report(folder):
    """What a report says, as JSON."""
    return json.loads((folder / "report.json").read_text())
