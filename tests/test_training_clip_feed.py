"""A batch of frames is a function of seed and step, whatever happens on the way."""

import dataclasses

import jax
import numpy as np
import pytest
from clip_feeds import DIMP, SMALL, TWO, assert_same, in_memory, moving, on_disk

from tirjax.data.sequence import DataError
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.samples import Sample

KEY = jax.random.key(0)


@pytest.fixture
def feed(rng):
    return in_memory(rng)


@pytest.fixture
def files(tmp_path, rng):
    return on_disk(tmp_path, rng)


def problems_of(feed, steps):
    return [text for step in range(steps) for text in feed.read(step)[1]]


def test_a_batch_has_the_shapes_and_types_of_a_sample(feed):
    (numbers, sample), problems = feed.read(0)
    assert numbers.tolist() == [0, 1, 2, 3] and numbers.dtype == np.uint32
    assert sample.pixels.shape == (4, 3, 24, 32, 1) and sample.pixels.dtype == np.uint8
    assert sample.sizes.shape == (4, 3, 2) and sample.sizes.dtype == np.int32
    assert sample.boxes.shape == (4, 3, 4) and sample.boxes.dtype == np.float32
    assert (sample.sizes == [24, 32]).all() and problems == ()


def test_frames_and_boxes_of_a_batch_belong_together(rng):
    clip = moving(rng)
    feed = ClipFeed(Mixture([[clip]]), DIMP, SMALL, TWO, batch=3)
    (_, sample), _ = feed.read(5)
    for pixels, box in zip(
        sample.pixels.reshape(-1, 24, 32, 1), sample.boxes.reshape(-1, 4), strict=True
    ):
        np.testing.assert_array_equal(pixels, clip.frames[int(box[0] * 2)])


def test_a_batch_is_a_function_of_seed_and_step(feed):
    assert_same(feed.read(7)[0], feed.read(7)[0])
    other = dataclasses.replace(feed, seed=4)
    pixels = lambda read: read[0][1].pixels
    assert not np.array_equal(pixels(feed.read(7)), pixels(feed.read(8)))
    assert not np.array_equal(pixels(feed.read(7)), pixels(other.read(7)))


def test_two_parts_are_the_whole(feed):
    reads = [feed.read(2, part)[0] for part in (slice(0, 1), slice(1, 4))]
    join = lambda *arrays: np.concatenate(arrays)
    numbers = join(*(numbers for numbers, _ in reads))
    sample = Sample(*map(join, *(sample for _, sample in reads)))
    assert_same((numbers, sample), feed.read(2)[0])


@pytest.fixture(scope="module")
def make():
    """One program for all, since compiling it is what these tests cost."""
    return jax.jit(in_memory(np.random.default_rng(0)).make)


def test_what_is_made_has_a_leading_axis_of_examples(feed, make):
    examples = make(feed.read(0)[0], KEY)
    assert examples.train.shape == (4, 2, 32, 32, 1)
    assert examples.test.shape == (4, 1, 32, 32, 1)
    assert examples.labels.shape == (4, 1, 5, 5)
    assert examples.proposals.shape == (4, 1, 4, 4)


def test_an_example_is_made_alike_wherever_it_is_in_the_batch(feed, make):
    raw, _ = feed.read(2)
    turned = jax.tree.map(lambda x: x[::-1].copy(), raw)
    for a, b in zip(make(raw, KEY), make(turned, KEY), strict=True):
        np.testing.assert_array_equal(a, b[::-1])


def test_examples_of_the_same_frames_are_changed_differently(feed, make):
    (numbers, sample), _ = feed.read(0)
    same = jax.tree.map(lambda x: np.stack([x[0]] * 4), sample)
    found = make((numbers, same), KEY)
    assert not np.array_equal(found.train[0], found.train[1])


def test_a_bad_picture_is_skipped_and_named(files, tmp_path):
    bad = tmp_path / "a" / "003.png"
    bad.write_bytes(bad.read_bytes()[:99])
    messages = problems_of(files, 30)
    assert len(messages) > 1 and len({*messages}) == 1
    assert str(bad) in messages[0] and "truncated" in messages[0]


def test_a_sequence_that_cannot_be_opened_is_skipped_and_named(files, tmp_path):
    (tmp_path / "b" / "boxes.txt").write_text("1,2,3,4\n" * 5)
    (message,) = {*problems_of(files, 4)}
    assert "5 boxes for 24 frames" in message


def test_problems_are_those_of_the_part_that_was_read(files, tmp_path):
    for i in range(0, 24, 2):
        (tmp_path / "a" / f"{i:03d}.png").write_bytes(b"no picture")
    for step in range(6):
        parts = [files.read(step, slice(i, i + 1))[1] for i in range(2)]
        assert sum(parts, ()) == files.read(step)[1]


def test_a_bad_picture_stops_where_asked(files, tmp_path):
    for name in "ab":
        for file in (tmp_path / name).glob("*[2-9].png"):
            file.write_bytes(b"")
    strict = dataclasses.replace(files, on_error="stop")
    with pytest.raises(DataError, match=r"\.png is empty"):
        problems_of(strict, 20)


def test_data_of_which_every_picture_is_bad_stops(files, tmp_path):
    for name in "ab":
        for file in (tmp_path / name).glob("0[01]*.png"):
            file.write_bytes(b"")
    with pytest.raises(DataError, match=r"50 draws in a row failed; .*png is empty"):
        files.read(0)


def test_data_that_no_draw_can_use_stops_at_once(rng):
    short = ClipFeed(Mixture([[moving(rng, 9)]]), DIMP, SMALL, TWO)
    with pytest.raises(NothingUsable, match="none of its 1 sequences"):
        short.read(0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": -1}, "at least 1 and at least 0"),
        ({"batch": 0}, "at least 1 and at least 0"),
        ({"on_error": "no"}, "choose 'skip' or 'stop'"),
        ({"processing": dataclasses.replace(TWO, train_frames=3)}, "make them equal"),
    ],
)
def test_settings_that_make_no_sense_are_named(feed, change, says):
    with pytest.raises(DataError, match=says):
        dataclasses.replace(feed, **change)
