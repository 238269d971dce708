"""Unlabelled pairs as training examples."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.data.training.augment import Augmentation
from tirjax.data.training.jitter import Jitter
from tirjax.data.training.pairing import (
    LITERAL,
    Pairing,
    _frames,
    _on_canvas,
    _side_by_side,
    pair_examples,
)
from tirjax.data.training.processing import Processing
from tirjax.data.training.pseudo_boxes import Scene, centre_area

KEYS = jax.random.split(jax.random.key(5), 8)
STILL = Processing(
    side=32,
    stride=8,
    search_scale=2.0,
    train_frames=1,
    train_jitter=Jitter(),
    test_jitter=Jitter(),
    proposal_count=4,
    augmentation=Augmentation(),
)
SHAKEN = dataclasses.replace(
    STILL,
    search_scale=3.0,
    train_jitter=Jitter(0.5, 0.1),
    test_jitter=Jitter(1.0, 0.2),
    augmentation=Augmentation(mirror_each=0.5),
)
BOX = (26.0, 18.0, 12.0, 12.0)  # the centre of 48 x 64
CENTRE = centre_area(12.0)


@pytest.fixture
def scene(rng):
    """Random pixels below 100 with a bright box; the same in both halves."""
    grey = rng.integers(0, 100, (48, 64, 1), dtype=np.uint8)
    grey[18:30, 26:38] = 200
    return Scene(
        visible=jnp.asarray(np.repeat(grey, 3, 2)),
        thermal=jnp.asarray(grey),
        size=jnp.array([48, 64], jnp.int32),
        boxes=jnp.zeros((0, 4)),
        scores=jnp.zeros(0),
    )


def apart(scene):
    """Visible 50 everywhere, thermal 150."""
    return scene._replace(
        visible=jnp.full_like(scene.visible, 50),
        thermal=jnp.full_like(scene.thermal, 150),
    )


def make(scene, number=0, keys=KEYS, **changes):
    pairing = Pairing(**{"boxes": CENTRE, "processing": STILL, **changes})
    one = lambda key: pair_examples(scene, key, jnp.uint32(number), pairing)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(keys))


def inside(crop, box):
    """Pixels of a crop well inside a box."""
    x, y, w, h = box
    rows = slice(int(np.ceil(y)) + 1, int(y + h) - 1)
    return crop[rows, int(np.ceil(x)) + 1 : int(x + w) - 1]


def test_equal_halves_without_jitter_give_equal_crops(scene):
    got = make(scene, mix="batch")
    assert got.train.shape == got.test.shape == (8, 1, 32, 32, 3)
    assert got.labels.shape[:2] == (8, 1) and got.proposals.shape == (8, 1, 4, 4)
    np.testing.assert_array_equal(got.train, got.test)
    np.testing.assert_array_equal(got.train_boxes, got.test_boxes)
    # A window of twice the box, under the half pixel of a replicated border.
    np.testing.assert_allclose(got.train_boxes[0, 0], [7.5, 7.5, 16, 16], atol=0.01)


@pytest.mark.parametrize("mix", ["batch", "spatial"])
def test_own_boxes_sit_on_the_content_whatever_moves_the_crops(scene, mix):
    got = make(scene, mix=mix, processing=SHAKEN)
    assert not np.allclose(got.train_boxes, got.test_boxes, atol=0.5)
    for crops, boxes in ((got.train, got.train_boxes), (got.test, got.test_boxes)):
        for crop, box in zip(crops[:, 0], boxes[:, 0], strict=True):
            assert inside(crop, box).mean() > 185
            assert crop.mean() < 140


@pytest.mark.slow
def test_the_box_of_the_test_crop_is_given_to_the_reference_if_asked(scene):
    own = make(scene, processing=SHAKEN)
    taken = make(scene, processing=SHAKEN, box_source="test")
    np.testing.assert_array_equal(taken.train_boxes, own.test_boxes)
    np.testing.assert_array_equal(taken.train, own.train)
    np.testing.assert_array_equal(taken.test_boxes, own.test_boxes)


@pytest.mark.parametrize(
    ("reference", "test", "number", "levels"),
    [
        ("rgb", "tir", 1, (50, 150)),
        ("tir", "rgb", 0, (150, 50)),
        ("tir", "tir", 0, (150, 150)),
        ("mixed", "mixed", 0, (50, 150)),
        ("mixed", "mixed", 1, (150, 50)),
        ("mixed", "mixed", 6, (50, 150)),
    ],
)
def test_each_frame_shows_the_half_it_should(scene, reference, test, number, levels):
    pairing = Pairing(reference=reference, test=test)
    frames = _frames(apart(scene), jnp.uint32(number), pairing)
    assert frames.shape == (2, 48, 64, 3)
    assert (frames[0] == levels[0]).all() and (frames[1] == levels[1]).all()


def test_side_by_side_the_frames_show_opposite_halves_of_one_place(scene):
    opposite = scene._replace(thermal=200 - scene.thermal)
    got = make(opposite, mix="spatial")
    np.testing.assert_array_equal(got.train_boxes, got.test_boxes)
    np.testing.assert_allclose(got.train + got.test, 200, atol=1e-3)
    levels = np.array(
        [inside(c[0], b[0]).mean() for c, b in zip(*got[:2], strict=True)]
    )
    # Either half, by chance: visible shows 200 in the box, thermal 0.
    assert set(np.round(levels)) == {0, 200}


def test_the_seam_is_where_the_pictures_meet(scene):
    got = make(apart(scene), mix="spatial", place="seam", keys=KEYS[:1])
    train, test = got.train[0, 0, :, :, 0], got.test[0, 0, :, :, 0]
    assert (train[:, :15] == 50).all() and (train[:, 17:] == 150).all()
    assert (test[:, :15] == 150).all() and (test[:, 17:] == 50).all()
    np.testing.assert_allclose(got.test_boxes[0, 0], [7.5, 7.5, 16, 16], atol=0.01)


def test_the_literal_box_lies_below_the_picture(scene):
    box = _on_canvas(jnp.array(BOX), scene, KEYS[0], "literal")
    np.testing.assert_array_equal(box, LITERAL)
    kaist = scene._replace(
        visible=jnp.zeros((512, 640, 3), jnp.uint8).at[-1].set(255),
        thermal=jnp.zeros((512, 640, 1), jnp.uint8),
        size=jnp.array([512, 640], jnp.int32),
    )
    assert LITERAL[1] > 512
    got = make(kaist, mix="spatial", place="literal", keys=KEYS[:1])
    # The last row of a picture is never read; nothing but its border is in the crop.
    assert (got.train == 0).all() and np.isfinite(got.labels).all()


def test_pictures_smaller_than_their_arrays_meet_at_their_true_width(scene):
    wide = ((0, 16), (0, 20), (0, 0))
    padded = scene._replace(
        visible=jnp.pad(scene.visible, wide, constant_values=255),
        thermal=jnp.pad(scene.thermal, wide, constant_values=255),
    )
    got, want = (_side_by_side(x, jnp.array(BOX)) for x in (padded, scene))
    np.testing.assert_array_equal(got.pixels[:, :48, :128], want.pixels)
    np.testing.assert_array_equal(got.sizes, [[48, 128]] * 2)
    np.testing.assert_array_equal(got.sizes, want.sizes)
    for place in ("half", "seam"):
        boxes = [_on_canvas(jnp.array(BOX), x, KEYS[0], place) for x in (padded, scene)]
        np.testing.assert_array_equal(*boxes)


def test_an_example_is_a_function_of_its_key(scene):
    first, again = make(scene, processing=SHAKEN), make(scene, processing=SHAKEN)
    np.testing.assert_array_equal(first.train, again.train)
    assert len(np.unique(first.test_boxes[:, 0], axis=0)) == len(KEYS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": "thermal"}, "reference is 'thermal'"),
        ({"mix": "both"}, "mix is 'both'"),
        ({"place": "left"}, "place is 'left'"),
        ({"box_source": "train"}, "box_source is 'train'"),
        ({"test": "tir"}, "mix both or neither"),
        ({"processing": Processing()}, "train_frames=1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        Pairing(**changes)
