"""Activations of first layers, and what is computed from them."""

import jax
import numpy as np
import pytest

from tirjax.backbones.alexnet import AlexNet
from tirjax.backbones.dcfnet import DCFNet, normalise
from tirjax.backbones.first_layer import first_layer, respond
from tirjax.backbones.resnet import ResNet
from tirjax.backbones.resnet import normalise as resnet_normalise
from tirjax.convert import squeezenet
from tirjax.data.sequence import DataError
from tirjax.evaluation.activations import (
    activation_ratio,
    crossing_rank,
    effective_filters,
    mean_activation,
)
from tirjax.translators import ResNetGenerator, UNet

SIDE = 24


def drawn(rng, net, *inputs, **more):
    """Variables drawn by numpy; variances are positive."""
    like = jax.eval_shape(lambda *x: net.init(jax.random.key(0), *x, **more), *inputs)
    return jax.tree.map(lambda x: rng.uniform(0.1, 1, x.shape).astype(x.dtype), like)


def resnet(images):
    net = ResNet(10, (4, 4, 4))
    return net, lambda v: net.apply(v, resnet_normalise(images), method="stem")


def alexnet(images):
    net = AlexNet((4,))
    return net, lambda v: net.apply(v, images)[0]["relu1"]


def dcfnet(images):
    net = DCFNet()
    return net, lambda v: jax.nn.relu(net.bind(v).conv1(normalise(images)))


def slow(*values):
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


@pytest.mark.parametrize("made", [resnet, *slow(alexnet, dcfnet)])
def test_the_answers_are_those_of_the_network(rng, made):
    images = rng.uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    net, answers = made(images)
    variables = drawn(rng, net, images)
    kernel = variables["params"]["conv1"]["kernel"]
    kernel -= kernel.mean((0, 1, 2))
    # A tracker's network has its backbone inside.
    whole = {key: {"backbone": part} for key, part in variables.items()}
    layer = first_layer(whole)
    both = jax.jit(lambda v: (respond(layer, images), answers(v)))
    found, want = both(variables)
    assert 0.05 < float((want > 0).mean()) <= 1
    np.testing.assert_allclose(found, want, atol=1e-5 * float(want.max()))


@pytest.mark.parametrize("net", [UNet(2, width=4), *slow(ResNetGenerator(1, width=4))])
def test_generators_have_a_first_layer_too(rng, net):
    images = rng.uniform(0, 255, (2, 16, 16, 3)).astype(np.float32)
    variables = drawn(rng, net, images)
    x, unet = images / 127.5 - 1, isinstance(net, UNet)
    part = variables["params"]["down_0" if unet else "stem"]
    part["kernel"] -= 0.5
    stride, pad = (2, 1) if unet else (1, 3)
    edge = ((0, 0), (pad, pad), (pad, pad), (0, 0))
    x = np.pad(x, edge, mode="constant" if unet else "reflect")
    side = part["kernel"].shape[0]
    patches = np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))
    patches = patches[:, ::stride, ::stride]
    want = np.einsum("nyxcij,ijck->nyxk", patches, part["kernel"]) + part.get("bias", 0)
    layer = first_layer(variables)
    found = jax.jit(lambda x: respond(layer, x))(images)
    np.testing.assert_allclose(found, np.maximum(want, 0), atol=1e-3)


def test_a_grey_image_is_three_equal_channels(rng):
    kernel = rng.normal(size=(11, 11, 3, 2)).astype(np.float32)
    layer = first_layer({"params": {"conv1": {"kernel": kernel}}})
    grey = rng.uniform(0, 255, (1, SIDE, SIDE, 1)).astype(np.float32)
    both = jax.jit(lambda x, y: (respond(layer, x), respond(layer, y)))
    np.testing.assert_allclose(*both(grey, np.repeat(grey, 3, -1)), atol=0.1)


def test_squeezenet_answers_as_its_caffe_network(shared, rng):
    """Which takes blue, green, red less the mean, without a border."""
    path = shared / "data/weights/squeezenet10_imagenet_deepcompression.npz"
    image = rng.integers(0, 256, (1, 16, 16, 3)).astype(np.uint8)
    layer = first_layer({"params": squeezenet.read(path)})
    found = jax.jit(lambda x: respond(layer, x))(image)
    # Cell 2 of ours begins at pixel 1: three cells around the image, stride 2.
    patch = image[0, 1:8, 1:8, ::-1] - np.array([104.0, 117.0, 123.0])
    with np.load(path) as arrays:
        want = np.einsum("ijc,kcij->k", patch, arrays["conv1/kernel"])
        want = np.maximum(want + arrays["conv1/bias"], 0)
    np.testing.assert_allclose(found[0, 2, 2], want, atol=1e-3 * want.max())


def test_another_network_has_none():
    for name, shape in (("dense", (3, 3)), ("conv1", (5, 5, 3, 2))):
        odd = {"params": {name: {"kernel": np.zeros(shape)}}}
        assert first_layer(odd) is None


def test_the_mean_is_over_places_and_images(rng):
    responses = rng.uniform(0, 1, (5, 3, 4, 6)).astype(np.float32)
    found = mean_activation(iter([responses[:3], responses[3:]]))
    np.testing.assert_allclose(found, responses.mean((0, 1, 2)), rtol=1e-6)
    with pytest.raises(DataError, match="no image"):
        mean_activation([])


def test_shares_add_up_to_the_total():
    found = activation_ratio(np.array([3.0, 1.0, 0.0]), 0.5)
    np.testing.assert_allclose(found, [0.375, 0.125, 0])
    with pytest.raises(DataError, match="no filter"):
        activation_ratio(np.zeros(3))


def test_even_filters_are_all_effective():
    assert effective_filters(np.ones(7)) == pytest.approx(7)
    assert effective_filters(np.array([2.0, 2.0, 0, 0])) == pytest.approx(2)


def test_curves_cross_where_the_order_changes():
    flat, steep = np.ones(4), np.array([0.1, 2.5, 1.0, 0.4])
    assert crossing_rank(flat, steep) == 3 == crossing_rank(steep, flat)
    assert crossing_rank(flat, 2 * flat) is None
