"""A one-dimensional correlation filter over scale (fDSST).

Source: Danelljan et al., Discriminative Scale Space Tracking, TPAMI 2017, sections 4
and 5.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.ops.crop import crop
from tirjax.ops.hog import fhog
from tirjax.trackers.eco.config import ScaleFilter
from tirjax.trackers.eco.sample import cell_means
from tirjax.typing import Array, Float, Frame

CELL = 4
SUPERSAMPLE = 2


class State(NamedTuple):
    """The learned filter.

    Attributes:
      template: ``[samples, features]`` running mean of the scale samples.
      den: ``[samples]`` denominator, over frequencies.
    """

    template: Float[Array, "samples features"]
    den: Float[Array, " samples"]


def _exponents(config: ScaleFilter) -> np.ndarray:
    """Of the sampled scales, spread over the interpolated range."""
    half = config.samples // 2
    return np.arange(-half, half + 1) * config.interpolated / config.samples


def _goal(config: ScaleFilter) -> np.ndarray:
    """DFT of the desired response, its peak at index zero."""
    wrapped = np.roll(_exponents(config), -(config.samples // 2))
    sigma = config.interpolated * config.sigma
    return np.fft.fft(np.exp(-(wrapped**2) / (2 * sigma**2)))


def _sample(config: ScaleFilter, template, frame: Frame, position, size):
    """Features of the target at every scale, ``[samples, features]``.

    A patch is averaged from ``SUPERSAMPLE`` points a pixel each way, which stands in
    for resampling by area. The order of the features is that in which they are made.
    """
    fine = (template[0] * SUPERSAMPLE, template[1] * SUPERSAMPLE)

    def one(factor):
        n = jnp.maximum(jnp.floor(size * factor), 2.0)
        first = jnp.floor(position) + 1 - jnp.floor(n / 2)
        region = jnp.concatenate([first[::-1], n[::-1]])
        pixels = crop(frame, region, fine)
        histograms = fhog(cell_means(pixels, SUPERSAMPLE), CELL)
        return histograms.swapaxes(1, 2).reshape(-1)

    return jax.vmap(one)(jnp.asarray(config.step ** _exponents(config)))


def _correlation(a, b):
    """Sum over components of ``conj(fft(a)) fft(b)``, windowed, by frequency.

    Compressing ``a`` and ``b`` onto an orthonormal basis of ``a`` keeps ``a b^T``, and
    nothing else of them enters: the small product stands in for basis and projection.
    """
    n = a.shape[0]
    k = np.arange(n)
    wave = np.hanning(n) * np.exp(-2j * np.pi * k[:, None] * k / n)
    product = jnp.dot(a, b.T, precision="highest")
    wave = jnp.asarray(wave).astype(jnp.result_type(product, jnp.complex64))
    return jnp.einsum("fs,st,ft->f", wave.conj(), product, wave)


def init(config: ScaleFilter, template, frame, position, size) -> State:
    """Learns the target's look across scales on the first frame.

    Args:
      config: settings.
      template: ``(rows, cols)`` of the template, pixels. Static.
      frame: the picture.
      position: centre ``(row, col)``, index coordinates.
      size: ``(rows, cols)`` of the target, pixels of the frame.
    """
    x = _sample(config, template, frame, position, size)
    return State(x, _correlation(x, x).real)


def update(config: ScaleFilter, template, state: State, frame, position, size):
    """Takes in one more frame; arguments as in ``init``."""
    x = _sample(config, template, frame, position, size)
    mix = lambda old, new: (1 - config.rate) * old + config.rate * new
    den = mix(state.den, _correlation(x, x).real)
    return State(mix(state.template, x), den)


def _vertex(config: ScaleFilter, response) -> Float[Array, ""]:
    """Scale factor at the top of the parabola through the peak and its neighbours.

    At the ends of the range the neighbours wrap around and mean nothing: the grid's own
    factor stands there, and nowhere may the vertex leave the neighbours.
    """
    n = config.interpolated
    exponents = np.roll(np.arange(n) - n // 2, -(n // 2))
    best = response.argmax()
    three = (best + np.arange(-1, 2)) % n
    x = config.step ** jnp.asarray(exponents, response.dtype)[three]
    y = response[three]
    left, right = (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])
    bend = (right - left) / (x[2] - x[0])
    vertex = (x[0] + x[1]) / 2 - left / (2 * jnp.where(bend < 0, bend, -1.0))
    inner = (jnp.abs(jnp.asarray(exponents)[best]) < n // 2) & (bend < 0)
    return jnp.where(inner, jnp.clip(vertex, x[0], x[2]), x[1])


def estimate(config: ScaleFilter, template, state: State, frame, position, size):
    """Relative scale change since the last frame; arguments as in ``init``."""
    x = _sample(config, template, frame, position, size)
    num = _goal(config) * _correlation(state.template, x)
    half = num / (state.den + config.ridge)
    low, gap = config.samples // 2 + 1, config.interpolated - config.samples
    wide = jnp.concatenate([half[:low], jnp.zeros(gap, half.dtype), half[low:]])
    response = jnp.fft.ifft(wide * (config.interpolated / config.samples)).real
    return _vertex(config, response)
