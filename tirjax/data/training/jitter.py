"""A moved and resized copy of the target's box, to place a training crop around.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.2, and the published training code.
"""

import dataclasses

import jax
import jax.numpy as jnp

from tirjax.ops.boxes import centre, from_centre
from tirjax.typing import Array, Float, Key


@dataclasses.dataclass(frozen=True)
class Jitter:
    """How far a crop may be off.

    Attributes:
      centre: range of the centre, over the root of the moved box's area.
      scale: standard deviation of the logarithm of each side.
    """

    centre: float = 0.0
    scale: float = 0.0


def jittered(
    box: Float[Array, "4"], key: Key[Array, ""], settings: Jitter
) -> Float[Array, "4"]:
    """A random box near ``box``.

    Its sides change by log-normal factors, independently. Its centre is then uniform in
    a square of side ``settings.centre`` times the root of its area.

    Args:
      box: target, image pixels.
      key: randomness.
      settings: how far. Static.
    """
    for_size, for_centre = jax.random.split(key)
    size = box[2:] * jnp.exp(settings.scale * jax.random.normal(for_size, (2,)))
    reach = settings.centre * jnp.sqrt(jnp.prod(size))
    by = reach * (jax.random.uniform(for_centre, (2,)) - 0.5)
    return from_centre(centre(box) + by, size)
