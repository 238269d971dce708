"""FHOG: histograms of oriented gradients as correlation-filter trackers use them.

Source: Felzenszwalb et al., Object Detection with Discriminatively Trained Part-Based
Models, TPAMI 2010, section 6, in the form with hard orientation assignment that
fDSST, KCF and ECO run on.
"""

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.typing import Array, Float, Num

ORIENTATIONS = 9
CHANNELS = 3 * ORIENTATIONS + 4


def _gradient(image):
    """Central differences, one-sided at the border; ``(dy, dx)`` of every channel."""

    def along(x):
        inside = 0.5 * (x[2:] - x[:-2])
        return jnp.concatenate([x[1:2] - x[:1], inside, x[-1:] - x[-2:-1]])

    return along(image), along(image.swapaxes(0, 1)).swapaxes(0, 1)


def _strongest(dy, dx):
    """Keeps the channel whose gradient is largest; the first one on a tie."""
    power = dy**2 + dx**2
    if dy.shape[-1] == 1:
        return dy[..., 0], dx[..., 0], power[..., 0]
    best = power.argmax(-1)[..., None]
    pick = lambda x: jnp.take_along_axis(x, best, -1)[..., 0]
    return pick(dy), pick(dx), pick(power)


def _orientation(dy, dx):
    """Number of the nearest of the signed orientations, counted from ``dx``.

    Half a turn is counted by comparing slopes with those between orientations, the
    rest by signs: half the time of an arctangent on a CPU, and the same numbers. A
    gradient along ``dy`` lies between two and goes to the further one.
    """
    between = np.tan(np.pi / ORIENTATIONS * (np.arange(ORIENTATIONS // 2) + 0.5))
    tall, wide = jnp.abs(dy), jnp.abs(dx)
    steep = sum((tall > wide * s).astype(jnp.int32) for s in between.tolist())
    right = jnp.where(dy > 0, dx > 0, dx >= 0)
    above = jnp.where(right, steep, ORIENTATIONS - steep)
    found = jnp.where(dy < 0, 2 * ORIENTATIONS - above, above)
    return jnp.where(found == 2 * ORIENTATIONS, 0, found)


def _votes(cells: int, cell: int) -> np.ndarray:
    """Share of a pixel's vote that each cell of one axis receives, ``[cells, pixels]``.

    The border cells miss half a neighbour and are scaled by 8/7 in return.
    """
    position = (np.arange(cells * cell) + 0.5) / cell - 0.5
    share = np.maximum(1 - np.abs(position - np.arange(cells)[:, None]), 0)
    share[0] *= 8 / 7
    share[-1] *= 8 / 7
    return share / cell


def _block_norms(energy, cell: int):
    """Inverse norms of the 2x2 blocks, edge-replicated to ``[rows + 1, cols + 1]``."""
    block = energy[:-1, :-1] + energy[1:, :-1] + energy[:-1, 1:] + energy[1:, 1:]
    return jnp.pad(1 / jnp.sqrt(block + 1e-4 / (4 * cell**4)), 1, mode="edge")


def fhog(
    image: Num[Array, "rows cols channels"], cell: int
) -> Float[Array, "r c {CHANNELS}"]:
    """Histogram features of an image.

    Args:
      image: pixels 0..255; the strongest channel votes at every pixel.
      cell: side of a cell, pixels; at least two cells must fit each way. Static.

    Returns:
      ``[rows // cell, cols // cell, 31]``: 18 signed orientations, 9 unsigned ones and
      4 block energies. A flat image gives zeros, never NaN.
    """
    rows, cols = image.shape[0] // cell, image.shape[1] // cell
    dy, dx, power = _strongest(*_gradient(image.astype(jnp.result_type(float))))
    dy, dx, power = (x[: rows * cell, : cols * cell] for x in (dy, dx, power))
    magnitude = jnp.maximum(jnp.sqrt(power), 1e-10)
    turn = 2 * ORIENTATIONS
    ballots = jax.nn.one_hot(_orientation(dy, dx), turn, dtype=magnitude.dtype)
    vote_rows, vote_cols = _votes(rows, cell), _votes(cols, cell)
    signed = jnp.einsum(
        "yp,xq,pqo->yxo", vote_rows, vote_cols, magnitude[..., None] * ballots
    )
    unsigned = signed[..., :ORIENTATIONS] + signed[..., ORIENTATIONS:]
    norms = _block_norms((unsigned**2).sum(-1), cell)
    blocks = (norms[1:, 1:], norms[:-1, 1:], norms[1:, :-1], norms[:-1, :-1])
    clip = lambda x: [jnp.minimum(x * n[..., None], 0.2) for n in blocks]
    clipped = clip(signed)
    energies = [0.2357 * x.sum(-1, keepdims=True) for x in clipped]
    return jnp.concatenate(
        [0.5 * sum(clipped), 0.5 * sum(clip(unsigned)), *energies], axis=-1
    )
