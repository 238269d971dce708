r"""SiamFC and CFNet, the baselines, on thermal or colour videos; colour in grey.

    python -m train fit configs/cfnet.py --workdir runs/cfnet --net cfnet --tir DIR

Needs   a thermal training set (LSOTB-TIR's) or, with `--data vid`, ImageNet-VID, as
        published or made by `train prepare`; without it the synthetic world stands in.
Paper   Bertinetto et al., Fully-Convolutional Siamese Networks, ECCV 2016 workshops;
        Valmadre et al., End-to-end Representation Learning for Correlation Filter Based
        Tracking, CVPR 2017. Trained on ImageNet-VID, EAO on VOT-TIR2015 and 2017 (by
        MMNet's authors): `siamfc` .219 and .225, `cfnet` .282 and .254.
Cost    not run at full size. Small: `--side 191 --widths 16 32 48 48 16`.

As published, the brightness of crops is changed, and those of SiamFC are stretched and
shifted.
"""

from pathlib import Path
from typing import Literal

from tirjax.backbones.norm import Norm
from tirjax.tasks.run import Run
from tirjax.tasks.siamese import siamese_task
from tirjax.tasks.siamese_recipes import (
    BATCH,
    EPOCH_PAIRS,
    RELEASED,
    SIAMFC,
    published_sgd,
)
from tirjax.tasks.siamese_runs import (
    cropping,
    held_out,
    label_radius,
    network,
    pairs,
    run,
    tracker,
    validation,
)


def config(
    *,
    net: Literal["siamfc", "cfnet"],
    data: Literal["vid", "tir"] = "tir",
    vid: Path | None = None,
    tir: Path | None = None,
    epochs: int | None = None,
    rate: float = 1.0,
    samples: int = EPOCH_PAIRS,
    batch: int = BATCH,
    side: int = 255,
    widths: tuple[int, ...] = (),
    seed: int = 0,
    lanes: int = 1,
    canvas: tuple[int, int] = (480, 640),
    eval_every: int = 0,
    workers: int = 0,
) -> Run:
    """Trains a baseline from nothing.

    Args:
      net: which.
      data: colour or thermal videos.
      vid: folder of ImageNet-VID.
      tir: folder of the thermal training set.
      epochs: how long; 50 (SiamFC) or 100 by default, rates fall in proportion.
      rate: factor on the learning rates.
      samples: pairs of an epoch.
      batch: pairs of a step, over all devices.
      side: of crops, pixels: 255, or less for a small network.
      widths: channels of the five convolutions; the published ones by default.
      seed: of parameters and data.
      lanes: synthetic scenes rendered at once; 1 suits a CPU, 32 a GPU.
      canvas: rows and columns of the arrays that frames of a folder are put into.
      eval_every: steps between two measurements, on held-out synthetic clips and on
        the last tenth of a folder's videos; 0 makes none.
      workers: processes that read; 0 reads in threads.
    """
    rates = (SIAMFC if net == "siamfc" else RELEASED).over(epochs)
    rates = rates.times(rate)
    epoch = max(1, samples // batch)
    learner = network(net, side=side, widths=widths, norm=Norm(batch=True))
    optimizer = published_sgd(learner, rates.schedule(epoch))
    crops = cropping(net, side=side)
    folders = {data: {"vid": vid, "tir": tir}[data]}
    drawn = {"batch": batch, "seed": seed, "lanes": lanes, "canvas": canvas}
    feed = pairs(net, crops, folders, **drawn)
    evals = held_out(tracker(net, side=side, widths=widths), eval_every, "tir")
    losses = {"radius": label_radius(side)}
    evals |= validation(
        net, learner, crops, folders, eval_every, losses=losses, **drawn
    )
    task = siamese_task(learner, optimizer, crops, **losses)
    length = {"epochs": rates.epochs, "epoch": epoch, "seed": seed}
    return run(net, task, feed, evals, **length, workers=workers)
