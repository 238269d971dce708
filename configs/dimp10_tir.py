"""DiMP-10, the small tracker that tirjax ships: the synthetic world and HIT-UAV.

    python -m train fit configs/dimp10_tir.py --workdir runs/dimp10 --hit-uav DIR

Needs   HIT-UAV (thermal pictures from a drone, CC BY 4.0): a folder with `img` and
        `boxes.json`.
"""

from pathlib import Path

import optax

from tirjax.backbones.norm import Norm
from tirjax.data.synthetic import Synthetic, preset
from tirjax.data.training.augment import THERMAL
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.clip_feed import ClipFeed
from tirjax.data.training.jitter import Jitter
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.processing import Processing
from tirjax.data.training.rendered import Rendered
from tirjax.data.training.sampler import Sampling
from tirjax.data.training.sets import open_training_set
from tirjax.heads.networks import dimp_net
from tirjax.tasks import dimp_task, grouped
from tirjax.tasks.dimp import Weights
from tirjax.tasks.run import Blend, Eval, Run
from tirjax.tasks.tracking import on_clips
from tirjax.trackers import TRACKERS
from tirjax.trackers.dimp import DIMP10

# The backbone starts from nothing, so boxes must shape it too, not the scores alone.
WEIGHTS = Weights(boxes=4.0)


def config(
    *,
    hit_uav: Path,
    steps: int = 4000,
    batch: int = 10,
    peak: float = 1e-3,
    seed: int = 0,
    eval_every: int = 500,
    lanes: int = 1,
) -> Run:
    """Trains DiMP-10 from nothing; a fifth of the examples are real.

    Args:
      hit_uav: folder of the data set.
      steps: how long.
      batch: sequences of a step, over all devices; a multiple of 5.
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
    size = (192, 240)
    scenes = preset("mixed", rows=size[0], cols=size[1])
    rendered = Rendered(scenes, processing, batch * 4 // 5, lanes=lanes, repeats=2)
    pictures = ClipFeed(
        Mixture([open_training_set("hit_uav", hit_uav)]),
        Sampling("causal", train=2, test=3, gap=10),
        Canvas(size, channels=1, reach=10.0),
        processing,
        batch // 5,
        seed,
    )
    factor = optax.warmup_cosine_decay_schedule(
        0.0, 1.0, min(100, steps // 4), steps, 0.01
    )
    net = dimp_net(10, sigma=DIMP10.label_sigma, norm=Norm(batch=True))
    optimizer = grouped({"": peak}, factor, decay=1e-4, clip=100.0)
    held_out = Synthetic(preset("mixed", frames=60), count=8, seed=10_000)
    measure = on_clips(TRACKERS["dimp10"]((1, 1)), held_out)
    return Run(
        task=dimp_task(net, optimizer, WEIGHTS, side=DIMP10.side, average=0.998),
        feed=Blend((rendered, pictures)),
        steps=steps,
        seed=seed,
        tracker="dimp10",
        evals={"held_out": Eval(eval_every, measure)},
        best="held_out/success",
        save_every=eval_every,
        show_every=eval_every,
    )
