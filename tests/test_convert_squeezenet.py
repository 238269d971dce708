"""SqueezeNet's two published files: the same names, one layer turned round."""

import jax
import numpy as np
import pytest
import torchfile

from tirjax.backbones.squeezenet import SqueezeNet
from tirjax.convert import squeezenet
from tirjax.data.sequence import DataError

# Modules 2 to 7 in torchvision's `features`, and the widths around each.
FIRES = [(3, 96, 16), (4, 128, 16), (5, 128, 32)]
FIRES += [(7, 256, 32), (8, 256, 48), (9, 384, 48)]


@pytest.fixture
def state(rng):
    """A state dict of torchvision, as far as it is read."""
    shapes = {"features.0": (96, 3, 7, 7)}
    for place, into, width in FIRES:
        shapes[f"features.{place}.squeeze"] = (width, into, 1, 1)
        shapes[f"features.{place}.expand1x1"] = (4 * width, width, 1, 1)
        shapes[f"features.{place}.expand3x3"] = (4 * width, width, 3, 3)
    shapes |= {"classifier.1": (10, 512, 1, 1)}
    draw = lambda shape: rng.standard_normal(shape).astype(np.float32)
    found = {f"{name}.weight": draw(shape) for name, shape in shapes.items()}
    return found | {f"{name}.bias": draw(shape[:1]) for name, shape in shapes.items()}


def deep_compression(state):
    """The same network in the other file's names, for its colours and its mean."""
    parts = {"squeeze": "conv1x1_1", "expand1x1": "conv1x1_2", "expand3x3": "conv3x3_2"}
    found = {}
    for name, array in state.items():
        *module, leaf = name.split(".")
        leaf = {"weight": "kernel", "bias": "bias"}[leaf]
        if module[0] == "classifier":
            found[f"conv_final/{leaf}"] = array
        elif len(module) == 3:
            number = 2 + [place for place, *_ in FIRES].index(int(module[1]))
            found[f"fire{number}/{parts[module[2]]}/{leaf}"] = array
        else:
            found[f"conv1/{leaf}"] = array
    mean, deviation = 255 * np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    kernel = found["conv1/kernel"] / deviation[None, :, None, None]
    moved = (np.array([123.0, 117.0, 104.0]) - mean)[None, :, None, None]
    found["conv1/bias"] = found["conv1/bias"] + (kernel * moved).sum((1, 2, 3))
    found["conv1/kernel"] = kernel[:, ::-1]
    return found


def save(path, state):
    return torchfile.save_zip(path, torchfile.tensors(state))


def test_both_files_give_the_layers_of_our_network(tmp_path, state):
    save(tmp_path / "net.pth", state)
    np.savez(tmp_path / "net.npz", **deep_compression(state))
    first, second = (squeezenet.read(tmp_path / f"net.{e}") for e in ("pth", "npz"))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), first, second
    )
    images = jax.ShapeDtypeStruct((1, 32, 32, 3), np.float32)
    wanted = jax.eval_shape(SqueezeNet().init, jax.random.key(0), images)["params"]
    describe = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), tree)
    ours = {name: part for name, part in wanted.items() if not name.startswith("neck")}
    assert describe(first) == describe(second) == describe(ours)


def test_kernels_change_their_layout_and_nothing_else(tmp_path, state):
    save(tmp_path / "net.pth", state)
    found = squeezenet.read(tmp_path / "net.pth")
    theirs = state["features.8.expand3x3.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(found["fire6"]["expand3x3"]["kernel"], theirs)
    theirs = state["features.0.bias"]
    np.testing.assert_array_equal(found["conv1"]["bias"], theirs)


def test_another_network_is_one_line(tmp_path, state):
    save(tmp_path / "net.pth", {"features.0.weight": state["features.0.weight"]})
    with pytest.raises(DataError, match=r"net.pth: not SqueezeNet 1.0: it has no feat"):
        squeezenet.read(tmp_path / "net.pth")
    np.savez(tmp_path / "net.npz", kernel=np.zeros(3))
    with pytest.raises(DataError, match=r"it has no conv1/kernel"):
        squeezenet.read(tmp_path / "net.npz")


def test_no_array_file_is_one_line(tmp_path):
    (tmp_path / "net.npz").write_text("no zip")
    with pytest.raises(DataError, match=r"net.npz: cannot be read as .npz"):
        squeezenet.read(tmp_path / "net.npz")


def test_a_layer_of_another_shape_is_one_line(tmp_path, state):
    state["features.3.squeeze.weight"] = np.zeros((64, 96, 1, 1), np.float32)
    save(tmp_path / "net.pth", state)
    with pytest.raises(DataError, match=r"features.3.squeeze.weight is \(64"):
        squeezenet.read(tmp_path / "net.pth")
