"""3x3 convolutions of stride 1 with 2.25 times fewer products.

Two outputs of a row of three weights take four products in place of six once the
weights are transformed; of both directions, sixteen in place of thirty-six. For each
of the sixteen a product of matrices, tiles by input channels times input by output
channels, does the work. The sums around it pay off with many channels; rounding is
about that of the plain convolution.

Source: Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, Fast
Algorithms for Convolutional Neural Networks, CVPR 2016, section 4.1: F(2x2, 3x3).
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Float, Num

Weights = tuple[Float[Array, "c d"], ...]  # sixteen

TILE = 2  # outputs, each way
CACHE = 2**24  # bytes; more than that of a batch's tiles is one image after another
_REACH = TILE + 2  # inputs of a tile, each way
# Rows: what each of the four products has of three weights, and of four inputs; what
# each of two outputs has of the products.
_WEIGHTS = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))
_INPUTS = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
_OUTPUTS = ((1, 1, 1, 0), (0, 1, -1, -1))


@jax.jit
def transform(kernel: Float[Array, "3 3 c d"]) -> Weights:
    """The weights as ``convolve`` takes them, arrays of their own: none is cut out."""
    parts = _both(_WEIGHTS, [[kernel[i, j] for j in range(3)] for i in range(3)])
    return tuple(part for row in parts for part in row)


@functools.partial(jax.jit, static_argnames=("padding", "groups", "precision"))
def convolve(
    x: Num[Array, "n h w g*c"],
    transformed: Weights,
    padding: int = 0,
    *,
    groups: int = 1,
    precision: Any = None,
) -> Num[Array, "n oh ow d"]:
    """The convolution whose weights were transformed, stride 1.

    Layers of one shape are traced once.

    Args:
      x: maps.
      transformed: what ``transform`` returned, of all groups.
      padding: zeros around each map.
      groups: into which the channels fall, inputs and outputs.
      precision: of the products.
    """
    split = functools.partial(jnp.split, indices_or_sections=groups, axis=-1)
    if groups > 1:
        weights = zip(*map(split, transformed), strict=True)
        one = functools.partial(convolve, padding=padding, precision=precision)
        return jnp.concatenate([*map(one, split(x), weights)], -1)
    n, *size, c = x.shape
    rows, cols = (side + 2 * padding - 2 for side in size)
    down, across = -(-rows // TILE), -(-cols // TILE)
    if n > 1 and x.dtype.itemsize * _REACH**2 * n * down * across * c > CACHE:
        alone = functools.partial(convolve, padding=padding, precision=precision)
        return jax.lax.map(lambda image: alone(image[None], transformed)[0], x)
    margins = [
        (padding, TILE * t + 2 - s - padding)
        for t, s in zip((down, across), size, strict=True)
    ]
    padded = jnp.pad(x, ((0, 0), *margins, (0, 0)))

    def every(i, tiles):
        return slice(i, i + TILE * (tiles - 1) + 1, TILE)

    inputs = [
        [padded[:, every(i, down), every(j, across)] for j in range(_REACH)]
        for i in range(_REACH)
    ]
    flat = [part.reshape(-1, c) for row in _both(_INPUTS, inputs) for part in row]
    product = functools.partial(jnp.matmul, precision=precision)
    products = [product(part, w) for part, w in zip(flat, transformed, strict=True)]
    maps = [part.reshape(n, down, across, -1) for part in products]
    grid = [maps[i : i + _REACH] for i in range(0, len(maps), _REACH)]
    outputs = jnp.stack([jnp.stack(row, 3) for row in _both(_OUTPUTS, grid)], 2)
    return outputs.reshape(n, TILE * down, TILE * across, -1)[:, :rows, :cols]


def _both(
    matrix: Sequence[Sequence[float]], grid: list[list[Array]]
) -> list[list[Array]]:
    """``matrix @ grid @ matrix.T`` of a grid of arrays."""
    down = [_sums(matrix, column) for column in zip(*grid, strict=True)]
    return [_sums(matrix, row) for row in zip(*down, strict=True)]


def _sums(matrix, parts):
    """Weighted sums, with nothing computed for a weight of zero or one."""

    def one(weights):
        pairs = zip(weights, parts, strict=True)
        terms = [p if w == 1 else w * p for w, p in pairs if w]
        return functools.reduce(jnp.add, terms)

    return [one(weights) for weights in matrix]
