"""VGG prefixes: sizes and counts of the published networks, layers by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.backbones.trunk import Trunk, TrunkVariables, residual, vgg, vgg_m
from tirjax.backbones.vgg import VGG, VGGM

KEY = jax.random.key(0)


def count(net, side=64):
    image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    shapes = jax.eval_shape(net.init, KEY, image)
    return sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def test_the_published_numbers_of_parameters():
    assert count(VGG()) == 1792 + 36928 + 73856 + 147584
    assert count(VGGM()) == 14208 + 614656 + 1180160 + 2 * 2359808


def test_the_published_sizes_of_vgg_m():
    """ECO's two layers, of its network's own input."""
    net = vgg_m()
    sizes = {name: net.cells(name, 224) for name in net.strides}
    assert sizes == {"norm1": 109, "norm2": 26, "relu3": 13, "relu4": 13, "relu5": 13}
    assert net.strides["norm1"] == 2 and net.strides["relu5"] == 16


def test_the_ten_layers_of_vgg_16_have_stride_four():
    net = vgg()
    assert net.last == "pool2" and net.strides["pool2"] == 4
    assert [net.cells("pool2", side) for side in (125, 224, 228)] == [31, 56, 57]
    other = vgg(pools=(1, 2), normalised=True)
    assert other.strides == {"pool1": 1, "pool2": 2, "norm": 2}


def convolved(x, layer, padding):
    x = np.pad(x, [(padding,) * 2, (padding,) * 2, (0, 0)])
    kernel, bias = np.asarray(layer["kernel"]), np.asarray(layer["bias"])
    h, w = x.shape[0] - 2, x.shape[1] - 2
    out = np.zeros((h, w, kernel.shape[-1]))
    for i in range(3):
        for j in range(3):
            out += x[i : i + h, j : j + w] @ kernel[i, j]
    return np.maximum(out + bias, 0)


@pytest.mark.parametrize("padding", [0, 1])
def test_a_stage_is_convolution_rectifier_and_pooling(rng, padding):
    net = VGG(((3, 2),), (2,), padding)
    image = rng.normal(size=(9, 11, 3)).astype(np.float32)
    variables = net.init(KEY, image[None])
    x = image
    for name in ("conv1_1", "conv1_2"):
        x = convolved(x, variables["params"][name], padding)
    rows, cols = x.shape[0] // 2, x.shape[1] // 2
    cells = x[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2, -1).max((1, 3))
    got = net.apply(variables, image[None])["pool1"][0]
    np.testing.assert_allclose(got, cells, atol=1e-5)


def test_a_checkpoint_is_made_of_the_network_s_own_names():
    net = residual(18).net
    images, boxes = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    wrapped = jax.eval_shape(TrunkVariables(net).init, KEY, images, boxes)
    plain = jax.eval_shape(net.init, KEY, images)
    assert jax.tree.structure(wrapped) == jax.tree.structure(plain)


def test_equal_trunks_are_one_key():
    assert vgg() == vgg() and hash(vgg()) == hash(vgg())
    assert vgg() != vgg(padding=0) and isinstance(vgg(), Trunk)
