"""Counts to the working range: against the plain formula, and at its edges."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tirjax.ops import thermal


def test_window_spreads_linearly_and_clips():
    counts = np.array([1900, 2000, 2100, 2200, 2300], np.uint16)
    got = thermal.to_working(counts, 2000, 2200)
    np.testing.assert_array_equal(got, [0, 0, 127.5, 255, 255])
    assert got.dtype == np.float32


@given(
    st.lists(st.integers(0, 65535), min_size=1, max_size=20),
    st.integers(0, 65535),
    st.integers(0, 65535),
)
def test_result_is_finite_and_in_range_for_any_window(counts, low, high):
    got = thermal.to_working(np.array(counts, np.uint16), low, high)
    assert np.isfinite(got).all() and got.min() >= 0 and got.max() <= 255


def test_flat_window_gives_zero():
    counts = np.array([1.0, 5.0, np.inf])
    np.testing.assert_array_equal(thermal.to_working(counts, 5, 5), 0)


def test_dead_pixel_is_zero_and_leaves_the_others():
    got = thermal.to_working(np.array([np.nan, 1.0, 2.0]), 0.0, 2.0)
    np.testing.assert_array_equal(got, [0, 127.5, 255])


def test_compiled_equals_numpy(rng):
    counts = rng.integers(0, 1 << 14, (7, 9, 1)).astype(np.uint16)
    got = jax.jit(thermal.to_working)(jnp.asarray(counts), 300.0, 9000.0)
    want = thermal.to_working(counts, 300.0, 9000.0)
    np.testing.assert_allclose(got, want, atol=1e-4)


def test_window_per_frame_broadcasts(rng):
    counts = rng.integers(0, 1 << 14, (3, 4, 5, 1)).astype(np.uint16)
    low, high = np.array([0, 100, 200]), np.array([9000, 8000, 7000])
    shape = lambda limit: limit.reshape(3, 1, 1, 1)
    got = thermal.to_working(counts, shape(low), shape(high))
    want = [
        thermal.to_working(c, lo, hi)
        for c, lo, hi in zip(counts, low, high, strict=True)
    ]
    np.testing.assert_array_equal(got, np.stack(want))


def test_percentile_window_leaves_nan_out():
    counts = np.array([np.nan, *range(101)])
    np.testing.assert_allclose(thermal.percentile_window(counts, (10, 95)), [10, 95])


def test_percentile_window_compiled_equals_numpy(rng):
    counts = rng.integers(0, 1 << 14, (30, 40)).astype(np.uint16)
    got = jax.jit(thermal.percentile_window, static_argnums=1)(
        jnp.asarray(counts), (1.0, 99.0)
    )
    want = np.percentile(counts, (1.0, 99.0))
    np.testing.assert_allclose(got, want, rtol=1e-4)


def test_invert_is_its_own_inverse(rng):
    pixels = rng.integers(0, 256, (4, 4), np.uint8)
    assert thermal.invert(pixels).dtype == np.uint8
    np.testing.assert_array_equal(thermal.invert(thermal.invert(pixels)), pixels)
