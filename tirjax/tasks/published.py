"""The published training runs of DiMP, SuperDiMP and ATOM.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019;
Danelljan et al., Probabilistic Regression for Visual Tracking, CVPR 2020; Danelljan et
al., ATOM, CVPR 2019; numbers that the papers leave out are those of the authors' code.
"""

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction

from tirjax.backbones.norm import Norm
from tirjax.data.training import processing as crops
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.processing import Processing
from tirjax.data.training.sampler import Sampling
from tirjax.heads.networks import atom_net, dimp_net
from tirjax.tasks import dimp
from tirjax.tasks.atom import atom_task
from tirjax.tasks.base import Task
from tirjax.tasks.dimp import dimp_task
from tirjax.tasks.optimizers import grouped, step_decay
from tirjax.tasks.run import Run

SAMPLING = Sampling("causal", train=3, test=3, gap=30)
CANVAS = Canvas()


@dataclasses.dataclass(frozen=True)
class Setting:
    """Constants of a run; defaults are those of DiMP-18 and DiMP-50.

    Attributes:
      tracker: whose network it is.
      depth: of the backbone.
      rates: learning rates, as for ``grouped``; what none names stands still.
      batch: sequences of a step, over all devices.
      samples: sequences of an epoch.
      lasot: weight of LaSOT in the mixture; all others have 1.
      sampling: of frames.
      canvas: of frames.
      processing: of crops.
      losses: weights; None trains ATOM's IoU-Net.
      frozen: stages of the backbone that keep their running statistics.
    """

    tracker: str
    depth: int
    rates: Mapping[str, float]
    batch: int
    samples: int = 26_000
    lasot: float = 0.25
    sampling: Sampling = SAMPLING
    canvas: Canvas = CANVAS
    processing: Processing = crops.DIMP
    losses: dimp.Weights | None = dimp.DIMP
    frozen: tuple[str, ...] = ()


CLASSIFIER = {"classifier": 5e-5, "classifier/filter_optimizer": 5e-4}
LAST_STAGE = {f"backbone/layer3_{block}": 2e-5 for block in range(6)}

DIMP18 = Setting(
    "dimp18", 18, {"backbone": 2e-4, **CLASSIFIER, "iou_net": 1e-3}, batch=26
)
DIMP50 = Setting(
    "dimp50", 50, {"backbone": 2e-5, **CLASSIFIER, "iou_net": 2e-4}, batch=10
)
SUPER_DIMP = Setting(
    "super_dimp",
    50,
    {**LAST_STAGE, **CLASSIFIER, "iou_net": 1e-3},
    batch=20,
    samples=40_000,
    lasot=1.0,
    sampling=dataclasses.replace(SAMPLING, gap=200),
    canvas=Canvas(reach=24.0),  # of 6 + 5.5 sides, as Canvas says
    processing=crops.SUPER_DIMP,
    losses=dimp.SUPER_DIMP,
    frozen=("conv1", "layer1", "layer2"),
)
ATOM = Setting(
    "atom",
    18,
    {"iou_net": 1e-3},
    batch=64,
    samples=64_000,
    lasot=1.0,
    sampling=Sampling("interval", train=1, test=1, gap=50),
    processing=crops.ATOM,
    losses=None,
)
SETTINGS = {s.tracker: s for s in (DIMP18, DIMP50, SUPER_DIMP, ATOM)}


def published_task(setting: Setting, every: int) -> Task:
    """What a setting learns.

    Args:
      setting: constants.
      every: steps after which the learning rates fall to a fifth.
    """
    optimizer = grouped(setting.rates, step_decay(every, 0.2))
    side, norm = setting.processing.side, Norm(batch=True)
    if setting.losses is None:
        # As published: the statistics are of the batch, and the running ones drift,
        # though no parameter of the backbone moves.
        return atom_task(atom_net(setting.depth, norm=norm), optimizer, side=side)
    net = dimp_net(
        setting.depth,
        sigma=setting.processing.label_sigma,
        norm=norm,
        frozen=setting.frozen,
    )
    return dimp_task(net, optimizer, setting.losses, side=side)


def published_run(
    setting: Setting,
    data: Mixture,
    *,
    epochs: int,
    fall: Fraction | int = 15,
    batch: int | None = None,
    seed: int = 0,
    workers: int = 0,
) -> Run:
    """A setting's training on data sets; all variables are drawn.

    Args:
      setting: constants.
      data: what to learn from.
      epochs: how long.
      fall: epochs after which the learning rates fall to a fifth.
      batch: sequences of a step, over all devices; the setting's by default.
      seed: of parameters and data.
      workers: as for ``Run``.
    """
    batch = setting.batch if batch is None else batch
    epoch = setting.samples // batch
    feed = ClipFeed(
        data, setting.sampling, setting.canvas, setting.processing, batch, seed
    )
    return Run(
        task=published_task(setting, math.ceil(fall * epoch)),
        feed=feed,
        steps=epochs * epoch,
        seed=seed,
        tracker=setting.tracker,
        save_every=epoch,
        show_every=epoch,
        workers=workers,
    )
