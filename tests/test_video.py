"""Video files, what their containers get wrong, and live sources."""

import pickle
from typing import Any

import cv2
import numpy as np
import pytest

from tirjax.data import open_frames, video
from tirjax.data.sequence import DataError


def write_video(path, pictures, rate=10, codec="FFV1"):
    """Lossless unless another codec is asked for."""
    size = pictures[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, size)
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture
def ramp():
    """23 colour pictures, 24x32, each of its own brightness, red above blue."""
    shade = np.arange(23)[:, None, None, None] * 9
    return (shade + np.array([0, 20, 50]) + np.zeros((1, 24, 32, 1))).astype(np.uint8)


@pytest.fixture
def clip(tmp_path, ramp):
    return write_video(tmp_path / "clip.avi", ramp)


def test_video_iterates_in_order(clip, ramp):
    frames = open_frames(clip)
    assert len(frames) == 23
    np.testing.assert_array_equal(list(frames), ramp[..., ::-1])


def test_video_iterates_twice(clip):
    frames = open_frames(clip)
    assert sum(1 for _ in frames) == sum(1 for _ in frames) == 23


@pytest.mark.parametrize("codec,suffix", [("mp4v", "mp4"), ("XVID", "avi")])
def test_random_access_equals_iteration(tmp_path, ramp, rng, codec, suffix):
    path = write_video(tmp_path / f"v.{suffix}", ramp, codec=codec)
    frames = video.open_video(path)
    assert frames.clock is not None
    whole = list(frames)
    for i in [*rng.permutation(23), -1]:
        np.testing.assert_array_equal(frames[i], whole[i])


def test_index_past_the_end_is_an_index_error(clip):
    with pytest.raises(IndexError):
        open_frames(clip)[23]


def test_part_past_the_end_is_refused(clip):
    with pytest.raises(DataError, match="no frames from 99"):
        open_frames(clip, start=99)


def test_part_of_a_video_is_a_slice(clip, ramp):
    frames = open_frames(clip, start=5, stop=9)
    np.testing.assert_array_equal(list(frames), ramp[5:9, ..., ::-1])
    np.testing.assert_array_equal(frames[1], ramp[6, ..., ::-1])


def test_video_frames_pickle(clip):
    frames = open_frames(clip)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frames))[7], frames[7])


class Liar:
    """A capture whose seek lands two pictures early, or whose count is off."""

    early, extra, released = 0, 0, 0

    def __init__(self, source):
        self.real = REAL(source)

    def __getattr__(self, name):
        return getattr(self.real, name)

    def set(self, prop, value):
        return self.real.set(prop, max(value - self.early, 0))

    def get(self, prop):
        off = self.extra if prop == cv2.CAP_PROP_FRAME_COUNT else 0
        return self.real.get(prop) + off

    def release(self):
        type(self).released += 1
        self.real.release()


REAL = cv2.VideoCapture


@pytest.fixture
def liar(monkeypatch):
    kind = type("Capture", (Liar,), {})
    monkeypatch.setattr(cv2, "VideoCapture", kind)
    return kind


def test_seek_that_misses_falls_back_to_decoding_in_order(clip, ramp, liar):
    frames = open_frames(clip)
    liar.early = 2
    np.testing.assert_array_equal(frames[15], ramp[15, ..., ::-1])


def test_wrong_seeks_from_the_start_are_never_used(clip, ramp, liar):
    liar.early = 2
    frames = video.open_video(clip)
    assert frames.clock is None and len(frames) == 23
    np.testing.assert_array_equal(frames[15], ramp[15, ..., ::-1])


@pytest.mark.parametrize("extra", [-4, 2])
def test_announced_count_that_is_an_estimate_is_corrected(clip, liar, extra):
    liar.extra = extra
    frames = open_frames(clip)
    assert len(frames) == sum(1 for _ in frames) == 23


def test_video_that_ends_early_names_file_frame_and_count(clip, liar):
    liar.extra = 10
    with pytest.raises(
        DataError, match=r"clip\.avi ends at frame 23, .* 33; .*stop=23"
    ):
        open_frames(clip)


def test_truncated_video_file_is_found_at_opening(tmp_path, rng):
    noise = rng.integers(0, 256, (40, 24, 32, 3), np.uint8)
    path = write_video(tmp_path / "v.avi", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"v\.avi ends at frame \d+, .* 40; "):
        open_frames(path)


def test_readable_part_of_a_truncated_video_opens(tmp_path, rng):
    noise = rng.integers(0, 256, (40, 24, 32, 3), np.uint8)
    path = write_video(tmp_path / "v.avi", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = open_frames(path, stop=10)
    np.testing.assert_array_equal(list(frames), noise[:10, ..., ::-1])


def test_picture_that_fails_while_iterating_is_named(clip, liar):
    frames = video.VideoFrames(clip, video.open_video(clip).format, 0, 30, None)
    with pytest.raises(DataError, match=r"clip\.avi: frame 23 cannot be decoded"):
        list(frames)


def test_what_is_no_video_says_so(tmp_path):
    (tmp_path / "v.avi").write_bytes(b"hello")
    with pytest.raises(DataError, match=r"v\.avi does not open as a video"):
        open_frames(tmp_path / "v.avi")


def test_empty_video_file_says_so(tmp_path):
    (tmp_path / "v.avi").write_bytes(b"")
    with pytest.raises(DataError, match=r"v\.avi is empty"):
        open_frames(tmp_path / "v.avi")


def test_captures_are_released_when_iteration_stops_early(clip, liar):
    frames = open_frames(clip)
    before = liar.released
    walk: Any = iter(frames)
    next(walk)
    walk.close()
    assert liar.released == before + 1


def test_live_source_iterates_and_has_no_length(clip, ramp):
    live = video.CameraFrames(str(clip))
    np.testing.assert_array_equal(list(live), ramp[..., ::-1])
    with pytest.raises(TypeError, match="live"):
        len(live)
    with pytest.raises(TypeError, match="live"):
        live[0]


def test_live_source_is_released_when_iteration_stops_early(clip, liar):
    walk: Any = iter(video.CameraFrames(str(clip)))
    next(walk)
    walk.close()
    assert liar.released == 1


def test_live_source_takes_a_part(clip, ramp):
    part = video.CameraFrames(str(clip), start=2, stop=6)
    np.testing.assert_array_equal(list(part), ramp[2:6, ..., ::-1])


def test_camera_number_and_address_are_live():
    assert open_frames(0) == open_frames("0") == video.CameraFrames(0)
    assert isinstance(open_frames("rtsp://host/stream"), video.CameraFrames)


def test_an_address_is_shown_without_its_password():
    with pytest.raises(DataError, match=r"^file://nowhere/a@b does not open"):
        next(iter(video.CameraFrames("file://me:secret@nowhere/a@b")))


def test_camera_that_does_not_open_is_named():
    with pytest.raises(DataError, match="camera 97 does not open"):
        next(iter(open_frames(97)))
