r"""DiMP-50 fine-tuned on the thermal videos of LSOTB-TIR's training set.

    python -m train convert dimp50.pth --out runs/dimp50
    python -m train fit configs/dimp50_lsotb.py --workdir runs/dimp50_lsotb \
        --start runs/dimp50 --lsotb DIR

Needs   LSOTB-TIR's training set (academic and non-commercial use only) as published or
        made by `train prepare lsotb_tir_train`; converted weights of DiMP-50.
Paper   none.
Cost    not run.
"""

import dataclasses
from fractions import Fraction
from pathlib import Path

from tirjax.checkpoints import load_variables
from tirjax.data.training.augment import THERMAL
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.opening import open_any
from tirjax.data.training.processing import DIMP
from tirjax.tasks.published import DIMP50, published_run
from tirjax.tasks.recipes import shapes, starting_from
from tirjax.tasks.run import Run

SETTING = dataclasses.replace(
    DIMP50,
    canvas=Canvas(channels=1),
    processing=dataclasses.replace(DIMP, augmentation=THERMAL),
)


def config(
    *,
    start: Path,
    lsotb: Path,
    epochs: int = 15,
    batch: int = 10,
    seed: int = 0,
    workers: int = 8,
) -> Run:
    """Goes on with DiMP-50 on thermal video.

    Args:
      start: converted checkpoint, or a run of `pytracking.py`.
      lsotb: folder of the data set.
      epochs: how long; the rates fall after each third.
      batch: sequences of a step, over all devices.
      seed: of the data.
      workers: processes that read; 0 reads in threads.
    """
    run = published_run(
        SETTING,
        Mixture([open_any("lsotb_tir_train", lsotb)]),
        epochs=epochs,
        fall=Fraction(epochs, 3),
        batch=batch,
        seed=seed,
        workers=workers,
    )
    given = load_variables(start, shapes(run.task))
    return dataclasses.replace(run, task=starting_from(run.task, given))
