"""Conjugate gradient against a dense solve."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.solvers.conjugate_gradient import conjugate_gradient, forget, no_momentum
from tirjax.solvers.schedule import run_if


@pytest.fixture
def system(rng):
    a = rng.normal(size=(12, 12))
    a = a @ a.T + 12 * np.eye(12)
    return jnp.asarray(a, jnp.float32), jnp.asarray(rng.normal(size=12), jnp.float32)


def solve(a, b, iterations, start=None, momentum=None, **options):
    return conjugate_gradient(
        lambda x: a @ x,
        b,
        jnp.zeros_like(b) if start is None else start,
        iterations=iterations,
        inner=jnp.vdot,
        precondition=lambda r: r / jnp.diagonal(a),
        momentum=momentum,
        **options,
    )


@pytest.mark.parametrize("polak_ribiere", [True, False])
def test_equals_the_dense_solution(system, polak_ribiere):
    a, b = system
    x, _ = solve(a, b, 14, polak_ribiere=polak_ribiere)
    np.testing.assert_allclose(x, np.linalg.solve(a, b), atol=1e-4)


def test_zero_right_hand_side_stays_at_zero(system):
    a, b = system
    x, momentum = solve(a, jnp.zeros_like(b), 5)
    assert not np.asarray(x).any()
    assert np.isfinite(momentum.rho)


def test_momentum_continues_where_one_run_would_be(system):
    """Two calls with the direction carried over equal one long call."""
    a, b = system
    once, _ = solve(a, b, 6)
    half, momentum = solve(a, b, 3)
    residual = b - a @ half
    twice, _ = solve(a, b, 3, start=half, momentum=momentum)
    np.testing.assert_allclose(twice, once, atol=2e-5)
    assert np.linalg.norm(b - a @ twice) < np.linalg.norm(residual)


def test_forgotten_momentum_is_a_fresh_start(system):
    a, b = system
    half, momentum = solve(a, b, 3)
    gone = forget(momentum, 1e-30)
    fresh, _ = solve(a, b, 1, start=half)
    got, _ = solve(a, b, 1, start=half, momentum=gone)
    np.testing.assert_allclose(got, fresh, atol=1e-6)


def test_stops_at_negative_curvature():
    a = jnp.diag(jnp.array([1.0, -1.0]))
    b = jnp.array([0.0, 1.0])
    x, _ = conjugate_gradient(
        lambda x: a @ x,
        b,
        jnp.zeros(2),
        iterations=3,
        inner=jnp.vdot,
        precondition=lambda r: r,
    )
    np.testing.assert_array_equal(x, jnp.zeros(2))


def test_solution_is_differentiable_in_the_right_hand_side(system):
    a, b = system
    gradient = jax.grad(lambda b: solve(a, b, 9)[0].sum())(b)
    expected = np.linalg.solve(a, np.ones(12))
    np.testing.assert_allclose(gradient, expected, rtol=2e-2, atol=1e-3)


def test_work_runs_only_where_due():
    out = jax.vmap(lambda due, x: run_if(due, lambda y: y + 1, x))(
        jnp.array([True, False]), jnp.array([1.0, 1.0])
    )
    np.testing.assert_array_equal(out, [2.0, 1.0])


def test_no_momentum_is_unknown(system):
    assert not bool(no_momentum(system[1]).known)
