"""ResNet against recorded features, and the folding of its batch norms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from recorded_nets import apply, assert_close, assert_features, golden, images, maps
from recorded_nets import variables as recorded_variables

from tirjax.backbones import BACKBONES, ResNet
from tirjax.backbones.resnet import STAGES, _max_pool, fold, normalise

pytestmark = pytest.mark.usefixtures("shared")


@pytest.mark.parametrize("net", ["dimp18", "dimp50", "atom18"])
def test_features_equal_the_recorded_ones(net):
    recorded, features = golden(net), maps(net)
    for layer in ("layer2", "layer3"):
        assert_features(features[layer][:3], recorded, f"backbone/{layer}/train")
        assert_features(features[layer][3:], recorded, f"backbone/{layer}/test")
    assert_features(features["layer1"][:1], recorded, "backbone/layer1/train0")


def test_the_first_convolution_equals_the_recorded_one():
    stem = apply("dimp18", lambda m, x: m.backbone.stem(x), images()[:1])
    corner = np.moveaxis(np.asarray(stem), -1, 1)[:, :8, :4, :4]
    assert_close(corner, golden("dimp18")["backbone/conv1/train0/corner"])


@pytest.mark.parametrize("depth", [18, 50])
def test_folded_batch_norms_change_nothing(depth):
    tree = recorded_variables(f"dimp{depth}")
    tree = {name: part["backbone"] for name, part in tree.items()}
    pixels = images()[:1, :64, :64]
    expected = jax.jit(ResNet(depth).apply)(tree, pixels)
    got = jax.jit(ResNet(depth, folded=True).apply)(fold(tree), pixels)
    for layer in STAGES:
        assert_close(got[layer], np.asarray(expected[layer]))


def test_folding_leaves_a_bias_where_a_batch_norm_was():
    tree = recorded_variables("dimp18")
    folded = fold({name: part["backbone"] for name, part in tree.items()})
    network = ResNet(18, folded=True)
    made = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
    assert jax.tree.structure(folded) == jax.tree.structure(made)
    assert "bn1" not in folded["params"]


@pytest.mark.parametrize("name", BACKBONES)
def test_a_map_is_its_stride_smaller_than_the_image(name):
    network = BACKBONES[name]()
    out, _ = jax.eval_shape(
        network.init_with_output, jax.random.key(0), jnp.zeros((2, 96, 64, 3))
    )
    for layer, stride in network.strides.items():
        assert out[layer].shape[:3] == (2, 96 // stride, 64 // stride)


def test_computing_in_bfloat16_stays_near():
    tree = recorded_variables("dimp18")
    tree = {name: part["backbone"] for name, part in tree.items()}
    pixels = images()[:1, :64, :64]
    exact = jax.jit(ResNet(18).apply)(tree, pixels)["layer3"]
    half = jax.jit(ResNet(18, dtype=jnp.bfloat16).apply)(tree, pixels)["layer3"]
    assert half.dtype == jnp.bfloat16
    error = np.linalg.norm(half.astype(jnp.float32) - exact) / np.linalg.norm(exact)
    assert 1e-4 < error < 0.05


def test_a_thermal_channel_is_normalised_as_three_equal_ones(rng):
    grey = rng.integers(0, 256, size=(4, 5, 1), dtype=np.uint8)
    got = normalise(jnp.asarray(grey))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(got, (grey / 255 - mean) / std, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(got, normalise(jnp.asarray(grey.repeat(3, -1))))


@pytest.mark.parametrize("shape", [(1, 8, 6, 2), (2, 7, 9, 3)])
def test_pooling_by_slices_is_the_window_maximum(rng, shape):
    x = jnp.asarray(rng.standard_normal(shape), jnp.float32)
    slices = _max_pool
    window = lambda x: nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
    np.testing.assert_array_equal(slices(x), window(x))
    weigh = jnp.asarray(rng.standard_normal(slices(x).shape), jnp.float32)
    gradient = lambda pool: jax.grad(lambda x: (pool(x) * weigh).sum())(x)
    np.testing.assert_allclose(gradient(slices), gradient(window), atol=1e-6)
