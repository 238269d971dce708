"""DiMP-10, the small tracker that tirjax ships: the synthetic world and HIT-UAV.

    python -m train fit configs/dimp10_tir.py --workdir runs/dimp10 --hit-uav DIR

Needs   HIT-UAV (thermal pictures from a drone, CC BY 4.0): a folder with `img` and
        `boxes.json`.
"""

from pathlib import Path

from tirjax.tasks.dimp import Weights
from tirjax.tasks.dimp10 import dimp10_run, thermal_feed
from tirjax.tasks.run import Run

# The backbone starts from nothing, so boxes must shape it too, not the scores alone.
WEIGHTS = Weights(boxes=4.0)


def config(
    *,
    hit_uav: Path,
    steps: int = 2600,
    batch: int = 10,
    peak: float = 1e-3,
    seed: int = 0,
    eval_every: int = 500,
    lanes: int = 1,
    start: Path | None = None,
) -> Run:
    """Trains DiMP-10; a fifth of the examples are real.

    Args:
      hit_uav: folder of the data set.
      steps: how long.
      batch: sequences of a step, over all devices; a multiple of 5.
      peak: highest learning rate.
      seed: of parameters and data.
      eval_every: steps between two measurements on held-out clips.
      lanes: scenes rendered at once; 1 suits a CPU, 32 a GPU.
      start: checkpoint to start from.
    """
    return dimp10_run(
        thermal_feed(hit_uav, batch, lanes=lanes, seed=seed),
        steps=steps,
        peak=peak,
        seed=seed,
        eval_every=eval_every,
        start=start,
        weights=WEIGHTS,
        clips=8,
    )
