"""Whole examples: their parts agree with each other and follow the published table."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.data.training.augment import THERMAL, Augmentation
from tirjax.data.training.crops import Rule
from tirjax.data.training.jitter import Jitter
from tirjax.data.training.labels import score_label
from tirjax.data.training.processing import (
    ATOM,
    DIMP,
    SUPER_DIMP,
    Processing,
    change,
    cut_all,
    place,
    process,
)
from tirjax.data.training.samples import Sample
from tirjax.ops.boxes import iou

KEY = jax.random.key(5)
PLAIN = Processing(
    side=64,
    stride=8,
    search_scale=4.0,
    train_frames=2,
    train_jitter=Jitter(0.5, 0.1),
    test_jitter=Jitter(1.0, 0.2),
    proposal_count=6,
    augmentation=Augmentation(),
)
THERMAL_ONE = dataclasses.replace(
    PLAIN, crop=Rule("inside_major"), proposals="gmm", augmentation=THERMAL
)
make = jax.jit(process, static_argnums=2)


@partial(jax.jit, static_argnums=2)
def crops(sample, key, settings):
    """The first stages alone: they compile quickly."""
    for_place, for_change = jax.random.split(key)
    pixels, boxes = cut_all(sample, place(sample, for_place, settings), settings)
    return change(pixels, boxes, for_change, settings)


def sample_of(boxes, rows=80, cols=96, channels=1, size=None):
    """Dark frames with a bright target each."""
    n = len(boxes)
    pixels = np.full((n, rows, cols, channels), 40, np.uint8)
    for frame, (x, y, w, h) in zip(pixels, np.array(boxes, int), strict=True):
        frame[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = 220
    sizes = np.tile(np.array(size or (rows, cols), np.int32), (n, 1))
    return jax.tree.map(jnp.asarray, Sample(pixels, sizes, np.float32(boxes)))


MOVING = [(30, 25, 16, 12), (33, 26, 16, 12), (38, 30, 17, 13), (42, 28, 16, 14)]


@pytest.mark.parametrize(
    "settings", [PLAIN, THERMAL_ONE], ids=["replicate", "inside_major"]
)
def test_shapes_types_and_ranges(settings):
    got = make(sample_of(MOVING), KEY, settings)
    shapes = {name: value.shape for name, value in got._asdict().items()}
    assert shapes == {
        "train": (2, 64, 64, 1),
        "train_boxes": (2, 4),
        "test": (2, 64, 64, 1),
        "test_boxes": (2, 4),
        "labels": (2, 9, 9),
        "proposals": (2, 6, 4),
        "overlaps": (2, 6),
        "log_density": (2, 6),
        "target_density": (2, 6),
    }
    assert settings.label_side == 9
    assert all(v.dtype == jnp.float32 and np.isfinite(v).all() for v in got)
    for pixels in (got.train, got.test):
        assert pixels.min() >= 0 and pixels.max() <= 255.001


@pytest.mark.parametrize("border", ["replicate", "inside_major"])
def test_boxes_lie_on_the_targets_also_when_mirrored(border):
    mirrored = Augmentation(mirror_all=0.5, mirror_each=0.5)
    settings = dataclasses.replace(PLAIN, crop=Rule(border), augmentation=mirrored)
    cells = np.arange(64) + 0.5
    for key in jax.random.split(KEY, 6):
        pixels, boxes = map(np.asarray, crops(sample_of(MOVING), key, settings))
        for picture, (x, y, w, h) in zip(pixels[..., 0] > 130, boxes, strict=True):
            down, across = picture.any(1), picture.any(0)
            # One pixel of sampling, and what 'replicate' is off, over 2 or 1 pixels.
            middle = cells[across].mean(), cells[down].mean()
            np.testing.assert_allclose(middle, (x + w / 2, y + h / 2), atol=2.1)
            np.testing.assert_allclose((across.sum(), down.sum()), (w, h), atol=1.6)


def test_mirroring_changes_neither_content_nor_size():
    settings = dataclasses.replace(PLAIN, augmentation=Augmentation(mirror_all=1.0))
    pixels, boxes = crops(sample_of(MOVING), KEY, PLAIN)
    turned, moved = crops(sample_of(MOVING), KEY, settings)
    np.testing.assert_array_equal(turned[:, :, ::-1], pixels)
    # 'replicate' has its middle at (side - 1) / 2.
    np.testing.assert_allclose(moved[:, 0] + moved[:, 2] + boxes[:, 0], 63, atol=1e-4)
    np.testing.assert_array_equal(moved[:, 1:], boxes[:, 1:])


@pytest.mark.parametrize("settings", [PLAIN, THERMAL_ONE], ids=["perturbed", "gmm"])
def test_labels_and_overlaps_belong_to_the_test_boxes(settings):
    got = make(sample_of(MOVING), KEY, settings)
    for box, label in zip(got.test_boxes, got.labels, strict=True):
        np.testing.assert_allclose(
            label, score_label(box, 64, 8, 4, settings.label_sigma), atol=1e-6
        )
    pairs = jnp.broadcast_to(got.test_boxes[:, None], got.proposals.shape)
    np.testing.assert_allclose(got.overlaps, iou(got.proposals, pairs), atol=1e-5)
    assert got.log_density.any() == (settings.proposals == "gmm")


def test_without_jitter_the_target_is_in_the_middle():
    still = dataclasses.replace(PLAIN, train_jitter=Jitter(), test_jitter=Jitter())
    boxes = np.asarray(crops(sample_of(MOVING), KEY, still)[1])
    np.testing.assert_allclose(boxes[:, :2] + boxes[:, 2:] / 2, 31.5, atol=1e-3)
    # The window's side is the root of the area times the scale, rounded up.
    np.testing.assert_allclose(np.sqrt(boxes[:, 2:].prod(1)), 16, rtol=0.02)


def test_train_and_test_frames_have_their_own_jitter():
    wide = dataclasses.replace(PLAIN, train_jitter=Jitter())
    boxes = crops(sample_of(MOVING), KEY, wide)[1]
    off = lambda boxes: np.abs(boxes[:, :2] + boxes[:, 2:] / 2 - 31.5).max()
    assert off(boxes[:2]) < 1e-3 and off(boxes[2:]) > 1


def test_the_key_decides():
    sample = sample_of(MOVING)
    one, again = make(sample, KEY, THERMAL_ONE), make(sample, KEY, THERMAL_ONE)
    other = make(sample, jax.random.key(6), THERMAL_ONE)
    for a, b, c in zip(one, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


def test_batches_equal_singles():
    samples = [sample_of(MOVING), sample_of(MOVING[::-1])]
    keys = jax.random.split(KEY, 2)
    batch = jax.tree.map(lambda *x: jnp.stack(x), *samples)
    got = jax.jit(jax.vmap(lambda s, k: process(s, k, PLAIN)))(batch, keys)
    for i, sample in enumerate(samples):
        for a, b in zip(got, make(sample, keys[i], PLAIN), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-4, atol=0.05)


def test_padding_of_the_canvas_is_never_seen():
    small = sample_of(MOVING, 64, 80)
    pixels = np.random.default_rng(0).integers(0, 255, (4, 80, 96, 1), np.uint8)
    pixels[:, :64, :80] = small.pixels
    large = small._replace(pixels=jnp.asarray(pixels))
    for a, b in zip(crops(small, KEY, PLAIN), crops(large, KEY, PLAIN), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "settings", [PLAIN, THERMAL_ONE], ids=["replicate", "inside_major"]
)
def test_awkward_targets_give_finite_numbers(settings):
    awkward = [(-5, -4, 16, 12), (95, 79, 1, 1), (-50, -60, 300, 200), (50, 40, 0, 0)]
    got = make(sample_of(awkward), KEY, settings)
    assert all(np.isfinite(value).all() for value in got)


def test_presets_are_the_published_table():
    for preset, side, cells, sigma, frames, count in [
        (DIMP, 288, 19, 0.9, 3, 8),
        (SUPER_DIMP, 352, 23, 0.916667, 3, 128),
        (ATOM, 288, 19, 0.9, 1, 16),
    ]:
        assert (preset.side, preset.label_side) == (side, cells)
        assert (preset.train_frames, preset.proposal_count) == (frames, count)
        assert abs(preset.label_sigma - sigma) < 1e-6
        assert (
            preset.augmentation.grey == 0.05 and preset.augmentation.brightness == 0.2
        )
    assert SUPER_DIMP.crop == Rule("inside_major", 1.5)
    assert SUPER_DIMP.test_jitter == Jitter(5.5, 0.5)
    assert ATOM.train_jitter == Jitter(0.0, 0.0)
    assert ATOM.test_jitter == DIMP.test_jitter == Jitter(4.5, 0.5)


@pytest.mark.parametrize(
    "change, message",
    [({"proposals": "grid"}, "one of perturbed, gmm"), ({"side": 100}, "take 96")],
)
def test_settings_that_cannot_work_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(PLAIN, **({"stride": 16} | change))
