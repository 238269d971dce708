r"""MMNet by the strategies and with the branches of its paper's tables.

A row of table 2 is a strategy, a row of table 1 a choice of branches:

    python -m train fit configs/mmnet.py --workdir runs/mmnet_vid --vid DIR
    python -m train fit configs/mmnet.py --workdir runs/mmnet_fine \
        --strategy fine_tuning --tir DIR --start runs/mmnet_vid
    python -m train fit configs/mmnet.py --workdir runs/mmnet_dis --branches dis

Needs   ImageNet-VID and a thermal training set (LSOTB-TIR's), as published or made by
        `train prepare`, with classes of their sequences in JSON files; without them
        the colour half of the synthetic world, in grey, and its thermal half stand in.
Paper   Liu et al., Multi-Task Driven Feature Models for Thermal Infrared Tracking, AAAI
        2020: EAO on VOT-TIR2015 .282 (dis), .307 (cls), .322 (fine_hc), .326 (fine_pc),
        .332 (all); .332 (only_vid), .311 (only_tir), .300 (re_training), .322
        (fine_tuning), .344 (mix_training).
Cost    not run at full size. Small: `--side 127 --widths 16 32 48 48 16`.
"""

from pathlib import Path
from typing import Literal

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.sequence import DataError
from tirjax.tasks.base import Task
from tirjax.tasks.recipes import shapes, starting_from
from tirjax.tasks.run import Run
from tirjax.tasks.siamese import siamese_task
from tirjax.tasks.siamese_losses import MultiTaskWeights
from tirjax.tasks.siamese_recipes import (
    BATCH,
    BRANCHES,
    EPOCH_PAIRS,
    RELEASED,
    STRATEGIES,
    published_sgd,
)
from tirjax.tasks.siamese_runs import (
    cropping,
    held_out,
    label_radius,
    network,
    pairs,
    read_classes,
    run,
    tracker,
    validation,
)


def config(
    *,
    strategy: Literal[
        "only_vid", "only_tir", "re_training", "fine_tuning", "mix_training"
    ] = "only_vid",
    branches: Literal["dis", "cls", "fine_hc", "fine_pc", "all"] = "all",
    vid: Path | None = None,
    tir: Path | None = None,
    classes: Path | None = None,
    start: Path | None = None,
    preset: Literal["paper", "released"] = "paper",
    class_weight: float = 1.0,
    epochs: int | None = None,
    rate: float = 1.0,
    fall: float | None = None,
    samples: int = EPOCH_PAIRS,
    batch: int = BATCH,
    side: int = 255,
    widths: tuple[int, ...] = (),
    seed: int = 0,
    lanes: int = 1,
    canvas: tuple[int, int] = (480, 640),
    apart: int = 25,
    eval_every: int = 0,
    workers: int = 0,
) -> Run:
    """Trains MMNet.

    Args:
      strategy: what it learns from, and what it starts from.
      branches: discriminative; with classification; with half of the fine-grained
        network, holistic or pixel-level; all. A branch that is off is zero in the
        network that is saved, so that the tracker needs no setting.
      vid: folder of ImageNet-VID.
      tir: folder of the thermal training set.
      classes: JSON file of class numbers, 0 to 29, by name of the sequence; others
        are not classified. Synthetic pairs have their own.
      start: run of only_vid, for re_training and fine_tuning.
      preset: the paper's settings, or those of the released code with its slips.
      class_weight: factor on the classification loss, which begins ten times as large
        as the others and drowns them in a short training.
      epochs: how long; the strategy's number by default, rates fall in proportion.
      rate: factor on the learning rates.
      fall: first over last learning rate, above 0; the strategy's by default, 1000
        from scratch. With it a short training spends half of its steps too slow to
        move.
      samples: pairs of an epoch.
      batch: pairs of a step, over all devices.
      side: of crops, pixels: 255, or less for a small network.
      widths: channels of the five convolutions; the published ones by default.
      seed: of parameters and data.
      lanes: synthetic scenes rendered at once; 1 suits a CPU, 32 a GPU.
      canvas: rows and columns of the arrays that frames of a folder are put into.
      apart: frames of a hard negative are further apart than this many.
      eval_every: steps between two measurements, on held-out synthetic clips and on
        the last tenth of a folder's videos; 0 makes none.
      workers: processes that read; 0 reads in threads.
    """
    _check(strategy, start)
    plan, released = STRATEGIES[strategy], preset == "released"
    rates = (RELEASED if released and not plan.starts else plan.rates).over(epochs)
    rates = rates.times(rate)
    if fall:
        rates = rates._replace(last=rates.first / fall)
    epoch = max(1, samples // batch)
    size = {"preset": preset, "side": side}
    net = network("mmnet", **size, widths=widths, norm=Norm(batch=True))
    # The released list holds the classifier too, whose classes are of other data.
    frozen = plan.frozen + (("cls",) if released and plan.frozen else ())
    crops = cropping("mmnet", **size)
    losses = {
        "weights": _weights(branches, class_weight if plan.classifies else 0.0),
        "labelling": preset,
        "silent": BRANCHES[branches].silent,
        "radius": label_radius(side),
    }
    optimizer = published_sgd(net, rates.schedule(epoch), frozen)
    task = siamese_task(net, optimizer, crops, frozen=frozen, **losses)
    if start:
        task = _going_on(task, start, anew=() if released else ("cls",))
    folders = {key: {"vid": vid, "tir": tir}[key] for key in plan.data}
    drawn = {"batch": batch, "seed": seed, "lanes": lanes, "canvas": canvas}
    drawn |= {"apart": apart, "classes": read_classes(classes)}
    feed = pairs("mmnet", crops, folders, **drawn)
    evals = held_out(tracker("mmnet", **size, widths=widths), eval_every, "tir")
    evals |= validation(
        "mmnet", net, crops, folders, eval_every, losses=losses, **drawn
    )
    length = {"epochs": rates.epochs, "epoch": epoch, "seed": seed}
    return run("mmnet", task, feed, evals, **length, workers=workers)


def _check(strategy: str, start: Path | None) -> None:
    """Strategies that go on with a run need one, and no others take it."""
    starts = STRATEGIES[strategy].starts
    if starts != (start is not None):
        say = "starts from a run of only_vid: give" if starts else "leaves out"
        raise DataError(f"{strategy} {say} --start")


def _weights(branches: str, class_weight: float) -> MultiTaskWeights:
    """Of the branches' losses."""
    weights = BRANCHES[branches].weights
    return weights._replace(classes=class_weight * weights.classes)


def _going_on(task: Task, start: Path, anew: tuple[str, ...]) -> Task:
    """The task from a checkpoint on; parts ``anew`` are drawn."""
    given = load_variables(start, shapes(task))
    kept = {
        kind: {part: tree for part, tree in parts.items() if part not in anew}
        for kind, parts in given.items()
    }
    return starting_from(task, kept)
