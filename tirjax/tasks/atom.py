"""Learning ATOM: the IoU-Net on a backbone that stands still.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.1.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from tirjax.backbones.resnet import normalise
from tirjax.data.training.samples import Examples
from tirjax.heads.networks import AtomNet
from tirjax.tasks import losses
from tirjax.tasks.base import Objective, Preview, Task, drawn, supervised
from tirjax.tasks.dimp import show
from tirjax.typing import Array, Float, PyTree


def forward(
    net: AtomNet, variables: PyTree, batch: Examples
) -> tuple[Float[Array, "q m p"], PyTree]:
    """Predicted overlaps of the proposals, and the statistics as they were left."""
    found, moved = net.apply(variables, batch, method=_look, mutable=["batch_stats"])
    return found, moved.get("batch_stats", {})


def _look(m, batch: Examples):
    count, frames = batch.test.shape[:2]
    flat = lambda x: x.reshape(-1, *x.shape[2:])
    levels = ("layer2", "layer3")

    def see(images):
        maps = m.backbone(normalise(images))
        return [jax.lax.stop_gradient(maps[name]) for name in levels]

    modulation = m.iou_net.modulation(*see(batch.train[:, 0]), batch.train_boxes[:, 0])
    features = m.iou_net.features(*see(flat(batch.test)))
    spread = [jnp.repeat(level, frames, axis=0) for level in modulation]
    overlaps = m.iou_net.predict(*features, spread, flat(batch.proposals))
    return overlaps.reshape(count, frames, -1)


def atom_task(
    net: AtomNet,
    optimizer: optax.GradientTransformation,
    *,
    start: PyTree = None,
    side: int = 288,
    accumulate: int = 1,
    average: float = 0.0,
) -> Task:
    """The task of ATOM's networks.

    Args:
      net: for training. With batch statistics the running ones of the backbone drift
        although its parameters stand still; the published weights did.
      optimizer: of its parameters; give ``'backbone'`` no learning rate.
      start: variables to start from; drawn by default.
      side: of the crops, pixels.
      accumulate: as for ``supervised``.
      average: as for ``supervised``.
    """

    settings = {"accumulate": accumulate, "average": average}
    begin = drawn(net, side, start)
    return supervised(begin, objective(net), optimizer, preview(net), **settings)


def objective(net: AtomNet) -> Objective:
    """What ``supervised`` minimises."""

    def value(variables: PyTree, batch: Examples):
        overlaps, stats = forward(net, variables, batch)
        error = losses.overlap_error(overlaps, batch.overlaps)
        return error, ({"loss_boxes": error}, stats)

    return value


def preview(net: AtomNet) -> Callable[[PyTree, Examples], Preview]:
    """Predictions on examples, as ``Task`` has them; ATOM's have no scores."""

    def see(variables: PyTree, batch: Examples) -> Preview:
        overlaps, _ = forward(net, variables, batch)
        return show(batch, overlaps, jnp.zeros((*batch.test.shape[:2], 0, 0)))

    return see
