"""Ridge regression over all cyclic shifts of a feature map, in its dual form.

The Gram matrix of the shifts is circulant, so the Fourier transform diagonalises it and
the solution is a division. Everything is differentiable: end-to-end training puts the
regression between the features and the loss as a layer (DCFNet). Spectra are halves, of
``rfft2``; the kernel is the mean product of two features.

Source: Wang et al., DCFNet: Discriminant Correlation Filters Network for Visual
Tracking, arXiv 1704.04057, 2017. The dual form follows Henriques et al., High-Speed
Tracking with Kernelized Correlation Filters, TPAMI 2015, with the linear kernel.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from tirjax.typing import Array, Complex, Float


class Filter(NamedTuple):
    """A solved regression.

    Attributes:
      template: ``[c, h, w // 2 + 1]`` spectrum of the map it was solved for.
      alpha: ``[h, w // 2 + 1]`` spectrum of the dual coefficients.
    """

    template: Complex[Array, "c h half"]
    alpha: Complex[Array, "h half"]


def goal(shape: tuple[int, int], sigma: float) -> np.ndarray:
    """Gaussian of height 1 at cell ``(0, 0)`` of a cyclic map.

    Args:
      shape: ``(rows, columns)``.
      sigma: standard deviation, cells.
    """
    # DCFNet's offsets reach from 1 - n // 2 to the ceiling of n / 2.
    reach = [(np.arange(n) + n // 2 - 1) % n - (n // 2 - 1) for n in shape]
    rows, cols = (np.exp(-(d**2) / (2 * sigma**2)) for d in reach)
    return np.outer(rows, cols)


def spectrum(x: Float[Array, "h w c"]) -> Complex[Array, "c h half"]:
    """Half spectrum over the root of the number of features, as ``kernel`` takes it."""
    return jnp.fft.rfft2(jnp.moveaxis(x, -1, 0)) / np.sqrt(x.size).astype(x.dtype)


def kernel(
    z: Complex[Array, "c h half"], x: Complex[Array, "c h half"]
) -> Complex[Array, "h half"]:
    """Mean product of features between ``z`` and every cyclic shift of ``x``."""
    # Written out: a CPU takes a third of the time that its reduction does.
    return functools.reduce(jnp.add, [a * b.conj() for a, b in zip(z, x, strict=True)])


def solve(
    template: Complex[Array, "c h half"],
    goal: Complex[Array, "h half"],
    ridge: float | Float[Array, ""],
) -> Filter:
    """Regresses the shifts of a map on the goal: ``(K + ridge I) alpha = goal``.

    Args:
      template: spectrum of the map.
      goal: ``rfft2`` of the response wanted of the map itself.
      ridge: regularisation; positive.
    """
    energy = (template.real**2 + template.imag**2).sum(0)
    return Filter(template, goal / (energy + ridge))


def respond(
    filter: Filter, z: Complex[Array, "c h half"], shape: tuple[int, int]
) -> Float[Array, "h w"]:
    """Response of every cyclic shift of ``z``; its peak is where ``z`` has moved to.

    Args:
      filter: of ``solve``.
      z: spectrum of the map searched.
      shape: ``(rows, columns)`` of the maps. Static.
    """
    return jnp.fft.irfft2(filter.alpha * kernel(z, filter.template), shape)


def layer(
    target: Float[Array, "h w c"],
    search: Float[Array, "h w c"],
    goal: Float[Array, "h w"],
    ridge: float | Float[Array, ""] = 1e-4,
) -> Float[Array, "h w"]:
    """The regression as a layer: learned on one map, its response on the other.

    Args:
      target: features of the crop it learns from.
      search: features of the crop it is tried on.
      goal: wanted response, peak at cell ``(0, 0)``, as ``goal`` gives it.
      ridge: regularisation; positive.
    """
    wanted = jnp.fft.rfft2(goal.astype(target.dtype))
    filter = solve(spectrum(target), wanted, ridge)
    rows, cols = goal.shape
    return respond(filter, spectrum(search), (rows, cols))


def squared_error(
    response: Float[Array, "h w"], goal: Float[Array, "h w"]
) -> Float[Array, ""]:
    """DCFNet's loss of one pair: the sum over cells, not their mean."""
    return ((response - goal) ** 2).sum()
