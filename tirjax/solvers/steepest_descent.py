"""Steepest descent with a Gauss-Newton step length.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019,
section 3.2.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Float, Int, PyTree


def _dot(a, b):
    return jax.tree.reduce(jnp.add, jax.tree.map(jnp.vdot, a, b))


def _descend(x, alpha, direction):
    return jax.tree.map(lambda p, d: p - alpha * d, x, direction)


def steepest_descent(
    residual: Callable[[PyTree], PyTree],
    start: PyTree,
    *,
    steps: int,
    step_scale: Float[Array, ""] | float = 1.0,
    operator: Callable[[PyTree], PyTree] = lambda w: w,
    count: Int[Array, ""] | None = None,
) -> tuple[PyTree, Float[Array, " {steps}+1"]]:
    """Minimises ``|residual(operator(w))|^2`` for a number of steps.

    Only the residual is written by hand. One linearisation per step yields both the
    gradient ``J^T r`` and the curvature along it ``J g``, hence the exact minimiser of
    the Gauss-Newton model on the ray, ``alpha = |g|^2 / |J g|^2``.

    The expensive part of a problem belongs in ``operator``: its value is carried along
    and updated by what the step length needs anyway, so that a step applies it once
    forwards and once transposed, and nothing twice.

    Args:
      residual: maps ``operator(w)`` to a pytree of residuals. Regularisation is one
        more leaf, ``sqrt(lam) * w``.
      start: first guess.
      steps: iterations at most. Static.
      step_scale: multiplies ``alpha``. DiMP learns its logarithm.
      operator: linear map of the unknown; the identity suits any residual.
      count: iterations to run, 0 to ``steps``, if that is known at run time only. As
        any ``while_loop``, not reverse-differentiable then.

    Returns:
      The solution, and the objective before every step and after the last; what was
      not run repeats the last. Without ``count``, differentiable in everything
      ``residual`` and ``operator`` close over.
    """
    turns = steps if count is None else count
    step = _step(residual, start, step_scale, operator)

    def body(i, carry):
        w, z, losses = carry
        w, z, loss = step(w, z)
        return w, z, losses.at[i].set(loss)

    z = operator(start)
    losses = jnp.zeros(steps + 1, jnp.result_type(*jax.tree.leaves(z)))
    w, z, losses = jax.lax.fori_loop(0, turns, body, (start, z, losses))
    final = residual(z)
    return w, jnp.where(jnp.arange(steps + 1) < turns, losses, _dot(final, final))


def descent_path(
    residual: Callable[[PyTree], PyTree],
    start: PyTree,
    *,
    steps: int,
    step_scale: Float[Array, ""] | float = 1.0,
    operator: Callable[[PyTree], PyTree] = lambda w: w,
) -> PyTree:
    """The same steps, and everywhere they lead: ``start`` and what follows it.

    Args:
      residual: as for ``steepest_descent``.
      start: first guess.
      steps: iterations. Static.
      step_scale: multiplies the step length.
      operator: linear map of the unknown.

    Returns:
      ``start``'s tree with a leading axis of ``steps + 1``. Differentiable in
      everything ``residual`` and ``operator`` close over.
    """
    step = _step(residual, start, step_scale, operator)

    def body(carry, _):
        w, z, _ = step(*carry)
        return (w, z), w

    path = jax.lax.scan(body, (start, operator(start)), length=steps)[1]
    return jax.tree.map(lambda w, rest: jnp.concatenate([w[None], rest]), start, path)


def _step(residual, start, step_scale, operator):
    """One iteration on the unknown and its image: ``(w, z) -> (w, z, objective)``."""
    transpose = jax.linear_transpose(operator, start)

    def step(w, z):
        r, jvp = jax.linearize(residual, z)
        (pulled,) = jax.linear_transpose(jvp, z)(r)
        (g,) = transpose(pulled)
        moved = operator(g)
        curved = jvp(moved)
        alpha = step_scale * _dot(g, g) / jnp.maximum(_dot(curved, curved), 1e-8)
        return _descend(w, alpha, g), _descend(z, alpha, moved), _dot(r, r)

    return step
