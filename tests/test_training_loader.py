"""Batches read ahead are the batches of the feed, in order."""

import importlib.util
import time

import cv2
import numpy as np
import pytest
from clip_feeds import assert_same, in_memory, on_disk

from tirjax.data.sequence import DataError
from tirjax.data.training import loader
from tirjax.data.training.loader import batches


@pytest.fixture
def feed(rng):
    return in_memory(rng)


@pytest.fixture
def files(tmp_path, rng):
    return on_disk(tmp_path, rng)


@pytest.mark.parametrize("part", [slice(None), slice(1, 3)])
def test_threads_give_the_batches_in_order(feed, part):
    got = list(batches(feed, 3, 8, prefetch=3, part=part))
    assert [step for step, *_ in got] == [3, 4, 5, 6, 7]
    for step, raw, problems in got:
        assert_same(raw, feed.read(step, part)[0])
        assert problems == ()


def test_threads_need_no_grain(feed, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert len(list(batches(feed, 0, 2))) == 2


def test_order_is_kept_where_later_batches_are_ready_first():
    class Slow:
        def read(self, step, part):
            time.sleep(0.02 * (step % 3 == 0))
            return step, ()

    got = [raw for _, raw, _ in batches(Slow(), 0, 9, prefetch=4)]
    assert got == list(range(9))


def test_no_more_is_read_ahead_than_asked_for():
    read = []

    class Counted:
        def read(self, step, part):
            read.append(step)
            return step, ()

    stream = batches(Counted(), 0, 100, prefetch=2)
    for _ in range(3):
        next(stream)
    stream.close()
    assert len(read) <= 3 + 2


def test_worker_processes_give_the_same_batches_and_problems(files, tmp_path):
    pytest.importorskip("grain")
    for i in range(12):
        (tmp_path / "a" / f"{2 * i + 1:03d}.png").write_bytes(b"no picture")
    part = slice(0, 1)
    got = list(batches(files, 1, 5, workers=1, part=part))
    assert [step for step, *_ in got] == [1, 2, 3, 4]
    assert any(problems for *_, problems in got)
    for step, raw, problems in got:
        want, named = files.read(step, part)
        assert_same(raw, want)
        assert problems == named
        numbers, sample = raw
        assert {type(x) for x in (numbers, *sample)} == {np.ndarray}


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


@pytest.mark.parametrize("change", [{"prefetch": 0}, {"workers": -1}])
def test_numbers_that_make_no_sense_are_named(feed, change):
    with pytest.raises(DataError, match="at least 0 and 1"):
        next(batches(feed, 0, 1, **change))


def test_what_a_feed_raises_comes_through(files, tmp_path):
    for name in "ab":
        for file in (tmp_path / name).glob("*.png"):
            file.write_bytes(b"")
    with pytest.raises(DataError, match=r"\.png is empty"):
        list(batches(files, 0, 20))


def test_opencv_uses_no_threads_of_its_own_in_a_worker():
    before = cv2.getNumThreads()
    try:
        loader._start_worker(0, 1)
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
