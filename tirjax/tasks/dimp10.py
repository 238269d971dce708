"""Learning DiMP-10, the small tracker that tirjax ships."""

import dataclasses
from pathlib import Path

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.synthetic import preset
from tirjax.data.training.augment import RGB, THERMAL
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.jitter import Jitter
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.processing import Processing
from tirjax.data.training.rendered import Modality, Rendered
from tirjax.data.training.sampler import Sampling
from tirjax.data.training.sets import open_training_set
from tirjax.heads.networks import dimp_net
from tirjax.tasks.dimp import DIMP, Weights, dimp_task
from tirjax.tasks.optimizers import from_nothing
from tirjax.tasks.recipes import shapes, starting_from
from tirjax.tasks.run import Blend, Feed, Run
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
SIZE = (192, 240)  # of all frames


def thermal_feed(
    hit_uav: Path, batch: int, *, lanes: int, seed: int, **rates: float
) -> Blend:
    """Four fifths of the synthetic world, a fifth of HIT-UAV, for ``PROCESSING``.

    Args:
      hit_uav: folder of the data set.
      batch: examples of a step, over all devices; a multiple of 5.
      lanes: scenes rendered at once.
      seed: of what is drawn from HIT-UAV.
      rates: fields of the world's settings that differ from those of `mixed`.

    Raises:
      DataError: HIT-UAV is not there.
    """
    scenes = preset("mixed", rows=SIZE[0], cols=SIZE[1], **rates)
    rendered = Rendered(scenes, PROCESSING, batch * 4 // 5, lanes=lanes, repeats=2)
    pictures = ClipFeed(
        Mixture([open_training_set("hit_uav", hit_uav)]),
        Sampling("causal", train=2, test=3, gap=10),
        Canvas(SIZE, channels=1, reach=10.0),
        PROCESSING,
        batch // 5,
        seed,
    )
    return Blend((rendered, pictures))


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
