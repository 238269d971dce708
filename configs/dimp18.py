r"""DiMP-18 on colour video, with the published settings.

    python -m train convert resnet18.pth --out runs/resnet18
    python -m train fit configs/dimp18.py --workdir runs/dimp18 \
        --backbone runs/resnet18 \
        --lasot DIR --got10k DIR --trackingnet DIR --coco DIR

Needs   LaSOT, GOT-10k (with `got10k_vottrain_split.txt`), TrackingNet `TRAIN_0` to
        `TRAIN_3` and COCO 2014, each as published or made by `train prepare`; ImageNet
        weights of ResNet-18.
Paper   AUC 66.0 on OTB-100, 53.5 on LaSOT, 72.3 on TrackingNet; AO 57.9 on GOT-10k
        (the authors' weights; Bhat et al., ICCV 2019).
Cost    not run.

Sets whose folder is not given are left out. There is no validation loss.
"""

from pathlib import Path

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.opening import Part, mixture
from tirjax.data.training.processing import DIMP
from tirjax.data.training.sampler import Sampling
from tirjax.heads.networks import dimp_net
from tirjax.tasks import dimp_task, grouped, step_decay
from tirjax.tasks.recipes import backbone_shapes, with_backbone
from tirjax.tasks.run import Run

SAMPLES = 26_000  # of an epoch
RATES = {
    "backbone": 2e-4,
    "classifier": 5e-5,
    "classifier/filter_optimizer": 5e-4,
    "iou_net": 1e-3,
}


def config(
    *,
    lasot: Path | None = None,
    got10k: Path | None = None,
    trackingnet: Path | None = None,
    coco: Path | None = None,
    coco_part: str = "train2014",
    backbone: Path | None = None,
    epochs: int = 50,
    batch: int = 26,
    seed: int = 0,
    workers: int = 8,
) -> Run:
    """Trains all of DiMP-18.

    Args:
      lasot: folder of the data set.
      got10k: folder of the data set.
      trackingnet: folder of the data set.
      coco: folder of the data set.
      coco_part: part of COCO.
      backbone: converted ImageNet weights; without them all is trained from nothing.
      epochs: how long; the rates fall every 15.
      batch: sequences of a step, over all devices.
      seed: of parameters and data.
      workers: processes that read; 0 reads in threads.
    """
    data = mixture(
        {
            "lasot": Part(lasot, 0.25, "train"),
            "got10k": Part(got10k, 1.0, "vottrain"),
            "trackingnet": Part(trackingnet, 1.0, "0-3"),
            "coco": Part(coco, 1.0, coco_part),
        }
    )
    sampling = Sampling("causal", train=3, test=3, gap=30)
    epoch = SAMPLES // batch
    net = dimp_net(18, norm=Norm(batch=True))
    task = dimp_task(net, grouped(RATES, step_decay(15 * epoch, 0.2)))
    if backbone:
        given = load_variables(backbone, backbone_shapes(task))
        task = with_backbone(task, given)
    return Run(
        task=task,
        feed=ClipFeed(data, sampling, Canvas(), DIMP, batch, seed),
        steps=epochs * epoch,
        seed=seed,
        tracker="dimp18",
        save_every=epoch,
        show_every=epoch,
        workers=workers,
    )
