"""Learning DiMP: the classifier through its own optimiser, and the IoU-Net beside it.

SuperDiMP is the same with its box regression by densities.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019,
section 3.3; Danelljan et al., Probabilistic Regression for Visual Tracking, CVPR 2020.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from tirjax.backbones.resnet import normalise
from tirjax.data.training.samples import Examples
from tirjax.heads.networks import DimpNet
from tirjax.ops.target_filter import score_map
from tirjax.tasks import losses
from tirjax.tasks.base import Objective, Preview, Task, drawn, supervised
from tirjax.typing import Array, Float, PyTree


@dataclasses.dataclass(frozen=True)
class Weights:
    """How much each loss counts.

    Attributes:
      final: classification error of the last filter.
      first: of the filter before any optimisation.
      between: of the filters between, mean over them.
      boxes: error of the IoU-Net.
      kind: of that error; ``'overlap'`` regresses, ``'density'`` is SuperDiMP's.
      steps: of the optimiser in training.
    """

    final: float = 100.0
    first: float = 100.0
    between: float = 400.0
    boxes: float = 1.0
    kind: Literal["overlap", "density"] = "overlap"
    steps: int = 5


DIMP = Weights()
SUPER_DIMP = Weights(boxes=0.01, kind="density")


class Outputs(NamedTuple):
    """What the network says about a batch.

    Attributes:
      scores: ``[t, q, m, f, f]`` of every filter on the test crops.
      overlaps: ``[q, m, p]`` predicted for the proposals.
      stats: batch statistics as the forward pass left them.
    """

    scores: Float[Array, "t q m f f"]
    overlaps: Float[Array, "q m p"]
    stats: PyTree


def forward(net: DimpNet, variables: PyTree, batch: Examples, steps: int) -> Outputs:
    """Learns filters on the train crops, judges test crops and proposals.

    Args:
      net: with batch norms for training or not.
      variables: of the network.
      batch: with a leading axis of sequences. Images are normalised here.
      steps: of the optimiser.
    """
    found, moved = net.apply(variables, batch, method=_look, mutable=["batch_stats"])
    train, test, overlaps = found
    learn = lambda features, boxes: net.apply(
        variables,
        features,
        boxes,
        method=lambda m, *x: m.classifier.iterates(*x, steps),
    )
    filters: Any = jax.vmap(learn)(train, batch.train_boxes)
    judge: Any = jax.vmap(jax.vmap(score_map, (None, 0)))
    scores = jnp.moveaxis(judge(test, filters), 1, 0)
    return Outputs(scores, overlaps, moved.get("batch_stats", {}))


def _look(m, batch: Examples):
    """Classification features of both kinds of crops, and predicted overlaps."""
    count, frames = batch.test.shape[:2]
    flat = lambda x: x.reshape(-1, *x.shape[2:])
    # One pass each: in training, batch statistics are of one kind of crops.
    reference = m.backbone(normalise(flat(batch.train)))
    seen = m.backbone(normalise(flat(batch.test)))
    train, test = (m.classifier.features(maps["layer3"]) for maps in (reference, seen))
    fold = lambda x: x.reshape(count, -1, *x.shape[1:])
    firsts = [fold(reference[name])[:, 0] for name in ("layer2", "layer3")]
    modulation = m.iou_net.modulation(*firsts, batch.train_boxes[:, 0])
    features = m.iou_net.features(seen["layer2"], seen["layer3"])
    spread = [jnp.repeat(level, frames, axis=0) for level in modulation]
    overlaps = m.iou_net.predict(*features, spread, flat(batch.proposals))
    return fold(train), fold(test), fold(overlaps)


def loss(outputs: Outputs, batch: Examples, weights: Weights = DIMP):
    """Weighted sum of all errors, and each of them; one of weight 0 is left out."""
    errors = jax.vmap(losses.hinged_error, (0, None))(outputs.scores, batch.labels)
    if weights.kind == "overlap":
        boxes = losses.overlap_error(outputs.overlaps, batch.overlaps)
    else:
        boxes = losses.divergence(
            outputs.overlaps, batch.log_density, batch.target_density
        )
    terms = {
        "boxes": (weights.boxes, boxes),
        "final": (weights.final, errors[-1]),
        "first": (weights.first, errors[0]),
        "between": (weights.between, errors[1:-1].mean()),
    }
    parts = {f"loss_{k}": weight * e for k, (weight, e) in terms.items() if weight}
    return jnp.stack(list(parts.values())).sum(), parts


def objective(net: DimpNet, weights: Weights) -> Objective:
    """What ``supervised`` minimises.

    Args:
      net: for training; its batch norms say where statistics come from.
      weights: of the losses.
    """

    def value(variables: PyTree, batch: Examples) -> tuple[Array, Any]:
        outputs = forward(net, variables, batch, weights.steps)
        total, parts = loss(outputs, batch, weights)
        return total, (parts, outputs.stats)

    return value


def dimp_task(
    net: DimpNet,
    optimizer: optax.GradientTransformation,
    weights: Weights = DIMP,
    *,
    start: PyTree = None,
    side: int = 288,
    accumulate: int = 1,
    average: float = 0.0,
) -> Task:
    """The task of a DiMP network.

    Args:
      net: for training; its batch norms say where statistics come from.
      optimizer: of its parameters.
      weights: of the losses.
      start: variables to start from; drawn by default.
      side: of the crops, pixels.
      accumulate: as for ``supervised``.
      average: as for ``supervised``.
    """

    settings = {"accumulate": accumulate, "average": average}
    begin = drawn(net, side, start)
    look = preview(net, weights.steps)
    return supervised(begin, objective(net, weights), optimizer, look, **settings)


def preview(net: DimpNet, steps: int) -> Callable[[PyTree, Examples], Preview]:
    """Predictions on examples, as ``Task`` has them."""

    def see(variables: PyTree, batch: Examples) -> Preview:
        outputs = forward(net, variables, batch, steps)
        return show(batch, outputs.overlaps, outputs.scores[-1])

    return see


def show(
    batch: Examples,
    overlaps: Float[Array, "q m p"],
    scores: Float[Array, "q m f f"],
) -> Preview:
    """The first test crop of every sequence with the proposal rated best."""
    best = overlaps[:, 0].argmax(-1)[:, None, None]
    found = jnp.take_along_axis(batch.proposals[:, 0], best, 1)[:, 0]
    return Preview(batch.test[:, 0], batch.test_boxes[:, 0], found, scores[:, 0])
