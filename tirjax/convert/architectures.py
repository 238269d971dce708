"""Which arrays each published network consists of, and which network a file holds."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from tirjax.convert.rename import COUNTER, NEVER_RUN, STATISTICS
from tirjax.data.sequence import DataError

Shape = tuple[int, ...]


class Architecture(NamedTuple):
    """A network as published.

    Attributes:
      family: its key to ``rename.FAMILIES``.
      depth: layers of its ResNet.
    """

    family: str
    depth: int


ARCHITECTURES = {
    "dimp18": Architecture("dimp", 18),
    "dimp50": Architecture("dimp", 50),
    "super_dimp": Architecture("dimp", 50),
    "atom": Architecture("atom", 18),
    "resnet18": Architecture("resnet", 18),
    "resnet50": Architecture("resnet", 50),
}
BLOCKS = {18: (2, 2, 2), 50: (3, 4, 6)}
BASE = {
    ("dimp", 18): "dimp18",
    ("dimp", 50): "dimp50",
    ("atom", 18): "atom",
    ("resnet", 18): "resnet18",
    ("resnet", 50): "resnet50",
}


def shapes(architecture: str) -> dict[str, Shape]:
    """PyTorch's names and shapes of every array that is run, counters excepted."""
    family, depth = ARCHITECTURES[architecture]
    if family == "resnet":
        return dict(_resnet(depth))
    parts = {"feature_extractor": _resnet(depth), "bb_regressor": _iou_net(depth)}
    if family == "dimp":
        parts["classifier"] = _classifier(depth)
    return {f"{top}.{key}": s for top, part in parts.items() for key, s in part}


def recognise(state_dict: Mapping[str, np.ndarray]) -> str:
    """The architecture whose names these are.

    Returns:
      A name in ``ARCHITECTURES``; SuperDiMP's arrays are DiMP-50's: ``'dimp50'``.

    Raises:
      DataError: none of them.
    """
    tops = {key.partition(".")[0] for key in state_dict}
    if "bb_regressor" in tops and "feature_extractor" in tops:
        family, prefix = ("dimp" if "classifier" in tops else "atom"), 1
    elif {"conv1", "bn1", "layer1", "layer3"} <= tops:
        family, prefix = "resnet", 0
    else:
        some = ", ".join(sorted(tops)[:4])
        raise DataError(
            f"holds another network (its parts: {some}); "
            f"known are {', '.join(ARCHITECTURES)}"
        )
    bottleneck = "feature_extractor." * prefix + "layer1.0.conv3.weight"
    name = BASE.get((family, 50 if bottleneck in state_dict else 18))
    if name is None:
        raise DataError("is an ATOM with ResNet-50; only ResNet-18 was published")
    return name


def check(state_dict: Mapping[str, np.ndarray], architecture: str) -> None:
    """Holds a state dict to an architecture.

    Raises:
      DataError: arrays are missing, have other shapes, or are too many.
    """
    want = shapes(architecture)
    have = {
        key: np.shape(value)
        for key, value in state_dict.items()
        if not NEVER_RUN.match(key) and not key.endswith(COUNTER)
    }
    tops = {key.partition(".")[0] for key in want}
    findings = {
        "missing": [k for k in want if k not in have],
        "of another shape": [k for k in want if k in have and have[k] != want[k]],
        "too many": [k for k in have if k not in want and k.partition(".")[0] in tops],
    }
    for what, keys in findings.items():
        if keys:
            raise DataError(
                f"not {architecture}: {len(keys)} of {len(want)} arrays {what}, "
                f"first {keys[0]}; choose another --architecture or file"
            )


def _norm(name: str, channels: int) -> Iterator[tuple[str, Shape]]:
    for leaf in ("weight", "bias", *STATISTICS):
        yield f"{name}.{leaf}", (channels,)


def _resnet(depth: int) -> Iterator[tuple[str, Shape]]:
    yield "conv1.weight", (64, 3, 7, 7)
    yield from _norm("bn1", 64)
    before = 64
    for stage, blocks in enumerate(BLOCKS[depth]):
        width = 64 << stage
        kernels = [(width, 3), (width, 3)]
        if depth == 50:
            kernels = [(width, 1), (width, 3), (4 * width, 1)]
        after = kernels[-1][0]
        for block in range(blocks):
            name, channels = f"layer{stage + 1}.{block}", before
            for i, (out, side) in enumerate(kernels, 1):
                yield f"{name}.conv{i}.weight", (out, channels, side, side)
                yield from _norm(f"{name}.bn{i}", out)
                channels = out
            if block == 0 and before != after:
                yield f"{name}.downsample.0.weight", (after, before, 1, 1)
                yield from _norm(f"{name}.downsample.1", after)
            before = after


def _classifier(depth: int) -> Iterator[tuple[str, Shape]]:
    c = 256 if depth == 18 else 512
    yield "filter_initializer.filter_conv.weight", (c, c, 3, 3)
    yield "filter_initializer.filter_conv.bias", (c,)
    yield "filter_optimizer.log_step_length", (1,)
    yield "filter_optimizer.filter_reg", (1,)
    for name in ("label_map", "target_mask", "spatial_weight"):
        inner = ".0" if name == "target_mask" else ""
        yield f"filter_optimizer.{name}_predictor{inner}.weight", (1, 100, 1, 1)
    if depth == 50:
        yield "feature_extractor.0.weight", (c, 1024, 3, 3)
        return
    for i in (1, 2):
        yield f"feature_extractor.0.conv{i}.weight", (c, c, 3, 3)
        yield from _norm(f"feature_extractor.0.bn{i}", c)
    yield "feature_extractor.1.weight", (c, c, 3, 3)


def _iou_net(depth: int) -> Iterator[tuple[str, Shape]]:
    layer2, layer3 = (128, 256) if depth == 18 else (512, 1024)
    convolutions = {
        "conv3_1r": (128, layer2, 3, 3),
        "conv3_1t": (256, layer2, 3, 3),
        "conv3_2t": (256, 256, 3, 3),
        "fc3_1r": (256, 128, 3, 3),
        "conv4_1r": (256, layer3, 3, 3),
        "conv4_1t": (256, layer3, 3, 3),
        "conv4_2t": (256, 256, 3, 3),
        "fc34_3r": (256, 512, 1, 1),
        "fc34_4r": (256, 512, 1, 1),
    }
    for name, shape in convolutions.items():
        yield f"{name}.0.weight", shape
        yield f"{name}.0.bias", shape[:1]
        yield from _norm(f"{name}.1", shape[0])
    for name, side in (("fc3_rt", 5), ("fc4_rt", 3)):
        yield f"{name}.linear.weight", (256, 256 * side * side)
        yield f"{name}.linear.bias", (256,)
        yield from _norm(f"{name}.bn", 256)
    yield "iou_predictor.weight", (1, 512)
    yield "iou_predictor.bias", (1,)
