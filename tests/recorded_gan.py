"""The recorded generators and discriminators: weights, images and outputs."""

import json
from functools import cache

import jax
import numpy as np
from recorded import GOLDENS, _draw

from tirjax.backbones.norm import Norm
from tirjax.convert.gan import to_variables
from tirjax.translators import from_variables

FOLDER = GOLDENS / "gan"
# Float32 noise of the recorded networks themselves is up to 1e-5.
TOLERANCE = 1e-4
MODES = {"eval": Norm(batch=False), "train": Norm(batch=True)}


@cache
def tables():
    """Names of networks to their keys to shapes."""
    found = json.loads((FOLDER / "keys.json").read_text())
    return {
        net: {key: tuple(facts["shape"]) for key, facts in keys.items()}
        for net, keys in found.items()
    }


def state_dict(net):
    """Weights of rule W0 under PyTorch's names."""
    shapes = tables()[net]
    return {key: _draw(key, shape, shapes) for key, shape in shapes.items()}


@cache
def image(seed, channels):
    """Input rule C, NHWC."""
    rng = np.random.default_rng(seed)
    coarse = rng.standard_normal((1, channels, 32, 32))
    fine = rng.standard_normal((1, channels, 256, 256))
    pixels = 0.45 * coarse.repeat(8, -1).repeat(8, -2) + 0.1 * fine
    return np.moveaxis(np.clip(pixels, -1, 1), 1, -1).astype(np.float32)


def translator(net, mode):
    """Network and variables of one recorded run."""
    renamed = to_variables(state_dict(net), tracked=True)
    module = from_variables(renamed.variables, MODES[mode])
    if net.endswith("sigmoid"):
        module = module.clone(sigmoid=True)
    return module, renamed


def error(net, mode):
    """Largest difference from what was recorded of a network."""
    module, renamed = translator(net, mode)
    x = image(0, renamed.network.inputs)
    out = jax.jit(module.apply)(renamed.variables, x)
    out = np.moveaxis(np.asarray(out, np.float64), -1, 1)
    with np.load(FOLDER / f"{net}.npz") as recorded:
        step = 1 if out.shape[-1] == 30 else 4
        found = [
            out[..., ::step, ::step] - recorded[f"{mode}/every4"],
            out[..., :16, :16] - recorded[f"{mode}/corner16"],
            np.array([out.mean(), out.std(), np.abs(out).max()])
            - recorded[f"{mode}/stats"],
        ]
    return max(np.abs(d).max() for d in found)
