"""Convolutions that XLA is slow to do on a CPU, written so that it is not.

The numbers are those of ``jax.lax`` up to rounding. Other platforms get its own
operation, and so do shapes that it does well. What is slow: many pixels to three
channels (20 times), wide 3x3 kernels (5 times), doublings of small images with many
channels (10 times), and the gradient of any doubling (10 times).
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from tirjax.ops.fast_forward import with_gradient
from tirjax.translators.winograd import winograd
from tirjax.typing import Array, Float

_NHWC = ("NHWC", "HWIO", "NHWC")
_FEW = 4  # outputs
_LOW, _HIGH = 16, 1024  # pixels of an image that is doubled
_WIDE = 256 * 256  # inputs times outputs from which sums of products are faster
# Pixels of a 4x4 kernel that reach an output row of either parity, and from which row.
_NEAR = (((1, 0), (3, -1)), ((2, 0), (0, 1)))
_Conv = Callable[[Array, Array], Array]


def convolve(
    x: Float[Array, "n h w c"],
    kernel: Float[Array, "i j c d"],
    strides: Sequence[int],
    padding: Any,
    **settings: Any,
) -> Float[Array, "n oh ow d"]:
    """``jax.lax.conv_general_dilated`` as ``flax.linen.Conv`` calls it, undilated.

    Args:
      x: input.
      kernel: rows, columns, inputs, outputs.
      strides: of rows and columns.
      padding: pairs of zeros around rows and columns.
      **settings: passed on.
    """
    rows, cols, inputs, outputs = kernel.shape
    plain = lambda x, k: lax.conv_general_dilated(x, k, strides, padding, **settings)
    narrow = outputs <= _FEW and rows * cols > 1
    wide = rows == cols == 3 and inputs * outputs >= _WIDE
    if tuple(strides) != (1, 1) or not (narrow or wide):
        return plain(x, kernel)
    padded = lambda f: lambda x, k: f(jnp.pad(x, ((0, 0), *padding, (0, 0))), k)
    fast = (
        with_gradient(_of_taps, _of_rows)
        if narrow
        else with_gradient(_of_tiles, _of_lax)
    )
    return lax.platform_dependent(x, kernel, cpu=padded(fast), default=plain)


def convolve_up(
    x: Float[Array, "n h w c"], kernel: Float[Array, "i i d c"], extra: int = 0
) -> Float[Array, "n oh ow d"]:
    """Transposed convolution of stride 2, whose output is twice as large.

    Args:
      x: input.
      kernel: rows, columns, outputs, inputs; of 4x4, or 3x3 with ``extra`` 1.
      extra: rows and columns more at the end of the output.
    """
    before = len(kernel) - 2  # one row of the output is cut off on each side

    def plain(x, k):
        pads = [(before, before + extra)] * 2
        return lax.conv_transpose(
            x, k, (2, 2), pads, dimension_numbers=_NHWC, transpose_kernel=True
        )

    pixels = x.shape[1] * x.shape[2]
    if len(kernel) == 4 and (kernel.shape[2] <= _FEW or pixels <= _LOW):
        fast = _doubled
    elif len(kernel) == 4 and pixels <= _HIGH:
        fast = with_gradient(_doubled, _of_quarters)
    else:
        fast = with_gradient(plain, _of_quarters)
    return lax.platform_dependent(x, kernel, cpu=fast, default=plain)


def _of_quarters(x, kernel):
    """Rows and columns of either parity are convolutions of their own."""
    n, h, w, _ = x.shape
    before = len(kernel) - 2
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    # First pixel of the kernel and of the padded input, by parity of the output.
    first = [(a + before) % 2 for a in (0, 1)]
    start = [1 + (a + i - before) // 2 for a, i in enumerate(first)]

    def quarter(a, b):
        part = turned[first[a] :: 2, first[b] :: 2]
        rows, cols = (m + size - 1 for m, size in zip((h, w), part.shape, strict=False))
        top, left = start[a], start[b]
        return _of_lax(x[:, top : top + rows, left : left + cols], part)

    rows = [jnp.stack([quarter(a, b) for b in (0, 1)], axis=3) for a in (0, 1)]
    return jnp.stack(rows, axis=2).reshape(n, 2 * h, 2 * w, -1)


def _doubled(x, kernel):
    """All products at once, the kernel as it lies; an output is the sum of four."""
    n, h, w, c = x.shape
    outputs = kernel.shape[2]
    flat = x.reshape(-1, c), kernel.reshape(-1, c)
    y = lax.dot_general(*flat, (((1,), (1,)), ((), ())))
    edge = (1, 1)
    y = y.reshape(n, h, w, 4, 4, outputs)
    y = jnp.pad(y, ((0, 0), edge, edge, (0, 0), (0, 0), (0, 0)))

    def quarter(a, b):
        return _total(
            y[:, 1 + down : 1 + down + h, 1 + right : 1 + right + w, i, j]
            for i, down in _NEAR[a]
            for j, right in _NEAR[b]
        )

    rows = [jnp.stack([quarter(a, b) for b in (0, 1)], axis=3) for a in (0, 1)]
    return jnp.stack(rows, axis=2).reshape(n, 2 * h, 2 * w, outputs)


def _of_lax(x, kernel):
    return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=_NHWC)


def _of_tiles(x, kernel):
    """By tiles, or as a sum of products, one for each pixel of the kernel."""
    if x.shape[1] % 2 == x.shape[2] % 2 == 0:
        return winograd(x, kernel)
    rows, cols, *_ = kernel.shape
    h, w = x.shape[1] - rows + 1, x.shape[2] - cols + 1
    places = [(i, j) for i in range(rows) for j in range(cols)]
    return _total(_product(x[:, i : i + h, j : j + w], kernel[i, j]) for i, j in places)


def _of_taps(x, kernel):
    """One product for all pixels of the kernel, then a sum of its shifted parts."""
    rows, cols, inputs, outputs = kernel.shape
    h, w = x.shape[1] - rows + 1, x.shape[2] - cols + 1
    y = _product(x, kernel.transpose(2, 0, 1, 3).reshape(inputs, -1))
    return _total(
        y[:, i : i + h, j : j + w, at * outputs : (at + 1) * outputs]
        for at, (i, j) in enumerate((i, j) for i in range(rows) for j in range(cols))
    )


def _of_rows(x, kernel):
    """A convolution along columns for all rows of the kernel, then a sum of them."""
    rows, cols, inputs, outputs = kernel.shape
    h = x.shape[1] - rows + 1
    flat = kernel.transpose(1, 2, 0, 3).reshape(1, cols, inputs, rows * outputs)
    y = _of_lax(x, flat)
    return _total(
        y[:, i : i + h, :, i * outputs : (i + 1) * outputs] for i in range(rows)
    )


def _total(parts: Iterable[Array]) -> Array:
    return functools.reduce(jnp.add, parts)


def _product(x, matrix):
    return jnp.einsum("nhwc,cd->nhwd", x, matrix)
