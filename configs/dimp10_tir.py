"""DiMP-10, the small tracker that tirjax ships: the synthetic world and HIT-UAV.

    python -m train fit configs/dimp10_tir.py --workdir runs/dimp10 --hit-uav DIR

Needs   HIT-UAV (thermal pictures from a drone, CC BY 4.0): a folder with `img` and
        `boxes.json`.
"""

from pathlib import Path

from tirjax.data.synthetic import preset
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.rendered import Rendered
from tirjax.data.training.sampler import Sampling
from tirjax.data.training.sets import open_training_set
from tirjax.tasks.dimp import Weights
from tirjax.tasks.dimp10 import PROCESSING, dimp10_run
from tirjax.tasks.run import Blend, Run

SIZE = (192, 240)  # of all frames
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
    scenes = preset("mixed", rows=SIZE[0], cols=SIZE[1])
    rendered = Rendered(scenes, PROCESSING, batch * 4 // 5, lanes=lanes, repeats=2)
    pictures = ClipFeed(
        Mixture([open_training_set("hit_uav", hit_uav)]),
        Sampling("causal", train=2, test=3, gap=10),
        Canvas(SIZE, channels=1, reach=10.0),
        PROCESSING,
        batch // 5,
        seed,
    )
    return dimp10_run(
        Blend((rendered, pictures)),
        steps=steps,
        peak=peak,
        seed=seed,
        eval_every=eval_every,
        start=start,
        weights=WEIGHTS,
        clips=8,
    )
