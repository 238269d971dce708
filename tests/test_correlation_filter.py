"""The correlation filter against its equations, a dense solver and finite steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.solvers.correlation_filter import (
    correlation_filter,
    crop_margin,
    hann_window,
    wrapped_gaussian,
)

RIDGE = 0.5
solve = jax.jit(correlation_filter, static_argnums=2)


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def example():
    """The problem whose solution the released formulas gave in Octave."""
    i, j, p = np.meshgrid(*(np.arange(1, n + 1) for n in (5, 5, 2)), indexing="ij")
    x = np.sin(0.7 * i + 1.3 * j + 0.5 * p) + 0.1 * i * p
    return x, wrapped_gaussian(5, 1.0), np.cos(0.3 * i - 0.9 * j + 0.2 * p)


def test_filter_and_gradient_equal_the_published_formulas(double):
    x, y, d = example()
    w = solve(jnp.asarray(x), y, RIDGE)
    first = [
        [-0.00742237, -0.02364608, -0.00909953, 0.01563791, 0.01545127],
        [-0.02026487, -0.02503387, -0.00257734, 0.01524689, 0.00310545],
    ]
    np.testing.assert_allclose(w[0].T, first, atol=5e-9)  # eight digits
    loss = lambda x: (d * correlation_filter(x, y, RIDGE)).sum()
    value, slope = jax.jit(jax.value_and_grad(loss))(x)
    # The tenth digit is off by one.
    assert float(value) == pytest.approx(-0.1002297628, abs=2e-10)
    first = [
        [-0.01027840, -0.01587849, 0.00103946, 0.00835131, -0.01130340],
        [-0.00676864, 0.00668193, 0.02239959, 0.01062978, -0.02085534],
    ]
    np.testing.assert_allclose(slope[0].T, first, atol=5e-9)


@pytest.mark.parametrize("side", [5, 6])
def test_gradients_equal_the_analytic_ones(double, rng, side):
    """Equations of the backward pass: towards the features and the target."""
    x, d = rng.normal(size=(2, 3, side, side, 4))
    y, n = wrapped_gaussian(side, 1.3), side**2
    fft = lambda a: np.fft.fft2(a, axes=(1, 2))
    back = lambda a: np.fft.ifft2(a, axes=(1, 2)).real
    X, D, Y = fft(x), fft(d), np.fft.fft2(y)[..., None]
    K = (np.abs(X) ** 2).sum(-1, keepdims=True) / n + RIDGE
    A = Y / (n * K)
    alpha = (X * D.conj()).sum(-1, keepdims=True)
    beta = -alpha * (A / K).conj()
    loss = lambda x, y: (d * correlation_filter(x, y, RIDGE)).sum()
    value, (dx, dy) = jax.jit(jax.value_and_grad(loss, (0, 1)))(x, y)
    np.testing.assert_allclose(value, (d * back(A.conj() * X)).sum(), rtol=1e-10)
    np.testing.assert_allclose(
        dx, back(A * D + 2 / n * beta.real * X), rtol=1e-8, atol=1e-10
    )
    np.testing.assert_allclose(
        dy, back(alpha / K.conj() / n).sum(0)[..., 0], rtol=1e-8, atol=1e-10
    )


def test_gradient_equals_finite_differences(double, rng):
    x, direction, d = rng.normal(size=(3, 5, 5, 2))
    y = wrapped_gaussian(5, 1.0)
    loss = lambda x: (d * solve(x, y, RIDGE)).sum()
    step = 1e-5
    difference = loss(x + step * direction) - loss(x - step * direction)
    slope = (jax.jit(jax.grad(loss))(x) * direction).sum()
    assert float(slope) == pytest.approx(float(difference) / (2 * step), rel=1e-7)


def circular(x):
    """Matrix from a filter to its responses, ``[u, (t, c)]``."""
    side = x.shape[0]
    shifts = [(i, j) for i in range(side) for j in range(side)]
    return np.stack([np.roll(x, (-i, -j), (0, 1)).ravel() for i, j in shifts])


@pytest.mark.parametrize("side", [4, 5])
def test_filter_is_the_ridge_regression(double, rng, side):
    x, y = rng.normal(size=(side, side, 3)), wrapped_gaussian(side, 1.0)
    matrix, n = circular(x), side**2
    normal = matrix.T @ matrix / n + RIDGE * np.eye(x.size)
    want = np.linalg.solve(normal, matrix.T @ y.ravel() / n)
    got = solve(jnp.asarray(x), y, RIDGE)
    np.testing.assert_allclose(got, want.reshape(x.shape), rtol=1e-9, atol=1e-12)


def test_without_a_ridge_the_response_is_the_target(double, rng):
    x, y = rng.normal(size=(5, 5, 3)), wrapped_gaussian(5, 1.0)
    w = solve(jnp.asarray(x), y, 1e-9)
    np.testing.assert_allclose(circular(x) @ np.ravel(w), y.ravel(), atol=1e-7)


def test_gradient_is_finite_where_the_features_are_zero():
    loss = lambda x: (correlation_filter(x, wrapped_gaussian(5, 1.0), 10.0) ** 2).sum()
    assert np.isfinite(jax.jit(jax.grad(loss))(jnp.zeros((5, 5, 2)))).all()


def test_a_batch_is_solved_one_by_one_and_stays_single_precision(rng):
    x = jnp.asarray(rng.normal(size=(2, 3, 5, 5, 2)), jnp.float32)
    y = jnp.asarray(wrapped_gaussian(5, 1.0), jnp.float32)
    got = solve(x, y, RIDGE)
    assert got.dtype == jnp.float32
    alone = solve(x[1, 2], y, RIDGE)
    np.testing.assert_allclose(got[1, 2], alone, atol=1e-6)


def test_target_has_its_peak_in_the_first_cell():
    np.testing.assert_allclose(
        wrapped_gaussian(4, 1.0)[0], [1, 0.606531, 0.135335, 0.606531], atol=5e-7
    )
    y = wrapped_gaussian(49, 2.0)
    first = [1, 0.882497, 0.606531, 0.324652, 0.135335]
    np.testing.assert_allclose(y[0, :5], first, atol=5e-7)
    assert y.sum() == pytest.approx(25.132741, abs=5e-7)
    np.testing.assert_array_equal(y[0, 1:], y[0, :0:-1])


def test_window_is_zero_on_the_border_and_one_in_the_middle():
    window = hann_window(49)
    assert window[24, 24] == 1
    assert not window[0].any() and not window[:, -1].any()
    np.testing.assert_allclose(window, window[::-1].T, atol=1e-15)


def test_crop_takes_the_same_off_every_side():
    x = jnp.arange(2 * 7 * 5).reshape(2, 7, 5, 1)
    np.testing.assert_array_equal(crop_margin(x, 2), x[:, 2:5, 2:3])
    assert crop_margin(jnp.zeros((1, 53, 53, 4)), 16).shape == (1, 21, 21, 4)
