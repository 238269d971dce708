"""PyTorch's names and layouts to Flax's, and back.

One rule, no tables. A key is split at its dots and every number is glued to the part
before it: ``layer1.0.conv1.weight`` is ``layer1_0/conv1/kernel``. Convolutions go from
(out, in, rows, columns) to (rows, columns, in, out), linear layers from (out, in) to
(in, out), batch norms to ``scale``, ``bias`` and the statistics ``mean``, ``var``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

StateDict = Mapping[str, np.ndarray]
Variables = dict[str, Any]

# What a key starts with in PyTorch -> the submodule here. A bare backbone has neither.
FAMILIES = {
    "dimp": {
        "feature_extractor": "backbone",
        "classifier": "classifier",
        "bb_regressor": "iou_net",
    },
    "atom": {"feature_extractor": "backbone", "bb_regressor": "iou_net"},
    "resnet": {},
}
# The last stage and the ImageNet classifier are in the files but are never run.
NEVER_RUN = re.compile(r"(feature_extractor\.)?(layer4|fc)\.")
# PyTorch flattens pooled features as (channels, rows, columns).
POOLED = {"fc3_rt.linear": 5, "fc4_rt.linear": 3}
STATISTICS = {"running_mean": "mean", "running_var": "var"}
COUNTER = "num_batches_tracked"


class Report(NamedTuple):
    """What became of the keys of a state dict.

    Attributes:
      mapped: keys that are now variables.
      unused: keys left behind, without the counters of the batch norms.
    """

    mapped: tuple[str, ...]
    unused: tuple[str, ...]


def to_variables(state_dict: StateDict, family: str) -> tuple[Variables, Report]:
    """Renames and transposes a state dict.

    Args:
      state_dict: PyTorch's names to arrays.
      family: ``'dimp'``, ``'atom'`` or ``'resnet'`` (a backbone alone).

    Returns:
      ``{"params": ..., "batch_stats": ...}``, float32, and what became of every key.
    """
    variables: Variables = {"params": {}, "batch_stats": {}}
    mapped, unused = [], []
    for key, value in state_dict.items():
        prefix, _, leaf = key.rpartition(".")
        path = None if NEVER_RUN.match(key) else _path(prefix, FAMILIES[family])
        if leaf == COUNTER:
            continue
        if path is None:
            unused.append(key)
            continue
        norm = f"{prefix}.running_mean" in state_dict
        collection = "batch_stats" if leaf in STATISTICS else "params"
        name, array = _leaf(prefix, leaf, np.asarray(value, np.float32), norm)
        node = variables[collection]
        for part in path:
            node = node.setdefault(part, {})
        node[name] = array
        mapped.append(key)
    return variables, Report(tuple(mapped), tuple(unused))


def to_state_dict(variables: Variables, family: str) -> dict[str, np.ndarray]:
    """Inverse of ``to_variables``; counters of batch norms are 0.

    Args:
      variables: ``{"params": ..., "batch_stats": ...}``.
      family: ``'dimp'``, ``'atom'`` or ``'resnet'``.

    Returns:
      PyTorch's names to arrays. What was never run is not in it.
    """
    tops = {ours: theirs for theirs, ours in FAMILIES[family].items()}
    norms = {path[:-1] for path, _ in leaves(variables.get("batch_stats", {}))}
    inverse = {"mean": "running_mean", "var": "running_var", "scale": "weight"}
    result = {}
    for collection in ("params", "batch_stats"):
        for path, value in leaves(variables.get(collection, {})):
            *modules, leaf = path
            if modules and modules[0] in tops:
                modules[0] = tops[modules[0]]
            prefix = ".".join(re.sub(r"_(?=\d+(_|$))", ".", m) for m in modules)
            value = np.asarray(value)
            if leaf == "kernel":
                leaf, value = "weight", _weight(prefix, value)
            result[f"{prefix}.{inverse.get(leaf, leaf)}"] = np.ascontiguousarray(value)
            if path[:-1] in norms:
                result[f"{prefix}.{COUNTER}"] = np.zeros((), np.int64)
    return result


def _path(prefix: str, tops: Mapping[str, str]) -> list[str] | None:
    """Names of the modules, or None where the family has no such network."""
    first, *rest = prefix.split(".")
    if tops:
        if first not in tops:
            return None
        first = tops[first]
    path = [first]
    for part in rest:
        if part.isdigit():
            path[-1] += f"_{part}"
        else:
            path.append(part)
    return path


def _leaf(prefix: str, leaf: str, value: np.ndarray, norm: bool):
    """Name and layout of one array here."""
    if leaf in STATISTICS:
        return STATISTICS[leaf], value
    if leaf == "weight" and norm:
        return "scale", value
    if leaf == "weight" and value.ndim == 4:
        return "kernel", np.ascontiguousarray(value.transpose(2, 3, 1, 0))
    if leaf == "weight" and value.ndim == 2:
        for name, side in POOLED.items():
            if prefix.endswith(name):
                pooled = value.reshape(len(value), -1, side, side)
                value = pooled.transpose(0, 2, 3, 1).reshape(len(value), -1)
        return "kernel", np.ascontiguousarray(value.T)
    return leaf, value


def _weight(prefix: str, kernel: np.ndarray) -> np.ndarray:
    """Layout of a kernel in PyTorch."""
    if kernel.ndim == 4:
        return kernel.transpose(3, 2, 0, 1)
    weight = kernel.T
    for name, side in POOLED.items():
        if prefix.endswith(name):
            pooled = weight.reshape(len(weight), side, side, -1)
            weight = pooled.transpose(0, 3, 1, 2).reshape(len(weight), -1)
    return weight


def leaves(tree: Mapping, path: tuple[str, ...] = ()) -> Iterator[tuple]:
    """Every array of a tree with the names on the way to it."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value
