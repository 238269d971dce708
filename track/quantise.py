"""Weights in fewer bytes on disk; they are float32 again when they are loaded.

Only arrays of two or more axes are touched: biases, norms and step lengths weigh
nothing and matter. ``exported_loader`` knows both forms by their type alone.
"""

from collections.abc import Mapping
from typing import Literal

import jax.numpy as jnp
import numpy as np

Kind = Literal["bf16", "int8"]


def pack(weights: Mapping[str, np.ndarray], kind: Kind | None) -> dict[str, np.ndarray]:
    """What goes into the file.

    Args:
      weights: arrays by name.
      kind: ``bf16`` rounds to the nearest bfloat16, kept as uint16 because NumPy's
        files know no such type; ``int8`` keeps 255 steps for each output channel (the
        last axis), with their sizes beside, ``NAME:scale``. None changes nothing.
    """
    packed: dict[str, np.ndarray] = {}
    for name, x in weights.items():
        if kind is None or x.ndim < 2 or x.dtype != np.float32:
            packed[name] = x
        elif kind == "bf16":
            packed[name] = x.astype(jnp.bfloat16).view(np.uint16)
        else:
            largest = np.abs(x).max(axis=tuple(range(x.ndim - 1)))
            scale = (np.where(largest > 0, largest, 1) / 127).astype(np.float32)
            packed[name] = np.rint(x / scale).astype(np.int8)
            packed[f"{name}:scale"] = scale
    return packed
