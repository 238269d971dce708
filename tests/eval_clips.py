"""What the tests of evaluation in batches share: tiny clips of a warm disc."""

import cv2
import numpy as np

from tirjax.data import write_boxes

# Frames, rows and columns; one shape and one much smaller.
CLIPS = {
    "birds": (9, 60, 80),
    "car": (15, 60, 80),
    "crowd": (4, 50, 70),
    "dog": (1, 60, 80),
    "horse": (12, 60, 80),
}


def pictures(length, rows, cols):
    """A disc that moves right over noise."""
    rng = np.random.default_rng(length)
    y, x = np.mgrid[:rows, :cols] + 0.5
    for i in range(length):
        disc = np.exp(-((x - 25 - 1.5 * i) ** 2 + (y - 25) ** 2) / 60)
        picture = 40 + 150 * disc + 4 * rng.normal(size=disc.shape)
        yield picture.clip(0, 255).astype(np.uint8)


def truth(length):
    return [15.0, 15, 20, 20] + np.arange(length)[:, None] * [1.5, 0, 0, 0]


def write(root):
    """OTB folders."""
    for name, shape in CLIPS.items():
        folder = root / name
        (folder / "img").mkdir(parents=True)
        for i, picture in enumerate(pictures(*shape)):
            cv2.imwrite(str(folder / "img" / f"{i:04d}.png"), picture)
        path = folder / "groundtruth_rect.txt"
        write_boxes(path, truth(shape[0]), origin=1)
