r"""DiMP-18, DiMP-50, SuperDiMP and ATOM on colour video, with the published settings.

    python -m train convert resnet50.pth --out runs/resnet50
    python -m train fit configs/pytracking.py --workdir runs/dimp50 \
        --setting dimp50 --backbone runs/resnet50 \
        --lasot DIR --got10k DIR --trackingnet DIR --coco DIR

Needs   LaSOT, GOT-10k (with `got10k_vottrain_split.txt`), TrackingNet `TRAIN_0` to
        `TRAIN_3` and COCO 2014, each as published or made by `train prepare`; ImageNet
        weights of ResNet-18 (`dimp18`, `atom`) or ResNet-50 (`dimp50`, `super_dimp`).
Paper   AUC on OTB-100, LaSOT and TrackingNet, AO on GOT-10k, of the authors' weights:

        `dimp18`      66.0  53.5  72.3  57.9  (Bhat et al., ICCV 2019)
        `dimp50`      68.4  56.9  74.0  61.1  (the same)
        `super_dimp`  70.1  63.1  78.1        (Danelljan et al., CVPR 2020; their code)
        `atom`        66.3  51.5  70.3  55.6  (Danelljan et al., CVPR 2019)
Cost    not run.

Sets whose folder is not given are left out. There is no validation loss.
"""

import dataclasses
from pathlib import Path
from typing import Literal

from tirjax.checkpoints import load_variables
from tirjax.data.training.opening import Part, mixture
from tirjax.tasks.published import SETTINGS, published_run
from tirjax.tasks.recipes import backbone_shapes, with_backbone
from tirjax.tasks.run import Run


def config(
    *,
    setting: Literal["dimp18", "dimp50", "super_dimp", "atom"],
    lasot: Path | None = None,
    got10k: Path | None = None,
    trackingnet: Path | None = None,
    coco: Path | None = None,
    coco_part: str = "train2014",
    backbone: Path | None = None,
    epochs: int = 50,
    batch: int | None = None,
    seed: int = 0,
    workers: int = 8,
) -> Run:
    """Trains all of a DiMP, the last stage and the heads of SuperDiMP, ATOM's IoU-Net.

    Args:
      setting: which of the published runs.
      lasot: folder of the data set.
      got10k: folder of the data set.
      trackingnet: folder of the data set.
      coco: folder of the data set.
      coco_part: part of COCO.
      backbone: converted ImageNet weights; without them it is drawn, too.
      epochs: how long; the rates fall every 15.
      batch: sequences of a step, over all devices; the published number by default.
      seed: of parameters and data.
      workers: processes that read; 0 reads in threads.
    """
    constants = SETTINGS[setting]
    data = mixture(
        {
            "lasot": Part(lasot, constants.lasot, "train"),
            "got10k": Part(got10k, 1.0, "vottrain"),
            "trackingnet": Part(trackingnet, 1.0, "0-3"),
            "coco": Part(coco, 1.0, coco_part),
        }
    )
    run = published_run(
        constants, data, epochs=epochs, batch=batch, seed=seed, workers=workers
    )
    if not backbone:
        return run
    given = load_variables(backbone, backbone_shapes(run.task))
    return dataclasses.replace(run, task=with_backbone(run.task, given))
