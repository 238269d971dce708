"""Fourier series of small maps, kept as half spectra.

A map of odd size ``n`` is a trigonometric polynomial with frequencies ``-k..k`` in both
axes, ``k = (n - 1) / 2``. Real maps need half of it: arrays are ``[n, k + 1]`` with
rows ``-k..k`` and columns ``-k..0``, the zero column last. The maps are so small (15 to
70 cells) that a transform is two matrix products, into which the window and the
interpolation kernel fold at no cost.

Source: Danelljan et al., Beyond Correlation Filters: Learning Continuous Convolution
Operators for Visual Tracking, ECCV 2016, section 3.
"""

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.typing import Array, Complex, Float


def odd(size: int) -> int:
    """Size of the filter of a map: an even map gains one frequency."""
    return size + 1 - size % 2


def frequencies(n: int) -> np.ndarray:
    """``-k..k`` for odd ``n``."""
    return np.arange(n) - (n - 1) // 2


def hann(n: int) -> np.ndarray:
    """Hann window of length ``n`` without its two zero ends."""
    return 0.5 * (1 - np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1)))


def cubic_series(n: int, a: float = -0.75) -> np.ndarray:
    """Fourier coefficients of the cubic convolution kernel, ``[n]`` complex.

    Multiplying a map's DFT by them turns it into a continuous function; their phase
    puts the origin at the centre of the cells.

    Args:
      n: odd number of coefficients.
      a: slope parameter of the kernel.
    """
    k = frequencies(n)
    f = np.where(k == 0, 1.0, k) / n
    turn = np.pi * f
    kernel = (
        6 * (1 - np.cos(2 * turn))
        + 3 * a * (1 - np.cos(4 * turn))
        - (6 + 8 * a) * turn * np.sin(2 * turn)
        - 2 * a * turn * np.sin(4 * turn)
    ) / (4 * turn**4)
    kernel = np.where(k == 0, 1.0, kernel)
    return kernel / n * np.exp(-1j * np.pi * k / n)


def analysis(size: int, *, window: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Matrices from a map to its interpolated series: ``rows @ x @ cols``.

    Args:
      size: side of the map, cells.
      window: whether to apply the Hann window first.

    Returns:
      ``rows [n, size]`` and ``cols [size, k + 1]`` with ``n = odd(size)``.
    """
    n = odd(size)
    k = frequencies(n)
    dft = np.exp(-2j * np.pi * k[:, None] * np.arange(size) / size)
    full = cubic_series(n)[:, None] * dft * (hann(size) if window else 1.0)
    return full, full[: n // 2 + 1].T


def series(
    x: Float[Array, "s s c"], *, window: bool = True
) -> Complex[Array, "n half c"]:
    """Half spectrum of the interpolated, windowed map, channel by channel."""
    size = x.shape[0]
    rows, cols = analysis(size, window=window)
    real, imaginary = np.real, np.imag
    # Real products, of half as many numbers: half the time of complex ones on a CPU.
    cols = np.stack([real(cols), imaginary(cols)])
    rows = np.array([[real(rows), -imaginary(rows)], [imaginary(rows), real(rows)]])
    x = jnp.einsum("tqk,pqc->tpkc", cols.astype(x.dtype), x, precision="highest")
    x = jnp.einsum("strp,tpkc->srkc", rows.astype(x.dtype), x, precision="highest")
    half = jax.lax.complex(x[0], x[1])
    # The corner between the two Nyquist lines of an even map has no partner.
    return half if size % 2 else half.at[-1, 0].set(0)


def _as_complex(*arrays):
    dtype = jnp.result_type(jnp.result_type(float), jnp.complex64)
    return [jnp.asarray(a).astype(dtype) for a in arrays]


def pad(x: Complex[Array, "m l *c"], n: int) -> Complex[Array, "n half *c"]:
    """Embeds a half spectrum in a larger one: zeros at the high frequencies."""
    rows = (n - x.shape[0]) // 2
    width = [(rows, rows), (n // 2 + 1 - x.shape[1], 0)] + [(0, 0)] * (x.ndim - 2)
    return jnp.pad(x, width)


def centre_crop(x: Complex[Array, "n half *c"], m: int) -> Complex[Array, "m l *c"]:
    """Keeps the low frequencies; the transpose of ``pad``."""
    rows = (x.shape[0] - m) // 2
    return x[rows : rows + m, x.shape[1] - (m // 2 + 1) :]


def symmetrise(x: Complex[Array, "n half *c"]) -> Complex[Array, "n half *c"]:
    """Makes the zero column that of a real map: lower half from the upper half."""
    k = x.shape[0] // 2
    column = x[:, -1]
    return x.at[k + 1 :, -1].set(column[:k][::-1].conj())


def inner(a: Complex[Array, "n half *c"], b: Complex[Array, "n half *c"]) -> Array:
    """Inner product of the full spectra, from their halves."""
    product = (a.conj() * b).real
    return 2 * product.sum() - product[:, -1].sum()


def planes(x: Complex[Array, "*b c"]) -> Float[Array, "*b c+c"]:
    """Real parts of all channels, then their imaginary parts.

    CPUs calculate with them several times as fast as with complex numbers. ``pad``,
    ``centre_crop`` and ``inner`` take them as they are.
    """
    return jnp.concatenate([x.real, x.imag], -1)


def from_planes(x: Float[Array, "*b c+c"]) -> Complex[Array, "*b c"]:
    """The spectrum of these planes."""
    return jax.lax.complex(*jnp.split(x, 2, -1))


def conjugate(x: Float[Array, "*b c+c"]) -> Float[Array, "*b c+c"]:
    """Planes of the conjugate spectrum."""
    real, imaginary = jnp.split(x, 2, -1)
    return jnp.concatenate([real, -imaginary], -1)


def shift(
    x: Complex[Array, "n half c"], by: Float[Array, "2"]
) -> Complex[Array, "n half c"]:
    """Moves the function: multiplies by ``exp(i (ky by_y + kx by_x))``, radians."""
    k = jnp.asarray(frequencies(x.shape[0]), by.dtype)
    y, z = k * by[0], k[: x.shape[1]] * by[1]
    # cos(y + z) and sin(y + z) as a product of matrices: an exponential XLA works out
    # again for every channel.
    rows = [[jnp.cos(y), -jnp.sin(y)], [jnp.sin(y), jnp.cos(y)]]
    cols = jnp.stack([jnp.cos(z), jnp.sin(z)])
    real, imaginary = jnp.einsum(
        "abk,bl->akl", jnp.array(rows), cols, precision="highest"
    )
    return x * jax.lax.complex(real, imaginary)[..., None]


def grid(x: Complex[Array, "n half"]) -> Float[Array, "n n"]:
    """Values at ``2 pi m / n``, offsets ``-k..k`` in both axes, zero in the middle."""
    n = x.shape[0]
    k = frequencies(n)
    wave = np.exp(2j * np.pi * k[:, None] * k / n)
    twice = np.where(k[: n // 2 + 1] == 0, 1, 2)
    rows, half, cols = _as_complex(wave, x, twice[:, None] * wave[: n // 2 + 1])
    return (rows @ half @ cols).real


def moments(x: Complex[Array, "n half"], at: Float[Array, "2"]) -> Float[Array, "3 3"]:
    """Value and derivatives at an angle: entry ``(i, j)`` is the ``d^i/dy^i d^j/dx^j``.

    Args:
      x: half spectrum of a real function.
      at: ``(y, x)``, radians.
    """
    k = frequencies(x.shape[0])
    half = k[: x.shape[1]]
    twice = np.where(half == 0, 1, 2)
    rows = np.stack([k**0, 1j * k, -(k**2)]) * jnp.exp(1j * k * at[0])
    cols = np.stack([twice, 1j * half, -(half**2)]) * jnp.exp(1j * half * at[1])
    cols = cols * np.where(np.arange(3) == 0, 1, 2)[:, None]
    rows, x, cols = _as_complex(rows, x, cols)
    return (rows @ x @ cols.T).real
