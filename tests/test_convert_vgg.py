"""Torchvision's VGG as the start of features for tracking."""

import jax
import numpy as np
import pytest
import torchfile

from tirjax.backbones.trunk import vgg
from tirjax.convert import vgg as published
from tirjax.convert.rename import leaves
from tirjax.data.sequence import DataError


@pytest.fixture
def state(rng):
    """Arrays of a file by name, and one of a later layer."""
    made = {}
    widths = zip(published.LAYERS, published.WIDTHS, published.WIDTHS[1:], strict=False)
    for number, before, after in widths:
        shape = (after, before, 3, 3)
        made[f"features.{number}.weight"] = rng.normal(0, 0.1, shape).astype("f4")
        made[f"features.{number}.bias"] = rng.normal(0, 0.1, after).astype("f4")
    return made | {"features.10.weight": np.zeros((4, 4, 3, 3), np.float32)}


def save(path, state):
    return torchfile.save_zip(path, torchfile.tensors(state))


def test_the_variables_are_those_of_our_network(state, tmp_path):
    file = save(tmp_path / "vgg16.pth", state)
    assert published.holds(file)
    got = published.convert(file)
    image = jax.ShapeDtypeStruct((1, 16, 16, 3), np.float32)
    wanted = jax.eval_shape(vgg().net.init, jax.random.key(0), image)
    describe = lambda tree: {path: (x.shape, x.dtype) for path, x in leaves(tree)}
    assert describe(got.variables) == describe(wanted)
    assert got.beside == ("features.10.weight",)


def test_bytes_give_what_scaled_colours_gave(state, tmp_path, rng):
    """The first convolution inside the picture, by hand."""
    got = published.convert(save(tmp_path / "vgg16.pth", state))
    pixels = rng.integers(0, 256, (5, 5, 3)).astype(np.float64)
    theirs = (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    ours = np.asarray(vgg().normalise(pixels), np.float64)
    weight, layer = state["features.0.weight"], got.variables["params"]["conv1_1"]
    for i in range(3):
        for j in range(3):
            patch = theirs[i : i + 3, j : j + 3]
            want = np.einsum("ijc,dcij->d", patch, weight) + state["features.0.bias"]
            patch = ours[i : i + 3, j : j + 3]
            mine = np.einsum("ijc,ijcd->d", patch, layer["kernel"]) + layer["bias"]
            np.testing.assert_allclose(mine, want, atol=1e-4)


def test_another_network_is_refused(state, tmp_path):
    narrow = state | {"features.2.weight": np.zeros((32, 64, 3, 3), np.float32)}
    with pytest.raises(DataError, match=r"features\.2 is"):
        published.convert(save(tmp_path / "narrow.pth", narrow))
    del state["features.5.bias"]
    other = save(tmp_path / "other.pth", state)
    assert not published.holds(other)
    with pytest.raises(DataError, match="not vgg16"):
        published.convert(other)
