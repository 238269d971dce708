"""Frames of many sequences as batches, in order and in bounded memory."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from tirjax_train import frame_stream
from tirjax_train.frame_stream import Clip, Item, Shared, batches, items, loaded

from tirjax.data.images import ImageFrames
from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.video import VideoFrames, open_video


def clip(name, frames):
    count = len(frames)
    sequence = Sequence(name, frames, np.ones((count, 4)), np.ones(count, bool))
    return Clip(sequence, [f"{i}.png" for i in range(count)])


def pixels(count, size=(4, 6)):
    values = np.arange(count, dtype=np.uint8)
    return ArrayFrames(np.broadcast_to(values[:, None, None, None], (count, *size, 1)))


def sizes(found):
    return [
        (sum(i.picture is not None for i in batch), sum(i.index is None for i in batch))
        for batch in found
    ]


def ready(*counts, size=(4, 6)):
    """Items with pictures, and the end of each sequence."""
    for count in counts:
        frames = pixels(count, size)
        for item in items(clip("a", frames), (), Shared()):
            if item.index is not None:
                item.picture = frames[item.index]
            yield item


def test_batches_go_on_over_the_ends_of_sequences():
    assert sizes(batches(ready(3, 1, 3), 4)) == [(4, 2), (3, 1)]
    order = [i.index for batch in batches(ready(3, 2), 2) for i in batch]
    assert order == [0, 1, 2, None, 0, 1, None]


def test_a_batch_has_one_shape():
    both = [*ready(3), *ready(2, size=(8, 8)), *ready(1)]
    assert sizes(batches(both, 4)) == [(3, 1), (2, 1), (1, 1)]


def test_ends_without_pictures_do_not_pile_up():
    found = [*batches(ready(*[0] * 300), 4)]
    assert max(map(len, found)) <= 70 and sum(map(len, found)) == 300


def test_only_so_many_frames_are_loaded_ahead():
    lock, alive, most = threading.Lock(), [0], [0]

    def prepare(frame):
        with lock:
            alive[0] += 1
            most.append(alive[0])
        return frame

    with ThreadPoolExecutor(3) as pool:
        todo = items(clip("a", pixels(50)), (), Shared())
        for number, item in enumerate(loaded(todo, prepare, pool, 5)):
            assert item.index == (number if number < 50 else None)
            if item.index is not None:
                assert item.picture.max() == number and item.size == (4, 6)
            with lock:
                alive[0] -= item.index is not None
    assert max(most) <= 7


def test_frames_that_are_there_are_not_asked_for():
    got = items(clip("a", pixels(5)), [0, 3], Shared())
    assert [item.index for item in got] == [1, 2, 4, None]


def test_a_frame_that_cannot_be_read_is_told(tmp_path):
    frames = ImageFrames((tmp_path / "none.png", tmp_path / "nor.png"), None)
    lost = clip("a", frames)
    with ThreadPoolExecutor(1) as pool:
        found = [*loaded(items(lost, (), Shared()), lambda x: x, pool, 4)]
    assert [i.picture for i in found] == [None] * 3
    assert lost.lost.keys() == {0, 1} and "none.png" in lost.lost[0]


def test_an_error_of_ours_is_raised_and_not_skipped():
    def fail(frame):
        raise TypeError("a mistake")

    with ThreadPoolExecutor(1) as pool, pytest.raises(TypeError, match="a mistake"):
        [*loaded(items(clip("a", pixels(2)), (), Shared()), fail, pool, 4)]


def test_equal_pictures_are_linked_to_the_first(monkeypatch):
    one, other = Path("one.png"), Path("other.png")
    shared = Shared()
    first = [*items(clip("a", ImageFrames((one, other), None)), (), shared)]
    again = [*items(clip("b", ImageFrames((other, one), None)), (), shared)]
    assert [item.link for item in first] == [None] * 3
    assert [item.link for item in again] == [("a", "1.png"), ("a", "0.png"), None]
    monkeypatch.setattr(frame_stream, "REMEMBERED", 1)
    forgetful = Shared()
    frames = ImageFrames((one, other), None)
    for name in "ab":
        links = [item.link for item in items(clip(name, frames), (), forgetful)]
    assert links == [None] * 3


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 24))
    for i in range(6):
        writer.write(np.full((24, 32, 3), 40 * i, np.uint8))
    writer.release()
    return open_video(path)


def test_a_video_is_read_in_order(film):
    todo = [*items(clip("a", film), [1, 2], Shared())]
    assert [item.index for item in todo] == [0, 3, 4, 5, None]
    values = [item.load().mean() for item in todo[:-1]]
    np.testing.assert_allclose(values, [0, 120, 160, 200], atol=3)
    assert [i.index for i in items(clip("a", film), range(6), Shared())] == [None]


def test_what_follows_a_bad_picture_of_a_video_is_lost(film, monkeypatch):
    class Torn(VideoFrames):
        def __iter__(self):
            yield self[0]
            yield self[1]
            raise DataError("frame 2 cannot be decoded")

    torn = Torn(film.path, film.format, film.start, film.stop, film.clock)
    bad = clip("a", torn)
    with ThreadPoolExecutor(1) as pool:
        found = [*loaded(items(bad, (), Shared()), lambda x: x, pool, 9)]
    assert [i.picture is not None for i in found[:2]] == [True, True]
    assert [*bad.lost] == [2, 3, 4, 5] and isinstance(found[-1], Item)
