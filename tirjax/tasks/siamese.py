"""Learning SiamFC, CFNet, MLSSNet and MMNet from pairs.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops; Valmadre et al., End-to-end Representation Learning for Correlation
Filter Based Tracking, CVPR 2017; Liu et al., Learning Deep Multi-Level Similarity for
Thermal Infrared Object Tracking, TMM 2020; Liu et al., Multi-Task Driven Feature Models
for Thermal Infrared Tracking, AAAI 2020.
"""

from collections.abc import Callable, Collection
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict, unflatten_dict

from tirjax.backbones.alexnet import AlexNet
from tirjax.backbones.norm import FROZEN
from tirjax.data.training.siamese_pairs import Cropping, Pairs
from tirjax.heads.multilevel import MLSSNet
from tirjax.heads.multitask import MMNet
from tirjax.heads.siamese import Responses, Siamese, SiamFC
from tirjax.tasks.base import Objective, Preview, Task, supervised
from tirjax.tasks.siamese_losses import (
    RADIUS,
    MultiTaskWeights,
    multi_task_loss,
    on_target,
    single_loss,
)
from tirjax.typing import Array, Bool, Float, PyTree

Labelling = Literal["paper", "released"]
# Halves of MMNet's fine-grained network, in the order in which they are fused.
HALVES = ("pixel", "holistic")
ALL_LOSSES = MultiTaskWeights()


def objective(
    net: Siamese,
    weights: MultiTaskWeights = ALL_LOSSES,
    labelling: Labelling = "paper",
    *,
    silent: Collection[str] = (),
    frozen: Collection[str] = (),
    radius: float = RADIUS,
) -> Objective:
    """What ``supervised`` minimises.

    Args:
      net: for training; its batch norms say where statistics come from.
      weights: of MMNet's losses; the other networks have one.
      labelling: as for ``multi_task_loss``.
      silent: halves of MMNet's fine-grained network that are not there.
      frozen: parts, as for ``is_part``, whose running statistics stay as they are.
      radius: distance from the centre up to which a cell is the target's, cells.
    """

    def value(variables: PyTree, batch: Pairs) -> tuple[Array, Any]:
        params = muted(variables["params"], silent)
        outputs, moved = net.apply(
            variables | {"params": params},
            batch.exemplar,
            batch.search,
            mutable=["batch_stats"],
        )
        place = radius, _cells(batch, net)
        if isinstance(net, MMNet):
            labels = batch.positive, batch.class_id, batch.known
            total, parts = multi_task_loss(outputs, *labels, weights, labelling, *place)
            parts = {f"loss_{k}": v for k, v in parts.items()}
        else:
            total, parts = single_loss(outputs, batch.positive, *place), {}
        scores = decisive(net, outputs)
        parts |= {"miss": miss(scores, batch.positive, *place)}
        stats = held(variables["batch_stats"], moved["batch_stats"], frozen)
        return total, (parts, stats)

    return value


def decisive(net: Siamese, outputs: Responses) -> Float[Array, "n h w"]:
    """The scores that a network's tracker follows, as ``Responses`` says."""
    adjusted = isinstance(net, SiamFC | MLSSNet)
    return (outputs.adjusted if adjusted else outputs.raw).sum(1)


def peaks(scores: Float[Array, "n side side"]) -> Float[Array, "n 2"]:
    """Where each map is highest, ``(x, y)`` from its centre, cells."""
    side = scores.shape[-1]
    best = scores.reshape(len(scores), -1).argmax(-1)
    return jnp.stack([best % side, best // side], -1) - (side - 1) / 2


def miss(
    scores: Float[Array, "n side side"],
    positive: Bool[Array, " n"],
    radius: float = RADIUS,
    offsets: Float[Array, "n 2"] | None = None,
) -> Float[Array, ""]:
    """Share of the positive pairs whose highest score is not on the target."""
    from_target = peaks(scores) - (0.0 if offsets is None else offsets)
    far = jnp.sum(from_target**2, -1) > radius**2
    return (far & positive).sum() / jnp.maximum(positive.sum(), 1)


def _cells(batch: Pairs, net: Siamese) -> Float[Array, "n 2"] | None:
    """Where targets are from the middle of the score map, cells."""
    return None if batch.offset is None else batch.offset / stride(net.backbone)


def muted(params: PyTree, silent: Collection[str]) -> PyTree:
    """Parameters of MMNet without a half of its fine-grained network, or both.

    What the fusion gives such a half is set to zero. Without both, the fine-grained
    responses are zero, so that the tracker, which adds them, follows the others.

    Args:
      params: of a network; one without silent halves may be any.
      silent: of ``HALVES``.
    """
    if not silent:
        return params
    fuse = params["fanet"]["fuse"]
    wide = fuse["kernel"].shape[-1]
    keep = np.repeat([half not in silent for half in HALVES], wide)
    kernel = jnp.where(keep[:, None], fuse["kernel"], 0.0)
    bias = fuse["bias"] * bool(keep.any())
    fuse = {"kernel": kernel, "bias": bias}
    return params | {"fanet": params["fanet"] | {"fuse": fuse}}


def is_part(path: tuple[str, ...], parts: Collection[str]) -> bool:
    """Whether a parameter belongs to one of the parts.

    Args:
      path: names, without the collection.
      parts: such as ``'backbone/conv1'`` or ``'fanet'``.
    """
    heads = {"/".join(path[:length]) for length in range(1, len(path) + 1)}
    return not heads.isdisjoint(parts)


def held(before: PyTree, after: PyTree, parts: Collection[str]) -> PyTree:
    """Statistics after an update, but those of some parts before it."""
    old, new = flatten_dict(before), flatten_dict(after)
    kept = {path: old[path] if is_part(path, parts) else new[path] for path in new}
    return unflatten_dict(kept)


def siamese_task(
    net: Siamese,
    optimizer: optax.GradientTransformation,
    cropping: Cropping,
    *,
    weights: MultiTaskWeights = ALL_LOSSES,
    labelling: Labelling = "paper",
    silent: Collection[str] = (),
    frozen: Collection[str] = (),
    radius: float = RADIUS,
    accumulate: int = 1,
) -> Task:
    """The task of a Siamese network.

    Args:
      net: for training; its batch norms say where statistics come from.
      optimizer: of its parameters; that it leaves ``frozen`` ones is its business.
      cropping: of the pairs.
      weights: as for ``objective``.
      labelling: as for ``objective``.
      silent: as for ``objective``.
      frozen: as for ``objective``.
      radius: as for ``objective``.
      accumulate: as for ``supervised``; batch norms see a part of the batch.
    """

    def start(key):
        sides = cropping.exemplar, cropping.search
        return net.init(key, *(jnp.zeros((1, side, side, 3)) for side in sides))

    settings = {"silent": silent, "frozen": frozen, "radius": radius}
    learned = objective(net, weights, labelling, **settings)
    show = preview(net, radius)
    task = supervised(start, learned, optimizer, show, accumulate=accumulate)

    def variables(state):
        found = task.variables(state)
        return found | {"params": muted(found["params"], silent)}

    return task._replace(variables=variables)


def stride(backbone: AlexNet) -> int:
    """Pixels per cell of a deepest map; pooling follows inner layers only."""
    depth = len(backbone.widths)
    pools = (2 if depth > 1 else 1) * (backbone.second_pool if depth > 2 else 1)
    return backbone.first_stride * pools


def preview(net: Siamese, radius: float = RADIUS) -> Callable[[PyTree, Pairs], Preview]:
    """Predictions on pairs, as ``Task`` has them: of the search regions.

    In place of boxes, which pairs do not have, squares of the size of the positive
    label: at the target, none in a negative pair, and at the highest score.
    """
    judge = net.clone(backbone=net.backbone.clone(norm=FROZEN))
    cell = stride(net.backbone)

    def see(variables: PyTree, batch: Pairs) -> Preview:
        outputs: Any = judge.apply(variables, batch.exemplar, batch.search)
        scores = decisive(net, outputs)
        side = batch.search.shape[1]
        extent = cell * on_target(scores.shape[-1], radius).any(0).sum()

        def square(middles):
            corners = side / 2 + cell * middles - extent / 2
            return jnp.pad(corners, ((0, 0), (0, 2)), constant_values=extent)

        found = peaks(scores)
        offsets = _cells(batch, net)
        there = jnp.zeros_like(found) if offsets is None else offsets
        truth = jnp.where(batch.positive[:, None], there, jnp.nan)
        return Preview(
            batch.search, square(truth), square(found), _spread(scores, side // cell)
        )

    return see


def _spread(scores: Float[Array, "n h h"], cells: int) -> Float[Array, "n w w"]:
    """Maps as large as the region that they are a part of, lowest outside."""
    margin = max(0, (cells - scores.shape[-1]) // 2)
    low = scores.min((1, 2), keepdims=True)
    wide = jnp.pad(scores - low, ((0, 0), (margin, margin), (margin, margin)))
    return wide + low
