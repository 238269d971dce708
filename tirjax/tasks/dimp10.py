"""Learning DiMP-10, the small tracker that tirjax ships."""

import dataclasses
from pathlib import Path

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.training.augment import RGB, THERMAL
from tirjax.data.training.jitter import Jitter
from tirjax.data.training.processing import Processing
from tirjax.data.training.rendered import Modality
from tirjax.heads.networks import dimp_net
from tirjax.tasks.dimp import DIMP, Weights, dimp_task
from tirjax.tasks.optimizers import from_nothing
from tirjax.tasks.recipes import shapes, starting_from
from tirjax.tasks.run import Feed, Run
from tirjax.tasks.tracking import held_out
from tirjax.trackers.dimp import DIMP10

PROCESSING = Processing(
    side=DIMP10.side,
    stride=8,
    search_scale=4.5,
    label_sigma=DIMP10.label_sigma,
    train_frames=2,
    test_jitter=Jitter(3.5, 0.4),
    proposal_count=32,
    augmentation=THERMAL,
)
ON_COLOUR = dataclasses.replace(
    PROCESSING, augmentation=dataclasses.replace(RGB, mirror_all=0.5)
)


def dimp10_run(
    feed: Feed,
    *,
    steps: int,
    peak: float,
    seed: int,
    eval_every: int,
    weights: Weights = DIMP,
    start: Path | None = None,
    clips: int = 6,
    modality: Modality = "tir",
) -> Run:
    """A training measured on held-out clips.

    Args:
      feed: of ``PROCESSING``.
      steps: how long.
      peak: highest learning rate.
      seed: of parameters and data.
      eval_every: steps between two measurements.
      weights: of the losses.
      start: checkpoint to start from; its optimiser starts anew.
      clips: how many are held out.
      modality: of these clips.
    """
    net = dimp_net(10, sigma=DIMP10.label_sigma, norm=Norm(batch=True))
    optimizer = from_nothing(peak, steps, warm=100)
    task = dimp_task(net, optimizer, weights, side=DIMP10.side, average=0.998)
    if start:
        task = starting_from(task, load_variables(start, shapes(task)))
    return Run(
        task=task,
        feed=feed,
        steps=steps,
        seed=seed,
        tracker="dimp10",
        evals={"held_out": held_out("dimp10", eval_every, clips, modality)},
        best="held_out/success",
        save_every=eval_every,
        show_every=eval_every,
    )
