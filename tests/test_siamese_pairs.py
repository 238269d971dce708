"""Crops of Siamese pairs and both feeds, on tiny frames."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.synthetic import preset
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.rendered import inside
from tirjax.data.training.samples import Sample
from tirjax.data.training.siamese_feed import Mix, SiameseFeed, draw_two
from tirjax.data.training.siamese_pairs import (
    CURATED,
    EASY,
    HARD,
    POSITIVE,
    Cropping,
    Drawn,
    context_side,
    corner,
    crop_square,
    grey,
    make_pair,
)
from tirjax.data.training.siamese_rendered import RenderedSiamese
from tirjax.ops import bicubic
from tirjax.trackers.siamese import pyramid
from tirjax.typing import Frame

KEY = jax.random.key(0)
SMALL = Cropping(16, 16)
pair = jax.jit(make_pair, static_argnums=2)
crop_of = jax.jit(crop_square, static_argnums=3)
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
        assert crop.shape == (side, side, 3) and crop.dtype == jnp.float32
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


@pytest.mark.parametrize("changes", [{"exemplar": 4}, {"search": 0}, {"context": 0.0}])
def test_crops_of_nothing_are_refused(changes):
    with pytest.raises(DataError, match="at least 8"):
        Cropping(**changes)


# From disk.


def clip(rng, name, length=60, level=0, hidden=()):
    pixels = rng.integers(level, level + 20, (length, 24, 32, 1), np.uint8)
    boxes = np.array([[4 + i * 0.2, 6, 8, 8] for i in range(length)])
    visible = np.ones(length, bool)
    visible[list(hidden)] = False
    return Sequence(name, ArrayFrames(pixels), boxes, visible)


def feed_of(rng, **changes):
    """Two clips that their brightness tells apart."""
    clips = [clip(rng, "dark"), clip(rng, "bright", level=200)]
    settings = {
        "mixture": Mixture([clips]),
        "cropping": SMALL,
        "canvas": Canvas((24, 32), 1, 6.0),
        "classes": {"bright": 7},
        "batch": 32,
    }
    return SiameseFeed(**{**settings, **changes})


def test_frames_of_a_pair_keep_their_distances():
    rng = np.random.default_rng(0)
    visible = np.ones(60, bool)
    visible[20:30] = False
    place = np.cumsum(visible) - 1
    mix = Mix(gap=4, apart=35)
    draw = lambda kind: np.array(
        [place[draw_two(visible, kind, mix, rng)] for _ in range(300)]
    )
    far = np.abs(np.diff(draw(POSITIVE))).ravel()
    assert far.min() == 1 and far.max() == 4
    far = np.abs(np.diff(draw(HARD))).ravel()
    assert far.min() == 36 and far.max() == 49


def test_batches_hold_the_shares_of_the_mix(rng):
    feed = feed_of(rng, batch=400)
    drawn = feed.read(0)[0][1]
    shares = np.bincount(drawn.kind, minlength=3) / 400
    np.testing.assert_allclose(shares, [0.6, 0.2, 0.2], atol=0.07)
    bright = drawn.sample.pixels.reshape(400, 2, -1).max(-1) > 100
    np.testing.assert_array_equal(bright[:, 0] != bright[:, 1], drawn.kind == EASY)
    np.testing.assert_array_equal(drawn.class_id, np.where(bright[:, 0], 7, -1))


def assert_same(got, want):
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_batch_is_a_function_of_its_step_and_parts_make_it(rng):
    feed = feed_of(rng, batch=6)
    whole, problems = feed.read(2)
    assert problems == () and whole[0].tolist() == [12, 13, 14, 15, 16, 17]
    assert_same(feed.read(2)[0], whole)
    parts = [feed.read(2, part)[0] for part in (slice(0, 2), slice(2, 6))]
    assert_same(jax.tree.map(lambda *x: np.concatenate(x), *parts), whole)
    other = dataclasses.replace(feed, seed=1).read(2)[0][1]
    assert not np.array_equal(other.kind, whole[1].kind) or not np.array_equal(
        other.sample.boxes, whole[1].sample.boxes
    )


def test_pairs_are_made_on_the_device(rng):
    feed = feed_of(rng)
    raw = feed.read(0)[0]
    made = jax.jit(feed.make)(raw, KEY)
    assert made.exemplar.shape == made.search.shape == (32, 16, 16, 3)
    np.testing.assert_array_equal(made.positive, raw[1].kind == POSITIVE)
    assert made.class_id.dtype == jnp.int32
    level = lambda x: np.asarray(x).mean((1, 2, 3)) > 100
    differs = level(made.exemplar) != level(made.search)
    np.testing.assert_array_equal(differs, raw[1].kind == EASY)


def test_one_sequence_gives_no_easy_negatives(rng):
    feed = feed_of(rng, mixture=Mixture([[clip(rng, "alone")]]))
    with pytest.raises(NothingUsable, match="other sequence"):
        feed.read(0)
    dataclasses.replace(feed, mix=Mix((0.5, 0.0, 0.5))).read(0)


def test_short_sequences_give_no_hard_negatives(rng):
    short = Mixture([[clip(rng, "a", 20), clip(rng, "b", 20)]])
    with pytest.raises(NothingUsable, match="on 27 frames"):
        feed_of(rng, mixture=short, mix=Mix((0.0, 0.0, 1.0))).read(0)


def test_a_bad_file_is_skipped_and_noted_or_stops(rng):
    class Broken(list):
        def __getitem__(self, index):
            if index == 1:
                raise DataError("b.png: broken")
            return super().__getitem__(index)

    data = Mixture([Broken([clip(rng, "a"), None, clip(rng, "c")])])
    feed = feed_of(rng, mixture=data)
    assert "b.png: broken" in feed.read(0)[1]
    with pytest.raises(DataError, match="broken"):
        dataclasses.replace(feed, on_error="stop").read(0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, "batch 0"),
        ({"seed": -1}, "seed -1"),
        ({"on_error": "no"}, "'no'"),
        ({"mix": Mix((0.5, 0.2, 0.2))}, "sum to 1"),
        ({"mix": Mix(gap=0)}, "gap at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(rng, changes, message):
    with pytest.raises(DataError, match=message):
        feed_of(rng, **changes)


def test_the_record_says_what_it_is_made_of(rng):
    record = feed_of(rng).describe()
    assert record["mix"]["shares"] == (0.6, 0.2, 0.2) and record["classes"] == 1
    assert record["mixture"][0]["sequences"] == 2


# From the synthetic world.

WORLD = preset("mixed", rows=48, cols=64, frames=30)
RENDERED = RenderedSiamese(WORLD, Mix((0.4, 0.4, 0.2)), SMALL, batch=16)


@pytest.fixture(scope="module")
def rendered():
    numbers, problems = RENDERED.read(1)
    assert problems == () and numbers[0] == 16
    make = jax.jit(RENDERED.make)
    return numbers, make, make(numbers, KEY)


@pytest.mark.slow
def test_rendered_pairs_are_pairs(rendered):
    _, _, made = rendered
    assert made.exemplar.shape == made.search.shape == (16, 16, 16, 3)
    assert np.isfinite(made.exemplar).all() and np.isfinite(made.search).all()
    np.testing.assert_array_equal(made.exemplar[..., 0], made.exemplar[..., 2])
    assert ((made.class_id >= 0) & (made.class_id < 13)).all()
    assert made.positive.any() and not made.positive.all()
    assert made.known[made.positive].all() and not made.known.all()
    assert len(set(made.class_id.tolist())) > 2


@pytest.mark.slow
def test_a_pair_depends_on_its_two_and_nothing_else(rendered):
    numbers, make, made = rendered
    turned = make(numbers.reshape(8, 2)[::-1].reshape(-1), KEY)
    back = jax.tree.map(
        lambda x: np.asarray(x).reshape(8, 2, *x.shape[1:])[::-1].reshape(x.shape),
        turned,
    )
    assert_same(back, made)


def test_boxes_are_cut_at_the_border():
    boxes = jnp.array([[-4.0, 2, 10, 5], [60, 40, 10, 20], [90, 1, 5, 5]])
    got = inside(boxes, jnp.array([48, 64]))
    want = [[0, 2, 6, 5], [60, 40, 4, 8], [63, 1, 1, 5]]
    np.testing.assert_allclose(got, want)


def test_rendered_settings_that_make_no_sense_are_refused():
    with pytest.raises(DataError, match="must be even"):
        dataclasses.replace(RENDERED, batch=3)
    assert RENDERED.describe()["settings"] is WORLD
