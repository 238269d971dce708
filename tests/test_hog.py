"""FHOG against a recorded vector of the reference implementation."""

import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.ops.hog import CHANNELS, _orientation, fhog


def waves():
    y, x = np.mgrid[:24, :20]
    image = 128 + 60 * np.sin(0.35 * x + 0.15 * y) + 30 * np.cos(0.5 * y - 0.1 * x)
    return jnp.asarray(image[..., None], jnp.float32)


def test_equals_the_recorded_vector():
    got = np.asarray(fhog(waves(), 4))
    assert got.shape == (6, 5, CHANNELS)
    np.testing.assert_allclose(got.sum(), 115.8315, rtol=1e-5)
    np.testing.assert_allclose((got**2).sum(), 29.8719, rtol=1e-5)
    first = [0.055827, 0.016575, 0.169438, 0.366722, 0.223660]
    first += [0.129594, 0.062777, 0.139134, 0.132345]
    np.testing.assert_allclose(got[2, 2, :9], first, atol=2e-6)
    energies = [0.194168, 0.203054, 0.227431, 0.182970]
    np.testing.assert_allclose(got[2, 2, 27:], energies, atol=2e-6)
    np.testing.assert_allclose(got[0, 0, :2], [0.4, 0.314067], atol=2e-6)


def test_the_orientation_is_the_rounded_arctangent(rng):
    whole = np.stack(np.meshgrid(np.arange(-9, 10), np.arange(-9, 10))) / 2
    drawn = rng.normal(size=(2, 19, 5000))
    for dy, dx in (whole.astype(np.float32), drawn.astype(np.float32)):
        angle = jnp.arctan2(dy, dx) * (9 / jnp.pi)
        want = jnp.floor(angle + 0.5).astype(jnp.int32) % 18
        np.testing.assert_array_equal(_orientation(dy, dx), want)


def test_drops_the_remainder_of_the_last_cell():
    got = np.asarray(fhog(waves(), 6))
    assert got.shape == (4, 3, CHANNELS)
    np.testing.assert_allclose(got.sum(), 63.4824, rtol=1e-5)


def test_strongest_channel_votes():
    flat = jnp.full_like(waves(), 40.0)
    mixed = jnp.concatenate([flat, waves(), 0.5 * waves()], -1)
    np.testing.assert_allclose(fhog(mixed, 4), fhog(waves(), 4), atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 255.0])
def test_flat_image_is_finite_and_empty(value):
    got = np.asarray(fhog(jnp.full((12, 12, 1), value), 4))
    assert np.isfinite(got).all()
    assert got.max() < 1e-6


def test_quarter_turn_moves_the_orientations(rng):
    """Rotating the image by 180 degrees shifts signed orientations by half a turn."""
    image = jnp.asarray(rng.uniform(0, 255, (24, 24, 1)), jnp.float32)
    turned = fhog(image[::-1, ::-1], 4)[::-1, ::-1, :18]
    np.testing.assert_allclose(
        jnp.roll(turned, 9, -1), fhog(image, 4)[..., :18], atol=1e-4
    )
