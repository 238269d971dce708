"""Learning to translate from pairs of the same scene.

One step: the generator translates once, the discriminator moves, then the generator
moves against the new discriminator with the same translation.

Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks,
CVPR 2017; Zhang et al., Synthetic data generation for end-to-end thermal infrared
tracking, TIP 2019.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from tirjax.tasks.base import Task
from tirjax.tasks.gan import (
    Images,
    Player,
    discriminator_loss,
    first_player,
    gallery,
    moved,
    named,
    run,
)
from tirjax.tasks.gan_losses import Mode, absolute_error, adversarial
from tirjax.translators.networks import Discriminator, Generator
from tirjax.typing import Array


class Pix2PixLosses(NamedTuple):
    """What is minimised.

    Attributes:
      mode: of the GAN.
      l1: weight of the absolute error.
    """

    mode: Mode = "vanilla"
    l1: float = 100.0


PAPER = Pix2PixLosses()
# The command that made ECO-stir's translator asks for 100 by a flag that nobody reads.
RELEASED = Pix2PixLosses(l1=10.0)


class Pix2PixState(NamedTuple):
    """Of a training.

    Attributes:
      generator: from source to target.
      discriminator: sees source and target.
      step: number of updates made.
    """

    generator: Player
    discriminator: Player
    step: Array


def pix2pix_task(
    generator: Generator,
    discriminator: Discriminator,
    optimizer: optax.GradientTransformation,
    side: int,
    *,
    inputs: int = 3,
    losses: Pix2PixLosses = PAPER,
) -> Task:
    """The task of pix2pix; batches are ``Images``.

    Args:
      generator: for training: its norms take statistics of the batch.
      discriminator: the same, without sigmoid.
      optimizer: of either player, each with a state of its own.
      side: of the images, pixels.
      inputs: channels of the source.
      losses: what is minimised.
    """

    def init(key):
        first, second = jax.random.split(key)
        source = jnp.zeros((1, side, side, inputs))
        both = jnp.zeros((1, side, side, inputs + generator.outputs))
        return Pix2PixState(
            first_player(generator.init(first, source), optimizer),
            first_player(discriminator.init(second, both), optimizer),
            jnp.int32(0),
        )

    def update(state, batch: Images, key, mean):
        g, d, _ = state
        dropout, between = jax.random.split(key)

        def translate(params):
            return run(generator, params, g.stats, batch.source, dropout)

        fake, back, g_stats = jax.vjp(translate, g.params, has_aux=True)
        pair = lambda target: jnp.concatenate([batch.source, target], axis=-1)
        loss = discriminator_loss(
            discriminator, d.stats, pair(fake), pair(batch.target), losses.mode, between
        )
        slope, (d_metrics, stats) = jax.grad(loss, has_aux=True)(d.params)
        slope, d_metrics, stats = mean((slope, d_metrics, stats))
        d = moved(d, slope, stats, optimizer)

        def fool(fake):
            verdict, stats = run(discriminator, d.params, d.stats, pair(fake))
            gan = adversarial(verdict, True, losses.mode)
            near = losses.l1 * absolute_error(fake, batch.target)
            return gan + near, ({"gan": gan, "l1": near}, stats)

        found = jax.value_and_grad(fool, has_aux=True)(fake)
        (total, (g_metrics, stats)), on_fake = found
        found = back(on_fake)[0], total, g_metrics, stats, g_stats
        slope, total, g_metrics, stats, g_stats = mean(found)
        g = moved(g, slope, g_stats, optimizer)
        d = d._replace(stats=stats)
        metrics = named("discriminator", d_metrics) | named("generator", g_metrics)
        return Pix2PixState(g, d, state.step + 1), {"loss": total} | metrics

    def preview(variables, batch: Images):
        """Source, target and translation."""
        stats = variables["batch_stats"]
        found, _ = run(generator, variables["params"], stats, batch.source)
        return gallery(batch.source, batch.target, found)

    return Task(init, update, lambda state: state.generator.variables, preview)
