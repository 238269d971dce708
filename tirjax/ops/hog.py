"""FHOG: histograms of oriented gradients as correlation-filter trackers use them.

Source: Felzenszwalb et al., Object Detection with Discriminatively Trained Part-Based
Models, TPAMI 2010, section 6, in the form with hard orientation assignment that
fDSST, KCF and ECO run on.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from tirjax.typing import Array, Float, Num

ORIENTATIONS = 9
CHANNELS = 3 * ORIENTATIONS + 4


def _gradient(image):
    """Central differences, one-sided at the border; ``(dy, dx)`` of every channel."""

    # Joined along the axis itself: on the transpose it takes a CPU three times as long.
    def along(axis):
        n = image.shape[axis]
        part = lambda start, stop: lax.slice_in_dim(image, start, stop, axis=axis)
        first, last = part(1, 2) - part(0, 1), part(n - 1, n) - part(n - 2, n - 1)
        inside = 0.5 * (part(2, n) - part(0, n - 2))
        return jnp.concatenate([first, inside, last], axis)

    return along(0), along(1)


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


def _border(cells: int) -> np.ndarray:
    """Factor of the cells of an axis: border ones miss half a neighbour."""
    factor = np.ones(cells)
    factor[[0, -1]] = 8 / 7
    return factor


def _votes(cells: int, cell: int) -> np.ndarray:
    """Share of a pixel's vote that each cell of an axis gets, ``[cells, pixels]``."""
    position = (np.arange(cells * cell) + 0.5) / cell - 0.5
    share = np.maximum(1 - np.abs(position - np.arange(cells)[:, None]), 0)
    return share * _border(cells)[:, None] / cell


def _row_votes(magnitude, orientation, cell: int):
    """Sums over the pixels above and below a row of cells, ``[cells, 18, pixels]``.

    Two cells of rows reach a row of cells. Summed one by one, no array of orientations
    by pixels is ever made.
    """
    cells, around = magnitude.shape[0] // cell, ((cell // 2,) * 2, (0, 0))
    magnitude, orientation = (jnp.pad(x, around) for x in (magnitude, orientation))
    every = jnp.arange(2 * ORIENTATIONS)[:, None]
    position = (np.arange(2 * cell) - cell // 2 + 0.5) / cell - 0.5
    shares = (1 - np.abs(position)) / cell

    def one(first: int, share: float):
        rows = slice(first, first + (cells - 1) * cell + 1, cell)
        vote, turn = magnitude[rows, None], orientation[rows, None]
        return jnp.where(turn == every, vote * share, 0)

    votes = sum(one(i, share) for i, share in enumerate(shares.tolist()) if share > 0)
    return votes * jnp.asarray(_border(cells), magnitude.dtype)[:, None, None]


def _block_norms(energy, cell: int):
    """Inverse norms of 2x2 blocks, edge-replicated: ``[rows + 1, 1, cols + 1]``."""
    block = energy[:-1, :-1] + energy[1:, :-1] + energy[:-1, 1:] + energy[1:, 1:]
    norms = jnp.pad(1 / jnp.sqrt(block + 1e-4 / (4 * cell**4)), 1, mode="edge")
    return norms[:, None]


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
    banded = _row_votes(magnitude, _orientation(dy, dx), cell)
    votes = jnp.asarray(_votes(cols, cell), magnitude.dtype)
    # Orientations before columns: the loops over cells run along the longer axis.
    signed = jnp.einsum("yoq,xq->yox", banded, votes)
    unsigned = signed[:, :ORIENTATIONS] + signed[:, ORIENTATIONS:]
    norms = _block_norms((unsigned**2).sum(1), cell)
    down, up = norms[1:], norms[:-1]
    blocks = (down[..., 1:], up[..., 1:], down[..., :-1], up[..., :-1])
    clip = lambda x: [jnp.minimum(x * n, 0.2) for n in blocks]
    clipped = clip(signed)
    energies = [0.2357 * x.sum(1, keepdims=True) for x in clipped]
    features = [0.5 * sum(clipped), 0.5 * sum(clip(unsigned)), *energies]
    return jnp.concatenate(features, axis=1).swapaxes(1, 2)
