"""Half spectra: values of the specification, and equality with the full transform."""

import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.ops import fourier


@pytest.fixture
def real_map(rng):
    return rng.normal(size=(9, 9))


def full_spectrum(x):
    return np.fft.fftshift(np.fft.fft2(x))


def half_of(x):
    return jnp.asarray(full_spectrum(x)[:, : x.shape[0] // 2 + 1], jnp.complex64)


def test_cubic_series_has_the_kernel_transform():
    """Reference values at n = 5, a = -0.75."""
    b = fourier.cubic_series(5)
    expected = [0.16340378 - 0.11871979j, 0.04651162 - 0.14314804j]
    np.testing.assert_allclose(b[3:], expected, atol=1e-8)
    np.testing.assert_allclose(
        np.abs(b[3:]) * 5, [1.00989089 * 1, 0.75257379], atol=1e-7
    )
    np.testing.assert_allclose(b[:2], b[:2:-1].conj(), atol=1e-12)


def test_hann_has_no_zero_ends():
    np.testing.assert_allclose(fourier.hann(5), [0.25, 0.75, 1, 0.75, 0.25], atol=1e-12)


@pytest.mark.parametrize("size", [7, 8])
def test_series_is_windowed_transform_times_kernel(rng, size):
    x = rng.normal(size=(size, size))
    w = fourier.hann(size)
    spectrum = np.fft.fftshift(np.fft.fft2(x * w[:, None] * w))
    if size % 2 == 0:  # the odd size repeats the mirrored Nyquist row and column
        spectrum = np.vstack([spectrum, spectrum[:1, ::-1].conj()])
        spectrum[-1] = np.concatenate([[0], spectrum[0, :0:-1].conj()])
    n = fourier.odd(size)
    b = fourier.cubic_series(n)
    half = spectrum[:, : n // 2 + 1] * b[:, None] * b[: n // 2 + 1]
    got = fourier.series(jnp.asarray(x[..., None], jnp.float32))[..., 0]
    np.testing.assert_allclose(got, half, atol=2e-5)


def test_inner_product_is_that_of_the_full_spectra(rng):
    a, b = rng.normal(size=(2, 9, 9))
    full = np.vdot(full_spectrum(a), full_spectrum(b)).real
    half = fourier.inner(half_of(a)[..., None], half_of(b)[..., None])
    np.testing.assert_allclose(half, full, rtol=1e-4)


def test_grid_is_the_inverse_transform(real_map):
    got = fourier.grid(half_of(real_map)) / real_map.size
    np.testing.assert_allclose(got, np.fft.fftshift(real_map), atol=1e-5)


def test_moments_are_the_derivatives(real_map):
    spectrum = half_of(real_map)
    at, e = np.array([0.3, -0.7]), 1e-2
    value = lambda y, x: float(fourier.moments(spectrum, jnp.array([y, x]))[0, 0])
    m = np.asarray(fourier.moments(spectrum, jnp.asarray(at, jnp.float32)))
    dy = (value(at[0] + e, at[1]) - value(at[0] - e, at[1])) / (2 * e)
    dx = (value(at[0], at[1] + e) - value(at[0], at[1] - e)) / (2 * e)
    mixed = sum(
        s * t * value(at[0] + s * e, at[1] + t * e) for s in (-1, 1) for t in (-1, 1)
    ) / (4 * e**2)
    scale = np.abs(m).max()
    np.testing.assert_allclose([m[1, 0], m[0, 1]], [dy, dx], atol=2e-3 * scale)
    np.testing.assert_allclose(m[1, 1], mixed, atol=5e-3 * scale)


def test_shift_moves_the_function(real_map):
    moved = fourier.shift(half_of(real_map)[..., None], jnp.array([0.4, -0.2]))[..., 0]
    here = fourier.moments(half_of(real_map), jnp.array([0.5, 0.1]))[0, 0]
    there = fourier.moments(moved, jnp.array([0.1, 0.3]))[0, 0]
    np.testing.assert_allclose(there, here, rtol=1e-4)


def test_pad_and_crop_are_transposes(rng):
    x = jnp.asarray(
        rng.normal(size=(5, 3)) + 1j * rng.normal(size=(5, 3)), jnp.complex64
    )
    np.testing.assert_array_equal(fourier.centre_crop(fourier.pad(x, 9), 5), x)


def test_symmetrise_leaves_a_real_map_alone(real_map):
    half = half_of(real_map)[..., None]
    np.testing.assert_allclose(fourier.symmetrise(half), half, atol=1e-5)
