"""ECO's data term: both ways to it, and the definition on complex numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.ops import fourier
from tirjax.trackers.eco import normal
from tirjax.trackers.eco.objective import inner, response

SIZES, CHANNELS, SLOTS = (3, 7), (2, 1), 4


def drawn(rng, *lead):
    """Spectra of two resolutions."""
    draw = lambda *s: rng.normal(size=s) + 1j * rng.normal(size=s)
    blocks = zip(SIZES, CHANNELS, strict=True)
    return tuple(draw(*lead, n, n // 2 + 1, c).astype(np.complex64) for n, c in blocks)


def in_planes(x):
    return tuple(map(fourier.planes, x))


@pytest.mark.parametrize("way", [normal._by_matrices, normal._by_samples])
def test_the_data_term_is_the_weighted_sum_over_samples(rng, way):
    samples, h = drawn(rng, SLOTS), drawn(rng)
    weights = rng.uniform(size=SLOTS).astype(np.float32)
    want = [np.zeros_like(x) for x in h]
    for k, weight in enumerate(weights):
        sample = tuple(x[k] for x in samples)
        score = np.asarray(response(sample, h))
        for total, x, n in zip(want, sample, SIZES, strict=True):
            total += weight * x.conj() * fourier.centre_crop(score, n)[..., None]
    apply = jax.jit(lambda s, w, h: way(s, w)(h))
    got = apply(in_planes(samples), weights, in_planes(h))
    for x, y in zip(got, want, strict=True):
        np.testing.assert_allclose(fourier.from_planes(x), y, atol=1e-4)


def test_matrices_are_made_where_they_are_smaller_than_the_samples(monkeypatch, rng):
    monkeypatch.setattr(normal, "_by_matrices", lambda *_: "matrices")
    monkeypatch.setattr(normal, "_by_samples", lambda *_: "samples")
    samples = in_planes(drawn(rng, SLOTS))
    assert normal.data_term(samples, np.ones(6)) == "matrices"
    assert normal.data_term(samples, np.ones(5)) == "samples"


def test_planes_keep_numbers_conjugates_and_inner_products(rng):
    a, b = drawn(rng), drawn(rng)
    x, y = in_planes(a), in_planes(b)
    for number, plane in zip(a, x, strict=True):
        np.testing.assert_array_equal(fourier.from_planes(plane), number)
        turned = fourier.from_planes(fourier.conjugate(plane))
        np.testing.assert_array_equal(turned, number.conj())
    np.testing.assert_allclose(inner(x, y), inner(a, b), rtol=1e-5)
    assert jnp.asarray(x[0]).dtype == jnp.float32
