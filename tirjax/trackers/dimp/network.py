"""The learned parts of DiMP as plain functions of their variables.

A network is any Flax module with the parts ``backbone``, ``classifier`` and ``iou_net``
of ``tirjax.heads.networks.DimpNet``.
"""

from typing import Any, NamedTuple

from flax import linen as nn

from tirjax.backbones.resnet import normalise
from tirjax.typing import Array, Float, Int, PyTree

Modulation = tuple[Float[Array, "1 c3"], Float[Array, "1 c4"]]


class Maps(NamedTuple):
    """What the network sees in patches.

    Attributes:
      layer2: ``[n, h2, w2, c2]``, stride 8.
      layer3: ``[n, h, w, c3]``, stride 16.
      target: ``[n, h, w, c]``, features the filter works on.
    """

    layer2: Float[Array, "n h2 w2 c2"]
    layer3: Float[Array, "n h w c3"]
    target: Float[Array, "n h w c"]


def _apply(net: nn.Module, params: PyTree, run, *arguments) -> Any:
    """``run(network, *arguments)`` with the network's variables at hand."""
    return net.apply(params, *arguments, method=run)


def see(net: nn.Module, params: PyTree, patches: Float[Array, "n s s p"]) -> Maps:
    """Features of patches, pixels 0..255."""

    def run(m, x):
        maps = m.backbone(normalise(x))
        layer2, layer3 = (maps[k].astype(x.dtype) for k in ("layer2", "layer3"))
        return Maps(layer2, layer3, m.classifier.features(layer3))

    return _apply(net, params, run, patches)


def modulation(
    net: nn.Module, params: PyTree, maps: Maps, box: Float[Array, "4"]
) -> Modulation:
    """The target's appearance for the IoU-Net, from the first patch."""
    run = lambda m, *x: m.iou_net.modulation(*x)
    return _apply(net, params, run, maps.layer2[:1], maps.layer3[:1], box[None])


def overlaps(net: nn.Module, params: PyTree, maps: Maps, reference: Modulation):
    """A function from patch boxes ``[n, 4]`` to their predicted overlaps."""
    features = lambda m, *x: m.iou_net.features(*x)
    f3, f4 = _apply(net, params, features, maps.layer2, maps.layer3)
    run = lambda m, *x: m.iou_net.predict(*x)
    return lambda boxes: _apply(net, params, run, f3, f4, reference, boxes[None])[0]


def first_filter(
    net: nn.Module,
    params: PyTree,
    features: Float[Array, "n h w c"],
    boxes: Float[Array, "n 4"],
    steps: int,
) -> Float[Array, "f f c"]:
    """Predicts a filter and optimises it on equally weighted samples."""

    def run(m, features, boxes):
        filter = m.classifier.initial_filter(features, boxes)
        return m.classifier.optimise(features, boxes, filter, None, steps)[0]

    return _apply(net, params, run, features, boxes)


def better_filter(
    net: nn.Module,
    params: PyTree,
    samples: tuple[Float[Array, "n h w c"], Float[Array, "n 4"]],
    weights: Float[Array, " n"],
    filter: Float[Array, "f f c"],
    count: Int[Array, ""] | None,
    most: int,
) -> Float[Array, "f f c"]:
    """Optimises a filter for ``count`` steps, or ``most``, which is static."""

    def run(m, features, boxes):
        optimise = m.classifier.optimise
        return optimise(features, boxes, filter, weights, most, count)[0]

    return _apply(net, params, run, *samples)
