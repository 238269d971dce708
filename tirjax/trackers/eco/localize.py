"""Where the response peaks: grid search, then Newton on the continuous function.

Source: Danelljan et al., ECO, CVPR 2017; C-COT, ECCV 2016, section 3.3.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.ops import fourier
from tirjax.typing import Array, Complex, Float


class Peak(NamedTuple):
    """Highest point of a response.

    Attributes:
      offset: ``(y, x)`` from the sample's centre, cells of the score map.
      score: value there.
    """

    offset: Float[Array, "2"]
    score: Float[Array, ""]


def _newton(scores, at):
    m = fourier.moments(scores, at)
    gradient = jnp.stack([m[1, 0], m[0, 1]])
    determinant = m[2, 0] * m[0, 2] - m[1, 1] ** 2
    adjoint = jnp.stack(
        [jnp.stack([m[0, 2], -m[1, 1]]), jnp.stack([-m[1, 1], m[2, 0]])]
    )
    safe = jnp.where(determinant == 0, 1.0, determinant)
    return at - jnp.where(determinant == 0, 0.0, adjoint @ gradient / safe)


def peak(scores: Complex[Array, "n half"], newton_steps: int) -> Peak:
    """Maximum of a real trigonometric polynomial.

    Newton may leave the hill it started on; whenever it ends lower than the grid point,
    the grid point stands.

    Args:
      scores: half spectrum of the response.
      newton_steps: iterations from the best grid point. Static.
    """
    n = scores.shape[0]
    values = fourier.grid(scores)
    best = jnp.stack(jnp.unravel_index(values.argmax(), values.shape)) - n // 2
    start = 2 * jnp.pi * best / n
    end = jax.lax.fori_loop(0, newton_steps, lambda _, at: _newton(scores, at), start)
    refined = fourier.moments(scores, end)[0, 0]
    better = refined >= values.max()
    angle = jnp.where(better, end, start)
    wrapped = jnp.mod(angle + jnp.pi, 2 * jnp.pi) - jnp.pi
    return Peak(wrapped / (2 * jnp.pi) * n, jnp.maximum(refined, values.max()))
