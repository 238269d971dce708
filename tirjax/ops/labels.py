"""What a score map should look like."""

import jax.numpy as jnp

from tirjax.typing import Array, Float


def gaussian_label(
    centre: Float[Array, "2"], shape: tuple[int, int], sigma: float
) -> Float[Array, "{shape[0]} {shape[1]}"]:
    """Gaussian of height 1 around a point that need not be a cell.

    Args:
      centre: ``(x, y)``, cells; cell ``(i, j)`` sits at ``(j, i)``.
      shape: ``(rows, columns)``. Static.
      sigma: standard deviation, cells.
    """
    down = jnp.arange(shape[0])[:, None] - centre[1]
    across = jnp.arange(shape[1]) - centre[0]
    return jnp.exp(-(down**2 + across**2) / (2 * sigma**2))
