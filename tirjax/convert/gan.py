"""Generators and discriminators of pix2pix and CycleGAN to variables, and back.

Depth, channels and norm are read from names and shapes; nothing has to be told. Files
differ in the first part of their names, in the statistics of their instance norms and,
with dropout, in the positions inside residual blocks: all of them are taken.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tirjax.convert import torch_zip
from tirjax.convert.gan_names import LEAVES, Family, Layer, Network, layers, shapes
from tirjax.convert.pytorch import Converted
from tirjax.convert.rename import COUNTER, STATISTICS, Report, StateDict, Variables
from tirjax.convert.rename import leaves as every_leaf
from tirjax.convert.unpickle import Tensor
from tirjax.data.sequence import DataError

# Keeps the running statistics of instance norms, which are dropped without it.
TRACKED = "_tracked"
# Sizes that were published have a name of their own; others are, say, pix2pix_unet9.
_SIZES = {("unet", 7): "pix2pix_unet128", ("unet", 8): "pix2pix_unet256"}
_FAMILIES = {
    "unet": "pix2pix_unet{}",
    "resnet": "cyclegan_resnet{}",
    "patch": "patch_gan{}",
    "pixel": "pixel_gan",
}
NAMES = (
    "pix2pix_unet128",
    "pix2pix_unet256",
    "cyclegan_resnet6",
    "cyclegan_resnet9",
    f"cyclegan_resnet6{TRACKED}",
    f"cyclegan_resnet9{TRACKED}",
    "patch_gan3",
    "pixel_gan",
)


class Renamed(NamedTuple):
    """A state dict read.

    Attributes:
      variables: ``{"params": ..., "batch_stats": ...}``, float32.
      network: what it is.
      report: what became of its keys.
    """

    variables: Variables
    network: Network
    report: Report


def name(network: Network) -> str:
    """Of the architecture."""
    base = _SIZES.get(network[:2]) or _FAMILIES[network.family].format(network.depth)
    return base + TRACKED if network.norm == "instance_tracked" else base


def holds(path: Path) -> bool:
    """Whether a file looks like one of these networks, by the names in it.

    Raises:
      DataError: not a PyTorch checkpoint, or a damaged one.
    """
    with torch_zip.opened(path) as tree:
        keys = _tensors(tree)
        return any(_family(spelled) for spelled in _spellings(keys))


def convert(path: Path, architecture: str | None = None) -> Converted:
    """Reads a checkpoint without running anything in it.

    Args:
      path: file of ``torch.save``, one network.
      architecture: what it must be, one of ``NAMES``; ending in ``_tracked``, running
        statistics of instance norms are kept. By default what the names say.

    Raises:
      DataError: not a checkpoint, damaged, or another network.
    """
    with torch_zip.opened(path) as tree:
        state = {key: tensor.numpy() for key, tensor in _tensors(tree).items()}
    tracked = architecture is not None and architecture.endswith(TRACKED)
    try:
        got = to_variables(state, tracked=tracked)
        found = name(got.network)
        if architecture not in (None, found):
            raise DataError(f"is a {found}, not a {architecture}; ask for that")
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    n = got.network
    reason = (
        f"from the names and shapes of its arrays: {n.inputs} to {n.outputs} channels, "
        f"norm {n.norm}"
    )
    return Converted(got.variables, found, reason, got.report, ())


def to_variables(state_dict: StateDict, *, tracked: bool = False) -> Renamed:
    """Renames and transposes a state dict.

    Args:
      state_dict: PyTorch's names to arrays.
      tracked: whether running statistics of instance norms are kept. Code before and
        after mid-2018 ignores them.

    Raises:
      DataError: none of these networks, or a part of one.
    """
    originals, network = _recognised(state_dict)
    keep = network
    if network.norm == "instance_tracked" and not tracked:
        keep = network._replace(norm="instance")
    variables: Variables = {"params": {}, "batch_stats": {}}
    mapped = []
    for layer in layers(keep):
        for leaf in layer.leaves:
            key = originals[f"{layer.theirs}.{leaf}"]
            value = np.asarray(state_dict[key], np.float32)
            collection = "batch_stats" if leaf in STATISTICS else "params"
            node = variables[collection]
            for part in layer.ours.split("/"):
                node = node.setdefault(part, {})
            node[_leaf(layer, leaf)] = _exchanged(value, (2, 3, 1, 0))
            mapped.append(key)
    counters = {k for k in state_dict if k.endswith(COUNTER)}
    unused = [k for k in state_dict if k not in {*mapped, *counters}]
    return Renamed(variables, keep, Report(tuple(mapped), tuple(unused)))


def to_state_dict(variables: Variables, network: Network) -> dict[str, np.ndarray]:
    """Inverse of ``to_variables``; counters of tracked norms are 0.

    Args:
      variables: ``{"params": ..., "batch_stats": ...}``.
      network: what they are of.
    """
    arrays = {}
    for collection in ("params", "batch_stats"):
        for path, value in every_leaf(variables.get(collection, {})):
            arrays["/".join(path)] = np.asarray(value)
    result = {}
    for layer in layers(network):
        for leaf in layer.leaves:
            value = arrays[f"{layer.ours}/{_leaf(layer, leaf)}"]
            result[f"{layer.theirs}.{leaf}"] = _exchanged(value, (3, 2, 0, 1))
        if set(STATISTICS) <= {*layer.leaves}:
            result[f"{layer.theirs}.{COUNTER}"] = np.zeros((), np.int64)
    return result


def _leaf(layer: Layer, leaf: str) -> str:
    """Name of an array of a layer here."""
    return "kernel" if leaf == "weight" and len(layer.shape) == 4 else LEAVES[leaf]


def _exchanged(value: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.ascontiguousarray(value.transpose(axes) if value.ndim == 4 else value)


def _tensors(tree) -> dict[str, Tensor]:
    """The tensors of a file by name, a wrapper around them taken off."""
    inside = tree.get("state_dict") if isinstance(tree, Mapping) else None
    net = inside if isinstance(inside, Mapping) else tree
    if not isinstance(net, Mapping):
        return {}
    return {
        k: v for k, v in net.items() if isinstance(k, str) and isinstance(v, Tensor)
    }


def _spellings(state_dict: Mapping) -> Iterator[dict[str, str]]:
    """Ways to read the keys, each from the new to the one in the file.

    ``DataParallel`` puts ``module.`` before them; the loader of the published code
    cuts the first part off, so people saved files with one ``model.`` less or more.
    """
    bare = {key.removeprefix("module."): key for key in state_dict}
    yield bare
    yield {f"model.{key}": original for key, original in bare.items()}
    yield {key.removeprefix("model."): original for key, original in bare.items()}


def _recognised(state_dict: StateDict) -> tuple[dict[str, str], Network]:
    """The spelling that fits and the network, or the error of the first one near it."""
    problem = ""
    for originals in _spellings(state_dict):
        have = {
            new: np.shape(state_dict[old])
            for new, old in originals.items()
            if not new.endswith(COUNTER)
        }
        network = _guessed(have)
        if network is None:
            continue
        wrong = _difference(have, shapes(network))
        if not wrong:
            return originals, network
        problem = problem or f"looks like a {name(network)}, but {wrong}"
    if problem:
        raise DataError(f"{problem}; give the file of another network, or all of this")
    some = ", ".join(sorted(state_dict)[:3])
    raise DataError(
        f"not one of the translators {', '.join(NAMES)}: {len(state_dict)} arrays, "
        f"such as {some}"
    )


def _difference(have: Mapping, want: Mapping) -> str:
    """What is wrong with the arrays of a file; empty if nothing is."""
    findings = {
        "missing": [k for k in want if k not in have],
        "of another shape": [k for k in want if k in have and have[k] != want[k]],
        "too many": [k for k in have if k not in want],
    }
    for what, keys in findings.items():
        if keys:
            return f"{len(keys)} of {len(want)} arrays are {what}, first {keys[0]}"
    return ""


def _family(keys: Mapping[str, object]) -> Family | None:
    """The family that a few characteristic names belong to."""
    if "model.model.0.weight" in keys:
        return "unet"
    if "model.1.weight" in keys and any(".conv_block." in key for key in keys):
        return "resnet"
    if {"net.0.weight", "net.2.weight", "net.5.weight"} <= keys.keys():
        return "pixel"
    if {"model.0.weight", "model.2.weight", "model.5.weight"} <= keys.keys():
        return "patch"
    return None


_DEEPER = re.compile(r"(model\.model(?:\.1\.model(?:\.3\.model)*)?)\.[01]\.weight")
_BLOCK = re.compile(r"model\.\d+\.conv_block\.1\.weight")


def _guessed(have: Mapping[str, tuple[int, ...]]) -> Network | None:
    """Reads the settings of a network off some of its arrays."""
    family = _family(have)
    if family is None:
        return None
    match family:
        case "unet":
            depth = len([key for key in have if _DEEPER.fullmatch(key)])
            first, last, before = "model.model.0", "model.model.3", "1.model.1"
            before = f"model.model.{before}"
        case "resnet":
            depth = len([key for key in have if _BLOCK.fullmatch(key)])
            first, last, before = "model.1", f"model.{17 + depth}", "model.4"
        case "patch":
            depth = sum(len(s) == 4 for s in have.values()) - 2
            first, last, before = "model.0", f"model.{3 * depth + 2}", "model.2"
        case "pixel":
            depth, first, last, before = 1, "net.0", "net.5", "net.2"
    width, inputs = (*have[f"{first}.weight"], 0, 0)[:2]
    # A transposed convolution has its outputs second.
    ends = (*have.get(f"{last}.weight", ()), 0, 0)
    return Network(
        family,
        depth,
        _norm_kind(have, f"{before}.bias"),
        inputs,
        ends[1 if family == "unet" else 0],
        width,
        dropout=len(have.get("model.10.conv_block.6.weight", ())) == 4,
    )


def _norm_kind(have: Mapping[str, tuple[int, ...]], bias: str) -> str:
    """A norm shows in its own arrays or in the biases of the layers before it."""
    means = [k for k in have if k.endswith(".running_mean")]
    if any(k.replace("running_mean", "weight") in have for k in means):
        return "batch"
    if means:
        return "instance_tracked"
    return "instance" if bias in have else "none"
