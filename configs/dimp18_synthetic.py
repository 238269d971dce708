r"""DiMP-18 on the synthetic world, at full size: crops of 288 pixels.

    python -m train fit configs/dimp18_synthetic.py --workdir runs/dimp18 --lanes 32 \
        --dtype bfloat16 --eval-every 1000

A few steps on one CPU, to see that it runs: `--steps 3 --batch 2`.

Needs   nothing; a GPU for more than a few steps.
Paper   none.
Cost    not run.
"""

import dataclasses
from pathlib import Path
from typing import Literal

import jax.numpy as jnp

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.synthetic import preset
from tirjax.data.training.augment import THERMAL
from tirjax.data.training.processing import DIMP
from tirjax.data.training.rendered import Rendered
from tirjax.heads.networks import dimp_net
from tirjax.tasks import dimp_task
from tirjax.tasks.optimizers import from_nothing
from tirjax.tasks.recipes import shapes, starting_from
from tirjax.tasks.run import Run
from tirjax.tasks.tracking import held_out


def config(
    *,
    steps: int = 20_000,
    batch: int = 16,
    peak: float = 1e-3,
    seed: int = 0,
    lanes: int = 1,
    dtype: Literal["float32", "bfloat16"] = "float32",
    start: Path | None = None,
    sync_norm: bool = False,
    accumulate: int = 1,
    eval_every: int = 0,
) -> Run:
    """Trains DiMP-18 from nothing, or goes on with a checkpoint.

    Args:
      steps: how long.
      batch: sequences of a step, over all devices.
      peak: highest learning rate; 1e-4 suits a start.
      seed: of parameters and data.
      lanes: scenes rendered at once; 1 suits a CPU, 32 a GPU.
      dtype: of the backbone's computation; parameters are float32.
      start: checkpoint to start from; its optimiser starts anew.
      sync_norm: batch statistics over all devices, not of each one's examples.
      accumulate: parts of a device's batch, one after the other, to save memory.
      eval_every: steps between two measurements on held-out clips; 0 makes none.
    """

    def learn(norm):
        net = dimp_net(18, dtype=jnp.dtype(dtype), norm=norm)
        return dimp_task(net, optimizer, accumulate=accumulate, average=0.998)

    optimizer = from_nothing(peak, steps, warm=500)
    task = learn(Norm(batch=True, axis="data" if sync_norm else None))
    # Pictures are made on one device, where there is no axis.
    task = task._replace(preview=learn(Norm(batch=True)).preview)
    if start:
        task = starting_from(task, load_variables(start, shapes(task)))
    processing = dataclasses.replace(DIMP, augmentation=THERMAL)
    return Run(
        task=task,
        feed=Rendered(preset("mixed"), processing, batch, lanes=lanes),
        steps=steps,
        seed=seed,
        tracker="dimp18",
        evals={"held_out": held_out("dimp18", eval_every)} if eval_every else {},
        best="held_out/success" if eval_every else None,
    )
