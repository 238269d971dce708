"""Radiometric pictures through the reader."""

import cv2
import numpy as np
import pytest

from tirjax.data import FixedWindow, FrameWindow, SequenceWindow, open_frames
from tirjax.data.frames import open_recording
from tirjax.data.sequence import DataError


@pytest.fixture
def warming(tmp_path):
    """40 pictures of 14-bit counts 2000..2095 that warm by 10 counts a picture."""
    scene = 2000 + np.arange(96, dtype=np.uint16).reshape(8, 12)
    for n in range(40):
        cv2.imwrite(str(tmp_path / f"{n:04}.png"), scene + np.uint16(10 * n))
    return tmp_path


def test_sixteen_bits_get_one_window_for_the_sequence(warming):
    """Spread frames: nothing but the outermost thousandth is clipped."""
    frames = open_recording(warming)
    assert frames[0].dtype == np.float32 and frames[0].shape == (8, 12, 1)
    whole = np.stack(list(frames))
    assert whole.min() == 0 and whole.max() == 255
    window = frames.format.window
    assert isinstance(window, FixedWindow)
    scale = 255 / (window.high - window.low)
    drift = np.diff(whole.mean((1, 2, 3)))
    np.testing.assert_allclose(drift, 10 * scale, rtol=0.05)


def test_window_of_the_first_frames_looks_at_no_other(warming):
    window = SequenceWindow(percent=(0, 100), samples=3, spread=False)
    settled = open_recording(warming, window=window).format.window
    assert settled == FixedWindow(2000, 2095 + 20)


def test_part_of_a_recording_is_as_bright_as_in_the_whole(warming):
    part, whole = open_frames(warming, start=30), open_frames(warming)
    np.testing.assert_array_equal(part[0], whole[30])


def test_window_a_frame_takes_the_drift_out(warming):
    frames = open_frames(warming, window=FrameWindow(percent=(0, 100)))
    np.testing.assert_allclose(frames[39], frames[0], atol=1e-3)
    assert frames[39].min() == 0 and frames[39].max() == 255


def test_fixed_window_is_in_counts(warming):
    frame = open_frames(warming, window=FixedWindow(2000, 2051))[0]
    np.testing.assert_allclose(frame.ravel()[:3], [0, 5, 10], atol=1e-4)
    assert frame.max() == 255


@pytest.mark.parametrize(
    "plain,inverted",
    [
        (FixedWindow(2000, 2051), FixedWindow(2000, 2051, inverted=True)),
        (SequenceWindow(), SequenceWindow(inverted=True)),
        (FrameWindow(), FrameWindow(inverted=True)),
    ],
)
def test_inverted_window_swaps_polarity(warming, plain, inverted):
    a, b = (open_frames(warming, window=w)[7] for w in (plain, inverted))
    np.testing.assert_allclose(a + b, 255, atol=1e-4)


def test_eight_bits_pass_untouched_without_a_window(tmp_path, rng):
    picture = rng.integers(0, 256, (6, 7), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    frame = open_frames(tmp_path)[0]
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame[..., 0], picture)


def test_eight_bits_take_a_window_when_given(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.array([[100, 110, 120]], np.uint8))
    frame = open_frames(tmp_path, window=FixedWindow(100, 120))[0]
    np.testing.assert_allclose(frame.ravel(), [0, 127.5, 255])


def test_float_tiff_is_radiometric_and_its_dead_pixels_are_zero(tmp_path):
    celsius = np.linspace(-10, 40, 48, dtype=np.float32).reshape(6, 8)
    celsius[2, 3] = np.nan
    cv2.imwrite(str(tmp_path / "a.tiff"), celsius)
    frame = open_frames(tmp_path, window=SequenceWindow(percent=(0, 100)))[0]
    assert frame[2, 3, 0] == 0 and frame[0, 0, 0] == 0 and frame[5, 7, 0] == 255


def test_sixteen_bit_colour_keeps_red_green_blue_order(tmp_path):
    picture = np.zeros((4, 5, 3), np.uint16) + np.array([10, 20, 30], np.uint16) * 1000
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    frame = open_frames(tmp_path, window=FixedWindow(0, 51000))[0]
    np.testing.assert_allclose(frame[0, 0], [150, 100, 50], atol=1e-3)


def test_flat_recording_is_zero_and_finite(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 5), 2000, np.uint16))
    np.testing.assert_array_equal(open_frames(tmp_path)[0], 0)


def test_recording_without_a_finite_pixel_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tiff"), np.full((4, 5), np.nan, np.float32))
    with pytest.raises(DataError, match="no finite pixel"):
        open_frames(tmp_path)


def test_lost_frame_under_a_window_a_frame_is_black(tmp_path):
    for n, value in enumerate((np.nan, 1.0)):
        cv2.imwrite(str(tmp_path / f"{n}.tiff"), np.full((4, 5), value, np.float32))
    np.testing.assert_array_equal(open_frames(tmp_path, window=FrameWindow())[0], 0)


def test_possum_counts_reach_the_working_range(shared):
    """Real 16-bit recording; the animal is warm and stays below saturation."""
    frames = open_recording(shared / "data" / "tir_cptv_possum_16bit")
    assert len(frames) == 161 and frames[0].shape == (120, 160, 1)
    whole = np.stack(list(frames))
    window = frames.format.window
    assert isinstance(window, FixedWindow)
    assert 1995 <= window.low < window.high <= 2922
    assert 40 < whole.mean() < 215 and (whole == 255).mean() < 0.005
