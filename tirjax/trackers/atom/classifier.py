"""ATOM's target classifier: a projection and a filter, learned while tracking.

Minimises over the filter ``w`` and, on the first frame, the projection ``P``

    sum_j g_j | phi((P x_j) * w) - y_j |^2 + filter_ridge |w|^2 + projection_ridge |P|^2

Both layers are linear, so ``w`` is pulled through ``P`` and correlated with the raw
features: the projected samples are never formed while ``P`` changes.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.2.
"""

import functools

import jax.numpy as jnp
from jax.lax import Precision

from tirjax.ops.target_filter import score_map
from tirjax.solvers.gauss_newton import gauss_newton, gauss_newton_step
from tirjax.trackers.atom.config import STRIDE, Config
from tirjax.typing import Array, Float

_einsum = functools.partial(jnp.einsum, precision=Precision.HIGHEST)


def unit_power(features: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
    """Scales every sample to a mean square of one."""
    power = jnp.mean(features**2, axis=(1, 2, 3), keepdims=True)
    return features / jnp.sqrt(power + 1e-10)


def project(
    features: Float[Array, "n h w raw"], projection: Float[Array, "raw c"]
) -> Float[Array, "n h w c"]:
    """Samples with fewer channels."""
    return _einsum("nhwr,rc->nhwc", features, projection)


def scores(
    features: Float[Array, "n h w c"], filter: Float[Array, "f f c"]
) -> Float[Array, "n h w"]:
    """Correlation of the samples' size: an even filter's last row and column go."""
    return score_map(features, filter)[:, :-1, :-1]


def activate(x: Float[Array, "*n"], floor: float) -> Float[Array, "*n"]:
    """Identity above zero, smoothly bounded by ``-floor`` below."""
    return jnp.where(x >= 0, x, floor * jnp.expm1(jnp.minimum(x, 0.0) / floor))


def labels(config: Config, offset: Float[Array, "*n 2"]) -> Float[Array, "*n m m"]:
    """Desired scores: a Gaussian peak.

    Args:
      config: width of the peak and size of the map.
      offset: ``(row, col)`` of the target from the middle of the patch, patch pixels.
    """
    # An even filter answers half a cell late.
    centre = offset[..., None] / STRIDE + (config.filter_size + 1) % 2 / 2
    n = config.cells
    sigma = config.label_sigma * n / config.search_scale
    grid = jnp.arange(n, dtype=offset.dtype) - (n - 1) / 2
    line = jnp.exp(-0.5 * ((grid - centre) / sigma) ** 2)
    return line[..., 0, :, None] * line[..., 1, None, :]


def learn_first(
    config: Config,
    features: Float[Array, "n m m raw"],
    wanted: Float[Array, "n m m"],
    filter: Float[Array, "f f c"],
    projection: Float[Array, "raw c"],
) -> tuple[Float[Array, "f f c"], Float[Array, "raw c"], Float[Array, " steps"]]:
    """Learns filter and projection together from the samples of the first frame.

    Args:
      config: solver settings.
      features: samples.
      wanted: their labels.
      filter: starting point.
      projection: starting point.

    Returns:
      Filter, projection, and the objective before every linearisation and at the end.
    """
    ridges = config.filter_ridge, config.projection_ridge
    share = (1 / len(features)) ** 0.5

    def residual(x):
        filter, projection = x
        pulled = _einsum("abc,rc->abr", filter, projection)
        response = activate(scores(features, pulled), config.response_floor)
        return [share * (response - wanted)] + [
            ridge**0.5 * part for ridge, part in zip(ridges, x, strict=True)
        ]

    def precondition(r):
        return tuple(part / ridge for ridge, part in zip(ridges, r, strict=True))

    (filter, projection), losses = gauss_newton(
        residual,
        (filter, projection),
        steps=config.first_steps,
        iterations=config.first_cg_steps,
        precondition=precondition,
    )
    return filter, projection, losses


def learn(
    config: Config,
    samples: Float[Array, "n m m c"],
    wanted: Float[Array, "n m m"],
    weights: Float[Array, " n"],
    filter: Float[Array, "f f c"],
) -> Float[Array, "f f c"]:
    """Adapts the filter to the projected, weighted samples of the memory.

    Args:
      config: solver settings.
      samples: projected features; a sample of weight 0 is no sample.
      wanted: their labels.
      weights: of the samples.
      filter: the present one.
    """
    share = jnp.sqrt(weights)[:, None, None]

    def residual(filter):
        response = activate(scores(samples, filter), config.response_floor)
        return share * (response - wanted), config.filter_ridge**0.5 * filter

    filter, _, _ = gauss_newton_step(residual, filter, iterations=config.steps)
    return filter
