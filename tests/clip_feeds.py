"""Small feeds of frames in memory and on disk, for the tests that read them."""

import functools

import cv2
import numpy as np

from tirjax.data.collection import SequenceList
from tirjax.data.layouts import generic
from tirjax.data.sequence import ArrayFrames, Sequence
from tirjax.data.training.augment import Augmentation
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.processing import Processing
from tirjax.data.training.sampler import Sampling

SMALL = Canvas((24, 32), 1, 4.0)
DIMP = Sampling("causal", 2, 1, 8)
# Without changes of appearance, which take long to compile.
TWO = Processing(
    side=32,
    stride=8,
    train_frames=2,
    proposal_count=4,
    augmentation=Augmentation(),
)


def moving(rng, length=24, size=(24, 32), name="a"):
    """A target that moves half a pixel a frame."""
    pixels = rng.integers(0, 256, (length, *size, 1), dtype=np.uint8)
    boxes = np.array([[i * 0.5, 3, 6, 5] for i in range(length)])
    return Sequence(name, ArrayFrames(pixels), boxes, np.ones(length, bool))


def in_memory(rng):
    """Two clips and a picture, as two data sets."""
    sets = [[moving(rng), moving(rng)], [moving(rng, 1)]]
    return ClipFeed(Mixture(sets, [2, 1]), DIMP, SMALL, TWO, batch=4, seed=3)


def on_disk(path, rng):
    """Two folders of pictures, ``a`` and ``b``."""
    opens = tuple(_folder(path / name, rng) for name in "ab")
    dataset = SequenceList("folders", ("a", "b"), opens)
    return ClipFeed(Mixture([dataset]), DIMP, SMALL, TWO, batch=2)


def _folder(path, rng, length=24):
    path.mkdir(parents=True)
    for i in range(length):
        picture = rng.integers(0, 256, (24, 32), dtype=np.uint8)
        cv2.imwrite(str(path / f"{i:03d}.png"), picture)
    np.savetxt(path / "boxes.txt", [[8, 6, 7, 5]] * length, delimiter=",")
    return functools.partial(generic, path)


def assert_same(got, want):
    """Numbers and every array of the samples are equal."""
    (numbers, sample), (wanted_numbers, wanted) = got, want
    for a, b in zip((numbers, *sample), (wanted_numbers, *wanted), strict=True):
        np.testing.assert_array_equal(a, b)
