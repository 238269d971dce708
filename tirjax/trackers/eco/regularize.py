"""The spatial regularisation of ECO, as an operator on half spectra.

The window is a quadratic bowl, ``w(r, c) = f(r) + g(c)``, so its Fourier series lives
on the two axes: a cross. Convolving twice with a cross is four products with banded
matrices, and only one row and one column are ever built at the window's resolution.

Source: Danelljan et al., Learning Spatially Regularized Correlation Filters for Visual
Tracking, ICCV 2015; ECO, CVPR 2017.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from tirjax.trackers.eco.config import Config
from tirjax.typing import Array, Float, Num


class Cross(NamedTuple):
    """Fourier coefficients ``-r..r`` of the window along its two axes.

    Attributes:
      rows: ``[2 r + 1]``, along the vertical axis; holds the shared centre.
      cols: ``[2 r + 1]``, along the horizontal axis; its centre is zero.
    """

    rows: Float[Array, " taps"]
    cols: Float[Array, " taps"]

    @property
    def energy(self) -> Float[Array, ""]:
        """Sum of squares, the mean diagonal of the operator."""
        return (self.rows**2).sum() + (self.cols**2).sum()


def radius(threshold: float) -> int:
    """Largest frequency that can survive the threshold.

    The ``k``-th coefficient of a parabola is ``6 / (pi k)^2`` of its mean.
    """
    return int(np.floor(np.sqrt(6 / (np.pi**2 * threshold))))


def window(config: Config, target: Float[Array, "2"], support: int) -> Cross:
    """Coefficients of the window for a target of ``(rows, cols)`` sample pixels.

    Args:
      config: edge, minimum and threshold of the window.
      target: size of the target in the sample.
      support: side of the sample, pixels.
    """
    r = radius(config.window_threshold)
    k = np.arange(1, r + 1)
    offset = np.arange(support) - (support - 1) / 2
    wave = np.exp(-2j * np.pi * k[:, None] * np.arange(support) / support)
    bend = (config.window_edge - config.window_min) * (2 / target) ** 2
    parabola = wave @ (offset**2) / support
    mean = bend.sum() * (offset**2).mean() + config.window_min
    size = bend[:, None] * np.abs(parabola)
    kept = size >= config.window_threshold * jnp.maximum(mean, size.max())
    coefficients = jnp.where(kept, bend[:, None] * parabola, 0)
    # The thresholded series may dip: the centre is lifted until its minimum is right.
    ripple = 2 * (coefficients @ wave.conj()).real
    centre = config.window_min - ripple.min(1).sum()
    half = coefficients.real
    arm = lambda side, middle: jnp.concatenate([side[::-1], middle[None], side])
    return Cross(arm(half[0], centre), arm(half[1], jnp.zeros_like(centre)))


def _banded(taps, rows: np.ndarray, cols: np.ndarray):
    """Matrix with entry ``taps[row - col]``; zero outside the band."""
    r = taps.shape[0] // 2
    distance = rows[:, None] - cols + r
    inside = (distance >= 0) & (distance < taps.shape[0])
    return jnp.where(inside, taps[np.clip(distance, 0, taps.shape[0] - 1)], 0)


class Bands(NamedTuple):
    """Banded matrices of one filter size; build once, apply in every iteration."""

    rows: Array
    rows_twice: Array
    cols: Array
    cols_twice: Array


def bands(cross: Cross, n: int) -> Bands:
    """Matrices that convolve a half spectrum ``[n, half]`` with the window."""
    k = n // 2
    all_rows = np.arange(-k, k + 1)
    reach = min(2 * (cross.cols.shape[0] - 1), 2 * k) // 2
    source, target = np.arange(-k, reach + 1), np.arange(-k, 1)
    twice = lambda taps: jnp.convolve(taps, taps)
    return Bands(
        _banded(cross.rows, all_rows, all_rows),
        _banded(twice(cross.rows), all_rows, all_rows),
        _banded(cross.cols, source, target),
        _banded(twice(cross.cols), source, target),
    )


def regularise(
    b: Bands,
    h: Num[Array, "n half c"],
    conjugate: Callable[[Array], Array] = jnp.conj,
) -> Num[Array, "n half c"]:
    """Convolves with the window twice and crops: ``w^2 h`` in the spatial domain.

    Equal to the operator on the full spectrum of a real filter.

    Args:
      b: of the window.
      h: half spectrum, or its planes.
      conjugate: ``fourier.conjugate`` for planes.
    """
    reach = b.cols.shape[0] - h.shape[1]
    mirrored = conjugate(h[::-1, h.shape[1] - 1 - reach : -1][:, ::-1])
    wide = jnp.concatenate([h, mirrored], axis=1)
    down = lambda m, x: jnp.einsum("pr,pqc->rqc", m, x)
    along = lambda m, x: jnp.einsum("qk,pqc->pkc", m, x)
    both = down(b.rows_twice, h) + along(b.cols_twice, wide)
    return both + 2 * down(b.rows, along(b.cols, wide))
