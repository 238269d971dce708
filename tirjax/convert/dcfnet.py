"""DCFNet's published files: two of MatConvNet and one of PyTorch.

The three hold one network. The PyTorch one reads blue, green, red, the others, and
ours, red, green, blue: the input channels of its first convolution are turned round.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tirjax.convert import matconvnet, matfile, torch_zip
from tirjax.convert.matconvnet import Network, shaped
from tirjax.convert.pytorch import Converted
from tirjax.convert.rename import Report
from tirjax.convert.unpickle import Tensor
from tirjax.data.sequence import DataError

NAME = "dcfnet"
SHAPES = {
    ("conv1", "kernel"): (3, 3, 3, 32),
    ("conv1", "bias"): (32,),
    ("conv2", "kernel"): (3, 3, 32, 32),
    ("conv2", "bias"): (32,),
}
# The names of these four arrays, in this order.
SIMPLENN = ("conv1f", "conv1b", "conv2f", "conv2b")
MATRICES = ("conv1_w", "conv1_b", "conv2_w", "conv2_b")
PYTORCH = ("feature.0.weight", "feature.0.bias", "feature.2.weight", "feature.2.bias")
TYPES = ("conv", "relu", "conv", "lrn")
NORMALISATION = (5.0, 1.0, 2e-5, 0.75)


def holds(path: Path) -> bool:
    """Whether the file is one of DCFNet's, by the names in it.

    Raises:
      DataError: neither a .mat file nor a PyTorch checkpoint, or a damaged one.
    """
    if matfile.is_mat(path):
        arrays = matconvnet.read(path).arrays.keys()
        return arrays >= {*SIMPLENN} or arrays >= {*MATRICES}
    with torch_zip.opened(path) as tree:
        return isinstance(tree, Mapping) and tree.keys() >= {*PYTORCH}


def convert(path: Path) -> Converted:
    """Reads a published file without running anything in it.

    Args:
      path: ``DCFNet-net-7-125-2.mat``, ``net_param.mat`` or ``param.pth``.

    Raises:
      DataError: another file, a damaged one, or another network.
    """
    if matfile.is_mat(path):
        arrays, beside, reason = _matlab(path)
    else:
        arrays, beside, reason = _pytorch(path)
    variables: dict = {"params": {"conv1": {}, "conv2": {}}}
    mapped = []
    for (module, leaf), (name, array) in zip(SHAPES, arrays.items(), strict=True):
        try:
            array = shaped(array, SHAPES[module, leaf])
        except DataError as error:
            raise DataError(f"{path}: not {NAME}: {name} {error}") from None
        variables["params"][module][leaf] = np.ascontiguousarray(array, np.float32)
        mapped.append(name)
    return Converted(variables, NAME, reason, Report(tuple(mapped), ()), beside)


def _matlab(path: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...], str]:
    network = matconvnet.read(path)
    names = MATRICES if network.kind == matconvnet.ARRAYS else SIMPLENN
    _refuse_missing(path, names, network.arrays)
    if network.kind == matconvnet.SIMPLENN:
        _check_layers(path, network)
    arrays = {name: network.arrays[name] for name in names}
    rest = tuple(name for name in network.arrays if name not in names)
    reason = f"from the names of MatConvNet's {network.kind}"
    return arrays, (*rest, *network.ignored), reason


def _check_layers(path: Path, network: Network) -> None:
    """Holds what lies between the arrays to what we run."""
    types = tuple(layer.type for layer in network.layers)
    if types != TYPES:
        raise DataError(f"{path}: not {NAME}: layers {types}, not {TYPES}")
    param = np.ravel(network.layers[-1].settings.get("param", ()))
    if param.shape != (4,) or not np.allclose(param, NORMALISATION):
        raise DataError(f"{path}: not {NAME}: {param} normalises, not {NORMALISATION}")


def _pytorch(path: Path) -> tuple[dict[str, np.ndarray], tuple[str, ...], str]:
    with torch_zip.opened(path) as tree:
        tree = tree if isinstance(tree, Mapping) else {}
        tensors = {k: v for k, v in tree.items() if isinstance(v, Tensor)}
        _refuse_missing(path, PYTORCH, tensors)
        arrays = {name: tensors[name].numpy() for name in PYTORCH}
        beside = tuple(str(k) for k in tree if k not in PYTORCH)
    for name in arrays:
        if arrays[name].ndim == 4:
            arrays[name] = arrays[name].transpose(2, 3, 1, 0)
    first = PYTORCH[0]
    if arrays[first].ndim == 4:
        arrays[first] = arrays[first][:, :, ::-1]
    return arrays, beside, "from the names of its arrays; input turned to RGB"


def _refuse_missing(path: Path, names: tuple[str, ...], have: Mapping) -> None:
    missing = [name for name in names if name not in have]
    if missing:
        raise DataError(
            f"{path}: not {NAME}: it has no {missing[0]}; give one of its three "
            "published files, or another --architecture"
        )
