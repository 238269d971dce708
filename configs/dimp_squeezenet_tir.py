"""DiMP on SqueezeNet, the tracker that tirjax ships: synthetic world and HIT-UAV.

    python -m train fit configs/dimp_squeezenet_tir.py --workdir runs/squeezenet \
        --imagenet squeezenet1_0-b66bff10.pth --hit-uav DIR

Needs   SqueezeNet 1.0 learned on ImageNet: torchvision's file, or Deep Compression's
        arrays as .npz (see `tirjax.convert.squeezenet`);
        HIT-UAV (thermal pictures from a drone, CC BY 4.0): a folder with `img` and
        `boxes.json`.
"""

from pathlib import Path

from tirjax.convert import squeezenet
from tirjax.tasks.dimp10 import thermal_feed
from tirjax.tasks.dimp_squeezenet import dimp_squeezenet_run
from tirjax.tasks.run import Run

# More of what boxes are hard to find in than `mixed` has.
HARDER = {
    "severity": 0.6,
    "low_resolution": 0.25,
    "thermal_crossover": 0.2,
    "aspect_ratio_variation": 0.35,
}


def config(
    *,
    imagenet: Path,
    hit_uav: Path,
    steps: int = 4000,
    batch: int = 10,
    peak: float = 1e-3,
    seed: int = 0,
    eval_every: int = 1000,
    lanes: int = 1,
    start: Path | None = None,
) -> Run:
    """Trains DiMP on SqueezeNet; a fifth of the examples are real.

    Args:
      imagenet: file of SqueezeNet 1.0.
      hit_uav: folder of the data set.
      steps: how long.
      batch: sequences of a step, over all devices; a multiple of 5.
      peak: highest learning rate.
      seed: of parameters and data.
      eval_every: steps between two measurements on held-out clips.
      lanes: scenes rendered at once; 1 suits a CPU, 32 a GPU.
      start: checkpoint to start from.
    """
    return dimp_squeezenet_run(
        thermal_feed(hit_uav, batch, lanes=lanes, seed=seed, **HARDER),
        squeezenet.read(imagenet),
        steps=steps,
        peak=peak,
        seed=seed,
        eval_every=eval_every,
        start=start,
    )
