"""DCFNet's three published files: one network, read the same."""

import jax
import numpy as np
import pytest
import scipy.io
import torchfile
from tirjax_train.__main__ import main

from tirjax.backbones.dcfnet import DCFNet
from tirjax.checkpoints import load_variables, read_about
from tirjax.convert import dcfnet
from tirjax.convert.rename import leaves
from tirjax.convert.torch_zip import opened
from tirjax.data.sequence import DataError

FILES = ("dcfnet_param.pth", "dcfnet_net_param.mat", "DCFNet-net-7-125-2.mat")


@pytest.fixture(params=FILES)
def file(request, shared):
    return shared / "data/weights" / request.param


@pytest.fixture
def state(rng):
    """Arrays of the PyTorch file by name."""
    shapes = [(32, 3, 3, 3), (32,), (32, 32, 3, 3), (32,)]
    named = zip(dcfnet.PYTORCH, shapes, strict=True)
    return {
        name: rng.standard_normal(shape).astype(np.float32) for name, shape in named
    }


def save(path, state):
    return torchfile.save_zip(path, torchfile.tensors(state))


def test_the_variables_are_those_of_our_network(file):
    wanted = jax.eval_shape(DCFNet().init, jax.random.key(0), np.zeros((8, 8, 3)))
    describe = lambda tree: {path: (x.shape, x.dtype) for path, x in leaves(tree)}
    assert dcfnet.holds(file)
    assert describe(dcfnet.convert(file).variables) == describe(wanted)


def test_the_three_files_hold_one_network_to_the_bit(file, shared):
    first = dcfnet.convert(shared / "data/weights" / FILES[0]).variables
    jax.tree.map(np.testing.assert_array_equal, dcfnet.convert(file).variables, first)


def test_the_pytorch_file_reads_its_colours_the_other_way_round(shared):
    """Its own first filters are the MATLAB file's with blue for red."""
    with opened(shared / "data/weights" / FILES[0]) as tree:
        theirs = tree["feature.0.weight"].numpy().transpose(2, 3, 1, 0)
    matlab = scipy.io.loadmat(shared / "data/weights" / FILES[1])["conv1_w"]
    np.testing.assert_array_equal(theirs[:, :, ::-1], matlab)
    assert np.abs(theirs - matlab).max() > 0.4


def test_the_command_writes_a_checkpoint_that_tracking_reads(file, tmp_path, capsys):
    assert main(["convert", str(file), "--out", str(tmp_path / "net")]) == 0
    want = dcfnet.convert(file).variables
    got = load_variables(tmp_path / "net", want)
    jax.tree.map(np.testing.assert_array_equal, got, want)
    assert read_about(tmp_path / "net")["architecture"] == "dcfnet"
    assert "4 arrays, 10,144 numbers" in capsys.readouterr().out


def test_the_architecture_can_be_given(file, tmp_path):
    argv = ["convert", str(file), "--out", str(tmp_path / "net")]
    assert main([*argv, "--architecture", "dcfnet"]) == 0


def test_what_lies_beside_the_network_is_named(tmp_path, state):
    more = state | {"epoch": np.ones(1, np.float32)}
    got = dcfnet.convert(save(tmp_path / "a.pth", more))
    assert got.beside == ("epoch",)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s.pop("feature.2.bias"), "it has no feature.2.bias"),
        (
            lambda s: s.update({"feature.2.bias": np.zeros(5, np.float32)}),
            r"feature.2.bias has shape \(5,\), not \(32,\)",
        ),
        (
            lambda s: s.update({"feature.0.weight": np.zeros(5, np.float32)}),
            "feature.0.weight has shape",
        ),
    ],
)
def test_another_network_of_pytorch_is_refused(tmp_path, state, change, word):
    change(state)
    with pytest.raises(DataError, match=f"not dcfnet: .*{word}") as error:
        dcfnet.convert(save(tmp_path / "a.pth", state))
    assert str(tmp_path / "a.pth") in str(error.value)


@pytest.mark.parametrize("change", ["type", "param"])
def test_another_network_of_matconvnet_is_refused(shared, tmp_path, change):
    """The same arrays with another layer between them are another network."""
    tree = scipy.io.loadmat(shared / "data/weights" / FILES[2])
    layer = tree["net"][0, 0]["layers"][0, 3][0, 0]
    layer[change] = {"type": "relu", "param": np.ones((1, 4))}[change]
    scipy.io.savemat(tmp_path / "a.mat", {"net": tree["net"]})
    with pytest.raises(DataError, match="not dcfnet: "):
        dcfnet.convert(tmp_path / "a.mat")


def test_a_matlab_file_of_something_else_ends_with_one_line(tmp_path, capsys):
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.eye(3)})
    assert main(["convert", str(tmp_path / "a.mat"), "--out", str(tmp_path / "n")]) == 2
    error = capsys.readouterr().err
    assert "not one of the networks" in error and error.count("\n") == 1


def test_another_file_asked_to_be_dcfnet_ends_with_one_line(tmp_path, capsys, rng):
    path = save(tmp_path / "a.pth", {"conv1.weight": np.zeros(3, np.float32)})
    argv = ["convert", str(path), "--out", str(tmp_path / "n")]
    assert main([*argv, "--architecture", "dcfnet"]) == 2
    error = capsys.readouterr().err
    assert "it has no feature.0.weight" in error and error.count("\n") == 1
