"""Gauss-Newton with a conjugate-gradient step: write the residual, derive the rest.

Minimises ``|residual(x)|^2``. One linearisation per outer step yields the gradient and
the Gauss-Newton operator ``J^T J``; neither is written by hand.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.2.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from tirjax.solvers.conjugate_gradient import Momentum, conjugate_gradient
from tirjax.typing import Array, Float, PyTree


def dot(a: PyTree, b: PyTree) -> Float[Array, ""]:
    """Inner product of two pytrees of real arrays, at full precision."""
    flat = lambda x, y: jnp.vdot(x, y, precision="highest")
    return jax.tree.reduce(jnp.add, jax.tree.map(flat, a, b))


def normal_equations(
    residual: Callable[[PyTree], PyTree], x: PyTree
) -> tuple[Callable[[PyTree], PyTree], PyTree, Float[Array, ""]]:
    """Linearises a residual: ``J^T J``, ``-J^T r`` and ``|r|^2`` at ``x``.

    Args:
      residual: maps the unknown to a pytree of residuals.
      x: where.

    Returns:
      The operator on pytrees shaped as ``x``, the right-hand side, and the objective.
    """
    r, forward = jax.linearize(residual, x)
    transpose = jax.linear_transpose(forward, x)
    back = lambda v: transpose(v)[0]
    return lambda v: back(forward(v)), jax.tree.map(jnp.negative, back(r)), dot(r, r)


def gauss_newton_step(
    residual: Callable[[PyTree], PyTree],
    x: PyTree,
    *,
    iterations: int,
    precondition: Callable[[PyTree], PyTree] = lambda r: r,
    momentum: Momentum | None = None,
    polak_ribiere: bool = True,
) -> tuple[PyTree, Float[Array, ""], Momentum]:
    """One linearisation, then conjugate gradient on the increment, from zero.

    Args:
      residual: maps the unknown to a pytree of residuals. A regulariser is one more
        leaf, ``sqrt(weight) * x``.
      x: the unknown before the step, a pytree.
      iterations: of conjugate gradient. Static.
      precondition: approximate inverse of ``J^T J``.
      momentum: search direction left by an earlier step; None starts afresh.
      polak_ribiere: formula for beta; False for Fletcher and Reeves.

    Returns:
      The unknown after the step, the objective before it, and the momentum.
    """
    operator, rhs, loss = normal_equations(residual, x)
    change, momentum = conjugate_gradient(
        operator,
        rhs,
        jax.tree.map(jnp.zeros_like, x),
        iterations=iterations,
        inner=dot,
        precondition=precondition,
        momentum=momentum,
        polak_ribiere=polak_ribiere,
    )
    return jax.tree.map(jnp.add, x, change), loss, momentum


def gauss_newton(
    residual: Callable[[PyTree], PyTree],
    x: PyTree,
    *,
    steps: int,
    iterations: int,
    precondition: Callable[[PyTree], PyTree] = lambda r: r,
) -> tuple[PyTree, Float[Array, " {steps}+1"]]:
    """Several steps, each with a fresh direction and the Fletcher-Reeves formula.

    Args:
      residual: maps the unknown to a pytree of residuals.
      x: starting point, a pytree.
      steps: linearisations. Static.
      iterations: of conjugate gradient in each. Static.
      precondition: approximate inverse of ``J^T J``.

    Returns:
      The unknown, and the objective before every step and after the last.
    """

    def body(x, _):
        x, loss, _ = gauss_newton_step(
            residual,
            x,
            iterations=iterations,
            precondition=precondition,
            polak_ribiere=False,
        )
        return x, loss

    x, losses = jax.lax.scan(body, x, length=steps)
    final = residual(x)
    return x, jnp.append(losses, dot(final, final))
