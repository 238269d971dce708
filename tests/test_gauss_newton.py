"""Gauss-Newton against dense algebra, and against recorded steps of ATOM's problem."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from tirjax.solvers.conjugate_gradient import forget, no_momentum
from tirjax.solvers.gauss_newton import (
    gauss_newton,
    gauss_newton_step,
    normal_equations,
)

RIDGES = 0.1, 1e-4


@pytest.fixture
def curved(rng):
    """A residual with two leaves in an unknown with two leaves."""
    a, b = rng.normal(size=(2, 7, 3)).astype(np.float32)

    def residual(x):
        return {"fit": jnp.tanh(a @ x["u"]) * (b @ x["v"]) - 1, "ridge": 0.3 * x["u"]}

    start = rng.normal(size=(2, 3)).astype(np.float32)
    return residual, {"u": jnp.asarray(start[0]), "v": jnp.asarray(start[1])}


def dense(residual, x):
    """Jacobian and residual as a matrix and a vector."""
    flat, back = ravel_pytree(x)
    vector = lambda f: ravel_pytree(residual(back(f)))[0]
    return np.asarray(jax.jacobian(vector)(flat)), np.asarray(vector(flat)), flat


def test_normal_equations_are_those_of_the_dense_jacobian(curved):
    residual, x = curved
    jacobian, r, flat = dense(residual, x)
    operator, rhs, loss = normal_equations(residual, x)
    ravel = lambda tree: ravel_pytree(tree)[0]
    expected = jacobian.T @ (jacobian @ flat)
    np.testing.assert_allclose(ravel(operator(x)), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ravel(rhs), -jacobian.T @ r, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(loss, r @ r, rtol=1e-5)


def test_a_step_with_enough_iterations_solves_the_linear_problem(curved):
    residual, x = curved
    jacobian, r, flat = dense(residual, x)
    got, _, _ = gauss_newton_step(residual, x, iterations=9)
    expected = flat - np.linalg.lstsq(jacobian, r, rcond=None)[0]
    np.testing.assert_allclose(ravel_pytree(got)[0], expected, rtol=1e-3, atol=1e-3)


def test_losses_are_those_before_every_step_and_after_the_last(curved):
    residual, x = curved
    end, losses = gauss_newton(residual, x, steps=3, iterations=6)
    norm = lambda x: float((dense(residual, x)[1] ** 2).sum())
    np.testing.assert_allclose((losses[0], losses[-1]), (norm(x), norm(end)), rtol=1e-5)
    assert losses.shape == (4,)


def test_preconditioner_does_not_change_a_finished_solve(curved):
    residual, x = curved
    plain, _, _ = gauss_newton_step(residual, x, iterations=9)
    scale = lambda r: {"u": r["u"] / 3, "v": r["v"]}
    scaled, _, _ = gauss_newton_step(residual, x, iterations=9, precondition=scale)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3),
        plain,
        scaled,
    )


class Recorded:
    """The recorded problem: ATOM's residual, correlated the slow and plain way."""

    def __init__(self, folder, bits):
        self.dtype = jnp.float64 if bits == 64 else jnp.float32
        self.suffix = "__f64" if bits == 64 else ""
        with np.load(folder / "goldens/dimp/atom_optim.npz") as arrays:
            self.arrays = dict(arrays)
        self.samples = self.array("in/samples")
        self.labels = self.array("in/labels")[:, 0]
        self.weights = self.array("in/sample_weights")

    def array(self, name):
        return jnp.asarray(self.arrays[name], self.dtype)

    def result(self, name):
        return self.arrays[name + self.suffix]

    def fit(self, x, filter, weights):
        edge = ((2, 2), (2, 2))
        how = {"window_strides": (1, 1), "padding": edge, "precision": "highest"}
        s = jax.lax.conv_general_dilated(x, filter[None], **how)[:, 0, :-1, :-1]
        activated = jnp.where(s >= 0, s, 0.05 * jnp.expm1(jnp.minimum(s, 0) / 0.05))
        return jnp.sqrt(weights)[:, None, None] * (activated - self.labels)

    def project(self, p):
        return jnp.einsum("nrhw,cr->nchw", self.samples, p, precision="highest")

    def joint(self, x):
        weights = jnp.full_like(self.weights, 1 / len(self.weights))
        fit = self.fit(self.project(x[1]), x[0], weights)
        return [fit] + [r**0.5 * a for r, a in zip(RIDGES, x, strict=True)]

    def precondition(self, r):
        return tuple(a / ridge for a, ridge in zip(r, RIDGES, strict=True))

    def start(self):
        return self.array("in/filter0")[0], self.array("in/P0")[:, :, 0, 0]

    def joint_step(self, iterations):
        step = functools.partial(
            gauss_newton_step,
            self.joint,
            iterations=iterations,
            precondition=self.precondition,
            polak_ribiere=False,
        )
        return jax.jit(step)

    def joint_solve(self):
        solve = functools.partial(
            gauss_newton,
            self.joint,
            steps=4,
            iterations=5,
            precondition=self.precondition,
        )
        return jax.jit(solve)(self.start())

    def online_runs(self, polak_ribiere, factor):
        """Filter and objective before, for three runs of five iterations."""
        filter = jnp.asarray(self.result("joint/filter_per_gn")[-1, 0])
        x = self.project(jnp.asarray(self.result("joint/proj_per_gn")[-1]))
        residual = lambda f: [self.fit(x, f, self.weights), RIDGES[0] ** 0.5 * f]
        step = jax.jit(
            functools.partial(
                gauss_newton_step, residual, iterations=5, polak_ribiere=polak_ribiere
            )
        )
        momentum, filters, losses = no_momentum(filter), [], []
        for _ in range(3):
            filter, loss, momentum = step(filter, momentum=momentum)
            momentum = forget(momentum, factor) if factor else no_momentum(filter)
            filters.append(filter)
            losses.append(loss)
        return np.stack(filters), np.stack(losses)


ONLINE = {
    "pr_noforget": (True, None),
    "fr_noforget": (False, None),
    "pr_forget0.5685": (True, 0.9925**75),
}


def test_joint_steps_in_double_precision_are_the_recorded_ones(shared):
    with jax.enable_x64(True):
        problem = Recorded(shared, 64)
        x, step, losses = problem.start(), problem.joint_step(5), []
        for i in range(4):
            x, loss, _ = step(x)
            losses.append(float(loss))
            filter = problem.result("joint/filter_per_gn")[i, 0]
            np.testing.assert_allclose(x[0], filter, atol=1e-8)
            projection = problem.result("joint/proj_per_gn")[i]
            np.testing.assert_allclose(x[1], projection, atol=2e-7)
        expected = problem.result("joint/losses")[::2]
        np.testing.assert_allclose(losses, expected, rtol=1e-6)


def test_the_whole_joint_solve_is_its_steps(shared):
    with jax.enable_x64(True):
        problem = Recorded(shared, 64)
        x, losses = problem.joint_solve()
        recorded = problem.result("joint/losses")
        np.testing.assert_allclose(losses[-1], recorded[-1], rtol=1e-6)
        filter = problem.result("joint/filter_per_gn")[-1, 0]
        np.testing.assert_allclose(x[0], filter, atol=1e-8)


@pytest.mark.parametrize("name", ONLINE)
def test_online_runs_in_double_precision_are_the_recorded_ones(shared, name):
    with jax.enable_x64(True):
        problem = Recorded(shared, 64)
        filters, losses = problem.online_runs(*ONLINE[name])
        expected = problem.result(f"online/{name}/filter_per_run")[:, 0]
        np.testing.assert_allclose(filters, expected, atol=1e-8)
        recorded = problem.result(f"online/{name}/losses")[::2]
        np.testing.assert_allclose(losses, recorded, rtol=1e-6)


@pytest.mark.slow
def test_single_precision_holds_for_three_iterations(shared):
    """The tiny ridge of the projection as a preconditioner amplifies rounding."""
    with jax.enable_x64(True):
        precise = Recorded(shared, 64)
        exact, _, _ = precise.joint_step(3)(precise.start())
    problem = Recorded(shared, 32)
    got, _, _ = problem.joint_step(3)(problem.start())
    np.testing.assert_allclose(got[0], exact[0], atol=1e-6)
    np.testing.assert_allclose(got[1], exact[1], atol=1e-5)


def test_single_precision_reaches_the_recorded_losses(shared):
    problem = Recorded(shared, 32)
    losses = problem.joint_solve()[1]
    recorded = problem.result("joint/losses")
    np.testing.assert_allclose(losses[:4], recorded[::2], rtol=0.02)
    np.testing.assert_allclose(losses[4], recorded[-1], rtol=0.02)


def test_single_precision_online_run_reaches_the_recorded_loss(shared):
    problem = Recorded(shared, 32)
    _, losses = problem.online_runs(*ONLINE["pr_noforget"])
    expected = problem.result("online/pr_noforget/losses")[::2]
    np.testing.assert_allclose(losses, expected, rtol=0.01)
