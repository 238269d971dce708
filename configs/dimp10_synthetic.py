"""DiMP-10, a small tracker, on the synthetic world alone.

    python -m train fit configs/dimp10_synthetic.py --workdir runs/dimp10
    python -m track eval synthetic --tracker dimp10 --weights runs/dimp10 --out results

Needs   nothing. `--modality rgb` learns from the colour half of the same scenes: the
        base tracker of cross-modal distillation, which has never seen a thermal frame.
"""

from pathlib import Path

from tirjax.data.synthetic import preset
from tirjax.data.training.rendered import Modality, Rendered
from tirjax.tasks.dimp import Weights
from tirjax.tasks.dimp10 import ON_COLOUR, PROCESSING, dimp10_run
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
    modality: Modality = "tir",
    repeats: int = 1,
    boxes: float = 1.0,
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
      modality: tir or rgb.
      repeats: examples made of one scene; 2 saves a CPU a third of its time.
      boxes: weight of the boxes' loss; 4 helps a backbone that starts from nothing.
    """
    scenes = preset("mixed", rows=192, cols=240)
    processing = PROCESSING if modality == "tir" else ON_COLOUR
    feed = Rendered(
        scenes, processing, batch, lanes=lanes, repeats=repeats, modality=modality
    )
    return dimp10_run(
        feed,
        steps=steps,
        peak=peak,
        seed=seed,
        eval_every=eval_every,
        start=start,
        weights=Weights(boxes=boxes),
        modality=modality,
    )
