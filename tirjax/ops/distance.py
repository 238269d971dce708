"""Functions of the distance to a point, given by values at equidistant knots.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019,
section 3.4: label, mask and weight of a score are learned functions of the distance.
"""

import jax.numpy as jnp

from tirjax.typing import Array, Float


def radial(
    knots: Float[Array, "k m"],
    centre: Float[Array, "2"],
    shape: tuple[int, int],
    spacing: float,
) -> Float[Array, "{shape[0]} {shape[1]} m"]:
    """Evaluates ``m`` piecewise linear functions of the distance on a grid.

    Args:
      knots: values at the distances ``0, spacing, ...``; the last one holds beyond.
      centre: ``(x, y)``, cells; cell ``(i, j)`` of the grid sits at ``(j, i)``.
      shape: ``(rows, columns)``. Static.
      spacing: distance between knots, cells.
    """
    down = jnp.arange(shape[0])[:, None] - centre[1]
    across = jnp.arange(shape[1]) - centre[0]
    position = jnp.sqrt(down**2 + across**2) / spacing
    position = jnp.minimum(position, len(knots) - 1.0)
    lower = jnp.minimum(position.astype(jnp.int32), len(knots) - 2)
    fraction = (position - lower)[..., None]
    return knots[lower] * (1 - fraction) + knots[lower + 1] * fraction
