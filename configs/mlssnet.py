r"""MLSSNet on thermal videos, or on colour and thermal ones at once.

    python -m train fit configs/mlssnet.py --workdir runs/mlssnet --vid DIR --tir DIR

Needs   ImageNet-VID and a thermal training set (LSOTB-TIR's), as published or made by
        `train prepare`; without them both halves of the synthetic world stand in.
Paper   Liu et al., Learning Deep Multi-Level Similarity for Thermal Infrared Object
        Tracking, TMM 2020: EAO .316 on VOT-TIR2015 and .278 on VOT-TIR2017; trained on
        both kinds of video.
Cost    not run at full size. Small: `--side 127 --widths 16 32 48 48 16`.
"""

from pathlib import Path
from typing import Literal

from tirjax.backbones.norm import Norm
from tirjax.tasks.run import Run
from tirjax.tasks.siamese import siamese_task
from tirjax.tasks.siamese_recipes import BATCH, EPOCH_PAIRS, RELEASED, published_sgd
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
    data: Literal["tir", "both"] = "both",
    vid: Path | None = None,
    tir: Path | None = None,
    preset: Literal["paper", "released"] = "paper",
    epochs: int | None = None,
    rate: float = 1.0,
    samples: int = EPOCH_PAIRS,
    batch: int = BATCH,
    side: int = 255,
    widths: tuple[int, ...] = (),
    wander: float = 0.0,
    seed: int = 0,
    lanes: int = 1,
    canvas: tuple[int, int] = (480, 640),
    apart: int = 25,
    eval_every: int = 0,
    workers: int = 0,
) -> Run:
    """Trains MLSSNet from nothing.

    Args:
      data: thermal videos, or colour ones as well.
      vid: folder of ImageNet-VID.
      tir: folder of the thermal training set.
      preset: crops as the tracker cuts them and attention that can learn, or both as in
        the released code.
      epochs: how long; 100 by default, rates fall in proportion.
      rate: factor on the learning rates.
      samples: pairs of an epoch.
      batch: pairs of a step, over all devices.
      side: of crops, pixels: 255, or less for a small network.
      widths: channels of the five convolutions; the published ones by default.
      wander: targets lie up to this far off the middle of search regions, pixels of
        255; as published not at all.
      seed: of parameters and data.
      lanes: synthetic scenes rendered at once; 1 suits a CPU, 32 a GPU.
      canvas: rows and columns of the arrays that frames of a folder are put into.
      apart: frames of a hard negative are further apart than this many.
      eval_every: steps between two measurements, on held-out synthetic clips and on
        the last tenth of a folder's videos; 0 makes none.
      workers: processes that read; 0 reads in threads.
    """
    rates, epoch = RELEASED.over(epochs).times(rate), max(1, samples // batch)
    size = {"preset": preset, "side": side}
    net = network("mlssnet", **size, widths=widths, norm=Norm(batch=True))
    crops = cropping("mlssnet", **size, wander=wander)
    folders = {"vid": vid, "tir": tir} if data == "both" else {"tir": tir}
    drawn = {"batch": batch, "seed": seed, "lanes": lanes}
    drawn |= {"canvas": canvas, "apart": apart}
    feed = pairs("mlssnet", crops, folders, **drawn)
    evals = held_out(tracker("mlssnet", **size, widths=widths), eval_every, "tir")
    losses = {"radius": label_radius(side)}
    evals |= validation(
        "mlssnet", net, crops, folders, eval_every, losses=losses, **drawn
    )
    optimizer = published_sgd(net, rates.schedule(epoch))
    task = siamese_task(net, optimizer, crops, **losses)
    length = {"epochs": rates.epochs, "epoch": epoch, "seed": seed}
    return run("mlssnet", task, feed, evals, **length, workers=workers)
