"""What generators and discriminators minimise.

A discriminator puts out logits in favour of an image being real, one a patch. Its
``sigmoid`` stays off: cross-entropy of logits is the published loss of shares, without
its overflow.

Source: Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014 (vanilla); Mao et
al., Least Squares GANs, ICCV 2017; Gulrajani et al., Improved Training of Wasserstein
GANs, NeurIPS 2017; Isola et al., CVPR 2017; Zhu et al., ICCV 2017.
"""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import optax

from tirjax.typing import Array, Float, Key

Mode = Literal["vanilla", "lsgan", "wgangp"]


def adversarial(logits: Float[Array, "*b"], real: bool, mode: Mode) -> Float[Array, ""]:
    """How far a judgement is from the one wanted, mean over patches.

    Args:
      logits: of the discriminator.
      real: what it should have said. Static.
      mode: cross-entropy, squared error from 1 or 0, or the critic of Wasserstein
        GANs, which is not bounded.
    """
    if mode == "wgangp":
        return -logits.mean() if real else logits.mean()
    target = jnp.full_like(logits, 1.0 if real else 0.0)
    if mode == "lsgan":
        return ((logits - target) ** 2).mean()
    return optax.sigmoid_binary_cross_entropy(logits, target).mean()


def absolute_error(
    a: Float[Array, "n h w c"], b: Float[Array, "n h w c"]
) -> Float[Array, ""]:
    """Mean over all values: the L1, cycle and identity loss before its weight."""
    return jnp.abs(a - b).mean()


def gradient_penalty(
    judge: Callable[[Float[Array, "n h w c"]], Float[Array, "n oh ow 1"]],
    real: Float[Array, "n h w c"],
    fake: Float[Array, "n h w c"],
    key: Key[Array, ""],
) -> Float[Array, ""]:
    """Keeps the slope of a Wasserstein critic at 1 between real and fake images.

    Args:
      judge: images to logits.
      real: images.
      fake: as many.
      key: draws where between each two of them the slope is taken.
    """
    share = jax.random.uniform(key, (len(real), 1, 1, 1))
    between = share * real + (1 - share) * fake
    slope = jax.grad(lambda x: judge(x).sum())(between)
    # Not 0, where a norm has no derivative.
    norm = jnp.sqrt((slope**2).sum((1, 2, 3)) + 1e-16)
    return ((norm - 1) ** 2).mean()
