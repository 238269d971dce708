"""Preconditioned conjugate gradient that keeps its direction between calls.

Source: Danelljan et al., ECO: Efficient Convolution Operators for Tracking, CVPR 2017,
section 3.3; Shewchuk, An Introduction to the Conjugate Gradient Method Without the
Agonizing Pain, 1994 (the two formulas for beta).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Bool, Float, PyTree


class Momentum(NamedTuple):
    """What one call leaves for the next.

    Attributes:
      direction: last search direction, shaped as the unknown.
      residual: residual before the last update of the unknown.
      rho: preconditioned squared norm of that residual.
      known: False before the first call: start from the gradient.
    """

    direction: PyTree
    residual: PyTree
    rho: Float[Array, ""]
    known: Bool[Array, ""]


def no_momentum(like: PyTree) -> Momentum:
    """Fresh start for an unknown shaped as ``like``."""
    zero = jax.tree.map(jnp.zeros_like, like)
    one = jnp.ones((), jnp.result_type(float))
    return Momentum(zero, zero, one, jnp.zeros((), bool))


def forget(momentum: Momentum, factor: Float[Array, ""] | float) -> Momentum:
    """Weakens the memory of a direction: ``factor`` in (0, 1], 1 keeps it whole."""
    return momentum._replace(rho=momentum.rho / factor)


def _axpy(scale, x, y):
    return jax.tree.map(lambda a, b: scale.astype(b.dtype) * a + b, x, y)


def _select(keep, a, b):
    return jax.tree.map(lambda x, y: jnp.where(keep, x, y), a, b)


def conjugate_gradient(
    operator: Callable[[PyTree], PyTree],
    rhs: PyTree,
    start: PyTree,
    *,
    iterations: int,
    inner: Callable[[PyTree, PyTree], Float[Array, ""]],
    precondition: Callable[[PyTree], PyTree],
    momentum: Momentum | None = None,
    polak_ribiere: bool = True,
) -> tuple[PyTree, Momentum]:
    """Solves ``operator(x) = rhs`` for a symmetric positive operator.

    Args:
      operator: linear map on the unknown's pytree, symmetric under ``inner``.
      rhs: right-hand side.
      start: first guess.
      iterations: how many. Static, so the solution is differentiable both ways (stop
        before the residual underflows: the derivative of a finished solve is NaN).
      inner: real inner product.
      precondition: approximate inverse of the operator.
      momentum: direction of an earlier, similar problem.
      polak_ribiere: beta by Polak and Ribiere; False for Fletcher and Reeves.

    Returns:
      The solution and the momentum for the next call. Curvature that is not positive
      stops the iteration where it is.
    """
    momentum = no_momentum(start) if momentum is None else momentum

    def body(carry, _):
        alive, x, r, m = carry
        z = precondition(r)
        rho = inner(r, z)
        change = rho - inner(m.residual, z) if polak_ribiere else rho
        beta = jnp.where(m.known, change / jnp.where(m.rho == 0, 1.0, m.rho), 0.0)
        p = _axpy(jnp.maximum(beta, 0.0), m.direction, z)
        q = operator(p)
        curvature = inner(p, q)
        stalled = (rho == 0) | (m.known & (beta == 0))
        moved = _select(alive & ~stalled, Momentum(p, r, rho, jnp.ones((), bool)), m)
        alive = alive & ~stalled & (curvature > 0)
        alpha = jnp.where(alive, rho / jnp.where(curvature > 0, curvature, 1.0), 0.0)
        return (alive, _axpy(alpha, p, x), _axpy(-alpha, q, r), moved), None

    first = _axpy(-jnp.ones((), jnp.result_type(float)), operator(start), rhs)
    carry = (jnp.ones((), bool), start, first, momentum)
    (_, x, _, momentum), _ = jax.lax.scan(body, carry, length=iterations)
    return x, momentum
