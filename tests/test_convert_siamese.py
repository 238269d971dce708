"""Files in MatConvNet's layout of the published Siamese networks: nothing left over."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.io
from flax.traverse_util import flatten_dict
from matlabfile import Hdf5, cell, rows

from tirjax.checkpoints import load_variables, read_about
from tirjax.convert import siamese
from tirjax.convert.siamese_names import EPSILON, NAMES
from tirjax.data.sequence import DataError
from tirjax.heads import siamese_networks
from tirjax.solvers.correlation_filter import hann_window, wrapped_gaussian
from tirjax.trackers import NETWORKS, TRACKERS
from train.__main__ import main

SIDES = dict.fromkeys(NAMES, 255) | {"siamfc": 127, "siamfc_baseline": 127}
LOSSES = ("objective", "errdisp")


def stored(family, rng):
    """Every parameter as MATLAB keeps it."""
    arrays = {}
    for name, (shape, rule, _) in NAMES[family].items():
        if rule == "hann":
            value = np.asarray(hann_window(shape[0])).reshape(shape)
        elif rule == "gaussian":
            value = np.asarray(wrapped_gaussian(shape[0], 2.0)).reshape(shape)
        else:
            value = 0.1 * np.abs(rng.standard_normal(shape))
        while value.ndim > 2 and value.shape[-1] == 1:
            value = value[..., 0]
        arrays[name] = value.astype(np.float32)
    return arrays


def as_net(arrays):
    """A DagNN's struct: parameters, a layer that uses them all, and losses."""
    names = [str(name) for name in arrays]
    layers = [{"name": "all", "type": "dagnn.Conv", "params": names}]
    layers += [{"name": n, "type": "dagnn.Loss", "params": []} for n in LOSSES]
    return layers


def save5(path, arrays):
    params = [{"name": n, "value": v, "learningRate": 1.0} for n, v in arrays.items()]
    layers = [x | {"params": cell(*x["params"])} for x in as_net(arrays)]
    net = {"params": rows(*params), "layers": rows(*layers), "meta": {"a": 1.0}}
    scipy.io.savemat(path, {"net": net, "stats": np.ones(3)})
    return path


def save73(path, arrays):
    params = [{"name": n, "value": v} for n, v in arrays.items()]
    return Hdf5(path).save({"net": {"params": params, "layers": as_net(arrays)}})


@pytest.mark.parametrize("family", NAMES)
def test_a_file_of_every_network_converts_with_nothing_left_over(family, tmp_path, rng):
    arrays = stored(family, rng)
    got = siamese.convert(save5(tmp_path / "net.mat", arrays))
    assert set(got.report.mapped) == set(arrays) and got.beside == ()
    images = [jnp.zeros((1, side, side, 3)) for side in (SIDES[family], 255)]
    net = getattr(siamese_networks, family)()
    want = jax.eval_shape(net.init, jax.random.key(0), *images)
    shapes = lambda tree: {k: v.shape for k, v in flatten_dict(tree).items()}
    assert shapes(got.variables) == shapes(want)


def test_values_arrive_where_they_belong(tmp_path, rng):
    arrays = stored("mlssnet", rng)
    flat = flatten_dict(siamese.convert(save5(tmp_path / "a.mat", arrays)).variables)
    at = lambda *path: flat[path]
    np.testing.assert_array_equal(
        at("params", "backbone", "conv2", "kernel"), arrays["br_conv2f"]
    )
    np.testing.assert_array_equal(
        at("params", "sc", "fc1", "bias"), arrays["join_br1_conv51_b"][:, 0]
    )
    moments = arrays["br_bn3x"]
    mean = at("batch_stats", "backbone", "bn3", "mean")
    np.testing.assert_array_equal(mean, moments[:, 0])
    np.testing.assert_allclose(
        at("batch_stats", "backbone", "bn3", "var"),
        np.maximum(moments[:, 1] ** 2 - EPSILON, 0),
        rtol=1e-5,
        atol=1e-9,
    )
    gain = at("params", "adjust3", "gain")
    assert gain == arrays["fin_adjust3f"].item()


def test_version_73_reads_the_same(tmp_path, rng):
    arrays = stored("cfnet", rng)
    old = siamese.convert(save5(tmp_path / "a.mat", arrays)).variables
    new = siamese.convert(save73(tmp_path / "b.mat", arrays)).variables
    jax.tree.map(np.testing.assert_array_equal, new, old)


def test_the_command_converts_for_the_tracker_that_fits(tmp_path, rng, capsys):
    file = save5(tmp_path / "net.mat", stored("mmnet", rng))
    out = tmp_path / "net"
    assert main(["convert", str(file), "--out", str(out), "--no-cache"]) == 0
    assert "mmnet_released, from the names" in capsys.readouterr().out
    about = read_about(out)
    assert about["architecture"] == "mmnet_released"
    assert about["architecture"] in TRACKERS
    some = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    like = jax.eval_shape(NETWORKS["mmnet_released"]().init, jax.random.key(0), *some)
    load_variables(out, like)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.pop("fin_adjust3b"), "mlssnet without fin_adjust3b"),
        (lambda a: a.update(br_conv1f=np.zeros((3, 3))), "br_conv1f has shape"),
        (lambda a: a.update(join_window=np.ones((49, 49))), "is another hann"),
        (lambda a: a.update(join_cf_target3=np.ones((53, 53))), "another gaussian"),
        (lambda a: a.clear() or a.update(x=np.ones((2, 2))), "not one of the networks"),
    ],
)
def test_another_network_is_refused_by_name(change, said, tmp_path, rng):
    arrays = stored("mlssnet", rng)
    change(arrays)
    file = save5(tmp_path / "net.mat", arrays)
    with pytest.raises(DataError, match=rf"net\.mat: .*{said}"):
        siamese.convert(file)


def test_what_lies_beside_is_named(tmp_path, rng):
    arrays = stored("siamfc", rng) | {"extra": np.ones((2, 2), np.float32)}
    assert siamese.convert(save5(tmp_path / "a.mat", arrays)).beside == ("extra",)
