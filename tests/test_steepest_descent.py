"""The solver against formulas derived by hand, and its fast form against its plain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from tirjax.ops.target_filter import score_map
from tirjax.solvers.steepest_descent import descent_path, steepest_descent


@pytest.fixture
def problem(rng):
    """DiMP's masked regression on a small random problem."""
    draw = lambda *shape: jnp.asarray(rng.uniform(size=shape), jnp.float32)
    features, (goal, mask, weight) = draw(3, 8, 8, 4) - 0.4, draw(3, 3, 9, 9)
    act = lambda s: (1 - mask) / 2 * jnp.abs(s) + (1 + mask) / 2 * s
    residual = lambda z: (weight * (act(z[0]) - goal), 0.3 * z[1])
    operator = lambda w: (score_map(features, w), w)
    return residual, operator, draw(4, 4, 4) - 0.5, (goal, mask, weight)


def test_equals_the_formulas_derived_by_hand(problem):
    residual, operator, start, (goal, mask, weight) = problem
    score = lambda w: operator(w)[0]
    w, expected = start, []
    for _ in range(5):
        s = score(w)
        act = (1 - mask) / 2 * jnp.abs(s) + (1 + mask) / 2 * s
        slope = (1 - mask) / 2 * jnp.sign(s) + (1 + mask) / 2
        r = weight * (act - goal)
        g = jax.vjp(score, w)[1](slope * weight * r)[0] + 0.09 * w
        h = weight * slope * score(g)
        expected.append((r**2).sum() + 0.09 * (w**2).sum())
        w = w - 0.9 * (g**2).sum() / ((h**2).sum() + 0.09 * (g**2).sum()) * g
    got, losses = steepest_descent(
        residual, start, steps=5, step_scale=0.9, operator=operator
    )
    np.testing.assert_allclose(got, w, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(losses[:5], expected, rtol=1e-5)


def test_carrying_the_scores_along_equals_computing_them_again(problem):
    residual, operator, start, _ = problem
    plain = lambda w: residual(operator(w))
    fast, fast_losses = steepest_descent(residual, start, steps=8, operator=operator)
    slow, slow_losses = steepest_descent(plain, start, steps=8)
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(fast_losses, slow_losses, rtol=1e-5)


def products(jaxpr):
    """Matrix products in a program, those in its loops included."""
    found = 0
    for equation in jaxpr.eqns:
        matrices = any(x.aval.ndim > 1 for x in equation.invars)
        found += equation.primitive.name == "dot_general" and matrices
        for inner in equation.params.values():
            inner = getattr(inner, "jaxpr", inner)
            found += products(inner) if hasattr(inner, "eqns") else 0
    return found


def test_a_step_multiplies_the_features_twice_and_nothing_again(problem):
    residual, operator, start, _ = problem
    fast = lambda w: steepest_descent(residual, w, steps=4, operator=operator)
    plain = lambda w: steepest_descent(lambda w: residual(operator(w)), w, steps=4)
    # One before the loop; one forwards and one transposed in it.
    assert products(jax.make_jaxpr(fast)(start).jaxpr) == 1 + 2
    # Three in the loop, one after it for the last loss.
    assert products(jax.make_jaxpr(plain)(start).jaxpr) == 3 + 1


def test_first_step_is_the_exact_line_minimum(rng):
    a = jnp.asarray(rng.normal(size=(9, 4)), jnp.float32)
    b = jnp.asarray(rng.normal(size=9), jnp.float32)
    residual = lambda w: a @ w - b
    w, losses = steepest_descent(residual, jnp.zeros(4), steps=1)
    for scale in (0.98, 1.02):
        assert float(jnp.sum(residual(scale * w) ** 2)) > losses[1]


def test_a_linear_problem_converges(rng):
    a = jnp.asarray(rng.normal(size=(30, 4)), jnp.float32)
    b = jnp.asarray(rng.normal(size=30), jnp.float32)
    w, losses = steepest_descent(lambda w: a @ w - b, jnp.zeros(4), steps=60)
    np.testing.assert_allclose(w, np.linalg.lstsq(a, b)[0], atol=1e-4)
    assert (np.diff(losses) <= 1e-5).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_count_known_late_equals_that_many_steps(problem, count):
    residual, operator, start, _ = problem
    solve = jax.jit(
        lambda n: steepest_descent(residual, start, steps=3, operator=operator, count=n)
    )
    got, losses = solve(jnp.int32(count))
    expected, fewer = steepest_descent(residual, start, steps=count, operator=operator)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    np.testing.assert_allclose(losses[: count + 1], fewer, rtol=1e-5)
    np.testing.assert_allclose(losses[count:], np.full(4 - count, fewer[-1]), rtol=1e-5)


def test_counts_may_differ_within_a_batch(problem):
    residual, operator, start, _ = problem
    solve = lambda n: steepest_descent(
        residual, start, steps=2, operator=operator, count=n
    )
    many, _ = jax.jit(jax.vmap(solve))(jnp.arange(3))
    for count in range(3):
        alone, _ = solve(jnp.int32(count))
        np.testing.assert_allclose(many[count], alone, atol=1e-6)


def test_the_path_is_where_every_number_of_steps_leads(problem):
    residual, operator, start, _ = problem
    settings = {"step_scale": 0.9, "operator": operator}
    path = descent_path(residual, start, steps=3, **settings)
    assert path.shape == (4, *start.shape)
    for steps, w in enumerate(path):
        expected, _ = steepest_descent(residual, start, steps=steps, **settings)
        np.testing.assert_allclose(w, expected, rtol=1e-4, atol=1e-6)


def test_the_path_of_a_tree_is_a_tree_and_no_steps_are_its_start():
    start = {"a": jnp.ones(2), "b": jnp.zeros(())}
    path = descent_path(lambda w: w, start, steps=0)
    assert path["a"].shape == (1, 2) and path["b"].shape == (1,)


def test_gradients_reach_the_residual_from_everywhere_on_the_path(rng):
    a = jnp.asarray(rng.normal(size=(6, 3)), jnp.float32)
    b = jnp.asarray(rng.normal(size=6), jnp.float32)
    weights = jnp.asarray(rng.normal(size=(3, 3)), jnp.float32)

    def followed(a, b):
        path = descent_path(
            lambda z: z - b, jnp.ones(3), steps=2, operator=lambda w: a @ w
        )
        return (weights * path**2).sum()

    check_grads(followed, (a, b), order=1, modes=["rev"], rtol=2e-2, atol=2e-2)


@pytest.mark.slow
def test_the_solution_is_differentiable_in_what_the_residual_closes_over(rng):
    a = jnp.asarray(rng.normal(size=(6, 3)), jnp.float32)
    b = jnp.asarray(rng.normal(size=6), jnp.float32)
    log_step = jnp.asarray(-0.1)

    def solved(a, b, log_step):
        w, losses = steepest_descent(
            lambda z: z - b,
            jnp.ones(3),
            steps=2,
            step_scale=jnp.exp(log_step),
            operator=lambda w: a @ w,
        )
        return jnp.sum(w**2) + losses.sum()

    check_grads(solved, (a, b, log_step), order=1, modes=["rev"], rtol=2e-2, atol=2e-2)
