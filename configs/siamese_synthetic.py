r"""SiamFC, CFNet, MLSSNet or MMNet, small, on the synthetic world: hours on a CPU.

    python -m train fit configs/siamese_synthetic.py --workdir runs/mmnet_small

Needs   nothing. `--side 255 --widths 96 256 384 384 64` is the published size, whose
        result `--tracker mmnet` takes; a small network is measured while it is trained.
        SiamFC takes `--side 191` at least, and 256 channels last at full size.
Paper   none.
"""

from typing import Literal

from tirjax.backbones.norm import Norm
from tirjax.data.training.rendered import Modality
from tirjax.tasks.run import Run
from tirjax.tasks.siamese import siamese_task
from tirjax.tasks.siamese_recipes import Rates, published_sgd
from tirjax.tasks.siamese_runs import (
    cropping,
    held_out,
    label_radius,
    network,
    pairs,
    tracker,
)


def config(
    *,
    net: Literal["siamfc", "cfnet", "mlssnet", "mmnet"] = "mmnet",
    preset: Literal["paper", "released"] = "paper",
    steps: int = 10_000,
    batch: int = 8,
    first: float = 1e-2,
    last: float = 1e-4,
    side: int = 127,
    widths: tuple[int, ...] = (16, 32, 48, 48, 16),
    modality: Modality = "tir",
    seed: int = 0,
    eval_every: int = 1000,
    lanes: int = 1,
) -> Run:
    """Trains a network from nothing.

    Args:
      net: which.
      preset: crops as the tracker cuts them and attention that can learn, or both as in
        the released code.
      steps: how long.
      batch: pairs of a step, over all devices; even.
      first: learning rate at the start.
      last: at the end; it falls in 50 stairs, logarithmically spaced.
      side: of search regions, pixels.
      widths: channels of the five convolutions.
      modality: tir or rgb, the latter in grey.
      seed: of parameters and data.
      eval_every: steps between two measurements on held-out clips; 0 makes none.
      lanes: scenes rendered at once; 1 suits a CPU, 32 a GPU.
    """
    size = {"preset": preset, "side": side}
    learner = network(net, **size, widths=widths, norm=Norm(batch=True))
    crops = cropping(net, **size)
    rates = Rates(first, last, 50, 50)
    optimizer = published_sgd(learner, rates.schedule(max(1, steps // 50)))
    key = "tir" if modality == "tir" else "vid"
    evals = held_out(tracker(net, **size, widths=widths), eval_every, modality)
    return Run(
        task=siamese_task(learner, optimizer, crops, radius=label_radius(side)),
        feed=pairs(net, crops, {key: None}, batch=batch, lanes=lanes),
        steps=steps,
        seed=seed,
        tracker=net,
        evals=evals,
        best="held_out/success" if evals else None,
        save_every=eval_every or 1000,
        show_every=eval_every or 1000,
    )
