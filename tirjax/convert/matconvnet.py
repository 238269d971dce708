"""Networks of MatConvNet, SimpleNN or DagNN, as named arrays.

Arrays keep MatConvNet's axes. Filters of a convolution are (rows, columns, in / groups,
out), which is Flax's order; a transposed convolution's are (rows, columns, out, in).
Biases, and scale and shift of a batch norm, are (channels, 1), its moments (channels,
2): mean, and root of variance + 1e-5. MATLAB drops ones at the end of a shape, so that
one filter of one channel is (rows, columns): ``shaped`` puts them back.

A DagNN names its parameters. Those of a SimpleNN are named as MatConvNet does when it
turns one into the other: the layer's name and ``f``, ``b``, and for a batch norm ``m``,
``b``, ``x``.

Source: Vedaldi and Lenc, MatConvNet: Convolutional Neural Networks for MATLAB, ACM
Multimedia 2015, and its manual.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tirjax.convert import matfile
from tirjax.convert.matfile import Opaque
from tirjax.data.sequence import DataError

SIMPLENN, DAGNN, ARRAYS = "SimpleNN", "DagNN", "arrays"
SUFFIXES = {"bnorm": "mbx"}


class Layer(NamedTuple):
    """One layer, in the order of the file.

    Attributes:
      name: of the layer.
      type: ``conv`` in a SimpleNN, ``dagnn.Conv`` in a DagNN.
      params: names of its arrays.
      settings: stride, padding and the like, as the file has them.
    """

    name: str
    type: str
    params: tuple[str, ...]
    settings: Mapping[str, Any]


class Network(NamedTuple):
    """A network read from a file.

    Attributes:
      kind: ``SIMPLENN``, ``DAGNN``, or ``ARRAYS`` for a file of bare matrices.
      arrays: parameter to array, MatConvNet's axes.
      layers: empty for bare matrices.
      meta: what the file says about the network.
      ignored: what was not read, a line each.
    """

    kind: str
    arrays: dict[str, np.ndarray]
    layers: tuple[Layer, ...]
    meta: Mapping[str, Any]
    ignored: tuple[str, ...]


def read(path: Path) -> Network:
    """Reads a network without running anything in the file.

    Args:
      path: .mat file with a struct ``net``, as MatConvNet saves it, or with matrices.

    Raises:
      DataError: no .mat file, a damaged one, or no network in it.
    """
    # A training's file holds the solver as well, which is as large as the network.
    tree = matfile.read(path, ("net",)) or matfile.read(path)
    try:
        return _network(tree)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def shaped(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The array with the ones that MATLAB drops or adds at the end of a shape.

    Args:
      array: as read.
      shape: as meant.

    Raises:
      DataError: it differs by more than ones at the end.
    """
    if _without_ones(array.shape) != _without_ones(shape):
        raise DataError(f"has shape {array.shape}, not {shape}")
    return array.reshape(shape)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the ones at its end."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _network(tree: Mapping[str, Any]) -> Network:
    net = tree.get("net")
    if net is None:
        return _bare(tree)
    if isinstance(net, Opaque):
        raise DataError(
            f"net is {net.what}, whose class would have to be run; in MATLAB, "
            "save net.saveobj() instead"
        )
    if not isinstance(net, Mapping) or "layers" not in net:
        raise DataError("net is no network of MatConvNet: it has no layers")
    read_net = _dagnn if "params" in net else _simplenn
    return read_net(net)


def _bare(tree: Mapping[str, Any]) -> Network:
    """A file of matrices, each by the name of its variable."""
    arrays = {k: v for k, v in tree.items() if isinstance(v, np.ndarray)}
    if not arrays:
        raise DataError("holds no network: neither net nor any matrix")
    ignored = [f"{k}: {_what(v)}" for k, v in tree.items() if k not in arrays]
    return Network(ARRAYS, arrays, (), {}, tuple(ignored))


def _simplenn(net: Mapping[str, Any]) -> Network:
    arrays: dict[str, np.ndarray] = {}
    layers, ignored = [], _opaque(net, "net")
    for i, entry in enumerate(_items(net["layers"], "net.layers")):
        where = f"layer {i + 1}"
        name, kind = _text(entry, "name", where), _text(entry, "type", where)
        weights = _weights(entry, name)
        suffixes = SUFFIXES.get(kind, "fbx")
        if len(weights) > len(suffixes):
            raise DataError(f"layer {name}: {len(weights)} arrays, not at most 3")
        mine = {f"{name}{s}": w for s, w in zip(suffixes, weights, strict=False)}
        if twice := mine.keys() & arrays.keys():
            raise DataError(f"two layers have the name of {', '.join(sorted(twice))}")
        for key, value in mine.items():
            arrays[key] = _array(value, key)
        ignored += _opaque(entry, f"layer {name}")
        beside = ("name", "type", "weights", "filters", "biases")
        settings = {k: v for k, v in entry.items() if k not in beside}
        layers.append(Layer(name, kind, tuple(mine), settings))
    meta = net.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    return Network(SIMPLENN, arrays, tuple(layers), meta, tuple(ignored))


def _weights(entry: Mapping[str, Any], name: str) -> list:
    """Arrays of a layer; the first MatConvNets had a field for each."""
    if "filters" in entry:
        return [entry["filters"], *([entry["biases"]] if "biases" in entry else [])]
    weights = entry.get("weights", [])
    if isinstance(weights, np.ndarray) and not weights.size:
        return []
    if not isinstance(weights, list):
        raise DataError(f"layer {name}: weights are {_what(weights)}, not a cell array")
    return weights


def _dagnn(net: Mapping[str, Any]) -> Network:
    arrays: dict[str, np.ndarray] = {}
    layers, ignored = [], _opaque(net, "net")
    for i, entry in enumerate(_items(net["params"], "net.params")):
        name = _text(entry, "name", f"parameter {i + 1}")
        if name in arrays:
            raise DataError(f"two parameters have the name {name}")
        arrays[name] = _array(entry.get("value"), name)
    for i, entry in enumerate(_items(net["layers"], "net.layers")):
        name = _text(entry, "name", f"layer {i + 1}")
        ignored += _opaque(entry, f"layer {name}")
        block = entry.get("block")
        settings = block if isinstance(block, Mapping) else {}
        ignored += _opaque(settings, f"layer {name}")
        params = entry.get("params", [])
        params = (params,) if isinstance(params, str) else tuple(params)
        wrong = [p for p in params if not isinstance(p, str) or p not in arrays]
        if wrong:
            raise DataError(f"layer {name}: no parameter {wrong[0]}")
        layers.append(Layer(name, _text(entry, "type", name), params, settings))
    meta = net.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    return Network(DAGNN, arrays, tuple(layers), meta, tuple(ignored))


def _items(value: Any, where: str) -> list[Mapping[str, Any]]:
    """Structs of a struct array or of a cell array, which may be a single one."""
    items = [value] if isinstance(value, Mapping) else value
    if isinstance(items, np.ndarray) and not items.size:
        return []
    if not isinstance(items, list) or not all(isinstance(i, Mapping) for i in items):
        raise DataError(f"{where} is {_what(value)}, not a list of structs")
    return items


def _text(entry: Mapping[str, Any], field: str, where: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not value:
        raise DataError(f"{where} has no {field}")
    return value


def _array(value: Any, name: str) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        raise DataError(
            f"{name} is {_what(value)}, not a matrix; gather it from the GPU and save "
            "the network again"
        )
    return value


def _opaque(entry: Mapping[str, Any], where: str) -> list[str]:
    """A line for every field that is not data."""
    found = ((k, v) for k, v in entry.items() if isinstance(v, Opaque))
    return [f"{where}.{k}: {v.what}, not run" for k, v in found]


def _what(value: Any) -> str:
    """A value in a word, for an error."""
    if isinstance(value, Opaque):
        return value.what
    if value is None:
        return "missing"
    kinds = {dict: "a struct", list: "a cell array", str: "a text"}
    return kinds.get(type(value), "a matrix")
