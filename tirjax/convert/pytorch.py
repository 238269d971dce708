"""Checkpoints of PyTracking and torchvision to variables."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tirjax.convert import architectures, rename, torch_zip
from tirjax.convert.unpickle import Placeholder, Tensor
from tirjax.data.sequence import DataError

NETS = ("net", "state_dict", "model", "model_state_dict")
# Width of SuperDiMP's label in cells, 22 / 6 / 4; DiMP-50's is 18 / 5 / 4.
SUPER_SIGMA = 22 / 6 / 4


class Converted(NamedTuple):
    """A network read from a file.

    Attributes:
      variables: ``{"params": ..., "batch_stats": ...}``.
      architecture: a name in ``architectures.ARCHITECTURES``.
      reason: how the architecture is known.
      report: what became of the arrays of the network.
      beside: what else the file holds, by its names.
    """

    variables: rename.Variables
    architecture: str
    reason: str
    report: rename.Report
    beside: tuple[str, ...]


def convert(path: Path, architecture: str | None = None) -> Converted:
    """Reads a checkpoint without running anything in it.

    Args:
      path: file of ``torch.save``: PyTracking's, or a state dict of a ResNet.
      architecture: a name in ``ARCHITECTURES``; recognised by default.

    Raises:
      DataError: not a checkpoint, damaged, or another network.
    """
    known = architectures.ARCHITECTURES
    if architecture is not None and architecture not in known:
        raise DataError(
            f"no architecture {architecture!r}; known are {', '.join(known)}"
        )
    with torch_zip.opened(path) as tree:
        net, beside = _network(path, tree)
        state = {key: tensor.numpy() for key, tensor in net.items()}
        facts = _constructor(tree)
    try:
        found = architectures.recognise(state)
        reason = "from the names and shapes of its arrays"
        if architecture is not None:
            found, reason = architecture, "as asked"
        elif found == "dimp50":
            found, reason = _dimp50_or_super(path, facts)
        architectures.check(state, found)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    variables, report = rename.to_variables(state, known[found].family)
    return Converted(variables, found, reason, report, beside)


def _network(path: Path, tree: Any) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors of the network by name, and the names of all else."""
    if not isinstance(tree, Mapping):
        raise DataError(f"{path}: holds no state dict; save net.state_dict()")
    inside = next((k for k in NETS if isinstance(tree.get(k), Mapping)), None)
    if inside is None and any(isinstance(tree.get(k), Placeholder) for k in NETS):
        raise DataError(f"{path}: holds a whole module; save its state_dict()")
    net = tree if inside is None else tree[inside]
    tensors = {k: v for k, v in net.items() if isinstance(v, Tensor)}
    tensors = {k: v for k, v in tensors.items() if isinstance(k, str)}
    if not tensors:
        raise DataError(f"{path}: holds no state dict; save net.state_dict()")
    rest = () if inside is None else tuple(str(k) for k in tree if k != inside)
    # DataParallel puts a module around the network.
    if all(key.startswith("module.") for key in tensors):
        tensors = {k.removeprefix("module."): v for k, v in tensors.items()}
    return tensors, rest


def _constructor(tree: Mapping) -> dict[str, Any]:
    """Arguments the network was built with and the name of its training script."""
    facts = {}
    for part in ("settings", "constructor"):
        state = getattr(tree.get(part), "state", None)
        if isinstance(state, Mapping):
            arguments = state.get("kwds")
            facts |= arguments if isinstance(arguments, Mapping) else {}
            facts |= {k: state[k] for k in ("script_name",) if k in state}
    return facts


def _dimp50_or_super(path: Path, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Tells two networks with the same arrays apart."""
    script, sigma = facts.get("script_name"), facts.get("init_gauss_sigma")
    if isinstance(script, str) and script in ("dimp50", "super_dimp"):
        return script, f"its settings name the script {script}"
    if isinstance(sigma, float):
        wide = math.isclose(sigma, SUPER_SIGMA, abs_tol=1e-4)
        name = "super_dimp" if wide else "dimp50"
        return name, f"its constructor has init_gauss_sigma {sigma:.4f}"
    name = "super_dimp" if "super" in path.name.lower() else "dimp50"
    return name, (
        f"assumed from the file name {path.name}; dimp50 and super_dimp have the same "
        "arrays, --architecture decides"
    )
