"""``train convert``: a published checkpoint in, ours out."""

import collections
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.checkpoints import save_variables
from tirjax.convert import dcfnet, gan, matfile, pytorch, siamese, vgg
from tirjax.convert.rename import leaves
from tirjax.data.sequence import DataError

from . import about
from .options import Convert

CONVERTING = ("jax", "flax", "orbax-checkpoint", "numpy")


def convert(options: Convert) -> None:
    """Reads the file, says what became of it, writes the checkpoint.

    Args:
      options: the command line.

    Raises:
      DataError: the file cannot be used, or ``out`` is something else.
    """
    got = _read(options.file, options.architecture)
    save_variables(options.out, got.variables, _about(options.file, got))
    for name, text in _summary(got).items():
        print(f"{name:<13} {text}")
    print(f"{'written to':<13} {options.out}")


def _read(file: Path, architecture: str | None) -> pytorch.Converted:
    """What the file holds, read by whoever knows its kind."""
    asked = architecture == dcfnet.NAME
    if asked or (architecture is None and dcfnet.holds(file)):
        return dcfnet.convert(file)
    if architecture == vgg.NAME or (architecture is None and vgg.holds(file)):
        return vgg.convert(file)
    if matfile.is_mat(file):
        got = siamese.convert(file)
        if architecture not in (None, got.architecture):
            raise DataError(f"{file}: holds {got.architecture}, not {architecture}")
        return got
    if architecture in gan.NAMES or (architecture is None and gan.holds(file)):
        return gan.convert(file, architecture)
    return pytorch.convert(file, architecture)


def _about(file: Path, got: pytorch.Converted) -> dict[str, Any]:
    """Where the variables come from, for whoever finds the folder."""
    return {
        "file": file.name,
        "sha256": about.digest(file),
        "architecture": got.architecture,
        "architecture_known": got.reason,
        "versions": about.versions(CONVERTING),
        "date": about.now(),
    }


def _summary(got: pytorch.Converted) -> dict[str, str]:
    """What was mapped, what was not, and what was learned about the filter."""
    arrays = [value for _, value in leaves(got.variables)]
    numbers = sum(np.size(value) for value in arrays)
    lines = {
        "architecture": f"{got.architecture}, {got.reason}",
        "mapped": f"{len(arrays)} arrays, {numbers:,} numbers: "
        + _counts(got.report.mapped, depth=1),
        "unused": _counts(got.report.unused, depth=2) or "none",
        "beside it": ", ".join(got.beside) or "nothing",
        # A file in which anything is missing has been refused.
        "missing": "none",
    }
    optimiser = got.variables["params"].get("classifier", {}).get("filter_optimizer")
    if optimiser:
        step = math.exp(optimiser["log_step_length"][0])
        weight = max(float(optimiser["filter_reg"][0]) ** 2, 1e-6)
        lines["filter steps"] = f"length {step:.4g}, regularisation {weight:.4g}"
    return lines


def _counts(keys: Iterable[str], depth: int) -> str:
    """How many keys there are of each part of the network."""
    # A key of MatConvNet has no dots.
    parts = (".".join(key.split(".")[:-1][:depth]) or key for key in keys)
    return ", ".join(f"{k} {n}" for k, n in collections.Counter(parts).items())
