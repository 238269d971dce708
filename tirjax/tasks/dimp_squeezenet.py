"""Learning the DiMP tracker on SqueezeNet that tirjax ships."""

from pathlib import Path

import optax

from tirjax.backbones.norm import FROZEN, Norm, Norms
from tirjax.checkpoints import load_variables
from tirjax.heads.networks import dimp_squeezenet
from tirjax.tasks.dimp import Weights, dimp_task
from tirjax.tasks.optimizers import grouped
from tirjax.tasks.recipes import shapes, starting_from, with_layers
from tirjax.tasks.run import Feed, Run
from tirjax.tasks.tracking import held_out
from tirjax.trackers.dimp import DIMP_SQUEEZENET
from tirjax.typing import PyTree

# A handful of references a device says too little about their statistics.
NORMS = Norms(Norm(batch=True), FROZEN, FROZEN, Norm(batch=True))
WEIGHTS = Weights(boxes=4.0)
# Of the highest learning rate, by part; what is not named stands still.
SHARES = {
    "classifier": 1.0,
    "iou_net": 1.0,
    "backbone/neck2": 1.0,
    "backbone/neck3": 1.0,
} | {f"backbone/fire{number}": 0.1 for number in (5, 6, 7)}


def optimizer(peak: float, steps: int) -> optax.GradientTransformation:
    """A warm start, then a cosine; the first layers stand still.

    Args:
      peak: highest learning rate, of the heads.
      steps: how long the training is.
    """
    factor = optax.warmup_cosine_decay_schedule(
        0.0, 1.0, min(100, steps // 4), steps, 0.01
    )
    rates = {part: peak * share for part, share in SHARES.items()}
    return grouped(rates, factor, decay=1e-4, clip=100.0)


def dimp_squeezenet_run(
    feed: Feed,
    layers: PyTree,
    *,
    steps: int,
    peak: float,
    seed: int,
    eval_every: int,
    start: Path | None = None,
    clips: int = 8,
) -> Run:
    """A training measured on held-out clips.

    Args:
      feed: of ``tirjax.tasks.dimp10.PROCESSING``.
      layers: of the backbone, learned before.
      steps: how long.
      peak: highest learning rate.
      seed: of parameters and data.
      eval_every: steps between two measurements.
      start: checkpoint to start from; its optimiser starts anew.
      clips: how many are held out.
    """
    net = dimp_squeezenet(sigma=DIMP_SQUEEZENET.label_sigma, norm=NORMS, still=True)
    task = dimp_task(
        net,
        optimizer(peak, steps),
        WEIGHTS,
        side=DIMP_SQUEEZENET.side,
        average=0.998,
    )
    task = with_layers(task, layers)
    if start:
        task = starting_from(task, load_variables(start, shapes(task)))
    name = "dimp_squeezenet"
    return Run(
        task=task,
        feed=feed,
        steps=steps,
        seed=seed,
        tracker=name,
        evals={"held_out": held_out(name, eval_every, clips)},
        best="held_out/success",
        save_every=500,
        show_every=eval_every,
    )
