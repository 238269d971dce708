r"""Features for correlation filters, end to end; ECO-stir's with `--start`.

    python -m train fit configs/features.py --workdir runs/stir \
        --start runs/vgg16 --real lsotb_tir_train=DIR --synthetic got10k=TRANSLATED

Needs   data sets of thermal videos: real ones, ones that `train synthesize` translated,
        or both; without any the synthetic world stands in. `--start` fine-tunes given
        weights at ECO-stir's rates; without it all is drawn and DCFNet's rates hold.
Paper   Zhang et al., Synthetic data generation for end-to-end thermal infrared
        tracking, TIP 2019: synthetic beats real, both beat either; its numbers are not
        public in a form that we could check.
Cost    not run at full size. Small: `--widths 16 16 32 32 --size 64 --samples 2000`.

The result is what `--tracker eco_stir` takes (`eco_stir_resnet` of a ResNet-50,
`eco_stir_dcfnet` of DCFNet). The paper used epoch 45 of 50.
"""

from pathlib import Path

from tirjax.checkpoints import load_variables
from tirjax.data.training.filter_pairs import Stretch
from tirjax.data.training.rendered import Modality
from tirjax.tasks.feature_runs import Name, pairs, tracking_evals, trunk
from tirjax.tasks.features import (
    FINE_TUNING,
    SCRATCH,
    Schedule,
    features_task,
)
from tirjax.tasks.run import Run


def config(
    *,
    backbone: Name = "vgg",
    widths: tuple[int, ...] = (),
    real: tuple[str, ...] = (),
    synthetic: tuple[str, ...] = (),
    mix: float | None = None,
    rendered: int = 0,
    modality: Modality = "tir",
    start: Path | None = None,
    size: int = 125,
    padding: float = 2.0,
    epochs: int = 50,
    samples: int = 464_873,
    first: float | None = None,
    last: float | None = None,
    batch: int = 32,
    seed: int = 0,
    lanes: int = 1,
    eval_every: int = 0,
    workers: int = 0,
) -> Run:
    """Trains a network.

    Args:
      backbone: which.
      widths: its channels; the published ones by default.
      real: thermal data sets, NAME=DIR.
      synthetic: translated data sets, NAME=DIR.
      mix: share of pairs of the synthetic ones; by size by default.
      rendered: pairs of each batch that are of the synthetic world.
      modality: of the synthetic world, the colour one in grey.
      start: checkpoint of the network to fine-tune.
      size: side of the crops, pixels.
      padding: window beyond the target, in sizes of the target.
      epochs: how long; rates fall over all of them.
      samples: pairs of an epoch; DCFNet's by default.
      first: learning rate of the first epoch; 1e-2, or 1e-4 with a start.
      last: of the last; 1e-5, or 1e-6.
      batch: pairs of a step, over all devices.
      seed: of parameters and data.
      lanes: synthetic scenes rendered at once; 1 suits a CPU, 32 a GPU.
      eval_every: steps between two measurements of ECO-stir with small samples on
        held-out synthetic clips; 0 makes none.
      workers: processes that read; 0 reads in threads.
    """
    chosen, stretch = trunk(backbone, widths), Stretch(size, padding)
    usual = FINE_TUNING if start else SCRATCH
    rates = Schedule(first or usual.first, last or usual.last, epochs)
    epoch = max(1, samples // batch)
    return Run(
        task=features_task(
            chosen.learner,
            rates.optimizer(epoch),
            stretch,
            chosen.how,
            judge=chosen.judge,
            start=load_variables(start, chosen.shapes()) if start else None,
        ),
        feed=pairs(
            stretch,
            real=real,
            synthetic=synthetic,
            mix=mix,
            rendered=rendered,
            modality=modality,
            batch=batch,
            seed=seed,
            lanes=lanes,
        ),
        steps=epochs * epoch,
        seed=seed,
        tracker=chosen.tracker,
        evals=tracking_evals(chosen, eval_every),
        best="held_out/success" if eval_every else None,
        save_every=min(epoch, 5000),
        show_every=min(epoch, 5000),
        workers=workers,
    )
