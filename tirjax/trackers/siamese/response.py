"""From the responses of several sizes to a size and a motion.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops, section 3.1, and its published settings.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.ops import bicubic
from tirjax.trackers.siamese.config import Config
from tirjax.trackers.siamese.pyramid import half_up
from tirjax.typing import Array, Float, Int


class Found(NamedTuple):
    """Where the target is.

    Attributes:
      scale: index of the best size.
      at: ``(row, col)`` of the peak in the enlarged response.
      score: height of the response there above its mean, over its range: at most 1, 0
        where it is flat, below 0 where the window alone decided.
    """

    scale: Int[Array, ""]
    at: Int[Array, "2"]
    score: Float[Array, ""]


def locate(maps: Float[Array, "n h h"], config: Config) -> Found:
    """The size with the highest peak after its penalty, and the place of its peak.

    The penalty only chooses; the place is that of the map without it, blended with a
    cosine window. Of equal peaks the smallest size wins, and the leftmost place, of
    these the highest in the picture.

    Args:
      maps: responses, from the smallest size to the largest.
      config: settings. Static.
    """
    side = maps.shape[-1] * config.response_up
    enlarged = jax.vmap(lambda m: bicubic.resize(m[..., None], (side, side)))(maps)
    enlarged = enlarged[..., 0]
    middle = np.arange(len(maps)) == len(maps) // 2
    penalty = np.where(middle, 1.0, config.scale_penalty).astype(np.float32)
    best = (enlarged.max((1, 2)) * penalty).argmax()

    chosen = enlarged[best] - enlarged[best].min()
    total = chosen.sum()
    share = chosen / jnp.where(total > 0, total, 1.0)
    window = np.outer(np.hanning(side), np.hanning(side))
    window = (window / window.sum()).astype(np.float32)
    blend = (1 - config.window) * share + config.window * window
    col, row = jnp.unravel_index(blend.T.argmax(), blend.shape)  # MATLAB's order

    top = chosen.max()
    score = (chosen[row, col] - chosen.mean()) / jnp.where(top > 0, top, 1.0)
    return Found(best, jnp.stack([row, col]), score)


def displacement(
    at: Int[Array, "2"], side: Float[Array, ""], config: Config, cells: int
) -> Float[Array, "2"]:
    """Motion ``(x, y)``, pixels of the frame.

    Args:
      at: ``(row, col)`` of the peak in the enlarged response.
      side: of the search region, pixels of the frame.
      config: settings. Static.
      cells: side of the response before it was enlarged. Static.
    """
    enlarged = cells * config.response_up
    middle = (enlarged - 1) / 2
    if config.parity and config.first_code:
        middle, side = (enlarged + 1) // 2 - 1, half_up(side)
    offset = (at - middle)[::-1].astype(jnp.float32)
    return offset * config.stride / config.response_up * side / config.search
