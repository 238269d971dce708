"""DiMP-10, the small tracker that tirjax ships, on the synthetic world.

    python -m train fit configs/dimp10_synthetic.py --workdir runs/dimp10
    python -m track eval synthetic --tracker dimp10 --weights runs/dimp10 --out results

Needs   nothing.
"""

import optax

from tirjax.backbones.norm import Norm
from tirjax.data.synthetic import Synthetic, preset
from tirjax.data.training.augment import THERMAL
from tirjax.data.training.jitter import Jitter
from tirjax.data.training.processing import Processing
from tirjax.data.training.rendered import Rendered
from tirjax.heads.networks import dimp_net
from tirjax.tasks import dimp_task, grouped
from tirjax.tasks.run import Eval, Run
from tirjax.tasks.tracking import on_clips
from tirjax.trackers import TRACKERS
from tirjax.trackers.dimp import DIMP10


def config(
    *,
    steps: int = 6000,
    batch: int = 8,
    peak: float = 1e-3,
    seed: int = 0,
    eval_every: int = 500,
    lanes: int = 1,
) -> Run:
    """Trains DiMP-10 from nothing.

    Args:
      steps: how long.
      batch: sequences of a step, over all devices.
      peak: highest learning rate.
      seed: of parameters and data.
      eval_every: steps between two measurements on held-out clips.
      lanes: scenes rendered at once; 1 suits a CPU, 32 a GPU.
    """
    processing = Processing(
        side=DIMP10.side,
        stride=8,
        search_scale=DIMP10.search_scale,
        label_sigma=DIMP10.label_sigma,
        train_frames=2,
        test_jitter=Jitter(3.5, 0.4),
        proposal_count=32,
        augmentation=THERMAL,
    )
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, 1.0, min(100, steps // 4), steps, 0.01
    )
    net = dimp_net(10, sigma=DIMP10.label_sigma, norm=Norm(batch=True))
    held_out = Synthetic(preset("mixed", frames=60), count=6, seed=10_000)
    return Run(
        task=dimp_task(
            net,
            grouped({"": peak}, schedule, decay=1e-4, clip=100.0),
            side=DIMP10.side,
            average=0.998,
        ),
        feed=Rendered(
            preset("mixed", rows=192, cols=240), processing, batch, lanes=lanes
        ),
        steps=steps,
        seed=seed,
        tracker="dimp10",
        evals={
            "held_out": Eval(eval_every, on_clips(TRACKERS["dimp10"]((1, 1)), held_out))
        },
        best="held_out/success",
        save_every=eval_every,
        show_every=eval_every,
    )
