"""Frames on canvases, and batches that are a function of seed and step."""

import functools
import importlib.util

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.collection import SequenceList
from tirjax.data.layouts import generic
from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.training import loader
from tirjax.data.training.loader import Canvas, ClipFeed, batches, place
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.sampler import Sampling
from tirjax.ops.crop import crop
from tirjax.typing import Frame

SMALL = Canvas((24, 32), 1, 4.0)
DIMP = Sampling("causal", 2, 1, 8)


def moving(rng, length=24, size=(24, 32), name="a"):
    pixels = rng.integers(0, 256, (length, *size, 1), dtype=np.uint8)
    boxes = np.array([[i * 0.5, 3, 6, 5] for i in range(length)])
    return Sequence(name, ArrayFrames(pixels), boxes, np.ones(length, bool))


@pytest.fixture
def feed(rng):
    sets = [[moving(rng), moving(rng)], [moving(rng, 1)]]
    return ClipFeed(Mixture(sets, [2, 1]), DIMP, SMALL, batch=4, seed=3)


def folder(path, rng, length=24):
    path.mkdir(parents=True)
    for i in range(length):
        picture = rng.integers(0, 256, (24, 32), dtype=np.uint8)
        cv2.imwrite(str(path / f"{i:03d}.png"), picture)
    np.savetxt(path / "boxes.txt", [[8, 6, 7, 5]] * length, delimiter=",")
    return functools.partial(generic, path)


@pytest.fixture
def on_disk(tmp_path, rng):
    opens = tuple(folder(tmp_path / name, rng) for name in "ab")
    dataset = SequenceList("folders", ("a", "b"), opens)
    return ClipFeed(Mixture([dataset]), DIMP, SMALL, batch=2)


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def smooth(rows, cols, channels=1):
    """A picture that shrinks without aliasing, different in each direction."""
    y, x = np.mgrid[:rows, :cols] + 0.5
    picture = 128 + 60 * np.sin(x / 40) + 60 * np.cos(y / 30)
    return np.repeat(picture[..., None], channels, axis=2).round().astype(np.uint8)


def crop_around(pixels, size, box):
    """Square crop around a box, by the crop that training uses on the device."""
    length = 3 * np.sqrt(box[2] * box[3])
    centre = box[:2] + box[2:] / 2
    region = jnp.array([*(centre - length / 2), length, length], jnp.float32)
    frame = Frame(jnp.asarray(pixels), jnp.asarray(size, jnp.int32))
    return np.asarray(jax.jit(crop, static_argnums=2)(frame, region, (40, 40)))


def on_canvas(frame, box, canvas):
    part, moved = place(frame, np.asarray(box, float), canvas)
    pixels = np.zeros((*canvas.size, canvas.channels), np.uint8)
    pixels[: part.shape[0], : part.shape[1]] = part
    return pixels, part.shape[:2], moved


def test_a_frame_that_fits_is_left_alone(rng):
    frame = rng.integers(0, 256, (20, 30, 1), dtype=np.uint8)
    part, box = place(frame, np.array([1.5, 2, 3, 4]), SMALL)
    np.testing.assert_array_equal(part, frame)
    assert box.tolist() == [1.5, 2, 3, 4] and box.dtype == np.float32


@pytest.mark.parametrize(
    "box",
    [[300, 200, 30, 20], [-9, -9, 25, 25], [480, 380, 30, 30], [600, 240, 20, 20]],
)
def test_a_crop_of_the_part_kept_is_the_crop_of_the_frame(rng, box):
    """Inside, over the image's border, and with the target beyond it."""
    frame = rng.integers(0, 256, (400, 500, 1), dtype=np.uint8)
    pixels, size, moved = on_canvas(frame, box, Canvas((100, 120), 1, 3.0))
    want = crop_around(frame, frame.shape[:2], np.array(box))
    # Coordinates of the frame are larger, so float32 resolves its taps less finely.
    np.testing.assert_allclose(crop_around(pixels, size, moved), want, atol=0.02)


@pytest.mark.parametrize(
    ("box", "close"), [([100, 120, 80, 60], 1.5), ([5, 5, 90, 70], 3)]
)
def test_a_shrunk_frame_gives_nearly_the_same_crop(box, close):
    """Within grey levels; the border that is repeated is the mean of three pixels."""
    frame = smooth(400, 500)
    pixels, size, moved = on_canvas(frame, box, Canvas((100, 120), 1, 4.0))
    assert size[0] == 100 or size[1] == 120
    want = crop_around(frame, frame.shape[:2], np.array(box))
    np.testing.assert_allclose(crop_around(pixels, size, moved), want, atol=close)


def test_the_whole_canvas_is_used_around_a_small_target():
    part, _ = place(smooth(400, 500), np.array([499.0, 0, 4, 4]), Canvas((100, 120), 1))
    assert part.shape == (100, 120, 1)


def test_grey_becomes_colour_and_colour_grey_as_opencv_does(rng):
    colour = rng.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    box = np.array([1.0, 1, 2, 2])
    grey, _ = place(colour, box, Canvas((8, 9), 1))
    want = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(grey[..., 0], want)
    back, _ = place(grey, box, Canvas((8, 9), 3))
    np.testing.assert_array_equal(back, np.repeat(grey, 3, axis=2))


def test_counts_in_float_are_rounded_into_bytes():
    frame = np.array([[[-3.0], [0.4], [0.6], [300.0]]], np.float32)
    part, _ = place(frame, np.array([0.0, 0, 1, 1]), Canvas((4, 4), 1))
    assert part.dtype == np.uint8 and part.ravel().tolist() == [0, 0, 1, 255]


def test_a_batch_has_the_shapes_and_types_of_a_sample(feed):
    sample = feed.draw(0)
    assert sample.pixels.shape == (4, 3, 24, 32, 1) and sample.pixels.dtype == np.uint8
    assert sample.sizes.shape == (4, 3, 2) and sample.sizes.dtype == np.int32
    assert sample.boxes.shape == (4, 3, 4) and sample.boxes.dtype == np.float32
    assert (sample.sizes == [24, 32]).all() and not feed.problems


def test_frames_and_boxes_of_a_batch_belong_together(rng):
    clip = moving(rng)
    feed = ClipFeed(Mixture([[clip]]), DIMP, SMALL, batch=3)
    sample = feed.draw(5)
    for pixels, box in zip(
        sample.pixels.reshape(-1, 24, 32, 1), sample.boxes.reshape(-1, 4), strict=True
    ):
        np.testing.assert_array_equal(pixels, clip.frames[int(box[0] * 2)])


def test_a_batch_is_a_function_of_seed_and_step(feed):
    assert_same(feed.draw(7), feed.draw(7))
    assert not np.array_equal(feed.draw(7).pixels, feed.draw(8).pixels)


def test_two_halves_are_the_whole(feed):
    parts = [
        ClipFeed(feed.mixture, DIMP, SMALL, batch=4, seed=3, shard=s).draw(2)
        for s in ((0, 1), (1, 4))
    ]
    assert_same([np.concatenate(p) for p in zip(*parts, strict=True)], feed.draw(2))


@pytest.mark.parametrize("grain", [True, False])
def test_threads_give_the_batches_in_order(feed, grain, monkeypatch):
    if not grain:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    elif not importlib.util.find_spec("grain"):
        pytest.skip("grain is not installed")
    got = list(batches(feed, 3, 8, prefetch=3))
    assert [step for step, _ in got] == [3, 4, 5, 6, 7]
    for step, sample in got:
        assert_same(sample, feed.draw(step))


def test_a_worker_process_gives_the_same_batches_and_reports(on_disk, tmp_path):
    pytest.importorskip("grain")
    for i in range(12):
        (tmp_path / "a" / f"{2 * i + 1:03d}.png").write_bytes(b"no picture")
    got = dict(batches(on_disk, 1, 4, workers=1))
    seen = dict(on_disk.problems)
    on_disk.problems.clear()
    for step in (1, 2, 3):
        assert_same(got[step], on_disk.draw(step))
        assert {type(part) for part in got[step]} == {np.ndarray}
    assert seen and seen == on_disk.problems


def test_reading_ahead_can_be_left_early(feed):
    stream = batches(feed, 0, 1000)
    assert next(stream)[0] == 0
    stream.close()


def test_no_steps_are_no_batches(feed):
    assert list(batches(feed, 4, 4)) == []


def test_processes_without_grain_say_what_to_install(feed, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'tirjax\[data\]'"):
        next(batches(feed, 0, 1, workers=2))


def test_a_bad_picture_is_skipped_and_named_once(on_disk, tmp_path):
    bad = tmp_path / "a" / "003.png"
    bad.write_bytes(bad.read_bytes()[:99])
    assert len(list(batches(on_disk, 0, 30))) == 30
    (message, count), *rest = on_disk.problems.items()
    assert not rest and str(bad) in message and "truncated" in message and count > 1


def test_a_sequence_that_cannot_be_opened_is_skipped_and_named(on_disk, tmp_path):
    (tmp_path / "b" / "boxes.txt").write_text("1,2,3,4\n" * 5)
    for step in range(4):
        on_disk.draw(step)
    assert ["5 boxes for 24 frames" in message for message in on_disk.problems] == [
        True
    ]


@pytest.mark.parametrize("grain", [True, False])
def test_a_bad_picture_stops_where_asked(on_disk, tmp_path, grain, monkeypatch):
    if not grain:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for name in "ab":
        for file in (tmp_path / name).glob("*[2-9].png"):
            file.write_bytes(b"")
    strict = ClipFeed(on_disk.mixture, DIMP, SMALL, batch=2, on_error="stop")
    with pytest.raises(DataError, match=r"\.png is empty"):
        list(batches(strict, 0, 20))


def test_data_of_which_every_picture_is_bad_stops(on_disk, tmp_path):
    for name in "ab":
        for file in (tmp_path / name).glob("0[01]*.png"):
            file.write_bytes(b"")
    with pytest.raises(DataError, match=r"50 draws in a row failed; .*png is empty"):
        on_disk.draw(0)


def test_data_that_no_draw_can_use_stops_at_once(rng):
    short = ClipFeed(Mixture([[moving(rng, 9)]]), DIMP, SMALL)
    with pytest.raises(NothingUsable, match="none of its 1 sequences"):
        short.draw(0)


@pytest.mark.parametrize(
    "change", [{"shard": (2, 2)}, {"shard": (0, 9)}, {"seed": -1}, {"on_error": "no"}]
)
def test_settings_that_make_no_sense_are_named(feed, change):
    with pytest.raises(DataError, match=r"a shard lies within|choose 'skip'"):
        ClipFeed(feed.mixture, DIMP, SMALL, **{"batch": 8, **change})


@pytest.mark.parametrize("change", [{"size": (0, 9)}, {"channels": 2}, {"reach": 0.0}])
def test_a_canvas_that_makes_no_sense_is_named(change):
    with pytest.raises(DataError, match="channels 1 or 3"):
        Canvas(**change)


def test_opencv_uses_no_threads_of_its_own_in_a_worker():
    before = cv2.getNumThreads()
    try:
        loader._start_worker(0, 1)
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
