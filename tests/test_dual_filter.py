"""The regression over cyclic shifts against the dense one, and the spec's numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from tirjax.solvers import dual_filter
from tirjax.solvers.dual_filter import goal, solve, spectrum, squared_error

layer = jax.jit(dual_filter.layer)


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def all_shifts(x):
    """``x [h, w, c]`` moved back to every cell, flattened: ``[h * w, h * w * c]``."""
    h, w = x.shape[:2]
    rolled = [np.roll(x, (-i, -j), (0, 1)) for i in range(h) for j in range(w)]
    return np.stack(rolled).reshape(h * w, -1)


def dense(x, z, wanted, ridge):
    """Ridge regression with the whole Gram matrix, tried on every shift of ``z``."""
    samples = all_shifts(x)
    gram = samples @ samples.T / x.size
    alpha = np.linalg.solve(gram + ridge * np.eye(len(gram)), wanted.ravel())
    return (all_shifts(z) @ samples.T @ alpha / x.size).reshape(x.shape[:2])


@pytest.mark.parametrize("shape", [(6, 6, 3), (5, 7, 2), (4, 5, 1)])
def test_the_division_of_spectra_is_the_dense_regression(rng, x64, shape):
    x, z = rng.standard_normal((2, *shape))
    wanted = rng.standard_normal(shape[:2])
    got = layer(jnp.asarray(x), jnp.asarray(z), jnp.asarray(wanted), 0.1)
    assert got.dtype == jnp.float64
    np.testing.assert_allclose(got, dense(x, z, wanted, 0.1), atol=1e-10)


def spec_maps():
    """The two maps of the specification, section E.3."""
    y, x, k = np.meshgrid(np.arange(6), np.arange(6), np.arange(2), indexing="ij")
    target = np.sin(0.7 * y + 0.3 * x + 0.5 * k) + 0.2 * np.cos(1.1 * x * k + 0.4 * y)
    search = np.roll(target, (1, 2), (0, 1)) + 0.05 * np.cos(0.9 * y - 0.6 * x + k)
    return target, search


def test_the_numbers_of_the_specification(x64):
    """Section E.3; seven digits are given there."""
    wanted = goal((6, 6), 0.8)
    first = [1, 0.4578334, 0.0439369, 0.0008838, 0.0439369, 0.4578334]
    np.testing.assert_allclose(wanted[0], first, atol=5e-8)
    response = layer(*map(jnp.asarray, (*spec_maps(), wanted)), 1e-4)
    loss = squared_error(response, jnp.asarray(wanted))
    row = [-0.0211568, 0.1951015, 0.4800925, 0.246467, 0.0549064, 0.0022539]
    np.testing.assert_allclose(response[0], row, atol=5e-8)
    assert np.unravel_index(int(response.argmax()), (6, 6)) == (1, 2)
    np.testing.assert_allclose(response[1, 2], 0.9916055, atol=5e-8)
    np.testing.assert_allclose(loss, 3.5928390, atol=5e-8)


def test_single_precision_stays_single_and_near():
    target, search = spec_maps()
    arrays = [jnp.float32(a) for a in (target, search, goal((6, 6), 0.8))]
    response = layer(*arrays)
    assert response.dtype == jnp.float32
    np.testing.assert_allclose(response[1, 2], 0.9916055, atol=1e-4)


@pytest.mark.parametrize("n", [5, 6, 125])
def test_offsets_of_the_goal_reach_half_way_round(n):
    """From ``1 - n // 2`` to the ceiling of half, as DCFNet counts."""
    offsets = [*range(-(-n // 2) + 1), *range(1 - n // 2, 0)]
    assert len(offsets) == n
    want = np.exp(-(np.array(offsets) ** 2) / (2 * 2.0**2))
    np.testing.assert_allclose(goal((n, n), 2.0)[:, 0], want)


@settings(max_examples=20, deadline=None)
@given(st.integers(-3, 3), st.integers(-3, 3))
def test_the_response_moves_with_the_search_map(down, across):
    x = np.random.default_rng(3).standard_normal((8, 7, 4)).astype(np.float32)
    wanted = jnp.float32(goal((8, 7), 1.0))
    still = layer(x, x, wanted)
    moved = layer(x, np.roll(x, (down, across), (0, 1)), wanted)
    np.testing.assert_allclose(moved, np.roll(still, (down, across), (0, 1)), atol=1e-4)


def test_on_its_own_map_the_response_is_the_goal_shrunk(rng, x64):
    """``r = ifft(y k / (k + ridge))``, section E.3."""
    x, wanted = (
        jnp.asarray(rng.standard_normal((6, 5, 3))),
        jnp.asarray(goal((6, 5), 1.0)),
    )
    energy = (jnp.abs(jnp.fft.fft2(x, axes=(0, 1))) ** 2).sum(-1) / x.size
    want = jnp.fft.ifft2(jnp.fft.fft2(wanted) * energy / (energy + 0.5)).real
    np.testing.assert_allclose(layer(x, x, wanted, 0.5), want, atol=1e-12)


def test_gradients_are_those_of_finite_differences(rng, x64):
    x, z = jnp.asarray(rng.standard_normal((2, 4, 5, 2)))
    wanted = jnp.asarray(goal((4, 5), 1.0))
    loss = lambda x, z, ridge: squared_error(layer(x, z, wanted, ridge), wanted)
    check_grads(jax.jit(loss), (x, z, 0.3), order=1, modes=("fwd", "rev"))


def test_a_batch_of_pairs_is_each_pair_alone(rng):
    x, z = rng.standard_normal((2, 3, 6, 6, 2)).astype(np.float32)
    wanted = jnp.float32(goal((6, 6), 1.0))
    batched = jax.jit(jax.vmap(layer, (0, 0, None)))(x, z, wanted)
    alone = np.stack([layer(*pair, wanted) for pair in zip(x, z, strict=True)])
    np.testing.assert_allclose(batched, alone, atol=1e-4)


def test_a_blank_map_has_a_finite_filter():
    zeros = spectrum(jnp.zeros((6, 6, 2)))
    filter = solve(zeros, jnp.fft.rfft2(jnp.float32(goal((6, 6), 1.0))), 1e-4)
    assert np.isfinite(filter.alpha).all()
    assert not dual_filter.respond(filter, zeros, (6, 6)).any()
