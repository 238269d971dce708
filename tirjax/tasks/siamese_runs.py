"""Networks, pairs and measurements of Siamese trainings, as published or smaller.

A smaller network has narrower layers, smaller crops, or both; what crops lose, margins,
templates and labels lose in proportion; the gain of SiamFC's scores makes up for what
its last layer loses.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from tirjax.backbones.alexnet import AlexNet
from tirjax.backbones.norm import FROZEN, Norm
from tirjax.data.sequence import DataError
from tirjax.data.synthetic import preset as world
from tirjax.data.training.canvas import Canvas
from tirjax.data.training.hold_out import split
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.opening import open_any
from tirjax.data.training.rendered import Modality
from tirjax.data.training.siamese_feed import CANVAS, MIX, POSITIVES, SiameseFeed
from tirjax.data.training.siamese_pairs import (
    CURATED,
    OFFSETS,
    SIAMFC_CHANGES,
    UNCHANGED,
    Cropping,
)
from tirjax.data.training.siamese_rendered import RenderedSiamese
from tirjax.heads.attention import Preset
from tirjax.heads.multilevel import MLSSNet
from tirjax.heads.multitask import MMNet
from tirjax.heads.siamese import GAIN, MARGIN, CFNet, Siamese, SiamFC
from tirjax.tasks import tracking
from tirjax.tasks.base import Task
from tirjax.tasks.run import Blend, Eval, Feed, Run
from tirjax.tasks.siamese import objective
from tirjax.tasks.siamese_losses import RADIUS
from tirjax.trackers.base import Tracker
from tirjax.trackers.siamese import (
    CFNET_CONV5,
    MLSSNET,
    MMNET,
    SIAMFC_3S,
    siamese,
)

Name = Literal["siamfc", "cfnet", "mlssnet", "mmnet"]
NAMES: tuple[Name, ...] = ("siamfc", "cfnet", "mlssnet", "mmnet")
SIDE = 255  # of search regions
CLASSES = 30
# What a data set of each modality is called, and stands for it where there is none.
DATA: dict[str, tuple[str, Modality]] = {
    "vid": ("imagenet_vid", "rgb"),
    "tir": ("lsotb_tir_train", "tir"),
}
# Pixels. MMNet's gates over places see where the border is: were all targets in the
# middle, the fine-grained branch would learn to look there, whatever the picture shows.
WANDER = 32.0
VALIDATION = 0.1  # share of the videos
VALIDATED = 32  # batches of a validation

_LAST = {"siamfc": 256, "cfnet": 32, "mlssnet": 64, "mmnet": 64}
_CONFIGS = {
    "siamfc": SIAMFC_3S,
    "cfnet": CFNET_CONV5,
    "mlssnet": MLSSNET,
    "mmnet": MMNET,
}


def network(
    name: Name,
    *,
    preset: Preset = "paper",
    side: int = SIDE,
    widths: tuple[int, ...] = (),
    norm: Norm = FROZEN,
) -> Siamese:
    """A network by name.

    Args:
      name: of the tracker.
      preset: of its attention, where it has any.
      side: of search regions, one less than a multiple of 8 (SiamFC: of 32), from 103
        (SiamFC: 191), pixels.
      widths: channels of its five convolutions, even; the published ones by default.
      norm: where batch norms take their moments from.

    Raises:
      DataError: the name is another, or side or widths do not fit.
    """
    if name not in NAMES:
        raise DataError(f"no network {name!r}; choose one of {', '.join(NAMES)}")
    multiple, least = (32, 191) if name == "siamfc" else (8, 103)
    if (side + 1) % multiple or side < least:
        raise DataError(
            f"side {side}: {name} takes {least} pixels or more, one less than a "
            f"multiple of {multiple}"
        )
    widths = widths or (96, 256, 384, 384, _LAST[name])
    if len(widths) != 5 or any(w < 1 or w % 2 for w in widths) or widths[-1] < 4:
        raise DataError(f"widths {widths}: five even numbers, the last at least 4")
    trunk = AlexNet(widths, second_pool=2 if name == "siamfc" else 1, norm=norm)
    # 49 cells of conv5 become 17 of a template; smaller crops keep the proportion.
    margin = round(MARGIN * ((side - 11) // 4 - 12) / 49)
    if name == "siamfc":
        return SiamFC(trunk, gain=GAIN * _LAST[name] / widths[-1])
    if name == "cfnet":
        return CFNet(trunk, margin)
    if name == "mlssnet":
        return MLSSNet(trunk, margin, preset)
    return MMNet(trunk, margin, preset, CLASSES)


def label_radius(side: int) -> float:
    """Distance up to which a cell is the target's, cells, of search regions of a side.

    Where a label is wide beside the target, training flattens the peak that a tracker
    needs.
    """
    return RADIUS * (side + 1) / (SIDE + 1)


def cropping(
    name: Name,
    *,
    preset: Preset = "paper",
    side: int = SIDE,
    wander: float | None = None,
) -> Cropping:
    """Crops that a network learns from.

    Args:
      name: of the tracker.
      preset: ``paper`` shows targets as large as the tracker does, and those of MMNet
        off the middle; ``released`` half as large in the middle, and counts corners of
        their surroundings as of their class.
      side: of search regions when tracking, pixels.
      wander: how far targets lie off the middle of search regions, pixels of ``SIDE``;
        as the preset says by default.
    """
    exemplar = side // 2 if name == "siamfc" else side
    # The published SiamFC learns from a cell less on each side than it tracks with.
    search = side - 16 if name == "siamfc" else side
    released = preset == "released"
    # SiamFC's curated crops are what its tracker cuts.
    context = CURATED if released and name != "siamfc" else 1.0
    shift = SIAMFC_CHANGES.shift * side / SIDE
    known = {"siamfc": SIAMFC_CHANGES._replace(shift=shift), "cfnet": OFFSETS}
    changes = known.get(name, UNCHANGED)
    if wander is None:
        wander = WANDER if name == "mmnet" and not released else 0.0
    changes = changes._replace(wander=wander * side / SIDE)
    return Cropping(exemplar, search, context, released, changes)


def tracker(
    name: Name,
    *,
    preset: Preset = "paper",
    side: int = SIDE,
    widths: tuple[int, ...] = (),
) -> Tracker:
    """The tracker of ``network``; ``params`` are what training found."""
    cut = cropping(name, side=side)
    config = _CONFIGS[name]
    if side != SIDE:
        config = dataclasses.replace(config, exemplar=cut.exemplar, search=side)
    return siamese(config, network(name, preset=preset, side=side, widths=widths))


def held_out(following: Tracker, every: int, modality: Modality) -> dict[str, Eval]:
    """The measurement of ``tracking.held_out``, by name, or none.

    Args:
      following: tracker whose ``params`` are learned.
      every: steps between two; 0 makes none.
      modality: of the clips.
    """
    measured = tracking.held_out(following, every, modality=modality) if every else None
    return {"held_out": measured} if measured else {}


def run(
    name: Name,
    task: Task,
    feed: Feed,
    evals: Mapping[str, Eval],
    *,
    epochs: int,
    epoch: int,
    seed: int,
    workers: int,
) -> Run:
    """A training on data, measured on held-out clips if at all.

    Args:
      name: of the tracker.
      task: what to learn.
      feed: from what.
      evals: of ``held_out``.
      epochs: how long.
      epoch: steps of one.
      seed: of parameters and data.
      workers: as for ``Run``.
    """
    return Run(
        task=task,
        feed=feed,
        steps=epochs * epoch,
        seed=seed,
        tracker=name,
        evals=evals,
        best="held_out/success" if evals else None,
        save_every=min(epoch, 5000),
        show_every=min(epoch, 5000),
        workers=workers,
    )


def pairs(
    name: Name,
    crops: Cropping,
    folders: Mapping[str, Path | None],
    *,
    batch: int,
    seed: int = 0,
    classes: Mapping[str, int] | None = None,
    lanes: int = 1,
    canvas: tuple[int, int] = CANVAS.size,
    apart: int = MIX.apart,
    validating: bool = False,
) -> Feed:
    """Pairs of the data that a strategy names, all sequences alike.

    Args:
      name: of the tracker; SiamFC and CFNet learn from positive pairs alone.
      crops: of the frames.
      folders: by name of the data, ``vid`` and ``tir``, in the order in which they are
        shown; without any folder the synthetic world stands in, in equal shares.
      batch: pairs of a step, over all devices; twice as many as there are data, or a
        multiple, of the synthetic world.
      seed: of the draws.
      classes: as for ``SiameseFeed``.
      lanes: scenes rendered at once.
      canvas: rows and columns of the arrays that frames are put into.
      apart: as for ``Mix``.
      validating: whether they are of the last tenth of the videos and not of the
        others; the synthetic world has no end.

    Raises:
      DataError: only some folders are given, one cannot be used, or a number does not
        fit.
    """
    mix = MIX if name in ("mlssnet", "mmnet") else POSITIVES
    mix = mix._replace(apart=apart)
    missing = [f"--{key} DIR" for key, folder in folders.items() if folder is None]
    if not missing:
        opened = [
            open_any(DATA[k][0], folder) for k, folder in folders.items() if folder
        ]
        sets = [split(found, VALIDATION)[validating] for found in opened]
        mixture = Mixture(sets, [len(found) for found in sets])
        arrays = Canvas(canvas, CANVAS.channels, CANVAS.reach)
        known = dict(classes or {})
        return SiameseFeed(mixture, mix, crops, arrays, known, batch, seed)
    if len(missing) < len(folders):
        raise DataError(f"these pairs need {' and '.join(missing)} as well")
    share, rest = divmod(batch, len(folders))
    if rest or share % 2:
        raise DataError(
            f"batch {batch}: of the synthetic world it must be a multiple of "
            f"{2 * len(folders)}"
        )
    scenes = world("mixed", rows=192, cols=240)
    feeds = [
        RenderedSiamese(scenes, mix, crops, share, DATA[key][1], lanes)
        for key in folders
    ]
    return feeds[0] if len(feeds) == 1 else Blend(tuple(feeds))


def validation(
    name: Name,
    net: Siamese,
    crops: Cropping,
    folders: Mapping[str, Path | None],
    every: int,
    *,
    losses: Mapping[str, Any] | None = None,
    **drawn: Any,
) -> dict[str, Eval]:
    """Losses on pairs of the videos kept for it, by name; none without folders.

    Pairs are the same each time and not changed at random; batch norms use their
    running moments.

    Args:
      name: as for ``pairs``.
      net: that learns.
      crops: that it learns from.
      folders: as for ``pairs``.
      every: steps between two; 0 makes none.
      losses: settings of ``objective``.
      **drawn: the others of ``pairs``.
    """
    if not every or None in folders.values():
        return {}
    crops = dataclasses.replace(crops, changes=UNCHANGED)
    feed = pairs(name, crops, folders, validating=True, **drawn)
    judge = net.clone(backbone=net.backbone.clone(norm=FROZEN))
    value, key = objective(judge, **(losses or {})), jax.random.key(0)

    @jax.jit
    def look(variables, raw):
        loss, (parts, _) = value(variables, feed.make(raw, key))
        return {"loss": loss} | parts

    def measure(variables):
        raw = (feed.read(step)[0] for step in range(VALIDATED))
        found = [jax.device_get(look(variables, some)) for some in raw]
        return {k: float(np.mean([each[k] for each in found])) for k in found[0]}

    return {"validation": Eval(every, measure)}


def read_classes(path: Path | None) -> dict[str, int]:
    """Classes by name of the sequence, from a JSON file; of no file none.

    Raises:
      DataError: there is no such file, or it is something else.
    """
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text())
        classes = {str(name): int(number) for name, number in found.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: no classes in it ({error}); write "
            '{"SEQUENCE": NUMBER, ...} as JSON'
        ) from error
    if classes and not 0 <= min(classes.values()) <= max(classes.values()) < CLASSES:
        raise DataError(f"{path}: classes are numbers from 0 to {CLASSES - 1}")
    return classes
