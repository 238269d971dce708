"""Generators from converted checkpoints, published files and our own runs."""

from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from tirjax.backbones.norm import Norm
from tirjax.checkpoints import load_variables, read_about
from tirjax.convert import gan
from tirjax.data.sequence import DataError
from tirjax.tasks.cyclegan import WAYS, one_way
from tirjax.translators import ResNetGenerator, UNet, from_variables
from tirjax.translators.networks import Generator
from tirjax.translators.translate import input_channels
from tirjax.typing import PyTree

_WANTED = (
    "give the folder of a converted generator, a .pth file of one, or the --workdir of "
    "a run of pix2pix or CycleGAN"
)


class Loaded(NamedTuple):
    """A generator ready to translate.

    Attributes:
      net: the network.
      variables: its own.
      inputs: channels of its images.
      about: what tells it from others, for the record.
    """

    net: Generator
    variables: PyTree
    inputs: int
    about: dict[str, Any]


def open_generator(
    path: Path, direction: str | None = None, running: bool = False
) -> Loaded:
    """Reads a generator, whatever kind of file or folder it is in.

    Args:
      path: folder of a checkpoint or of a training run, or PyTorch's file.
      direction: ``forward`` or ``backward``, of a run that has both.
      running: whether norms use running statistics instead of the image's own.

    Raises:
      DataError: no generator there, or not in this direction.
    """
    if path.is_file():
        got = gan.convert(path)
        variables, origin = got.variables, {"architecture": got.architecture}
    else:
        variables, origin = load_variables(path), read_about(path)
    variables = _in_direction(path, variables, direction)
    params = variables.get("params", {})
    if "stem" not in params and "down_0" not in params:
        what = origin.get("architecture", "another network")
        raise DataError(f"{path}: holds {what}, no generator; {_WANTED}")
    net = from_variables(variables, Norm(batch=not running))
    assert isinstance(net, UNet | ResNetGenerator)
    kept = ("architecture", "file", "sha256", "step", "date")
    about = {
        "sha256_of_variables": digest(variables),
        "network": _described(net),
        "origin": {key: origin[key] for key in kept if key in origin},
    }
    return Loaded(net, variables, input_channels(variables), about)


def digest(variables: PyTree) -> str:
    """SHA-256 of all arrays with their names."""
    found = sha256()
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    for path, leaf in sorted(leaves, key=lambda pair: jax.tree_util.keystr(pair[0])):
        found.update(jax.tree_util.keystr(path).encode())
        found.update(np.asarray(leaf).tobytes())
    return found.hexdigest()


def _in_direction(path: Path, variables: PyTree, direction: str | None) -> PyTree:
    """The variables of one generator."""
    if {*WAYS} <= variables.get("params", {}).keys():
        return one_way(variables, direction or WAYS[0])
    if direction == "backward":
        raise DataError(
            f"{path}: has one generator, which translates in its own direction; leave "
            "--direction out"
        )
    return variables


def _described(net: Generator) -> str:
    size = f"depth {net.depth}" if isinstance(net, UNet) else f"{net.blocks} blocks"
    return f"{type(net).__name__}, {size}, width {net.width}, norm {net.kind}"
