"""MatConvNet's two kinds of network as named arrays."""

import numpy as np
import pytest
import scipy.io
from matlabfile import OBJECT_OF_A_CLASS, Hdf5, by_hand, cell, rows
from scipy.io.matlab import MatlabObject

from tirjax.convert import matconvnet
from tirjax.convert.matconvnet import read, shaped
from tirjax.data.sequence import DataError


@pytest.fixture
def save(tmp_path):
    def save(**tree):
        scipy.io.savemat(tmp_path / "net.mat", tree)
        return tmp_path / "net.mat"

    return save


@pytest.fixture
def filters(rng):
    return rng.standard_normal((3, 3, 2, 4)).astype(np.float32)


BIAS = np.arange(4, dtype=np.float32)[:, None]
MOMENTS = np.arange(8, dtype=np.float32).reshape(4, 2)


def simplenn(filters):
    conv = {"name": "conv1", "type": "conv", "weights": cell(filters, BIAS), "pad": 1.0}
    norm = {"name": "bn1", "type": "bnorm", "weights": cell(BIAS, BIAS, MOMENTS)}
    relu = {"name": "relu1", "type": "relu"}
    return {"layers": cell(conv, norm, relu), "meta": {"padding": 2.0}}


def dagnn(filters):
    params = [
        {"name": "br_conv1f", "value": filters, "learningRate": 1.0},
        {"name": "br_conv1b", "value": BIAS, "learningRate": 2.0},
    ]
    conv = {
        "name": "br1_conv1",
        "type": "dagnn.Conv",
        "params": cell("br_conv1f", "br_conv1b"),
        "block": {"stride": 2.0},
    }
    loss = {
        "name": "objective",
        "type": "dagnn.Loss",
        "params": cell(),
        "block": {"loss": "logistic"},
    }
    return {"params": rows(*params), "layers": rows(conv, loss), "meta": {"a": 1.0}}


def test_a_simplenn_is_read_under_the_names_it_has_as_a_dagnn(save, filters):
    net = read(save(net=simplenn(filters), state=np.eye(2)))
    assert net.kind == matconvnet.SIMPLENN and net.ignored == ()
    assert [*net.arrays] == ["conv1f", "conv1b", "bn1m", "bn1b", "bn1x"]
    np.testing.assert_array_equal(net.arrays["conv1f"], filters)
    np.testing.assert_array_equal(net.arrays["bn1x"], MOMENTS)
    assert [(a.name, a.type, a.params) for a in net.layers] == [
        ("conv1", "conv", ("conv1f", "conv1b")),
        ("bn1", "bnorm", ("bn1m", "bn1b", "bn1x")),
        ("relu1", "relu", ()),
    ]
    assert net.layers[0].settings["pad"] == 1 and net.meta["padding"] == 2


def test_a_simplenn_of_the_first_matconvnet_is_read(save, filters):
    conv = {"name": "conv1", "type": "conv", "filters": filters, "biases": BIAS}
    net = read(save(net={"layers": cell(conv)}))
    assert [*net.arrays] == ["conv1f", "conv1b"]


def test_a_dagnn_keeps_the_names_of_its_parameters(save, filters):
    net = read(save(net=dagnn(filters)))
    assert net.kind == matconvnet.DAGNN
    assert [*net.arrays] == ["br_conv1f", "br_conv1b"]
    np.testing.assert_array_equal(net.arrays["br_conv1f"], filters)
    assert net.layers[0].params == ("br_conv1f", "br_conv1b")
    assert net.layers[0].settings["stride"] == 2
    assert net.layers[1].params == ()


def test_a_dagnn_of_one_layer_is_read(save, filters):
    net = dagnn(filters)
    net["layers"] = net["layers"][:, :1]
    assert len(read(save(net=net)).layers) == 1


def test_version_7_3_gives_the_same_network(tmp_path, filters):
    plain = {
        "params": [
            {"name": "conv1f", "value": filters},
            {"name": "conv1b", "value": BIAS},
        ],
        "layers": {
            "name": "conv1",
            "type": "dagnn.Conv",
            "params": ["conv1f", "conv1b"],
        },
    }
    net = read(Hdf5(tmp_path / "net.mat").save({"net": plain}))
    assert net.kind == matconvnet.DAGNN and len(net.layers) == 1
    np.testing.assert_array_equal(net.arrays["conv1f"], filters)
    np.testing.assert_array_equal(net.arrays["conv1b"], BIAS)


def test_a_file_of_matrices_is_read_by_their_names(save, filters):
    net = read(save(conv1_w=filters, res=cell(np.eye(2), np.eye(3))))
    assert net.kind == matconvnet.ARRAYS and [*net.arrays] == ["conv1_w"]
    assert net.ignored == ("res: a cell array",)


def test_a_field_that_is_code_is_ignored_with_a_line(save, filters):
    net = simplenn(filters)
    net["layers"][0, 2]["forward"] = MatlabObject(
        np.array([[(1.0,)]], [("x", object)]), "h"
    )
    assert read(save(net=net)).ignored == ("layer relu1.forward: an object h, not run",)


def test_a_network_that_is_an_object_is_refused_with_the_remedy(tmp_path):
    path = by_hand(tmp_path / "net.mat", OBJECT_OF_A_CLASS)
    with pytest.raises(DataError, match=r"dagnn\.DagNN.*net\.saveobj\(\)") as error:
        read(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_parameter_on_the_gpu_is_refused_with_the_remedy(save, filters):
    net = dagnn(filters)
    gpu = MatlabObject(np.array([[(1.0,)]], [("x", object)]), "gpuArray")
    net["params"][0, 0]["value"] = gpu
    with pytest.raises(DataError, match=r"br_conv1f is an object gpuArray.*gather it"):
        read(save(net=net))


def broken(filters, change):
    net = dagnn(filters)
    change(net)
    return net


BROKEN = {
    "net is no network": lambda net: net.pop("layers"),
    "parameter 1 has no name": lambda net: net["params"][0, 0].__setitem__("name", 1.0),
    "two parameters have the name": lambda net: net["params"][0, 1].__setitem__(
        "name", "br_conv1f"
    ),
    "no parameter br_conv1b": lambda net: net.__setitem__(
        "params", net["params"][:, :1]
    ),
    "not a list of structs": lambda net: net.__setitem__("layers", "conv"),
    "br_conv1f is a text": lambda net: net["params"][0, 0].__setitem__("value", "x"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_network_is_refused_with_what_and_where(save, filters, what):
    path = save(net=broken(filters, BROKEN[what]))
    with pytest.raises(DataError, match=what) as error:
        read(path)
    assert str(path) in str(error.value)


def test_a_file_without_any_matrix_is_refused(save):
    with pytest.raises(DataError, match="holds no network"):
        read(save(x="text"))


def test_two_layers_of_one_name_are_refused(save, filters):
    net = simplenn(filters)
    net["layers"][0, 1] = net["layers"][0, 0]
    with pytest.raises(DataError, match="two layers have the name of conv1b, conv1f"):
        read(save(net=net))


@pytest.mark.parametrize(
    ("have", "want"),
    [((4, 1), (4,)), ((5, 5), (5, 5, 1, 1)), ((1, 1), ()), ((3, 3, 2), (3, 3, 2, 1))],
)
def test_ones_at_the_end_of_a_shape_are_put_back(have, want):
    array = np.arange(np.prod(have)).reshape(have)
    assert shaped(array, want).shape == want


@pytest.mark.parametrize(("have", "want"), [((1, 4), (4,)), ((2, 3), (3, 2))])
def test_no_other_axis_is_touched(have, want):
    with pytest.raises(DataError, match=r"has shape \(.*, not \("):
        shaped(np.zeros(have), want)


def test_the_published_dcfnet_is_read_with_its_settings(shared):
    net = read(shared / "data/weights/DCFNet-net-7-125-2.mat")
    assert [layer.type for layer in net.layers] == ["conv", "relu", "conv", "lrn"]
    assert net.arrays["conv2f"].shape == (3, 3, 32, 32)
    assert net.layers[0].settings["pad"] == 1
    assert net.meta["interp_factor"] == 0.011
