"""Names of pix2pix's and CycleGAN's parameters in PyTorch, and ours.

The networks are PyTorch ``Sequential``s, so a name is a position: rules count layers.
Kernels go from (out, in, rows, columns) to (rows, columns, in, out); those of
transposed convolutions, (in, out, rows, columns), by the same exchange of axes to
(rows, columns, out, in), which is what ours keep.

Source: the released pytorch-CycleGAN-and-pix2pix and its copy of early 2018 inside the
code of Zhang et al., Synthetic data generation for end-to-end thermal infrared
tracking, TIP 2019.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tirjax.convert.rename import STATISTICS

Family = Literal["unet", "resnet", "patch", "pixel"]
LEAVES = {"weight": "scale", "bias": "bias", **STATISTICS}


class Network(NamedTuple):
    """Everything that the names and shapes of a file tell.

    Attributes:
      family: of its layers.
      depth: levels of a U-Net, blocks of a ResNet, layers of a PatchGAN between the
        first and the last; 1 for single pixels.
      norm: ``'batch'``, ``'instance'``, ``'instance_tracked'`` or ``'none'``.
      inputs: channels.
      outputs: channels.
      width: channels of the first layer.
      dropout: whether dropout layers shift the positions in a ResNet; elsewhere False.
    """

    family: Family
    depth: int
    norm: str
    inputs: int
    outputs: int
    width: int
    dropout: bool = False


class Layer(NamedTuple):
    """A convolution or a norm.

    Attributes:
      theirs: prefix of its keys in PyTorch.
      ours: path of its module, parts divided by ``/``.
      shape: of the kernel in PyTorch; of a norm, its channels.
      leaves: names of its arrays in PyTorch, counters excepted.
    """

    theirs: str
    ours: str
    shape: tuple[int, ...]
    leaves: tuple[str, ...]


def layers(network: Network) -> list[Layer]:
    """The layers that hold arrays; the two directions of renaming read this."""
    rule = {"unet": _unet, "resnet": _resnet, "patch": _patch, "pixel": _pixel}
    found = rule[network.family](network)
    return [layer for layer in found if layer.leaves]


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """PyTorch's names and shapes of all arrays, counters excepted."""
    found = {}
    for layer in layers(network):
        transposed = ".up_" in f".{layer.ours}"
        channels = layer.shape[1 if transposed and len(layer.shape) == 4 else 0]
        for leaf in layer.leaves:
            kernel = leaf == "weight" and len(layer.shape) == 4
            found[f"{layer.theirs}.{leaf}"] = layer.shape if kernel else (channels,)
    return found


def _conv(network, theirs, ours, shape, bias=None):
    """A convolution; by default the norm after it decides about a bias."""
    bias = network.norm.startswith("instance") if bias is None else bias
    return Layer(theirs, ours, shape, ("weight", "bias") if bias else ("weight",))


def _norm(network, theirs, ours, width):
    leaves = {"batch": tuple(LEAVES), "instance_tracked": tuple(STATISTICS)}
    return Layer(theirs, ours, (width,), leaves.get(network.norm, ()))


def _unet(network: Network) -> Iterator[Layer]:
    """Levels contain each other: outermost, middle ones, innermost."""
    widths = [network.width * min(2**level, 8) for level in range(network.depth)]
    prefix, last = "model.model", network.depth - 1
    for level, width in enumerate(widths):
        down, up = (0, 3) if level == 0 else (1, 3 if level == last else 5)
        before = widths[level - 1] if level else network.inputs
        after = widths[level - 1] if level else network.outputs
        # All but the innermost level also get what comes back from inside.
        inside = width if level == last else 2 * width
        shape = (width, before, 4, 4)
        yield _conv(network, f"{prefix}.{down}", f"down_{level}", shape)
        if 0 < level < last:
            yield _norm(network, f"{prefix}.2", f"down_norm_{level}", width)
        shape, always = (inside, after, 4, 4), True if level == 0 else None
        yield _conv(network, f"{prefix}.{up}", f"up_{level}", shape, always)
        if level:
            yield _norm(network, f"{prefix}.{up + 1}", f"up_norm_{level}", after)
        prefix += ".1.model" if level == 0 else ".3.model"


def _resnet(network: Network) -> Iterator[Layer]:
    """Padding, norms and activations are counted as well."""
    w, n = network.width, network.depth
    yield _conv(network, "model.1", "stem", (w, network.inputs, 7, 7))
    yield _norm(network, "model.2", "stem_norm", w)
    for i in range(2):
        at, wide = 4 + 3 * i, 2 * w << i
        yield _conv(network, f"model.{at}", f"down_{i}", (wide, wide // 2, 3, 3))
        yield _norm(network, f"model.{at + 1}", f"down_norm_{i}", wide)
    second = 6 if network.dropout else 5
    for block in range(n):
        theirs, ours = f"model.{10 + block}.conv_block", f"block_{block}"
        for i, at in enumerate((1, second), 1):
            kernel = (4 * w, 4 * w, 3, 3)
            yield _conv(network, f"{theirs}.{at}", f"{ours}/conv{i}", kernel)
            yield _norm(network, f"{theirs}.{at + 1}", f"{ours}/norm{i}", 4 * w)
    for i in range(2):
        at, wide = 10 + n + 3 * i, 4 * w >> i
        yield _conv(network, f"model.{at}", f"up_{i}", (wide, wide // 2, 3, 3))
        yield _norm(network, f"model.{at + 1}", f"up_norm_{i}", wide // 2)
    head = (network.outputs, w, 7, 7)
    yield _conv(network, f"model.{17 + n}", "head", head, bias=True)


def _patch(network: Network) -> Iterator[Layer]:
    """Convolution, norm, activation; the first has no norm."""
    width = network.width
    shape = (width, network.inputs, 4, 4)
    yield _conv(network, "model.0", "conv_0", shape, bias=True)
    for i in range(1, network.depth + 1):
        before, width = width, network.width * min(2**i, 8)
        at, shape = 3 * i - 1, (width, before, 4, 4)
        yield _conv(network, f"model.{at}", f"conv_{i}", shape)
        yield _norm(network, f"model.{at + 1}", f"norm_{i}", width)
    at, shape = 3 * network.depth + 2, (network.outputs, width, 4, 4)
    yield _conv(network, f"model.{at}", f"conv_{network.depth + 1}", shape, bias=True)


def _pixel(network: Network) -> Iterator[Layer]:
    w = network.width
    yield _conv(network, "net.0", "conv_0", (w, network.inputs, 1, 1), bias=True)
    yield _conv(network, "net.2", "conv_1", (2 * w, w, 1, 1))
    yield _norm(network, "net.3", "norm_1", 2 * w)
    yield _conv(network, "net.5", "conv_2", (network.outputs, 2 * w, 1, 1))
