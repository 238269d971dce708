"""The variants of CMD's Table 1, and the settings that the paper and its code use.

The paper and the code disagree; both are here by name. Of the paper's losses, which it
only sketches, the code's are taken: those of the tracker itself, on pseudo boxes.

Source: Sun et al., Unsupervised Cross-Modal Distillation for Thermal Infrared Tracking,
ACM MM 2021, sections 3 and 4, and the authors' released code.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from tirjax.checkpoints import load_variables
from tirjax.data.sequence import DataError
from tirjax.data.training import processing as crops
from tirjax.data.training.pairing import BoxSource, Half, Mix, Pairing, Place
from tirjax.data.training.processing import Processing
from tirjax.data.training.pseudo_boxes import Boxes
from tirjax.heads.networks import atom_net, dimp_net
from tirjax.tasks import atom, dimp, dimp10
from tirjax.tasks.base import Task
from tirjax.tasks.distill import Statistics, distill_task, norms, only, overlay
from tirjax.tasks.optimizers import grouped, step_decay
from tirjax.trackers import NETWORKS
from tirjax.typing import PyTree

IOU_NET = ("reference", "test")


class Variant(NamedTuple):
    """What a row of the table shows to whom, and what of the tracker moves.

    Attributes:
      reference: half of the pair in which the target is given.
      test: half in which it is sought.
      moves: branches.
      joint: starts from the branches of B1, B2 and C1 together, at lower rates.
      boxes: where pseudo boxes come from.
    """

    reference: Half
    test: Half
    moves: tuple[str, ...]
    joint: bool = False
    boxes: Literal["centre", "random", "detected"] = "centre"


VARIANTS: dict[str, Variant] = {
    "B1": Variant("tir", "rgb", ("reference",)),
    "B2": Variant("rgb", "tir", ("test",)),
    "C1": Variant("tir", "rgb", ("classifier",)),
    "D1": Variant("rgb", "tir", ("classifier", "test"), joint=True),
    "D2": Variant("tir", "rgb", ("classifier", "reference"), joint=True),
    "D3": Variant("mixed", "mixed", ("classifier", *IOU_NET), joint=True),
    "D4": Variant("mixed", "mixed", ("classifier", *IOU_NET), True, "random"),
    "D5": Variant("mixed", "mixed", ("classifier", *IOU_NET), True, "detected"),
}
# Rows without training: the base tracker, and branches of other rows put together.
MERGED = {"B3": {"reference": "B1", "test": "B2"}}
JOINT_START = MERGED["B3"] | {"classifier": "C1"}


@dataclasses.dataclass(frozen=True)
class Preset:
    """Settings of all variants; defaults are the paper's, or ours where it is silent.

    Attributes:
      batch: pairs of a step, over all devices; the paper's 5 are too few for the batch
        norms of the IoU-Net.
      alone_batch: the same for variants B and C.
      epochs: how long.
      samples: pairs of an epoch.
      fall: epochs after which the rates fall.
      factor: by which they fall.
      alone: learning rates of variants B and C, by part, as for ``grouped``.
      joint: those of variants D.
      alone_boxes: factor on the boxes' loss in variants B; Adam hardly sees it.
      statistics: which batch norms adapt.
      keep_all: train all branches that a loss reaches, and take from the result only
        those that should move.
      mix: how mixed variants show both halves at once.
      place: where the centre's box lies on concatenated pictures.
      box_source: whose box the reference frame is given.
    """

    batch: int = 20
    alone_batch: int = 20
    epochs: int = 50
    samples: int = 26_000
    fall: int = 15
    factor: float = 0.5
    alone: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: {"iou_net": 1e-6, "classifier": 1e-6}
    )
    joint: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: {"iou_net": 1e-7, "classifier": 2e-8}
    )
    alone_boxes: float = 1.0
    statistics: Statistics = "moving"
    keep_all: bool = False
    mix: Mix = "batch"
    place: Place = "half"
    box_source: BoxSource = "own"


_CODE_CLASSIFIER = {
    "classifier": 5e-9,
    "classifier/filter_optimizer": 5e-8,
}
PRESETS: dict[str, Preset] = {
    "paper": Preset(),
    "released_code": Preset(
        alone_batch=5,
        epochs=80,
        factor=0.2,
        alone={"iou_net": 1e-6, **_CODE_CLASSIFIER},
        joint={"iou_net": 1e-7, **_CODE_CLASSIFIER},
        alone_boxes=1000.0,  # 10 in place of 0.01
        statistics="all",
        keep_all=True,
        mix="spatial",
        place="literal",
        box_source="test",
    ),
}


class Base(NamedTuple):
    """A tracker that can be distilled.

    Attributes:
      depth: of its backbone.
      processing: of its crops.
      losses: their weights; None is ATOM's, which has no classifier to learn.
    """

    depth: int
    processing: Processing
    losses: dimp.Weights | None


BASES: dict[str, Base] = {
    "dimp10": Base(10, dimp10.ON_COLOUR, dimp.DIMP),
    "dimp18": Base(18, crops.DIMP, dimp.DIMP),
    "dimp50": Base(50, crops.DIMP, dimp.DIMP),
    "super_dimp": Base(50, crops.SUPER_DIMP, dimp.SUPER_DIMP),
    "atom": Base(18, crops.ATOM, None),
}


def moves(tracker: str, variant: str) -> tuple[str, ...]:
    """Branches that move; ATOM has no classifier among them.

    Raises:
      DataError: unknown tracker or variant, or nothing of this tracker moves.
    """
    for kind, name, known in (
        ("tracker", tracker, BASES),
        ("variant", variant, VARIANTS),
    ):
        if name not in known:
            raise DataError(f"no {kind} {name!r}; choose one of {', '.join(known)}")
    found = tuple(b for b in VARIANTS[variant].moves if has(tracker, b))
    if not found:
        raise DataError(f"{variant} moves nothing of {tracker}; choose another variant")
    return found


def has(tracker: str, part: str) -> bool:
    """Whether a tracker learns a branch from pairs; ATOM has no classifier to learn."""
    return part in IOU_NET or BASES[tracker].losses is not None


def merged(tracker: str, base: Path, runs: Mapping[str, Path]) -> PyTree:
    """Variables of a base tracker with branches of other runs: row B3, and where the
    joint rows start.

    Args:
      tracker: whose network they are.
      base: checkpoint.
      runs: by branch, the checkpoint to take it from.

    Raises:
      DataError: a checkpoint is none, damaged, or of another network.
    """
    images, boxes = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    net = NETWORKS[tracker]()
    like = jax.eval_shape(net.init, jax.random.key(0), images, boxes)
    parts = [load_variables(run, only(like, [b])) for b, run in runs.items()]
    return overlay(load_variables(base, like), *parts)


def pairing(tracker: str, variant: str, preset: Preset, boxes: Boxes) -> Pairing:
    """What a variant's frames show.

    Args:
      tracker: one of ``BASES``.
      variant: one of ``VARIANTS``.
      preset: settings.
      boxes: where pseudo boxes come from.
    """
    row = VARIANTS[variant]
    return Pairing(
        reference=row.reference,
        test=row.test,
        boxes=boxes,
        processing=dataclasses.replace(BASES[tracker].processing, train_frames=1),
        mix=preset.mix,
        # A box that is looked for lies where it is found.
        place=preset.place if row.boxes == "centre" else "half",
        box_source=preset.box_source,
    )


def cmd_task(
    tracker: str,
    variant: str,
    base: PyTree,
    preset: Preset,
    *,
    rate: float = 1.0,
    every: int,
) -> Task:
    """What a variant learns.

    Args:
      tracker: one of ``BASES``.
      variant: one of ``VARIANTS``.
      base: variables to start from; joint variants expect those of B1, B2 and C1 in
        them, which is the caller's business.
      preset: settings.
      rate: factor on all learning rates; a short run needs larger ones.
      every: steps after which they fall.

    Raises:
      DataError: as ``moves``.
    """
    moving = moves(tracker, variant)
    settings = BASES[tracker]
    # ATOM's branches have no joint rates of their own.
    joint = VARIANTS[variant].joint and settings.losses is not None
    rates = {k: rate * r for k, r in (preset.joint if joint else preset.alone).items()}
    optimizer = grouped(rates, step_decay(every, preset.factor))
    norm = norms(preset.statistics, moving)
    reached = [b for b in IOU_NET if set(moving) & set(IOU_NET)]
    if "classifier" in moving:
        reached.append("classifier")
    trained = reached if preset.keep_all else moving
    if settings.losses is None:
        net = atom_net(settings.depth, norm=norm)
        objective, preview = atom.objective(net), atom.preview(net)
    else:
        net = dimp_net(settings.depth, sigma=settings.processing.label_sigma, norm=norm)
        weights = _weights(settings.losses, moving, joint, preset)
        objective = dimp.objective(net, weights)
        preview = dimp.preview(net, weights.steps)
    return distill_task(
        base, objective, optimizer, preview, moves=moving, trained=trained
    )


def _weights(losses, moving, joint, preset) -> dimp.Weights:
    """Only the losses of what moves count."""
    if "classifier" not in moving:
        losses = dataclasses.replace(losses, final=0.0, first=0.0, between=0.0)
    if not set(moving) & set(IOU_NET):
        return dataclasses.replace(losses, boxes=0.0)
    factor = 1.0 if joint else preset.alone_boxes
    return dataclasses.replace(losses, boxes=factor * losses.boxes)
