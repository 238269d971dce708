"""The recorded networks on the recorded input, computed once for all test files."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from recorded import GOLDENS, w0

from tirjax.convert.rename import to_variables
from tirjax.heads.networks import atom_net, dimp_net

NETS = {
    "dimp18": ("dimp", dimp_net(18)),
    "dimp50": ("dimp", dimp_net(50)),
    "atom18": ("atom", atom_net()),
}
# Largest float32 noise seen is 6e-6, after ten steps of the optimiser.
TOLERANCE = 2e-5


@cache
def load(name):
    """All arrays of one file of recorded values."""
    with np.load(GOLDENS / "dimp" / f"{name}.npz") as arrays:
        return dict(arrays)


def golden(net):
    """What was recorded of a network."""
    return load(f"{net}_modules")


@cache
def variables(net):
    """Weights of rule W0."""
    return to_variables(w0(GOLDENS / "dimp" / f"{net}_keys.json"), NETS[net][0])[0]


@cache
def images():
    """Input rule A: three reference images, then two test images."""
    rng = np.random.default_rng(0)
    coarse = rng.standard_normal((5, 3, 36, 36))
    fine = rng.standard_normal((5, 3, 288, 288))
    pixels = coarse.repeat(8, -1).repeat(8, -2) + 0.25 * fine
    return np.moveaxis(pixels, 1, -1).astype(np.float32)


def apply(net, method, *args):
    """One compiled call of ``method(module, *args)`` on the recorded weights."""
    run = jax.jit(lambda v, *a: NETS[net][1].apply(v, *a, method=method))
    return run(variables(net), *args)


@cache
def maps(net):
    """Backbone features of the five images."""
    return apply(net, lambda m, x: m.backbone(x), images())


def channels_last(recorded):
    """PyTorch's order of axes to ours."""
    return jnp.asarray(np.moveaxis(recorded, -3, -1))


def assert_close(actual, recorded, tolerance=TOLERANCE):
    """Largest difference over largest recorded value."""
    actual = np.asarray(actual, np.float64)
    assert actual.shape == recorded.shape
    scale = np.abs(recorded).max()
    np.testing.assert_allclose(actual, recorded, rtol=0, atol=tolerance * scale)


def assert_features(actual, recorded, name):
    """Compares what was recorded of a map: a corner, statistics, channel means."""
    x = np.moveaxis(np.asarray(actual, np.float64), -1, 1)
    assert_close(x[:, :8, :4, :4], recorded[f"{name}/corner"])
    statistics = [x.mean(), x.std(), np.abs(x).max(), np.abs(x).mean()]
    assert_close(np.array(statistics), recorded[f"{name}/stats"])
    if f"{name}/channel_mean" in recorded:
        assert_close(x.mean((2, 3)), recorded[f"{name}/channel_mean"])
