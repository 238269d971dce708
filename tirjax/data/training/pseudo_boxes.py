"""Where to look for a target in a picture nobody has labelled.

A generator is ``(key, scene) -> box``, pure; the functions here make one from settings
that are static. Sides are pixels, or with ``share`` a part of the root of the image's
area: the paper's regions are about 1/6 of it. A square that is wider than the image is
high, or higher than it is wide, shrinks until it fits.

Source: Sun et al., Unsupervised Cross-Modal Distillation for Thermal Infrared Tracking,
ACM MM 2021, and the authors' released code. Hot spots are our own.
"""

import functools
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.sequence import DataError
from tirjax.data.training.objectness import WINDOWS, Windows, propose
from tirjax.ops.boxes import from_centre
from tirjax.typing import Array, Float, Int, Key, Num

SIDE = 100.0
Pick = Literal["random", "first"]


class Scene(NamedTuple):
    """An aligned pair of pictures, and what a detector has found in them.

    Attributes:
      visible: ``[rows, cols, 3]`` uint8, perhaps larger than the picture.
      thermal: ``[rows, cols, 1]`` uint8, the same.
      size: ``[2]`` int32, true ``(rows, cols)``.
      boxes: ``[k, 4]`` float32, pixels, best first; ``k`` may be 0.
      scores: ``[k]`` float32; 0 where there is no box.
    """

    visible: Num[Array, "rows cols 3"]
    thermal: Num[Array, "rows cols 1"]
    size: Int[Array, "2"]
    boxes: Float[Array, "k 4"]
    scores: Float[Array, " k"]


Boxes = Callable[[Key[Array, ""], Scene], Float[Array, "4"]]


def centre_area(side: float = SIDE, share: float | None = None) -> Boxes:
    """A square in the middle of the image, always the same.

    Args:
      side: pixels, above 0.
      share: of the root of the image's area, above 0; replaces ``side``.

    Raises:
      DataError: not above 0.
    """
    _check(side, share)
    return functools.partial(_centre_area, side=side, share=share)


def random_area(side: float = SIDE, share: float | None = None) -> Boxes:
    """A square anywhere in the image, uniformly, never across its border.

    Args:
      side: as for ``centre_area``.
      share: as for ``centre_area``.

    Raises:
      DataError: not above 0.
    """
    _check(side, share)
    return functools.partial(_random_area, side=side, share=share)


def detected(pick: Pick = "random", otherwise: Boxes | None = None) -> Boxes:
    """One of the scene's boxes.

    Args:
      pick: ``'random'``, all alike, or the ``'first'`` as the released code does.
      otherwise: what makes the box where there is none; a random area by default.

    Raises:
      DataError: ``pick`` is another word.
    """
    _check_pick(pick)
    return functools.partial(_detected, pick=pick, otherwise=otherwise or random_area())


def hot_spots(
    count: int = 5,
    pick: Pick = "random",
    otherwise: Boxes | None = None,
    windows: Windows = WINDOWS,
) -> Boxes:
    """One of the places that stand out from their surroundings: needs no detector.

    Args:
      count: how many to choose from, at least 1.
      pick: as for ``detected``.
      otherwise: as for ``detected``.
      windows: which places are looked at.

    Raises:
      DataError: ``count`` is below 1 or ``pick`` another word.
    """
    _check_pick(pick)
    if count < 1:
        raise DataError(f"{count} hot spots to choose from; take at least 1")
    choose = detected(pick, otherwise)
    return functools.partial(_hot_spots, count=count, choose=choose, windows=windows)


def reads_detections(boxes: Boxes) -> bool:
    """Whether a generator draws from the boxes of the scene."""
    return isinstance(boxes, functools.partial) and boxes.func is _detected


def _square(size, side, share):
    """Side that fits, and the image's ``(width, height)``, pixels."""
    image = size[::-1].astype(jnp.float32)
    wanted = side if share is None else share * jnp.sqrt(jnp.prod(image))
    return jnp.minimum(wanted, image.min()), image


def _centre_area(key, scene: Scene, *, side, share) -> Float[Array, "4"]:
    fits, image = _square(scene.size, side, share)
    return from_centre(image / 2, jnp.broadcast_to(fits, (2,)))


def _random_area(key, scene: Scene, *, side, share) -> Float[Array, "4"]:
    fits, image = _square(scene.size, side, share)
    corner = jax.random.uniform(key, (2,)) * (image - fits)
    return jnp.concatenate([corner, jnp.broadcast_to(fits, (2,))])


def _detected(key, scene: Scene, *, pick: Pick, otherwise: Boxes) -> Float[Array, "4"]:
    for_pick, for_other = jax.random.split(key)
    other = otherwise(for_other, scene)
    if not len(scene.scores):
        return other
    there = scene.scores > 0
    if pick == "first":
        slot = there.argmax()
    else:
        slot = jax.random.categorical(for_pick, jnp.where(there, 0.0, -jnp.inf))
    return jnp.where(there.any(), scene.boxes[slot], other)


def _hot_spots(key, scene: Scene, *, count, choose, windows) -> Float[Array, "4"]:
    boxes, scores = propose(scene.visible, scene.thermal, scene.size, count, windows)
    return choose(key, scene._replace(boxes=boxes, scores=scores))


def _check(side, share):
    if not (side if share is None else share) > 0:
        raise DataError(f"box side {side} and share {share}: take one above 0")


def _check_pick(pick):
    if pick not in ("random", "first"):
        raise DataError(f"pick is {pick!r}; take 'random' or 'first'")
