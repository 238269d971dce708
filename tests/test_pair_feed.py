"""Batches of pairs are a function of seed and step."""

import dataclasses
import functools
from pathlib import Path

import jax
import numpy as np
import pytest

from tirjax.data.pairs import Pair, PairList
from tirjax.data.sequence import DataError
from tirjax.data.synthetic import preset
from tirjax.data.training.augment import Augmentation
from tirjax.data.training.detection_files import DetectionFiles
from tirjax.data.training.pair_feed import PairFeed, RenderedPairs, on_canvas
from tirjax.data.training.pairing import Pairing
from tirjax.data.training.processing import Processing
from tirjax.data.training.pseudo_boxes import centre_area, detected

CROPS = Processing(
    side=32,
    stride=8,
    train_frames=1,
    proposal_count=4,
    augmentation=Augmentation(),
)
CENTRE = Pairing(boxes=centre_area(10.0), processing=CROPS)
FOUND = Pairing(boxes=detected("first", centre_area(10.0)), processing=CROPS)
KEY = jax.random.key(0)


def broken():
    raise DataError("a file is broken")


def pairs_of(rng, sizes=((24, 32), (20, 30), (24, 28)), bad=()):
    """Pairs in memory, as if read from ``v/0.png`` with ``t/0.png`` and so on."""
    make = lambda size, c: rng.integers(0, 256, (*size, c), dtype=np.uint8)
    ready = [functools.partial(Pair, make(s, 3), make(s, 1)) for s in sizes]
    openers = [broken if i in bad else pair for i, pair in enumerate(ready)]
    names = tuple(map(str, range(len(sizes))))
    paths = tuple((Path("v") / f"{n}.png", Path("t") / f"{n}.png") for n in names)
    return PairList("memory", names, tuple(openers), paths)


def feed_of(rng, **changes):
    return PairFeed(pairs_of(rng), (24, 32), CENTRE, batch=4, **changes)


def assert_same(got, want):
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_array_equal(a, b)


def test_pairs_lie_at_the_top_left_of_arrays_of_one_size(rng):
    feed = feed_of(rng)
    (numbers, scenes), problems = feed.read(1)
    assert numbers.tolist() == [4, 5, 6, 7] and problems == ()
    assert scenes.visible.shape == (4, 24, 32, 3)
    assert scenes.thermal.shape == (4, 24, 32, 1)
    assert scenes.boxes.shape == (4, 0, 4) and scenes.scores.shape == (4, 0)
    assert scenes.size.dtype == np.int32 and scenes.thermal.dtype == np.uint8
    known = {pair.thermal.shape[:2]: pair for pair in feed.pairs}
    for visible, thermal, size in zip(*scenes[:3], strict=True):
        pair, (rows, cols) = known[tuple(size)], size
        np.testing.assert_array_equal(visible[:rows, :cols], pair.visible)
        np.testing.assert_array_equal(thermal[:rows, :cols], pair.thermal)
        assert not visible[rows:].any() and not thermal[:, cols:].any()


def test_a_batch_is_a_function_of_seed_and_step_and_parts_make_it(rng):
    feed = feed_of(rng)
    whole = feed.read(2)[0]
    assert_same(feed.read(2)[0], whole)
    parts = [feed.read(2, part)[0] for part in (slice(0, 1), slice(1, 4))]
    assert_same(jax.tree.map(lambda *x: np.concatenate(x), *parts), whole)
    sizes = lambda feed: [feed.read(s)[0][1].size.tolist() for s in range(8)]
    assert sizes(feed) != sizes(dataclasses.replace(feed, seed=1))
    assert len({str(size) for step in sizes(feed) for size in step}) == 3


def test_larger_pictures_shrink_with_their_boxes(rng):
    """A bright box stays where the box says, in both halves."""
    thermal = np.zeros((96, 100, 1), np.uint8)
    thermal[40:64, 20:60] = 200
    pair = Pair(np.repeat(thermal, 3, 2), thermal)
    scene = on_canvas(pair, np.array([[20, 40, 40, 24, 0.5]]), (24, 32))
    np.testing.assert_array_equal(scene.size, [24, 25])
    np.testing.assert_allclose(scene.boxes, [[5, 10, 10, 6]])
    assert scene.boxes.dtype == scene.scores.dtype == np.float32
    for half in (scene.visible, scene.thermal):
        assert (half[10:16, 5:15] == 200).all()
        assert half.sum() == 200 * 60 * half.shape[-1]


def test_what_a_detector_finds_is_cut_at_the_border_and_sorted(rng):
    rows = [[-5, 2, 10, 10, 0.3], [8, 8, 9, 9, 0.9], [90, 2, 5, 5, 0.8]]
    seen = []

    def detector(visible, thermal):
        seen.append((visible.shape, thermal.shape))
        return np.array(rows)

    pairs = pairs_of(rng, ((24, 32),))
    feed = PairFeed(pairs, (24, 32), FOUND, 2, detector=detector, slots=3)
    scenes = feed.read(0)[0][1]
    assert seen[0] == ((24, 32, 3), (24, 32, 1))
    want = [[8, 8, 9, 9], [0, 2, 5, 10], [0, 0, 0, 0]]
    np.testing.assert_array_equal(scenes.boxes, [want] * 2)
    np.testing.assert_allclose(scenes.scores, [[0.9, 0.3, 0]] * 2)
    nothing = dataclasses.replace(feed, detector=lambda v, t: np.zeros((0, 5)))
    assert not nothing.read(0)[0][1].scores.any()


def test_detections_are_read_from_files(rng, tmp_path):
    (tmp_path / "0.txt").write_text("0 0.9 4 6 14 18\n")
    files = DetectionFiles(tmp_path)
    feed = PairFeed(pairs_of(rng), (24, 32), FOUND, 24, detections=files)
    scenes = feed.read(0)[0][1]
    of_first = scenes.size[:, 1] == 32
    assert of_first.any() and not of_first.all()
    assert (scenes.boxes[of_first, 0] == [4, 6, 10, 12]).all()
    assert not scenes.scores[~of_first].any()


def test_a_bad_pair_is_skipped_and_noted_or_stops(rng):
    pairs = pairs_of(rng, bad=[1])
    feed = PairFeed(pairs, (24, 32), CENTRE, batch=8)
    (_, scenes), problems = feed.read(0)
    assert "a file is broken" in problems and not (scenes.size[:, 0] == 20).any()
    with pytest.raises(DataError, match="broken"):
        dataclasses.replace(feed, on_error="stop").read(0)
    every = dataclasses.replace(feed, pairs=pairs_of(rng, bad=[0, 1, 2]))
    with pytest.raises(DataError, match="draws in a row failed; the last: a file"):
        every.read(0)


def test_examples_have_a_leading_axis_and_are_independent_of_it(rng):
    feed = feed_of(rng)
    make = jax.jit(feed.make)
    numbers, scenes = feed.read(0)[0]
    whole = make((numbers, scenes), KEY)
    assert whole.train.shape == whole.test.shape == (4, 1, 32, 32, 3)
    turned = jax.tree.map(lambda x: x[::-1], (numbers, scenes))
    back = jax.tree.map(lambda x: x[::-1], make(turned, KEY))
    assert_same(back, whole)
    assert not np.array_equal(
        whole.test, make((numbers, scenes), jax.random.key(1)).test
    )


def test_the_record_names_the_pairs(rng):
    record = feed_of(rng).describe()
    assert record["pairs"]["name"] == "memory" and record["pairs"]["pairs"] == 3
    assert len(record["pairs"]["sha256"]) == 64
    assert record["pairing"] is CENTRE and record["batch"] == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, "batch 0"),
        ({"seed": -1}, "seed -1"),
        ({"on_error": "ignore"}, "'ignore'"),
        ({"pairing": FOUND}, "0 sources of detections"),
        ({"detector": lambda v, t: None}, "1 sources of detections"),
    ],
)
def test_settings_that_make_no_sense_are_refused(rng, changes, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(feed_of(rng), **changes)


def test_detections_that_cannot_be_found_are_an_error(rng, tmp_path):
    feed = lambda pairs: PairFeed(
        pairs, (24, 32), FOUND, detections=DetectionFiles(tmp_path)
    )
    with pytest.raises(DataError, match=r"as 0\.txt would be"):
        feed(pairs_of(rng))
    twins = dataclasses.replace(pairs_of(rng), paths=((Path("0.png"),) * 2,) * 3)
    with pytest.raises(DataError, match="3 pictures called 0"):
        feed(twins)
    with pytest.raises(DataError, match="memory has no pairs"):
        feed(pairs_of(rng, ()))


@pytest.mark.slow
def test_rendered_pairs_need_nothing_and_are_aligned():
    world = preset("mixed", rows=48, cols=64, frames=30)
    feed = RenderedPairs(world, CENTRE, batch=4)
    numbers, problems = feed.read(1, slice(0, 2))
    assert numbers.tolist() == [4, 5] and problems == ()
    make = jax.jit(feed.make)
    made = make(numbers, KEY)
    assert made.train.shape == made.test.shape == (2, 1, 32, 32, 3)
    # Even numbers go from colour to thermal, odd ones back.
    colourless = lambda crops: [np.ptp(crop, axis=-1).max() < 1e-3 for crop in crops]
    assert colourless(made.test) == [True, False]
    assert colourless(made.train) == [False, True]
    assert not np.array_equal(made.train[0], made.train[1])
    back = jax.tree.map(lambda x: x[::-1], make(numbers[::-1], KEY))
    assert_same(back, made)
    assert feed.describe()["settings"] is world
    with pytest.raises(DataError, match="hot_spots"):
        dataclasses.replace(feed, pairing=FOUND)
    with pytest.raises(DataError, match="batch 0"):
        dataclasses.replace(feed, batch=0)
