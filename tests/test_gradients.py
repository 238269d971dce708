"""Histograms of gradient lengths against OpenCV and by hand."""

import cv2
import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.evaluation.gradients import (
    BINS,
    gradient_histogram,
    gradient_length,
    histogram_distance,
)


def test_sobel_is_opencvs(rng):
    image = rng.integers(0, 256, (9, 13)).astype(np.uint8)
    x, y = (
        cv2.Sobel(image, cv2.CV_64F, *d, ksize=3, borderType=cv2.BORDER_REPLICATE)
        for d in ((1, 0), (0, 1))
    )
    np.testing.assert_allclose(gradient_length(image), np.hypot(x, y), atol=1e-9)


@pytest.mark.parametrize(
    ("operator", "factor"), [("sobel", 8), ("prewitt", 6), ("central", 2)]
)
def test_a_ramp_has_one_slope(operator, factor):
    ramp = 3.0 * np.arange(8) + 4.0 * np.arange(6)[:, None]
    inside = gradient_length(ramp, operator)[1:-1, 1:-1]
    np.testing.assert_allclose(inside, 5.0 * factor)


def test_every_pixel_is_counted_once(rng):
    images = rng.integers(0, 256, (3, 16, 16, 1)).astype(np.uint8)
    histogram = gradient_histogram(images)
    assert histogram.shape == (128,) and histogram.sum() == pytest.approx(256)
    assert histogram[-1] > 0  # noise is steeper than the last edge


def test_flat_images_fill_the_first_bin():
    flat = gradient_histogram(iter([np.full((4, 5, 3), 90, np.uint8)]))
    assert flat[0] == 20 and not flat[1:].any()


def test_distance():
    a, b = np.array([3.0, 1, 0]), np.array([0.0, 0, 7])
    assert histogram_distance(a, 5 * a) == 0
    assert histogram_distance(a, b) == 1
    assert histogram_distance(a, np.array([2.0, 2, 0])) == pytest.approx(0.25)
    assert BINS[0] == 0 and BINS[-1] == 256


def test_errors():
    with pytest.raises(DataError, match="no image"):
        gradient_histogram([])
    with pytest.raises(DataError, match="one channel or three"):
        gradient_length(np.zeros((4, 4, 2)))
