"""Crops of Siamese pairs, on tiny frames."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.data.training.samples import Sample
from tirjax.data.training.siamese_pairs import (
    CURATED,
    EASY,
    HARD,
    POSITIVE,
    UNCHANGED,
    Changes,
    Cropping,
    Drawn,
    changed_crop,
    context_side,
    corner,
    crop_window,
    grey,
    make_pair,
)
from tirjax.ops import bicubic
from tirjax.trackers.siamese import pyramid
from tirjax.typing import Frame

KEY = jax.random.key(0)
SMALL = Cropping(16, 16)
pair = jax.jit(make_pair, static_argnums=2)
crop_of = jax.jit(crop_window, static_argnums=3)
corner_of = jax.jit(corner)
resized = jax.jit(bicubic.resize, static_argnums=1)


def frame(pixels, size=None):
    return Frame(jnp.asarray(pixels), jnp.array(size or pixels.shape[:2], jnp.int32))


# Geometry.


def test_the_context_is_that_of_the_specification():
    box = jnp.array([420.0, 136, 53, 130])
    assert float(context_side(box)) == pytest.approx(178.904304, rel=1e-6)


def test_a_window_of_whole_pixels_in_the_image_is_copied(rng):
    pixels = rng.integers(0, 256, (24, 32, 1), np.uint8)
    got = crop_of(frame(pixels), jnp.array([14.0, 11.0]), jnp.float32(8), 8)
    np.testing.assert_allclose(got, pixels[7:15, 10:18], atol=1e-3)


def test_outside_of_the_image_there_is_its_mean_and_padding_is_not_read(rng):
    pixels = rng.integers(0, 256, (24, 32, 1), np.uint8)
    pixels[20:], pixels[:, 30:] = 255, 255
    mean = pixels[:20, :30].mean()
    got = crop_of(frame(pixels, (20, 30)), jnp.array([30.0, 20.0]), jnp.float32(8), 8)
    np.testing.assert_allclose(got[4:], mean, atol=1e-3)
    np.testing.assert_allclose(got[:, 4:], mean, atol=1e-3)
    np.testing.assert_allclose(got[:4, :4], pixels[16:20, 26:30], atol=1e-3)


def test_crops_are_those_of_the_tracker(rng):
    pixels = rng.integers(0, 256, (24, 32, 1), np.uint8)
    image, middle, side = frame(pixels), jnp.array([5.3, 20.1]), jnp.float32(21.7)
    colour = pyramid.mean_colour(image)
    exact = jax.jit(lambda *x: pyramid.exact(*x, np.ones(1), 16))
    (want,) = exact(image, colour, middle, side)
    got = crop_of(image, middle, side, 16)
    np.testing.assert_allclose(got, np.clip(want, 0, 255), atol=1e-3)


def test_a_huge_window_is_cut_to_a_multiple_of_the_image(rng):
    pixels = rng.integers(0, 256, (24, 32, 1), np.uint8)
    at = jnp.array([16.0, 12.0])
    got = crop_of(frame(pixels), at, jnp.float32(1e6), 16)
    want = crop_of(frame(pixels), at, jnp.float32(128), 16)
    np.testing.assert_array_equal(got, want)
    assert np.ptp(np.asarray(got)) > 5


def test_colours_become_their_luma(rng):
    pixels = jnp.asarray(rng.uniform(0, 255, (3, 4, 3)), jnp.float32)
    want = np.asarray(pixels) @ [0.298936, 0.587043, 0.114021]
    np.testing.assert_allclose(grey(pixels)[..., 0], want, rtol=1e-5)
    one = pixels[..., :1]
    assert grey(one) is one


@pytest.mark.parametrize("which", range(4))
def test_a_corner_is_a_quadrant_twice_as_large(rng, which):
    crop = jnp.asarray(rng.uniform(0, 255, (15, 15, 1)), jnp.float32)
    rows = slice(0, 7) if which < 2 else slice(8, 15)
    cols = slice(0, 7) if which % 2 == 0 else slice(8, 15)
    want = resized(crop[rows, cols], (15, 15))
    got = corner_of(crop, jnp.int32(which))
    np.testing.assert_allclose(got, np.clip(want, 0, 255), atol=1e-3)


# Pairs.


@pytest.fixture
def drawn(rng):
    """Two frames with a bright square as target, off the middle."""
    pixels = rng.integers(0, 60, (2, 40, 48, 1), np.uint8)
    boxes = np.array([[10, 12, 8, 8], [22, 16, 8, 8]], np.float32)
    for picture, (x, y, w, h) in zip(pixels, boxes.astype(int), strict=True):
        picture[y : y + h, x : x + w] = 250
    sizes = np.full((2, 2), (40, 48), np.int32)
    sample = Sample(*map(jnp.asarray, (pixels, sizes, boxes)))
    return Drawn(sample, jnp.int32(POSITIVE), jnp.int32(4))


def middle_of_bright(crop):
    weight = np.asarray(crop[..., 0]) > 180
    return np.argwhere(weight).mean(0), weight.sum()


@pytest.mark.parametrize(
    ("cropping", "area"),
    [
        (SMALL, 64),
        (Cropping(15, 31), 56),
        (Cropping(64, 64, context=CURATED), 254),
    ],
)
def test_targets_are_in_the_middle_at_one_scale(drawn, cropping, area):
    """Half of the window's side is the target's; the other half surrounds it."""
    made = pair(drawn, KEY, cropping)
    crops = made.exemplar, made.search
    sides = cropping.exemplar, cropping.search
    for crop, side in zip(crops, sides, strict=True):
        assert crop.shape == (side, side, 1) and crop.dtype == jnp.float32
        middle, count = middle_of_bright(crop)
        np.testing.assert_allclose(middle, (side - 1) / 2, atol=0.6)
        assert count == pytest.approx(area, rel=0.15)
    assert bool(made.positive) and bool(made.known) and int(made.class_id) == 4


@pytest.mark.parametrize(
    ("kind", "class_id", "counted", "positive", "known"),
    [
        (POSITIVE, 0, False, True, True),
        (POSITIVE, -1, False, True, False),
        (EASY, 3, False, False, True),
        (HARD, 3, False, False, False),
        (HARD, 3, True, False, True),
        (HARD, -1, True, False, False),
    ],
)
def test_labels_of_every_kind(drawn, kind, class_id, counted, positive, known):
    drawn = drawn._replace(kind=jnp.int32(kind), class_id=jnp.int32(class_id))
    cropping = dataclasses.replace(SMALL, corners_count=counted)
    made = pair(drawn, KEY, cropping)
    assert (bool(made.positive), bool(made.known)) == (positive, known)


def test_the_exemplar_of_a_hard_negative_is_a_corner_of_a_positives(drawn):
    whole = pair(drawn, KEY, SMALL)
    hard = pair(drawn._replace(kind=jnp.int32(HARD)), KEY, SMALL)
    np.testing.assert_array_equal(hard.search, whole.search)
    corners = [np.asarray(corner_of(whole.exemplar, jnp.int32(i))) for i in range(4)]
    close = [np.allclose(hard.exemplar, c, atol=1e-3) for c in corners]
    assert sum(close) == 1


# Changes at random.


def several(drawn, changes, offset=0.0, count=64):
    """Exemplars of one draw under as many keys."""
    image = Frame(drawn.sample.pixels[0].astype(jnp.float32), drawn.sample.sizes[0])
    crop = lambda k: changed_crop(
        image, jnp.array([14.0, 16.0]), jnp.float32(16), 16, offset, changes, k
    )
    return np.asarray(jax.jit(jax.vmap(crop))(jax.random.split(KEY, count)))


def test_an_offset_moves_all_pixels_of_a_crop_alike(drawn):
    dim = drawn.sample._replace(pixels=drawn.sample.pixels // 4 + 90)  # far from 0, 255
    drawn = drawn._replace(sample=dim)
    plain = several(drawn, UNCHANGED, count=1)
    moved = several(drawn, Changes((6.0, 0.0)), 6.0, 256) - plain
    np.testing.assert_allclose(np.ptp(moved, axis=(1, 2, 3)), 0, atol=1e-3)
    # Of 256 draws the deviation is known to 9 % (two standard errors).
    assert moved[:, 0, 0, 0].std() == pytest.approx(6.0, rel=0.12)


def test_shifts_stay_within_their_range(drawn):
    crops = several(drawn, Changes(shift=2.0))
    off = np.array([middle_of_bright(crop)[0] - 7.5 for crop in crops])
    assert np.abs(off).max() < 2.6 and np.abs(off).max(0).min() > 1.4


def test_stretching_keeps_the_middle_and_changes_both_sides_apart(drawn):
    crops = several(drawn, Changes(stretch=0.4))
    bright = crops[..., 0] > 180
    high, wide = bright.any(2).sum(1), bright.any(1).sum(1)
    # 8 pixels over 0.6 to 1.4.
    assert min(high.min(), wide.min()) >= 5 and max(high.max(), wide.max()) <= 14
    assert np.ptp(high) >= 4 and np.ptp(wide) >= 4 and (high != wide).any()
    middles = [middle_of_bright(crop)[0] for crop in crops]
    np.testing.assert_allclose(middles, 7.5, atol=0.8)


def test_a_wandering_target_is_where_the_offset_says(drawn):
    settings = dataclasses.replace(SMALL, changes=Changes(wander=4.0))
    keys = jax.random.split(KEY, 32)
    made = jax.jit(jax.vmap(lambda k: make_pair(drawn, k, settings)))(keys)
    off = [middle_of_bright(crop)[0][::-1] - 7.5 for crop in made.search]
    np.testing.assert_allclose(off, made.offset, atol=0.6)
    assert 3 < np.abs(made.offset).max() <= 4
    still = [middle_of_bright(crop)[0] for crop in made.exemplar]
    np.testing.assert_allclose(still, 7.5, atol=0.6)


@pytest.mark.slow
def test_each_crop_of_a_pair_is_changed_on_its_own(drawn):
    dim = drawn.sample._replace(pixels=drawn.sample.pixels // 4 + 90)
    drawn = drawn._replace(sample=dim)
    settings = dataclasses.replace(SMALL, changes=Changes((6.0, 3.0)))
    keys = jax.random.split(KEY, 256)
    made = jax.jit(jax.vmap(lambda k: make_pair(drawn, k, settings)))(keys)
    plain = pair(drawn, KEY, SMALL)
    moved = made.exemplar - plain.exemplar, made.search - plain.search
    exemplar, search = (np.asarray(x)[:, 0, 0, 0] for x in moved)
    assert exemplar.std() / search.std() == pytest.approx(2.0, rel=0.2)
    assert abs(np.corrcoef(exemplar, search)[0, 1]) < 0.2


def test_without_changes_the_key_decides_nothing_of_a_positive_pair(drawn):
    made = [pair(drawn, jax.random.key(seed), SMALL) for seed in (0, 1)]
    jax.tree.map(np.testing.assert_array_equal, *made)


@pytest.mark.parametrize(
    "changes",
    [
        Changes(offsets=(-1.0, 0.0)),
        Changes(stretch=1.0),
        Changes(shift=-1.0),
        Changes(wander=-1.0),
    ],
)
def test_changes_that_make_no_sense_are_refused(changes):
    with pytest.raises(DataError, match="none may be negative"):
        Cropping(16, 16, changes=changes)


@pytest.mark.parametrize("changes", [{"exemplar": 4}, {"search": 0}, {"context": 0.0}])
def test_crops_of_nothing_are_refused(changes):
    with pytest.raises(DataError, match="at least 8"):
        Cropping(**changes)
