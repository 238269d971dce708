"""Learning to translate both ways from unpaired images.

``forward`` translates source to target and its discriminator judges targets (G_A and
D_A in the published code), ``backward`` the other way. One step: both generators move
together, then each discriminator, which sees translations from a pool.

Source: Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent
Adversarial Networks, ICCV 2017.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from tirjax.data.sequence import DataError
from tirjax.tasks.base import Metrics, Task
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
from tirjax.tasks.image_pool import ImagePool, empty_pool, exchange
from tirjax.translators.networks import Discriminator, Generator
from tirjax.typing import Array, PyTree

WAYS = ("forward", "backward")


class CycleGANLosses(NamedTuple):
    """What is minimised.

    Attributes:
      mode: of the GAN.
      source: weight of the error of a source translated there and back.
      target: the same of a target.
      identity: weight, relative to these, of what a generator changes in an image that
        is of its output domain already; 0 for none.
    """

    mode: Mode = "lsgan"
    source: float = 10.0
    target: float = 10.0
    identity: float = 0.5


PAPER = CycleGANLosses()


class CycleGANState(NamedTuple):
    """Of a training; each part has a ``forward`` and a ``backward`` half.

    Attributes:
      generators: one player, moved by one optimiser.
      judges: ``forward`` of targets, ``backward`` of sources.
      pools: earlier translations of each way. Each device has pools of its own.
      step: number of updates made.
    """

    generators: Player
    judges: dict[str, Player]
    pools: dict[str, ImagePool]
    step: Array


def one_way(variables: PyTree, way: str = "forward") -> PyTree:
    """Variables of a single generator, of those that the task gives.

    Args:
      variables: of both.
      way: ``'forward'`` or ``'backward'``.
    """
    return {name: part.get(way, {}) for name, part in variables.items()}


def cyclegan_task(
    generator: Generator,
    discriminator: Discriminator,
    optimizer: optax.GradientTransformation,
    side: int,
    *,
    inputs: int = 3,
    losses: CycleGANLosses = PAPER,
    pool: int = 50,
) -> Task:
    """The task of CycleGAN; batches are ``Images``, its variables those of both ways.

    Args:
      generator: for training, forward; the one backward has ``inputs`` outputs.
      discriminator: of either domain, for training, without sigmoid.
      optimizer: of each player, with states of their own.
      side: of the images, pixels.
      inputs: channels of the source.
      losses: what is minimised.
      pool: translations kept in each pool.

    Raises:
      DataError: an identity loss between domains of different channels.
    """
    outputs = generator.outputs
    if losses.identity and inputs != outputs:
        raise DataError(
            f"an identity loss of images with {inputs} and {outputs} channels; set "
            "identity to 0 or use images of equal channels"
        )
    nets = {"forward": generator, "backward": generator.clone(outputs=inputs)}

    def init(key):
        keys = dict(zip(WAYS, jax.random.split(key), strict=True))
        blank = lambda channels: jnp.zeros((1, side, side, channels))
        ends = {"forward": blank(outputs), "backward": blank(inputs)}
        starts = {"forward": ends["backward"], "backward": ends["forward"]}
        judges, made = {}, {}
        for way, key in keys.items():
            first, second = jax.random.split(key)
            made[way] = nets[way].init(first, starts[way])
            verdicts = discriminator.init(second, ends[way])
            judges[way] = first_player(verdicts, optimizer)
        both = {
            part: {way: made[way].get(part, {}) for way in WAYS}
            for part in ("params", "batch_stats")
        }
        pools = {way: empty_pool(pool, ends[way].shape[1:]) for way in WAYS}
        generators = first_player(both, optimizer)
        return CycleGANState(generators, judges, pools, jnp.int32(0))

    def update(state: CycleGANState, batch: Images, key, mean):
        first, *others = jax.random.split(key, 3)
        objective = _objective(nets, discriminator, state, batch, losses, first)
        grad = jax.value_and_grad(objective, has_aux=True)
        (total, aux), slope = grad(state.generators.params)
        metrics, fakes, *stats = aux
        total, metrics, slope, stats = mean((total, metrics, slope, stats))
        generators = moved(state.generators, slope, stats[0], optimizer)
        judges, pools = {}, {}
        reals = {"forward": batch.target, "backward": batch.source}
        for way, key in zip(WAYS, others, strict=True):
            first, second = jax.random.split(key)
            shown, pools[way] = exchange(state.pools[way], fakes[way], first)
            judge, real = state.judges[way]._replace(stats=stats[1][way]), reals[way]
            loss = discriminator_loss(
                discriminator, judge.stats, shown, real, losses.mode, second
            )
            slope, (seen, after) = mean(jax.grad(loss, has_aux=True)(judge.params))
            judges[way] = moved(judge, slope, after, optimizer)
            metrics |= named(f"discriminator_{way}", seen)
        new = CycleGANState(generators, judges, pools, state.step + 1)
        return new, {"loss": total} | metrics

    def variables(state: CycleGANState):
        return state.generators.variables

    return Task(init, update, variables, _preview(nets))


def _preview(nets):
    """Source, its translation, back again; the same of the target."""

    def see(variables, batch: Images):
        def go(way, images):
            parts = (variables[part][way] for part in ("params", "batch_stats"))
            return run(nets[way], *parts, images)[0]

        rows = []
        for (there, back), images in zip((WAYS, WAYS[::-1]), batch, strict=True):
            found = go(there, images)
            rows += [images, found, go(back, found)]
        return gallery(*rows)

    return see


def _objective(nets, discriminator, state: CycleGANState, batch, losses, key):
    """What both generators minimise, and all that comes with it."""
    keys = iter(jax.random.split(key, 6))

    def value(params):
        stats = dict(state.generators.stats)

        def translate(way, images):
            out, stats[way] = run(
                nets[way], params[way], stats[way], images, next(keys)
            )
            return out

        fakes = {"forward": translate("forward", batch.source)}
        source = translate("backward", fakes["forward"])
        fakes["backward"] = translate("backward", batch.target)
        target = translate("forward", fakes["backward"])
        terms: Metrics = {
            "cycle_source": losses.source * absolute_error(source, batch.source),
            "cycle_target": losses.target * absolute_error(target, batch.target),
        }
        if losses.identity:
            same = absolute_error(translate("forward", batch.target), batch.target)
            terms["identity_target"] = losses.target * losses.identity * same
            same = absolute_error(translate("backward", batch.source), batch.source)
            terms["identity_source"] = losses.source * losses.identity * same
        judge_stats = {}
        for way, judge in state.judges.items():
            verdict, judge_stats[way] = run(
                discriminator, judge.params, judge.stats, fakes[way]
            )
            terms[f"gan_{way}"] = adversarial(verdict, True, losses.mode)
        total = sum(terms.values(), jnp.zeros(()))
        return total, (named("generator", terms), fakes, stats, judge_stats)

    return value
