"""SqueezeNet 1.0 for ImageNet: Deep Compression's arrays and torchvision's.

Ours reads red, green, blue, less torchvision's mean and over its deviation. Deep
Compression's network reads blue, green, red, less Caffe's mean: its first convolution
is turned round and scaled, and its bias takes the difference of the means, which is
exact but for the border.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tirjax.convert import torch_zip
from tirjax.convert.unpickle import Tensor
from tirjax.data.sequence import DataError
from tirjax.typing import PyTree

# Caffe's mean and torchvision's mean and deviation, red, green, blue.
_CAFFE = np.array([123.0, 117.0, 104.0])
_MEAN, _STD = 255 * np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
# By fire module: its place among torchvision's `features`, channels that come in, and
# those of its squeezing layer.
_FIRES = {
    2: (3, 96, 16),
    3: (4, 128, 16),
    4: (5, 128, 32),
    5: (7, 256, 32),
    6: (8, 256, 48),
    7: (9, 384, 48),
}
# By layer of a fire module: its name in Deep Compression's file.
_LAYERS = {"squeeze": "conv1x1_1", "expand1x1": "conv1x1_2", "expand3x3": "conv3x3_2"}


def read(path: Path) -> dict[str, PyTree]:
    """Parameters of ``tirjax.backbones.squeezenet.SqueezeNet``, its necks excepted.

    Args:
      path: ``.npz`` with Deep Compression's arrays (``conv1/kernel``,
        ``fire2/conv1x1_1/kernel``, ...), or a file of ``torch.save`` with torchvision's
        state dict of ``squeezenet1_0``. Kernels are ``[out, in, rows, cols]``.

    Raises:
      DataError: neither, damaged, or another network.
    """
    path = Path(path)
    caffe = path.suffix == ".npz"
    arrays = _npz(path) if caffe else _torch(path)
    leaves = ("/kernel", "/bias") if caffe else (".weight", ".bias")

    def layer(name, *shape):
        kernel = _shaped(path, arrays, name + leaves[0], shape)
        bias = _shaped(path, arrays, name + leaves[1], shape[:1])
        return {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}

    first = layer("conv1" if caffe else "features.0", 96, 3, 7, 7)
    params: dict[str, PyTree] = {"conv1": _turned(first) if caffe else first}
    for number, (place, into, width) in _FIRES.items():
        named = {
            ours: f"fire{number}/{theirs}" if caffe else f"features.{place}.{ours}"
            for ours, theirs in _LAYERS.items()
        }
        params[f"fire{number}"] = {
            "squeeze": layer(named["squeeze"], width, into, 1, 1),
            "expand1x1": layer(named["expand1x1"], 4 * width, width, 1, 1),
            "expand3x3": layer(named["expand3x3"], 4 * width, width, 3, 3),
        }
    return params


def _turned(layer: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The first convolution for red, green, blue, normalised as torchvision does."""
    kernel = layer["kernel"][:, :, ::-1].astype(float)
    bias = layer["bias"] + (kernel * (_MEAN - _CAFFE)[:, None]).sum((0, 1, 2))
    kernel = kernel * _STD[:, None]
    return {"kernel": kernel.astype(np.float32), "bias": bias.astype(np.float32)}


def _shaped(path, arrays, name, shape):
    if name not in arrays:
        raise DataError(
            f"{path}: not SqueezeNet 1.0: it has no {name}; give Deep Compression's "
            "arrays as .npz or torchvision's squeezenet1_0"
        )
    found = np.asarray(arrays[name], np.float32)
    if found.shape != shape:
        raise DataError(
            f"{path}: not SqueezeNet 1.0: {name} is {found.shape}, not {shape}"
        )
    return found


def _npz(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with np.load(path) as file:
            return dict(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read as .npz: {error}") from None


def _torch(path: Path) -> Mapping[str, np.ndarray]:
    with torch_zip.opened(path) as tree:
        tree = tree if isinstance(tree, Mapping) else {}
        return {k: v.numpy() for k, v in tree.items() if isinstance(v, Tensor)}
