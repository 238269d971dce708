"""Correlation of exemplar and search region against loops and convolutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.ops.cross_correlation import cross_correlation


def convolution(z, x):
    one = lambda z, x: jax.lax.conv_general_dilated(
        x[None],
        z[..., None],
        (1, 1),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )[0, ..., 0]
    return jax.vmap(one)(z, x)


@pytest.mark.parametrize("sizes", [(3, 2, 8, 7), (4, 4, 4, 4), (1, 1, 5, 6)])
def test_scores_are_the_inner_products_of_all_windows(rng, sizes):
    a, b, h, w = sizes
    z, x = rng.normal(size=(2, a, b, 3)), rng.normal(size=(2, h, w, 3))
    single = (jnp.asarray(a, jnp.float32) for a in (z, x))
    got = jax.jit(cross_correlation)(*single)
    want = np.zeros((2, h - a + 1, w - b + 1))
    for i, j in np.ndindex(want.shape[1:]):
        want[:, i, j] = (z * x[:, i : i + a, j : j + b]).sum((1, 2, 3))
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_derivatives_are_those_of_a_convolution(rng):
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)
    z, x, upstream = draw(2, 3, 3, 4), draw(2, 9, 8, 4), draw(2, 7, 6)
    slopes = [
        jax.jit(jax.grad(lambda z, x, f=f: (upstream * f(z, x)).sum(), (0, 1)))(z, x)
        for f in (cross_correlation, convolution)
    ]
    for got, want in zip(*slopes, strict=True):
        np.testing.assert_allclose(got, want, atol=2e-5)  # sums of 42 products


def test_one_exemplar_serves_all_search_regions(rng):
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)
    z, x = draw(1, 3, 3, 4), draw(3, 9, 9, 4)
    got = cross_correlation(z, x)
    np.testing.assert_allclose(
        got, cross_correlation(jnp.tile(z, (3, 1, 1, 1)), x), atol=1e-5
    )
