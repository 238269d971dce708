"""3x3 convolutions with 16 products for four outputs in place of 36.

Tiles of four by four pixels overlap by two and give two by two outputs.

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016,
section 4.1, F(2x2, 3x3).
"""

import functools
from collections.abc import Sequence

import jax.numpy as jnp

from tirjax.typing import Array, Float

_TILE = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
_KERNEL = ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1))
_OUTPUT = ((1, 1, 1, 0), (0, 1, -1, -1))


def winograd(
    x: Float[Array, "n h w c"], kernel: Float[Array, "3 3 c d"]
) -> Float[Array, "n oh ow d"]:
    """Convolution of stride 1 without padding.

    Args:
      x: input; rows and columns are even, at least 4.
      kernel: rows, columns, inputs, outputs.
    """
    n, rows, cols, _ = x.shape
    h, w = rows - 2, cols - 2
    bands = _combined(_TILE, [x[:, i : i + h : 2] for i in range(4)])
    tiles = [
        _combined(_TILE, [b[:, :, j : j + w : 2] for j in range(4)]) for b in bands
    ]
    side = jnp.array(_KERNEL, kernel.dtype)
    turned = jnp.einsum("ai,bj,ijcd->abcd", side, side, kernel)
    products = [
        [jnp.einsum("nhwc,cd->nhwd", tiles[a][b], turned[a, b]) for a in range(4)]
        for b in range(4)
    ]
    columns = [_combined(_OUTPUT, product) for product in products]
    quarters = [_combined(_OUTPUT, [c[p] for c in columns]) for p in (0, 1)]
    both = jnp.stack([jnp.stack(row, axis=3) for row in quarters], axis=2)
    return both.reshape(n, h, w, -1)


def _combined(matrix: Sequence[Sequence[float]], parts: Sequence[Array]) -> list[Array]:
    """Rows of a matrix of 1, 0 and -1 times arrays, by additions alone."""
    rows = (
        [
            part if factor > 0 else -part
            for factor, part in zip(row, parts, strict=True)
            if factor
        ]
        for row in matrix
    )
    return [functools.reduce(jnp.add, row) for row in rows]
