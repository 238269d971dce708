"""Networks, pairs and measurements of Siamese trainings, as published or smaller.

A smaller network has narrower layers, smaller crops, or both; what crops lose, margins
and templates lose in proportion.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tirjax.backbones.alexnet import AlexNet
from tirjax.backbones.norm import FROZEN, Norm
from tirjax.data.sequence import DataError
from tirjax.data.synthetic import preset as world
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.opening import open_any
from tirjax.data.training.rendered import Modality
from tirjax.data.training.siamese_feed import MIX, POSITIVES, SiameseFeed
from tirjax.data.training.siamese_pairs import CURATED, Cropping
from tirjax.data.training.siamese_rendered import RenderedSiamese
from tirjax.heads.attention import Preset
from tirjax.heads.multilevel import MLSSNet
from tirjax.heads.multitask import MMNet
from tirjax.heads.siamese import MARGIN, CFNet, Siamese, SiamFC
from tirjax.tasks import tracking
from tirjax.tasks.base import Task
from tirjax.tasks.run import Blend, Eval, Feed, Run
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
        return SiamFC(trunk)
    if name == "cfnet":
        return CFNet(trunk, margin)
    if name == "mlssnet":
        return MLSSNet(trunk, margin, preset)
    return MMNet(trunk, margin, preset, CLASSES)


def cropping(name: Name, *, preset: Preset = "paper", side: int = SIDE) -> Cropping:
    """Crops that a network learns from.

    Args:
      name: of the tracker.
      preset: ``paper`` shows targets as large as the tracker does; ``released`` half as
        large, and counts corners of their surroundings as of their class.
      side: of search regions when tracking, pixels.
    """
    exemplar = side // 2 if name == "siamfc" else side
    # The published SiamFC learns from a cell less on each side than it tracks with.
    search = side - 16 if name == "siamfc" else side
    released = preset == "released"
    # SiamFC's curated crops are what its tracker cuts.
    context = CURATED if released and name != "siamfc" else 1.0
    return Cropping(exemplar, search, context, corners_count=released)


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

    Raises:
      DataError: only some folders are given, one cannot be used, or a number does not
        fit.
    """
    mix = MIX if name in ("mlssnet", "mmnet") else POSITIVES
    missing = [f"--{key} DIR" for key, folder in folders.items() if folder is None]
    if not missing:
        sets = [open_any(DATA[k][0], folder) for k, folder in folders.items() if folder]
        mixture = Mixture(sets, [len(found) for found in sets])
        known = dict(classes or {})
        return SiameseFeed(mixture, mix, crops, classes=known, batch=batch, seed=seed)
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
