"""Both feeds of Siamese pairs, from disk and rendered, on tiny frames."""

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
from tirjax.data.training.siamese_feed import Mix, SiameseFeed, draw_two
from tirjax.data.training.siamese_pairs import EASY, HARD, POSITIVE, Cropping
from tirjax.data.training.siamese_rendered import RenderedSiamese

KEY = jax.random.key(0)
SMALL = Cropping(16, 16)


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


def test_every_sequence_is_in_the_first_frame_once_an_epoch(rng):
    clips = [clip(rng, str(i), 30, level=25 * i) for i in range(8)]
    positives = feed_of(
        rng, mixture=Mixture([clips]), mix=Mix((0.8, 0.2, 0.0)), batch=4
    )
    for epoch in range(3):
        drawn = [positives.read(step)[0][1] for step in (2 * epoch, 2 * epoch + 1)]
        levels = [d.sample.pixels[:, 0].min((1, 2, 3)) // 25 for d in drawn]
        assert sorted(np.concatenate(levels).tolist()) == list(range(8))


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
    assert made.exemplar.shape == made.search.shape == (32, 16, 16, 1)
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
    assert record["mix"].shares == (0.6, 0.2, 0.2) and record["classes"] == 1
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
    assert made.exemplar.shape == made.search.shape == (16, 16, 16, 1)
    assert np.isfinite(made.exemplar).all() and np.isfinite(made.search).all()
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
