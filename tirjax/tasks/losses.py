"""Losses of DiMP, ATOM and SuperDiMP."""

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Float

BACKGROUND = 0.05  # labels below it ask for a score that is not positive, no more


def hinged_error(
    scores: Float[Array, "*b"], labels: Float[Array, "*b"]
) -> Float[Array, ""]:
    """Mean squared error in which a background score below zero costs nothing.

    Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV
    2019, equation 3 with a hinge at 0 and a mask from the label.
    """
    background = labels < BACKGROUND
    error = jnp.where(background, jax.nn.relu(scores), scores - labels)
    return (error**2).mean()


def overlap_error(
    predicted: Float[Array, "*b"], overlaps: Float[Array, "*b"]
) -> Float[Array, ""]:
    """Mean squared error of predictions of ``2 * IoU - 1``.

    Source: Danelljan et al., ATOM, CVPR 2019, section 3.1.
    """
    return ((predicted - (2 * overlaps - 1)) ** 2).mean()


def divergence(
    scores: Float[Array, "*b p"],
    log_density: Float[Array, "*b p"],
    target: Float[Array, "*b p"],
) -> Float[Array, ""]:
    """Kullback-Leibler divergence of the label from the predicted density, sampled.

    The constant entropy of the label is left out, so the value may be negative.

    Args:
      scores: of the proposals; their density is the softmax.
      log_density: logarithm of the density the proposals were drawn from.
      target: density of the label at the proposals.

    Source: Danelljan et al., Probabilistic Regression for Visual Tracking, CVPR 2020,
    equation 9.
    """
    count = scores.shape[-1]
    normaliser = jax.nn.logsumexp(scores - log_density, axis=-1) - jnp.log(count)
    agreement = (scores * target * jnp.exp(-log_density)).mean(-1)
    return (normaliser - agreement).mean()
