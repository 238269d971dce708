"""What the tasks of translators share: batches, players, their optimiser.

Images are in [-1, 1]. Norms of the networks take the statistics of the batch, and a
discriminator's running ones move at each pass, as in the published code.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from tirjax.data.training.image_feed import Images
from tirjax.tasks.base import Gallery, Metrics
from tirjax.tasks.gan_losses import Mode, adversarial, gradient_penalty
from tirjax.typing import Array, Float, Key, PyTree

__all__ = [
    "Images",
    "Player",
    "adam",
    "discriminator_loss",
    "first_player",
    "gallery",
    "linear_decay",
    "moved",
    "named",
    "run",
]

Version = Literal["paper", "released"]
PENALTY = 10.0  # weight of a Wasserstein critic's gradient penalty


class Player(NamedTuple):
    """One side of the game, a network or two.

    Attributes:
      params: what it learns.
      stats: running statistics of its norms.
      optimizer: state of its optimiser.
    """

    params: PyTree
    stats: PyTree
    optimizer: optax.OptState

    @property
    def variables(self) -> dict[str, PyTree]:
        """In Flax's words."""
        return {"params": self.params, "batch_stats": self.stats}


def adam(rate: optax.ScalarOrSchedule = 2e-4) -> optax.GradientTransformation:
    """The optimiser of all players.

    Args:
      rate: learning rate, or ``step -> rate``.
    """
    return optax.adam(rate, b1=0.5, b2=0.999)


def linear_decay(
    epoch: int,
    constant: int = 100,
    decay: int = 100,
    rate: float = 2e-4,
    version: Version = "paper",
) -> optax.Schedule:
    """A learning rate that stays, then falls to almost nothing, epoch by epoch.

    Args:
      epoch: steps of one.
      constant: epochs at the full rate.
      decay: epochs of falling.
      rate: at first.
      version: ``released`` falls one epoch earlier.
    """
    early = 2 if version == "released" else 1

    def schedule(step):
        passed = jnp.asarray(step) // epoch + early - constant
        return rate * jnp.clip(1 - jnp.maximum(0, passed) / (decay + 1), 0, 1)

    return schedule


def first_player(
    variables: Mapping[str, PyTree], optimizer: optax.GradientTransformation
) -> Player:
    """A player before its first step."""
    params = variables["params"]
    return Player(params, variables.get("batch_stats", {}), optimizer.init(params))


def moved(
    player: Player,
    gradients: PyTree,
    stats: PyTree,
    optimizer: optax.GradientTransformation,
) -> Player:
    """A player after a step."""
    updates, state = optimizer.update(gradients, player.optimizer, player.params)
    return Player(optax.apply_updates(player.params, updates), stats, state)


def run(net: nn.Module, params: PyTree, stats: PyTree, *inputs: Any) -> tuple[Any, Any]:
    """Output of a network and the running statistics after it."""
    variables = {"params": params, "batch_stats": stats}
    out, after = net.apply(variables, *inputs, mutable=["batch_stats"])
    return out, after.get("batch_stats", stats)


def discriminator_loss(
    net: nn.Module,
    stats: PyTree,
    fake: Float[Array, "n h w c"],
    real: Float[Array, "n h w c"],
    mode: Mode,
    key: Key[Array, ""],
) -> Callable[[PyTree], tuple[Array, tuple[Metrics, PyTree]]]:
    """What a discriminator minimises, ``params -> (loss, (metrics, stats))``.

    Fake and real images are two passes: norms see them apart.

    Args:
      net: the discriminator.
      stats: its running statistics.
      fake: translations.
      real: images of the domain.
      mode: of the GAN.
      key: of the gradient penalty.
    """
    fake = jax.lax.stop_gradient(fake)

    def value(params):
        verdict, after = run(net, params, stats, fake)
        on_fake = adversarial(verdict, False, mode)
        verdict, after = run(net, params, after, real)
        on_real = adversarial(verdict, True, mode)
        total = 0.5 * (on_fake + on_real)
        if mode == "wgangp":
            judge = lambda x: run(net, params, after, x)[0]
            total += PENALTY * gradient_penalty(judge, real, fake, key)
        return total, ({"fake": on_fake, "real": on_real, "": total}, after)

    return value


def named(name: str, metrics: Metrics) -> Metrics:
    """Metrics of a part, under its name."""
    return {f"{name}_{key}" if key else name: v for key, v in metrics.items()}


def gallery(*images: Float[Array, "n h w c"]) -> Gallery:
    """Images of each example side by side.

    Args:
      images: -1..1, of one channel or three, all of one size.
    """
    colour = [jnp.broadcast_to(x, (*x.shape[:3], 3)) for x in images]
    return Gallery((jnp.stack(colour, axis=1) + 1) / 2 * 255)
