"""The correlation filter as a layer: ridge regression over all circular shifts.

Written in the Fourier domain and differentiated by JAX. The origin of a filter's
response is the first cell, so that labels wrap around: nothing is centred by a shift.

Source: Valmadre et al., End-to-end Representation Learning for Correlation Filter Based
Tracking, CVPR 2017, equations 5 to 9 (dual form: one kernel for all channels).
"""

import jax.numpy as jnp
import numpy as np

from tirjax.typing import Array, Float


def wrapped_gaussian(size: int, sigma: float) -> np.ndarray:
    """``[size, size]``, 1 at the first cell, distances go the short way round.

    Args:
      size: side, cells.
      sigma: standard deviation, cells.
    """
    half = (size - 1) // 2
    offset = (np.arange(size) + half) % size - half
    return np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * sigma**2))


def hann_window(size: int) -> np.ndarray:
    """``[size, size]``, zero on the border."""
    return np.outer(np.hanning(size), np.hanning(size))


def correlation_filter(
    x: Float[Array, "*b h w c"], target: Float[Array, "h w"], ridge: float
) -> Float[Array, "*b h w c"]:
    """Filter whose circular correlation with ``x`` is nearest to ``target``.

    Minimises ``|sum over c of w_c * x_c - target|^2 / (2 h w) + ridge / 2 |w|^2`` where
    ``(w * x)(u) = sum over t of w(t) x(t + u)``, indices modulo the size.

    Args:
      x: features, windowed against the wrapping edges.
      target: desired response to every shift.
      ridge: weight of the filter's norm, positive.
    """
    size, axes = x.shape[-3:-1], (-3, -2)
    count = size[0] * size[1]
    spectrum = jnp.fft.rfft2(x, axes=axes)
    # Not abs(): its derivative is undefined where a frequency is absent.
    power = spectrum.real**2 + spectrum.imag**2
    kernel = power.sum(-1, keepdims=True) / count + ridge
    dual = jnp.fft.rfft2(target)[..., None] / (count * kernel)
    return jnp.fft.irfft2(dual.conj() * spectrum, size, axes=axes).astype(x.dtype)


def crop_margin(x: Float[Array, "*b h w c"], margin: int) -> Float[Array, "*b a d c"]:
    """Cuts ``margin`` cells off every side."""
    return x[..., margin : x.shape[-3] - margin, margin : x.shape[-2] - margin, :]
