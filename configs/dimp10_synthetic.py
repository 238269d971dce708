"""DiMP-10, a small tracker, on the synthetic world alone.

    python -m train fit configs/dimp10_synthetic.py --workdir runs/dimp10
    python -m track eval synthetic --tracker dimp10 --weights runs/dimp10 --out results

Needs   nothing.
"""

from pathlib import Path

from tirjax.data.synthetic import preset
from tirjax.data.training.rendered import Rendered
from tirjax.tasks.dimp10 import PROCESSING, dimp10_run
from tirjax.tasks.run import Run


def config(
    *,
    steps: int = 6000,
    batch: int = 8,
    peak: float = 1e-3,
    seed: int = 0,
    eval_every: int = 500,
    lanes: int = 1,
    start: Path | None = None,
) -> Run:
    """Trains DiMP-10 on rendered scenes alone.

    Args:
      steps: how long.
      batch: sequences of a step, over all devices.
      peak: highest learning rate.
      seed: of parameters and data.
      eval_every: steps between two measurements on held-out clips.
      lanes: scenes rendered at once; 1 suits a CPU, 32 a GPU.
      start: checkpoint to start from.
    """
    scenes = preset("mixed", rows=192, cols=240)
    feed = Rendered(scenes, PROCESSING, batch, lanes=lanes)
    return dimp10_run(
        feed, steps=steps, peak=peak, seed=seed, eval_every=eval_every, start=start
    )
