"""Weights of the recorded runs, rebuilt from key names and shapes by a written rule.

W0 draws every tensor from a generator seeded by its own key; W1, used by the recorded
tracker runs, puts calibrated statistics over some of W0. Nothing is read but the tables
of shapes and the few values that a rule cannot give.
"""

import json
import os
import zlib
from pathlib import Path

import numpy as np

SHARED = Path(os.environ.get("TIRJAX_SHARED", Path(__file__).parents[2] / "shared"))
GOLDENS = SHARED / "goldens"
ZERO_MEAN = (
    "classifier.feature_extractor.0.weight",
    "classifier.feature_extractor.1.weight",
)


def w0(keys_json: Path) -> dict[str, np.ndarray]:
    """The state dict of rule W0.

    Args:
      keys_json: table key -> shape, ``goldens/dimp/NET_keys.json``. Initial values of
        the filter optimiser come from ``NET_modules.npz`` beside it.
    """
    keys_json = Path(keys_json)
    shapes = {k: v["shape"] for k, v in json.loads(keys_json.read_text()).items()}
    special = {}
    if any("filter_optimizer." in key for key in shapes):
        modules = keys_json.name.replace("_keys.json", "_modules.npz")
        with np.load(keys_json.with_name(modules)) as arrays:
            named = [k for k in arrays.files if k.startswith("special/")]
            special = {k.removeprefix("special/"): arrays[k] for k in named}
    return {
        key: special[key] if key in special else _draw(key, shape, shapes)
        for key, shape in shapes.items()
    }


def w1(net: str) -> dict[str, np.ndarray]:
    """The state dict of rule W1, for ``dimp18``, ``dimp50`` or ``atom18``."""
    weights = w0(GOLDENS / "dimp" / f"{net}_keys.json")
    with np.load(GOLDENS / "tracker" / f"w1_override_{net}.npz") as override:
        for key in override.files:
            assert key in weights and override[key].shape == weights[key].shape
            weights[key] = override[key]
    return weights


def _draw(key: str, shape: list[int], keys) -> np.ndarray:
    prefix, leaf = key.rsplit(".", 1)
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    n = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(size=shape)
    norm = f"{prefix}.running_mean" in keys
    match leaf:
        case "running_mean":
            n = 0.1 * n
        case "running_var":
            n = 1 + 0.1 * np.abs(n)
        case "weight" if norm:
            n = 1 + 0.1 * n
        case "bias":
            n = 0.1 * n if norm else 0.01 * n
        case _:
            gain = 2 if key.startswith("bb_regressor.") else 1
            n = np.sqrt(gain / np.prod(shape[1:])) * n
    if key in ZERO_MEAN:
        n = n - n.mean(axis=1, keepdims=True)
    return n.astype(np.float32)
