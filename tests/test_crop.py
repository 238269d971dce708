"""Crops against a slow loop and OpenCV; their symmetries and gradients."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import AS_FOR_USERS
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from tirjax.ops.crop import crop
from tirjax.typing import Frame

crop_to = jax.jit(crop, static_argnums=2, compiler_options=AS_FOR_USERS)
quick = settings(max_examples=40, deadline=None)
number = st.floats(-60, 60, width=32)
length = st.floats(0.5, 80, width=32)
region_of = st.tuples(number, number, length, length)


def frame_of(pixels, size=None):
    size = pixels.shape[:2] if size is None else size
    return Frame(jnp.asarray(pixels), jnp.array(size, jnp.int32))


def picture(rows=20, cols=24, channels=3, seed=0):
    shape = (rows, cols, channels)
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def crop_by_loops(image, region, shape):
    """Every output pixel by the definition: four neighbours, border repeated."""
    out = np.zeros((*shape, image.shape[2]))
    last = np.array(image.shape[:2]) - 1
    for i, j in np.ndindex(*shape):
        y = region[1] + (i + 0.5) * region[3] / shape[0] - 0.5
        x = region[0] + (j + 0.5) * region[2] / shape[1] - 0.5
        for di, dj in np.ndindex(2, 2):
            r, c = int(np.floor(y)) + di, int(np.floor(x)) + dj
            weight = (1 - abs(y - r)) * (1 - abs(x - c))
            r, c = np.clip([r, c], 0, last)
            out[i, j] += weight * image[r, c]
    return out


@pytest.mark.parametrize(
    "region",
    [(3.2, 4.7, 10.1, 8.3), (-7.5, -3.25, 40.0, 31.0), (30.0, 25.0, 6.0, 6.0)],
    ids=["inside", "around", "outside"],
)
def test_equals_the_definition(region):
    image = picture()
    got = crop_to(frame_of(image), jnp.array(region), (9, 7))
    # 1e-2 of 255: float32 positions against float64 ones.
    np.testing.assert_allclose(got, crop_by_loops(image, region, (9, 7)), atol=1e-2)


@pytest.mark.parametrize("shape", [(35, 50), (13, 11)], ids=["larger", "smaller"])
def test_a_crop_of_the_whole_image_is_opencv_resize(shape):
    image = picture()
    whole = jnp.array([0.0, 0.0, 24.0, 20.0])
    got = crop_to(frame_of(image), whole, shape)
    want = cv2.resize(image, shape[::-1], interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(got, want, atol=1e-2)


def test_a_region_of_whole_pixels_is_a_slice():
    image = picture()
    got = crop_to(frame_of(image), jnp.array([5.0, 2.0, 8.0, 10.0]), (10, 8))
    np.testing.assert_array_equal(got, image[2:12, 5:13])


@quick
@given(region_of)
def test_values_stay_within_the_range_of_the_image(region):
    image = picture()
    got = np.asarray(crop_to(frame_of(image), jnp.array(region), (6, 6)))
    assert np.isfinite(got).all()
    # One rounding of an interpolation between equal values.
    assert got.min() >= image.min() - 1e-3 and got.max() <= image.max() + 1e-3


@quick
@given(region_of)
def test_mirrored_image_and_region_give_the_mirrored_crop(region):
    image = picture()
    x, y, w, h = region
    there = crop_to(frame_of(image), jnp.array(region), (6, 5))
    back = crop_to(frame_of(image[:, ::-1]), jnp.array([24 - x - w, y, w, h]), (6, 5))
    np.testing.assert_allclose(back[:, ::-1], there, atol=0.02)


@quick
@given(st.integers(0, 6), st.integers(0, 5), region_of)
def test_moving_the_image_and_the_region_changes_nothing(dx, dy, region):
    image = picture()
    moved = np.pad(image, ((dy, 5 - dy), (dx, 6 - dx), (0, 0)), mode="edge")
    x, y, w, h = region
    here = crop_to(frame_of(image), jnp.array(region), (6, 6))
    there = crop_to(frame_of(moved), jnp.array([x + dx, y + dy, w, h]), (6, 6))
    np.testing.assert_allclose(there, here, atol=0.02)


def test_padding_is_never_read():
    image = picture()
    region = jnp.array([-9.0, -9.0, 50.0, 44.0])
    padded = np.full((32, 32, 3), np.nan, np.float32)
    padded[:20, :24] = image
    got = crop_to(frame_of(padded, (20, 24)), region, (16, 16))
    want = crop_to(frame_of(image), region, (16, 16))
    np.testing.assert_array_equal(got, want)


def test_bytes_and_floats_agree():
    image = picture().astype(np.uint8)
    region = jnp.array([3.2, 4.7, 10.1, 8.3])
    got = crop_to(frame_of(image), region, (9, 7))
    want = crop_to(frame_of(image.astype(np.float32)), region, (9, 7))
    assert got.dtype == jnp.float32
    np.testing.assert_array_equal(got, want)


def test_an_image_of_one_pixel_fills_the_crop():
    got = crop_to(
        frame_of(np.full((1, 1, 1), 7.0, np.float32)),
        jnp.array([-3.0, 2, 9, 9]),
        (4, 4),
    )
    np.testing.assert_array_equal(got, np.full((4, 4, 1), 7.0))


def test_the_gradient_reaches_the_region():
    """Differences are taken inside one bilinear piece, away from its creases."""
    rows, cols = np.mgrid[:20, :24] / 5
    smooth = frame_of((np.sin(rows) + np.cos(cols))[..., None].astype(np.float32))
    f = lambda region: (crop(smooth, region, (2, 2)) ** 2).sum()
    region = jnp.array([4.3, 5.2, 8.5, 7.7])
    check_grads(f, (region,), order=1, modes=["rev"], eps=1e-2, rtol=2e-2)


def test_the_gradient_with_respect_to_pixels_is_the_weight_of_each():
    pixels = jnp.zeros((6, 6, 1))
    region = jnp.array([1.25, 2.0, 1.0, 1.0])
    f = lambda p: crop(Frame(p, jnp.array([6, 6])), region, (1, 1)).sum()
    want = np.zeros((6, 6, 1))
    want[2, 1:3, 0] = 0.75, 0.25
    np.testing.assert_allclose(jax.grad(f)(pixels), want, atol=1e-6)
