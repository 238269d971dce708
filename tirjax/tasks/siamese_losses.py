"""Losses of SiamFC, CFNet, MLSSNet and MMNet.

A pair is positive when both images show one target, which is then in the middle of the
search region or where its offset says. Negative pairs (CFNet's successors) have no
target anywhere.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops, equations 1 to 4; Liu et al., Multi-Task Driven Feature Models for
Thermal Infrared Tracking, AAAI 2020, equations 2 to 4.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.heads.multilevel import ensemble
from tirjax.heads.siamese import Responses
from tirjax.typing import Array, Bool, Float, Int

RADIUS = 2.0  # cells; 16 pixels at stride 8, 8 pixels at stride 4


def on_target(side: int, radius: float = RADIUS) -> np.ndarray:
    """``[side, side]`` bool: which scores of a positive pair should be positive.

    Args:
      side: of the score map, odd.
      radius: distance from the centre up to which a cell counts, cells.
    """
    offset = np.arange(side) - (side - 1) / 2
    return offset[:, None] ** 2 + offset**2 <= radius**2


def labels_and_weights(
    positive: Bool[Array, " n"],
    side: int,
    radius: float = RADIUS,
    offsets: Float[Array, "n 2"] | None = None,
) -> tuple[Float[Array, "n side side"], Float[Array, "n side side"]]:
    """Sign that every score should have, and how much it counts.

    Both signs of a positive pair weigh one half together. The cells of a negative pair
    weigh one half in all: what the background of a positive pair does.

    Args:
      positive: of each pair.
      side: of the score map, odd.
      radius: distance from the target up to which a cell is its own, cells.
      offsets: of the targets from the centre, ``(x, y)``, cells; None is zero.
    """
    if offsets is None:
        target: Any = on_target(side, radius)
    else:
        from_target = np.arange(side) - (side - 1) / 2 - offsets[..., None]
        squares = from_target**2
        target = squares[:, 1, :, None] + squares[:, 0, None, :] <= radius**2
    count = target.sum((-2, -1), keepdims=True)
    share = jnp.where(target, 0.5 / jnp.maximum(count, 1), 0.5 / (side**2 - count))
    positive = positive[:, None, None]
    labels = jnp.where(positive & target, 1.0, -1.0)
    return labels, jnp.where(positive, share, 0.5 / side**2).astype(labels.dtype)


def balanced_logistic(
    scores: Float[Array, "n side side"],
    positive: Bool[Array, " n"],
    radius: float = RADIUS,
    offsets: Float[Array, "n 2"] | None = None,
) -> Float[Array, ""]:
    """Weighted logistic loss of every score's sign, mean over pairs.

    Args:
      scores: logits.
      positive: of each pair.
      radius: as for ``labels_and_weights``.
      offsets: as for ``labels_and_weights``.
    """
    side = scores.shape[-1]
    labels, weights = labels_and_weights(positive, side, radius, offsets)
    return (weights * jax.nn.softplus(-labels * scores)).sum((1, 2)).mean()


def classification(
    logits: Float[Array, "n classes"],
    classes: Int[Array, " n"],
    counted: Bool[Array, " n"],
) -> Float[Array, ""]:
    """Cross entropy over the batch; an exemplar that is not counted adds zero.

    Args:
      logits: of each exemplar.
      classes: from zero; anything where not counted.
      counted: which exemplars show an object of a known class.
    """
    safe = jnp.where(counted, classes, 0)
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), safe[:, None], 1)[:, 0]
    return -jnp.where(counted, picked, 0.0).mean()


class MultiTaskWeights(NamedTuple):
    """Weights of MMNet's losses; mixed training of two modalities has no ``classes``.

    Attributes:
      discriminative: of the loss on ``conv5``.
      classes: of the classification loss.
      fine_grained: of the loss on ``conv3``.
    """

    discriminative: float = 1.0
    classes: float = 1.0
    fine_grained: float = 1.0


def single_loss(
    outputs: Responses,
    positive: Bool[Array, " n"],
    radius: float = RADIUS,
    offsets: Float[Array, "n 2"] | None = None,
) -> Float[Array, ""]:
    """Loss of SiamFC, CFNet and MLSSNet: logistic, on the sum of adjusted responses.

    Args:
      outputs: of pairs.
      positive: of each pair.
      radius: as for ``balanced_logistic``.
      offsets: as for ``balanced_logistic``.
    """
    return balanced_logistic(ensemble(outputs.adjusted), positive, radius, offsets)


def multi_task_loss(
    outputs: Responses,
    positive: Bool[Array, " n"],
    classes: Int[Array, " n"],
    known: Bool[Array, " n"],
    weights: MultiTaskWeights = MultiTaskWeights(),
    labelling: Literal["paper", "released"] = "paper",
    radius: float = RADIUS,
    offsets: Float[Array, "n 2"] | None = None,
) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
    """MMNet's weighted sum of the losses of its three branches.

    Args:
      outputs: of pairs.
      positive: of each pair.
      classes: of the object in the exemplar, from zero.
      known: whether the exemplar shows an object of one of the classes: false for
        those cut from the background and for unlabelled ones.
      weights: of the losses.
      labelling: ``released`` repeats a slip of the published code: class 0 is ignored,
        class ``i`` teaches output ``i - 1``.
      radius: as for ``balanced_logistic``.
      offsets: as for ``balanced_logistic``.

    Returns:
      The loss, and its parts before weighting.
    """
    if labelling == "released":
        known, classes = known & (classes > 0), classes - 1
    logits: Any = outputs.classes
    place = radius, offsets
    parts = {
        "discriminative": balanced_logistic(outputs.adjusted[:, 0], positive, *place),
        "classes": classification(logits, classes, known),
        "fine_grained": balanced_logistic(outputs.adjusted[:, 1], positive, *place),
    }
    total = sum(getattr(weights, name) * part for name, part in parts.items())
    return jnp.asarray(total), parts
