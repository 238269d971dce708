"""Networks and pairs of trainings of correlation-filter features, by name.

Learners see no zeros around a crop: networks of plain convolutions are trained without
padding, and of a ResNet's map the cells that padding reaches are left out.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from tirjax.backbones.norm import Norm
from tirjax.backbones.trunk import Trunk, residual, two_convolutions, vgg
from tirjax.data.sequence import DataError, Dataset
from tirjax.data.synthetic import preset
from tirjax.data.training.filter_feed import FilterFeed, RenderedFilterPairs
from tirjax.data.training.filter_pairs import Stretch
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.opening import open_any
from tirjax.data.training.rendered import Modality
from tirjax.tasks.features import Regression
from tirjax.tasks.run import Blend, Eval, Feed
from tirjax.tasks.tracking import held_out
from tirjax.trackers.base import Tracker
from tirjax.trackers.eco import Config, eco, stir
from tirjax.typing import PyTree

Name = Literal["vgg", "resnet18", "resnet50", "dcfnet"]


class Trained(NamedTuple):
    """A network to train and as trackers have it.

    Attributes:
      learner: its batch norms, if any, take statistics of the batch.
      judge: with the same variables.
      how: the filter it learns for.
      tracker: name of the tracker whose network it is at full size.
    """

    learner: Trunk
    judge: Trunk
    how: Regression
    tracker: str

    def shapes(self) -> PyTree:
        """Of its variables; nothing is computed."""
        image = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
        return jax.eval_shape(self.judge.net.init, jax.random.key(0), image)


# Cells of layer1 that padding reaches: of 7x7, pooling and the 3x3 ones after it.
_MARGIN = {"resnet18": 6, "resnet50": 5}


def trunk(name: Name, widths: tuple[int, ...] = ()) -> Trained:
    """A network by name, whose map of stride 4 is learned (DCFNet: 1).

    Args:
      name: of the network.
      widths: its channels, the published ones by default: four convolutions of ``vgg``,
        three stages of a ResNet; DCFNet has no others.

    Raises:
      DataError: widths do not fit.
    """
    count = {"vgg": 4, "dcfnet": 0}.get(name, 3)
    if widths and (len(widths) != count or min(widths) < 1):
        raise DataError(f"widths {widths}: {name} takes {count or 'none'}")
    if name == "vgg":
        stages = (widths[:2], widths[2:]) if widths else ((64, 64), (128, 128))
        bare, padded = vgg(stages, padding=0), vgg(stages)
        return Trained(bare, padded, Regression("pool2"), "eco_stir")
    if name == "dcfnet":
        bare, padded = two_convolutions(padding=0), two_convolutions()
        return Trained(bare, padded, Regression("norm"), "eco_stir_dcfnet")
    made = partial(residual, int(name[6:]), widths=widths or (64, 128, 256))
    how = Regression("layer1", _MARGIN[name])
    return Trained(made(Norm(batch=True)), made(), how, "eco_stir_resnet")


def of_one_size(config: Config, sample: float = 100.0) -> Config:
    """ECO's settings with small samples, as large for all targets: compiled once.

    Args:
      config: whose features and rates are kept.
      sample: side of the samples, pixels.
    """
    area = sample**2
    small = {"min_area": area, "max_area": area, "memory": 20}
    return dataclasses.replace(config, **small, fixed_size=True, keep_inside=True)


def tracking_evals(chosen: Trained, every: int) -> dict[str, Eval]:
    """Success of a small ECO-stir with the features, on held-out synthetic clips.

    Args:
      chosen: the network.
      every: steps between two; 0 makes none.
    """
    if not every:
        return {}
    follower: Tracker = eco(
        of_one_size(stir(chosen.how.layer)), chosen.judge, size=(20, 20)
    )
    return {"held_out": held_out(follower, every)}


def _opened(texts: Sequence[str]) -> list[Dataset]:
    found = []
    for text in texts:
        name, equals, folder = text.partition("=")
        if not equals:
            raise DataError(f"{text!r}: give NAME=DIR")
        found.append(open_any(name, Path(folder)))
    return found


def shares(
    real: Sequence[int], synthetic: Sequence[int], mix: float | None
) -> list[float]:
    """Weights of data sets, real ones first, by their numbers of sequences.

    Args:
      real: sizes.
      synthetic: sizes.
      mix: share of all synthetic ones, 0 to 1; by default as of one large set.

    Raises:
      DataError: a share without both kinds, or outside of its range.
    """
    if mix is None:
        return [float(n) for n in (*real, *synthetic)]
    if not 0 <= mix <= 1 or not real or not synthetic:
        raise DataError(f"mix {mix}: from 0 to 1, with both real and synthetic sets")
    part = lambda sizes, share: [share * n / sum(sizes) for n in sizes]
    return part(real, 1 - mix) + part(synthetic, mix)


def pairs(
    stretch: Stretch,
    *,
    real: Sequence[str] = (),
    synthetic: Sequence[str] = (),
    mix: float | None = None,
    rendered: int = 0,
    modality: Modality = "tir",
    batch: int = 32,
    seed: int = 0,
    lanes: int = 1,
) -> Feed:
    """Pairs of data sets, real and translated ones, and of the synthetic world.

    Args:
      stretch: how frames are cropped.
      real: NAME=DIR of thermal data sets.
      synthetic: NAME=DIR of data sets translated to thermal ones.
      mix: as for ``shares``.
      rendered: pairs of each batch that are of the synthetic world; without data sets
        all are.
      modality: of the synthetic world.
      batch: pairs of a step, over all devices.
      seed: of the draws.
      lanes: scenes rendered at once.

    Raises:
      DataError: a data set cannot be used, or a number does not fit.
    """
    if not 0 <= rendered <= batch:
        raise DataError(f"rendered {rendered}: from 0 to the batch, {batch}")
    scenes = preset("mixed", rows=192, cols=240)
    world = lambda count: RenderedFilterPairs(
        scenes, stretch, batch=count, modality=modality, lanes=lanes, seed=seed
    )
    if not real and not synthetic:
        return world(batch)
    if rendered == batch:
        raise DataError(f"rendered {rendered} leaves the data sets no pair of {batch}")
    kinds = _opened(real), _opened(synthetic)
    sizes = [[len(found) for found in sets] for sets in kinds]
    mixture = Mixture([*kinds[0], *kinds[1]], shares(sizes[0], sizes[1], mix))
    feed = FilterFeed(mixture, stretch, batch=batch - rendered, seed=seed)
    return Blend((feed, world(rendered))) if rendered else feed
