r"""DiMP-50 fine-tuned on the thermal videos of LSOTB-TIR's training set.

    python -m train convert dimp50.pth --out runs/dimp50
    python -m train fit configs/dimp50_lsotb.py --workdir runs/dimp50_lsotb \
        --start runs/dimp50 --lsotb DIR

Needs   LSOTB-TIR's training set (academic and non-commercial use only) as published or
        made by `train prepare lsotb_tir_train`; converted weights of DiMP-50.
Paper   none.
Cost    not run.
"""

import dataclasses
from pathlib import Path

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.training.augment import THERMAL
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.opening import open_any
from tirjax.data.training.processing import DIMP
from tirjax.data.training.sampler import Sampling
from tirjax.heads.networks import dimp_net
from tirjax.tasks import dimp_task, grouped, step_decay
from tirjax.tasks.recipes import shapes, starting_from
from tirjax.tasks.run import Run

SAMPLES = 26_000  # of an epoch
# Those of DiMP-50.
RATES = {
    "backbone": 2e-5,
    "classifier": 5e-5,
    "classifier/filter_optimizer": 5e-4,
    "iou_net": 2e-4,
}


def config(
    *,
    start: Path,
    lsotb: Path,
    epochs: int = 15,
    batch: int = 10,
    seed: int = 0,
    workers: int = 8,
) -> Run:
    """Goes on with DiMP-50 on thermal video.

    Args:
      start: converted checkpoint, or a run of `dimp50.py`.
      lsotb: folder of the data set.
      epochs: how long; the rates fall after each third.
      batch: sequences of a step, over all devices.
      seed: of the data.
      workers: processes that read; 0 reads in threads.
    """
    data = Mixture([open_any("lsotb_tir_train", lsotb)])
    sampling = Sampling("causal", train=3, test=3, gap=30)
    processing = dataclasses.replace(DIMP, augmentation=THERMAL)
    epoch = SAMPLES // batch
    steps = epochs * epoch
    net = dimp_net(50, norm=Norm(batch=True))
    task = dimp_task(net, grouped(RATES, step_decay(-(-steps // 3), 0.2)))
    return Run(
        task=starting_from(task, load_variables(start, shapes(task))),
        feed=ClipFeed(data, sampling, Canvas(channels=1), processing, batch, seed),
        steps=steps,
        seed=seed,
        tracker="dimp50",
        save_every=epoch,
        show_every=epoch,
        workers=workers,
    )
