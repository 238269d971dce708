"""The first two stages of an ImageNet VGG-13, -16 or -19, from torchvision's file.

Those weights take colours that are scaled and centred; our network takes bytes less
DCFNet's mean colour. The difference goes into the first convolution, exactly where it
sees no padding.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tirjax.convert import matfile, torch_zip
from tirjax.convert.pytorch import Converted
from tirjax.convert.rename import Report
from tirjax.convert.unpickle import Tensor
from tirjax.data.sequence import DataError

NAME = "vgg16"
# Theirs: number of the layer; ours: stage and convolution.
LAYERS = {0: "conv1_1", 2: "conv1_2", 5: "conv2_1", 7: "conv2_2"}
WIDTHS = (3, 64, 64, 128, 128)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_COLOUR = (123.0, 117.0, 104.0)


def _names() -> list[str]:
    return [f"features.{i}.{leaf}" for i in LAYERS for leaf in ("weight", "bias")]


def holds(path: Path) -> bool:
    """Whether the file is one of torchvision's, by the names and shapes in it.

    Raises:
      DataError: neither a .mat file nor a PyTorch checkpoint, or a damaged one.
    """
    if matfile.is_mat(path):
        return False
    with torch_zip.opened(path) as tree:
        if not isinstance(tree, Mapping) or not tree.keys() >= {*_names()}:
            return False
        return all(isinstance(tree[name], Tensor) for name in _names())


def convert(path: Path) -> Converted:
    """Reads the file without running anything in it.

    Args:
      path: ``vgg16-*.pth`` or its like; only the first two stages are read.

    Raises:
      DataError: another file, a damaged one, or another network.
    """
    if not holds(path):
        raise DataError(
            f"{path}: not {NAME}: it has no {_names()[0]} to {_names()[-1]}; give a "
            "state dict of torchvision's, without batch norms"
        )
    with torch_zip.opened(path) as tree:
        state = {name: tree[name].numpy() for name in _names()}
        beside = tuple(str(key) for key in tree if key not in state)
    params = {}
    for (number, layer), before, after in zip(
        LAYERS.items(), WIDTHS, WIDTHS[1:], strict=False
    ):
        weight, bias = (state[f"features.{number}.{x}"] for x in ("weight", "bias"))
        if weight.shape != (after, before, 3, 3) or bias.shape != (after,):
            raise DataError(
                f"{path}: not {NAME}: features.{number} is {weight.shape}, not "
                f"{(after, before, 3, 3)}"
            )
        kernel = weight.transpose(2, 3, 1, 0).astype(np.float64)
        if number == 0:
            kernel = kernel / (255 * np.array(_STD))[:, None]
            shift = np.array(_COLOUR) - 255 * np.array(_MEAN)
            bias = bias + np.einsum("ijcd,c->d", kernel, shift)
        params[layer] = {
            "kernel": np.ascontiguousarray(kernel, np.float32),
            "bias": np.asarray(bias, np.float32),
        }
    report = Report(tuple(_names()), ())
    reason = "from the names of torchvision's arrays; its scaling put into conv1_1"
    return Converted({"params": params}, NAME, reason, report, beside)
