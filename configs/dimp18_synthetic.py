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
import optax

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.synthetic import Synthetic, preset
from tirjax.data.training.augment import THERMAL
from tirjax.data.training.processing import DIMP
from tirjax.data.training.rendered import Rendered
from tirjax.heads.networks import dimp_net
from tirjax.tasks import dimp_task, grouped
from tirjax.tasks.recipes import shapes, starting_from
from tirjax.tasks.run import Eval, Run
from tirjax.tasks.tracking import on_clips
from tirjax.trackers import TRACKERS


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

    warm = min(500, steps // 4)
    factor = optax.warmup_cosine_decay_schedule(0.0, 1.0, warm, steps, 0.01)
    optimizer = grouped({"": peak}, factor, decay=1e-4, clip=100.0)
    task = learn(Norm(batch=True, axis="data" if sync_norm else None))
    # Pictures are made on one device, where there is no axis.
    task = task._replace(preview=learn(Norm(batch=True)).preview)
    if start:
        task = starting_from(task, load_variables(start, shapes(task)))
    processing = dataclasses.replace(DIMP, augmentation=THERMAL)
    evals = {}
    if eval_every:
        clips = Synthetic(preset("mixed", frames=60), count=6, seed=10_000)
        measure = on_clips(TRACKERS["dimp18"]((1, 1)), clips)
        evals = {"held_out": Eval(eval_every, measure)}
    return Run(
        task=task,
        feed=Rendered(preset("mixed"), processing, batch, lanes=lanes),
        steps=steps,
        seed=seed,
        tracker="dimp18",
        evals=evals,
        best="held_out/success" if eval_every else None,
    )
