"""Batches for translators are a function of seed and step."""

import dataclasses

import cv2
import jax
import numpy as np
import pytest

from tirjax.data.pairs import open_pairs
from tirjax.data.sequence import DataError
from tirjax.data.training.image_crops import Preparing
from tirjax.data.training.image_feed import ImageFeed, on_canvas
from tirjax.data.training.image_sets import (
    Aligned,
    Unaligned,
    half_of,
    in_memory,
    open_pile,
    read_picture,
)
from tirjax.data.windows import FixedWindow

PLAIN = Preparing(16, 16, flip=False)
JITTERED = Preparing(16, 20)
COUNT = 5


@pytest.fixture
def folder(tmp_path):
    """Flat pictures: a thermal half has the level of its visible half plus 100."""
    for i in range(COUNT):
        for half, level in (("visible", 20 * i + 10), ("infrared", 20 * i + 110)):
            (tmp_path / half).mkdir(exist_ok=True)
            shape = (20 + i, 24, 3) if half == "visible" else (20 + i, 24)
            cv2.imwrite(str(tmp_path / half / f"{i}.png"), np.full(shape, level))
    return tmp_path


def pairs_in(folder):
    return open_pairs("two_folders", folder)


def feed_of(folder, preparing=PLAIN, **settings):
    return ImageFeed(Aligned(pairs_in(folder)), preparing, canvas=(32, 32), **settings)


def levels(images):
    """0..255, one an image."""
    return np.rint((np.asarray(images).mean((1, 2, 3)) + 1) * 127.5).astype(int)


def made(feed, step=0):
    raw, problems = feed.read(step)
    assert problems == ()
    return jax.device_get(jax.jit(feed.make)(raw, jax.random.key(0)))


def test_aligned_pairs_stay_together_and_an_epoch_shows_each_once(folder):
    feed = feed_of(folder, batch=COUNT)
    batch = made(feed)
    assert batch.source.shape == (COUNT, 16, 16, 3)
    assert batch.target.shape == (COUNT, 16, 16, 1)
    source, target = levels(batch.source), levels(batch.target)
    assert sorted(source) == [10, 30, 50, 70, 90]
    np.testing.assert_array_equal(target, source + 100)
    assert sorted(levels(made(feed, 1).source)) == sorted(source)


def test_the_other_direction(folder):
    whole = Aligned(pairs_in(folder), "thermal")
    feed = ImageFeed(whole, PLAIN, (1, 3), (32, 32), batch=2)
    batch = made(feed)
    assert batch.source.shape[-1] == 1 and batch.target.shape[-1] == 3
    np.testing.assert_array_equal(levels(batch.source), levels(batch.target) + 100)


def test_halves_of_a_pair_are_cut_at_one_place_and_others_are_not(rng, tmp_path):
    noise = rng.integers(0, 256, (20, 20)).astype(np.uint8)
    for half in ("visible", "infrared"):
        (tmp_path / half).mkdir()
        cv2.imwrite(str(tmp_path / half / "0.png"), noise)
    pairs = pairs_in(tmp_path)
    settings = {"channels": (1, 1), "canvas": (20, 20), "batch": 4}
    aligned = made(ImageFeed(Aligned(pairs), JITTERED, **settings))
    np.testing.assert_allclose(aligned.source, aligned.target, atol=1e-5)
    piles = Unaligned(half_of(pairs, "visible"), half_of(pairs, "thermal"))
    apart = made(ImageFeed(piles, JITTERED, **settings))
    assert np.abs(apart.source - apart.target).max() > 0.5
    assert np.abs(apart.source[0] - apart.source[1]).max() > 0.5


def test_a_batch_is_a_function_of_seed_and_step_and_parts_make_it(folder):
    feed = feed_of(folder, JITTERED, batch=4)
    whole = feed.read(2)[0]
    parts = [feed.read(2, part)[0] for part in (slice(0, 1), slice(1, 4))]
    joined = jax.tree.map(lambda *x: np.concatenate(x), *parts)
    jax.tree.map(np.testing.assert_array_equal, whole, joined)
    other = dataclasses.replace(feed, seed=1)
    order = lambda feed: [feed.read(s)[0][1][0].size.tolist() for s in range(5)]
    assert order(feed) == order(feed) != order(other)


def test_piles_of_two_lengths(folder):
    """The longer one is an epoch; targets are drawn."""
    pairs = pairs_in(folder)
    few = half_of(pairs, "visible").take([1, 3])
    piles = Unaligned(few, half_of(pairs, "thermal"))
    assert len(piles) == COUNT
    drawn = [piles.draw(n, 0) for n in range(40)]
    first = [int(source[0, 0, 0]) for source, _ in drawn]
    assert {*first} == {30, 70} and len({*(t[0, 0, 0] for _, t in drawn)}) == COUNT
    assert piles.describe()["source"]["images"] == 2


def test_folders_of_pictures_of_any_depth(tmp_path):
    deep = np.linspace(1000, 3000, 256).reshape(16, 16).astype(np.uint16)
    (tmp_path / "below").mkdir()
    cv2.imwrite(str(tmp_path / "below" / "2.png"), deep)
    cv2.imwrite(str(tmp_path / "1.png"), np.full((16, 16, 3), 9, np.uint8))
    pile = open_pile(tmp_path, 1, FixedWindow(1000, 3000))
    assert pile.names == ("1.png", "below/2.png")
    flat, ramp = (opener() for opener in pile.openers)
    assert flat.shape == ramp.shape == (16, 16, 1) and (flat == 9).all()
    assert ramp[0, 0, 0] == 0 and ramp[-1, -1, 0] == 255 and ramp.dtype == np.uint8
    spread = read_picture(tmp_path / "below" / "2.png", 3)
    assert spread.shape == (16, 16, 3) and spread.max() == 255
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no pictures"):
        open_pile(tmp_path / "none", 1)


def test_pairs_in_memory_are_decoded_once(folder):
    pairs = in_memory(pairs_in(folder))
    before = pairs[0]
    (folder / "visible/0.png").unlink()
    assert pairs[0] is before


def test_a_bad_picture_is_skipped_and_noted_or_stops(folder):
    (folder / "infrared/2.png").write_bytes(b"no picture")
    feed = feed_of(folder, batch=COUNT)
    (_, (source, _)), problems = feed.read(0)
    assert len(problems) == 1 and "2.png" in problems[0]
    assert len(source.pixels) == COUNT
    with pytest.raises(DataError, match=r"2\.png"):
        dataclasses.replace(feed, on_error="stop").read(0)


def test_a_larger_picture_shrinks_to_the_canvas():
    canvas = on_canvas(np.full((40, 60, 3), 7, np.uint8), (32, 32))
    assert canvas.size.tolist() == [21, 32] and (canvas.pixels[:21] == 7).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, "batch 0"),
        ({"channels": (3, 2)}, "1 or 3"),
        ({"preparing": Preparing(16, 12)}, "load at least"),
    ],
)
def test_settings_that_make_no_sense_are_refused(folder, changes, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(feed_of(folder), **changes)


def test_a_picture_smaller_than_a_crop(folder):
    feed = feed_of(folder, Preparing(22, resize="none"), on_error="stop", batch=5)
    with pytest.raises(DataError, match="holds no crop of 22"):
        feed.read(0)
