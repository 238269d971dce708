"""Trainings of translators as published or smaller: networks, images, measurements.

Source: Isola et al., CVPR 2017; Zhu et al., ICCV 2017; Zhang et al., Synthetic Data
Generation for End-to-End Thermal Infrared Tracking, IEEE TIP 28(4), 2019, whose code
and logs the ``released`` presets follow.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables
from tirjax.data.pairs import PairList, split
from tirjax.data.pairs.opening import open_all
from tirjax.data.sequence import DataError
from tirjax.data.training.image_sets import (
    HALVES,
    Half,
    ImageSet,
    Unaligned,
    half_of,
    in_memory,
    open_pile,
)
from tirjax.tasks.base import Task
from tirjax.tasks.cyclegan import WAYS, one_way
from tirjax.tasks.gan import Version, adam, linear_decay
from tirjax.tasks.run import Eval, Feed, Run
from tirjax.translators.networks import GENERATORS, Networks
from tirjax.translators.norms import Kind
from tirjax.translators.patch_gan import PatchGAN
from tirjax.translators.translate import side_multiple
from tirjax.typing import PyTree

GeneratorName = Literal["unet_128", "unet_256", "resnet_6blocks", "resnet_9blocks"]
TRANSLATIONS = ("pix2pix", "cyclegan")
JITTER = 286 / 256  # side that an image has before a crop is cut out of it
_FEW_STEPS = 500  # a measurement takes as long as so many of a small network


class Published(NamedTuple):
    """Settings of a published training.

    Attributes:
      outputs: channels of the target.
      batch: images of a step.
      l1: weight of pix2pix's absolute error.
      constant: epochs at the full rate.
      decay: epochs of falling.
      last: whether crops of aligned pairs may touch the far border.
    """

    outputs: Literal[1, 3]
    batch: int
    l1: float
    constant: int = 100
    decay: int = 100
    last: bool = True


PIX2PIX = {
    "paper": Published(outputs=3, batch=1, l1=100.0),
    # The flag that asked for a weight of 100 was read by nothing.
    "released": Published(outputs=1, batch=4, l1=10.0, last=False),
}
CYCLEGAN = {
    "paper": Published(outputs=3, batch=1, l1=0.0),
    "released": Published(outputs=3, batch=1, l1=0.0),
}


def networks(
    name: GeneratorName,
    outputs: int,
    *,
    kind: Kind,
    side: int,
    width: int = 64,
    dropout: float = 0.0,
) -> Networks:
    """A generator by name and the discriminator beside it, for training.

    Args:
      name: of the generator.
      outputs: channels of translations.
      kind: of their norms.
      side: of images, pixels.
      width: channels of the first layer of both.
      dropout: of the generator.

    Raises:
      DataError: the generator does not take images of this side.
    """
    settings = {"outputs": outputs, "width": width, "kind": kind, "dropout": dropout}
    norm = Norm(batch=True)
    generator = GENERATORS[name](**settings, norm=norm)
    multiple = side_multiple(generator)
    if side % multiple or side < 32:
        raise DataError(
            f"side {side}: {name} takes multiples of {multiple}, at least 32 pixels"
        )
    return Networks(generator, PatchGAN(width=width, kind=kind, norm=norm))


def loaded_side(side: int, load: int | None) -> int:
    """``load``, or what leaves as much room around a crop as 286 around 256."""
    return load or round(side * JITTER)


def open_divided(
    sets: Sequence[str], held_out: float, whole_folders: bool, keep: int
) -> tuple[PairList, PairList | None]:
    """Pairs to learn from and pairs to measure on, the same for every seed of a run.

    Args:
      sets: as ``NAME=FOLDER``.
      held_out: share of the latter, in [0, 1); 0 for none.
      whole_folders: keeps the pairs of a folder together.
      keep: sets of at most so many pairs are decoded once and kept in memory.

    Raises:
      DataError: as ``open_all`` and ``split``.
    """
    pairs = open_all(sets)
    if len(pairs) <= keep:
        pairs = in_memory(pairs)
    if not held_out:
        return pairs, None
    return split(pairs, held_out, seed=0, whole_folders=whole_folders)


def unpaired(
    pairs: PairList | None,
    source: Half,
    folders: Sequence[Path],
    channels: tuple[Literal[1, 3], Literal[1, 3]],
) -> Unaligned:
    """Two piles: the halves of pairs, or the pictures of two folders.

    Args:
      pairs: whose halves; None takes the folders.
      source: half that is the source.
      folders: of sources and of targets.
      channels: of sources and targets.

    Raises:
      DataError: as ``open_pile``.
    """
    if pairs is not None:
        other = HALVES[1 - HALVES.index(source)]
        return Unaligned(half_of(pairs, source), half_of(pairs, other))
    piles = (open_pile(f, c) for f, c in zip(folders, channels, strict=True))
    return Unaligned(*piles)


def epoch_of(images: ImageSet, batch: int) -> int:
    """Steps that show every image once."""
    return math.ceil(len(images) / batch)


def run(
    name: str,
    task: Task,
    feed: Feed,
    evals: Mapping[str, Eval],
    *,
    steps: int,
    every: int,
    seed: int,
    workers: int,
) -> Run:
    """A training, measured on held-out pairs if there are any.

    Args:
      name: one of ``TRANSLATIONS``.
      task: what to learn.
      feed: from what.
      evals: of ``held_out``.
      steps: how long.
      every: steps between two checkpoints, pictures and measurements.
      seed: of parameters and data.
      workers: as for ``Run``.
    """
    return Run(
        task=task,
        feed=feed,
        steps=steps,
        seed=seed,
        tracker=name,
        evals=evals,
        best="held_out/ssim" if evals else None,
        save_every=every,
        show_every=every,
        workers=workers,
    )


def descent(
    published: Published,
    epoch: int,
    rate: float,
    constant: int | None,
    decay: int | None,
    version: Version,
) -> tuple[optax.GradientTransformation, int]:
    """The optimiser of all players, and how many steps its schedule has.

    Args:
      published: whose lengths stand in for those that are None.
      epoch: steps of one.
      rate: learning rate at first.
      constant: epochs at the full rate.
      decay: epochs of falling.
      version: as for ``linear_decay``.
    """
    constant = published.constant if constant is None else constant
    decay = published.decay if decay is None else decay
    schedule = linear_decay(epoch, constant, decay, rate, version)
    return adam(schedule), epoch * (constant + decay)


def pause(epoch: int, asked: int) -> int:
    """Steps between two measurements: those asked for, or whole epochs, not too few."""
    return asked or epoch * math.ceil(_FEW_STEPS / epoch)


def beginning_with(task: Task, player: str, start: Sequence[Path]) -> Task:
    """The task, its generators read from checkpoints; discriminators are drawn.

    Args:
      task: of pix2pix or CycleGAN.
      player: field of its state that holds the generators.
      start: a run; or converted generators, of CycleGAN forward and backward; none
        draws them.

    Raises:
      DataError: a checkpoint is none, damaged, or of another network.
    """
    if not start:
        return task
    like = jax.eval_shape(lambda key: task.variables(task.init(key)), jax.random.key(0))
    given = _read(start, like)

    def init(key):
        state = task.init(key)
        params, stats = (
            jax.tree.map(jnp.asarray, given[part]) for part in ("params", "batch_stats")
        )
        players = getattr(state, player)._replace(params=params, stats=stats)
        return state._replace(**{player: players})

    return task._replace(init=init)


def _read(start: Sequence[Path], like: PyTree) -> PyTree:
    if len(start) == 1:
        return load_variables(start[0], like)
    if len(start) != len(WAYS) or {*WAYS} != {*like["params"]}:
        raise DataError(
            f"{len(start)} checkpoints to start from; give one run, or for CycleGAN "
            "two converted generators: forward and backward"
        )
    found = {
        way: load_variables(path, one_way(like, way))
        for way, path in zip(WAYS, start, strict=True)
    }
    return {part: {way: found[way][part] for way in WAYS} for part in like}
