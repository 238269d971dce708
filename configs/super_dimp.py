r"""SuperDiMP on colour video, with the published settings.

    python -m train convert resnet50.pth --out runs/resnet50
    python -m train fit configs/super_dimp.py --workdir runs/super_dimp \
        --backbone runs/resnet50 \
        --lasot DIR --got10k DIR --trackingnet DIR --coco DIR

Needs   LaSOT, GOT-10k (with `got10k_vottrain_split.txt`), TrackingNet `TRAIN_0` to
        `TRAIN_3` and COCO 2014, each as published or made by `train prepare`; ImageNet
        weights of ResNet-50.
Paper   AUC 70.1 on OTB-100, 63.1 on LaSOT, 78.1 on TrackingNet (the authors' weights;
        Danelljan et al., CVPR 2020, and their code).
Cost    not run.

Sets whose folder is not given are left out. There is no validation loss.
"""

from pathlib import Path

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.opening import Part, mixture
from tirjax.data.training.processing import SUPER_DIMP
from tirjax.data.training.sampler import Sampling
from tirjax.heads.networks import dimp_net
from tirjax.tasks import dimp_task, grouped, step_decay
from tirjax.tasks.dimp import SUPER_DIMP as WEIGHTS
from tirjax.tasks.recipes import backbone_shapes, with_backbone
from tirjax.tasks.run import Run

SAMPLES = 40_000  # of an epoch
CANVAS = Canvas(reach=24.0)  # of 6 + 5.5 sides, as Canvas says
STILL = ("conv1", "layer1", "layer2")  # stages of the backbone
RATES = {
    **{f"backbone/layer3_{block}": 2e-5 for block in range(6)},
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
    batch: int = 20,
    seed: int = 0,
    workers: int = 8,
) -> Run:
    """Trains SuperDiMP: DiMP-50 with boxes by densities, its first stages frozen.

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
            "lasot": Part(lasot, 1.0, "train"),
            "got10k": Part(got10k, 1.0, "vottrain"),
            "trackingnet": Part(trackingnet, 1.0, "0-3"),
            "coco": Part(coco, 1.0, coco_part),
        }
    )
    sampling = Sampling("causal", train=3, test=3, gap=200)
    epoch = SAMPLES // batch
    net = dimp_net(
        50, sigma=SUPER_DIMP.label_sigma, norm=Norm(batch=True), frozen=STILL
    )
    optimizer = grouped(RATES, step_decay(15 * epoch, 0.2))
    task = dimp_task(net, optimizer, WEIGHTS, side=SUPER_DIMP.side)
    if backbone:
        given = load_variables(backbone, backbone_shapes(task))
        task = with_backbone(task, given)
    return Run(
        task=task,
        feed=ClipFeed(data, sampling, CANVAS, SUPER_DIMP, batch, seed),
        steps=epochs * epoch,
        seed=seed,
        tracker="super_dimp",
        save_every=epoch,
        show_every=epoch,
        workers=workers,
    )
