"""MatConvNet's parameter names against the variables that our networks have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax.traverse_util import flatten_dict

from tirjax.backbones.branch_norm import BranchNorm
from tirjax.convert.siamese_names import NAMES, Parameter, convert_one, recognise
from tirjax.data.sequence import DataError
from tirjax.heads import siamese_networks
from tirjax.solvers.correlation_filter import hann_window

NETS = {
    "siamfc": 127,
    "siamfc_baseline": 127,
    "cfnet": 255,
    "mlssnet": 255,
    "mmnet": 255,
}


def variables_of(family):
    sides = NETS[family], 255
    images = [jax.ShapeDtypeStruct((1, s, s, 3), jnp.float32) for s in sides]
    net = getattr(siamese_networks, family)()
    return flatten_dict(jax.eval_shape(net.init, jax.random.key(0), *images))


def test_every_network_has_its_names():
    assert set(NAMES) == set(NETS)


@pytest.mark.parametrize("family", NETS)
def test_names_cover_the_variables_once_and_nothing_else(family):
    found = []
    for name, parameter in NAMES[family].items():
        value = np.zeros(parameter.shape)
        found += [
            (path, array.shape)
            for path, array in convert_one(name, value, parameter).items()
        ]
    want = {path: leaf.shape for path, leaf in variables_of(family).items()}
    assert dict(found) == want
    assert len(found) == len(want)


@pytest.mark.parametrize(
    ("family", "count"),
    [("mlssnet", 44), ("mmnet", 61), ("siamfc", 24), ("cfnet", 26)],
)
def test_files_have_this_many_parameters(family, count):
    assert len(NAMES[family]) == count


@pytest.mark.parametrize(
    ("family", "places"),
    [
        (
            "mlssnet",
            {
                1: "br_conv1f",
                2: "br_conv1b",
                3: "br_bn1m",
                4: "br_bn1b",
                5: "br_bn1x",
                22: "br_conv5b",
                23: "join_br_conv3f_dimred",
                25: "join_br1_conv51_f",
                28: "join_br1_conv52_b",
                29: "join_window",
                30: "join_cf_target",
                31: "join_br1_conv11_f",
                34: "join_br1_conv12_b",
                35: "join_deconv3_f",
                38: "join_b_deconv3_b",
                39: "join_window3",
                40: "join_cf_target3",
                41: "fin_adjustf",
                44: "fin_adjust3b",
            },
        ),
        (
            "mmnet",
            {
                24: "join_br_conv3b_dimred",
                25: "join_br1_conv1_SPR_f",
                27: "join_br1_bn_SPR_f",
                29: "join_br1_bn_SPR_m",
                32: "join_br1_bn2_SPR_f",
                37: "join_br1_bn3_SPR_f",
                41: "join_br1_conv4_SPR_b",
                42: "join_br1_conv11_f",
                49: "join_b_deconv3_b",
                50: "join_br1_conv_fusion_f",
                52: "join_window",
                53: "join_cf_target",
                54: "join_window3",
                55: "join_cf_target3",
                56: "fin_adjustf",
                59: "fin_adjust3b",
                60: "br1_convf_dimred",
                61: "br1_convb_dimred",
            },
        ),
    ],
)
def test_names_come_in_the_order_of_the_files(family, places):
    names = list(NAMES[family])
    assert {place: names[place - 1] for place in places} == places


def test_stored_moments_are_a_mean_and_a_deviation(rng):
    parameter = NAMES["mmnet"]["join_br1_bn2_SPR_m"]
    stored = np.stack([rng.normal(size=64), np.full(64, 2.0)], 1)
    converted = convert_one("join_br1_bn2_SPR_m", stored, parameter)
    where = ("batch_stats", "fanet", "bn_k")
    mean, var = converted[*where, "mean"], converted[*where, "var"]
    np.testing.assert_allclose(var, 3.99999, rtol=1e-7)
    gain, bias, x = (rng.normal(size=64).astype(np.float32) for _ in range(3))
    variables = {
        "params": {"scale": gain, "bias": bias},
        "batch_stats": {"mean": mean, "var": var},
    }
    (y,) = BranchNorm().apply(variables, jnp.asarray(x)[None])
    want = (x - stored[:, 0]) / 2 * gain + bias
    np.testing.assert_allclose(y[0], want, rtol=1e-5, atol=1e-6)


def test_a_moment_of_no_deviation_is_no_negative_variance():
    parameter = Parameter((1, 2), "moments", ("batch_stats", "bn"))
    converted = convert_one("bn", np.zeros((1, 2)), parameter)
    assert converted["batch_stats", "bn", "var"] == 0


@pytest.mark.parametrize(
    ("size", "stride", "sides"), [(5, 1, (20, 24)), (7, 2, (24, 53))]
)
def test_transposed_kernels_are_taken_as_they_are(rng, size, stride, sides):
    """Every input cell adds the kernel, unflipped, to its window of the output."""
    kernel = rng.normal(size=(size, size, 1, 1)).astype(np.float32)
    x = rng.normal(size=(1, sides[0], sides[0], 1)).astype(np.float32)
    want = np.zeros((sides[1], sides[1]))
    for i, j in np.ndindex(x.shape[1:3]):
        rows, cols = (slice(stride * n, stride * n + size) for n in (i, j))
        want[rows, cols] += x[0, i, j, 0] * kernel[..., 0, 0]
    layer = nn.ConvTranspose(
        1, (size, size), (stride, stride), padding="VALID", transpose_kernel=True
    )
    got = layer.apply({"params": {"kernel": kernel, "bias": np.zeros(1)}}, x)
    assert got.shape[1:3] == (sides[1], sides[1])
    np.testing.assert_allclose(got[0, ..., 0], want, atol=1e-5)


def test_axes_that_matlab_dropped_come_back(rng):
    parameter = NAMES["mlssnet"]["join_br1_conv12_f"]
    stored = rng.normal(size=(5, 5, 16))
    ((path, kernel),) = convert_one("join_br1_conv12_f", stored, parameter).items()
    assert path == ("params", "sa", "conv2", "kernel")
    np.testing.assert_array_equal(kernel[..., 0], stored.astype(np.float32))


def test_constants_are_no_variables_and_have_the_size_of_ours():
    parameter = NAMES["cfnet"]["join_window"]
    assert parameter.rule == "hann"
    assert hann_window(parameter.shape[0]).shape == parameter.shape
    assert convert_one("join_window", np.zeros(parameter.shape), parameter) == {}


def test_an_array_of_another_size_is_named():
    parameter = NAMES["mmnet"]["br1_convf_dimred"]
    with pytest.raises(DataError, match=r"br1_convf_dimred has shape \(1, 1, 64, 20\)"):
        convert_one("br1_convf_dimred", np.zeros((1, 1, 64, 20)), parameter)


@pytest.mark.parametrize("family", NETS)
def test_networks_are_told_by_their_names(family):
    extra = {"an_unknown_name"}
    assert recognise({*NAMES[family], *extra}) == family


def test_ablated_networks_are_refused():
    full = NAMES["mmnet"]
    pixel_only = {n for n in full if "conv_fusion" not in n and "conv11" not in n}
    holistic_only = {n for n in full if "conv_fusion" not in n and "SPR" not in n}
    for names in (pixel_only, holistic_only, {"w"}):
        with pytest.raises(DataError, match="not one of the networks"):
            recognise(names)
