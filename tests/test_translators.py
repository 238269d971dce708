"""Translators and discriminators against recorded outputs and a written-out sum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recorded_gan import MODES, TOLERANCE, error, image, tables

from tirjax.backbones.norm import Norm
from tirjax.translators import (
    DISCRIMINATORS,
    GENERATORS,
    ResNetGenerator,
    UNet,
    cyclegan_networks,
    from_variables,
    pix2pix_networks,
)
from tirjax.translators.layers import conv, drop, up_conv
from tirjax.translators.norms import Normalisation

KEY = jax.random.key(0)
QUICK = ("basic_D_4ch_batch_sigmoid", "basic_D_3ch_instance")
NETS = (
    "unet_256_3to3_batch",
    "unet_256_3to1_batch",
    "unet_128_3to3_batch",
    "unet_256_3to3_instance",
    "resnet_9blocks_3to3_instance",
    "resnet_9blocks_3to3_instance_tracked",
    "resnet_9blocks_3to3_batch",
    "resnet_6blocks_3to3_instance",
    "basic_D_6ch_batch",
    "basic_D_4ch_batch",
)


def test_the_recorded_input_is_ours(shared):
    np.testing.assert_allclose(
        image(0, 3).sum(dtype=np.float64), -2493.54737, atol=1e-3
    )
    first = [-0.05864342302083969, -0.09854008257389069, -0.1508471518754959]
    np.testing.assert_allclose(image(0, 3)[0, 0, :3, 0], first, rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("net", QUICK)
def test_outputs_equal_the_recorded_ones(shared, net, mode):
    assert error(net, mode) < TOLERANCE


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.slow
def test_outputs_of_large_networks_equal_the_recorded_ones(shared, net, mode):
    assert error(net, mode) < TOLERANCE


def test_every_recorded_network_is_tested(shared):
    assert {*QUICK, *NETS} == tables().keys()


@pytest.mark.parametrize(
    ("name", "settings", "inputs", "count"),
    [
        ("unet_256", {"outputs": 1}, 3, 54_409_857),
        ("unet_256", {"outputs": 3}, 3, 54_413_955),
        ("unet_128", {"outputs": 3}, 3, 41_828_995),
        ("unet_128", {"outputs": 1}, 3, 41_824_897),
        ("unet_256", {"outputs": 1, "kind": "instance"}, 3, 54_405_505),
        ("resnet_9blocks", {}, 3, 11_378_179),
        ("resnet_6blocks", {}, 3, 7_837_699),
        ("resnet_9blocks", {"kind": "batch"}, 3, 11_383_427),
        ("resnet_9blocks", {"outputs": 1}, 3, 11_371_905),
        ("basic", {}, 4, 2_766_657),
        ("basic", {}, 6, 2_768_705),
        ("n_layers", {"layers": 3, "kind": "instance"}, 3, 2_764_737),
        ("basic", {"kind": "instance"}, 1, 2_762_689),
    ],
)
def test_parameters_are_as_many_as_published(name, settings, inputs, count):
    net = (GENERATORS | DISCRIMINATORS)[name](**settings)
    variables = jax.eval_shape(net.init, KEY, jnp.zeros((1, 256, 256, inputs)))
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == count
    assert from_variables(variables) == net


@pytest.mark.parametrize(
    ("version", "channels"), [("paper", 3), ("released", 1)], ids=str
)
def test_presets_translate_and_judge(version, channels):
    generator, discriminator = pix2pix_networks(version)
    x = jnp.zeros((2, 256, 256, 3))
    image, _ = jax.eval_shape(generator.init_with_output, KEY, x)
    assert image.shape == (2, 256, 256, channels)
    both = jnp.zeros((2, 256, 256, 3 + channels))
    verdict, _ = jax.eval_shape(discriminator.init_with_output, KEY, both)
    assert verdict.shape == (2, 30, 30, 1)


def test_cyclegan_has_fewer_blocks_for_smaller_images():
    assert cyclegan_networks(128).generator.blocks == 6
    assert cyclegan_networks().generator.blocks == 9


def test_a_pixel_discriminator_judges_every_pixel():
    net = DISCRIMINATORS["pixel"](width=4, kind="instance")
    out, variables = net.init_with_output(KEY, jnp.ones((1, 5, 7, 2)))
    assert out.shape == (1, 5, 7, 1)
    assert from_variables(variables) == net


SMALL = {
    "unet": UNet(depth=5, outputs=1, width=2),
    "resnet": ResNetGenerator(blocks=2, outputs=1, width=2),
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("kind", ["batch", "instance", "instance_tracked", "none"])
def test_the_variables_tell_the_network(name, kind):
    net = SMALL[name].clone(kind=kind)
    made = jax.eval_shape(net.init, KEY, jnp.zeros((1, 32, 32, 3)))
    assert from_variables(made).clone(dropout=net.dropout) == net


def test_dropout_takes_a_key_and_only_in_the_middle(rng):
    net = UNet(depth=6, outputs=1, width=2, norm=Norm(batch=True))
    x = jnp.asarray(rng.normal(size=(1, 64, 64, 3)), jnp.float32)
    draw = lambda leaf: jnp.asarray(rng.normal(0, 0.1, leaf.shape), jnp.float32)
    variables = jax.tree.map(draw, jax.eval_shape(net.init, KEY, x))
    run = jax.jit(net.apply)
    a, b = (run(variables, x, jax.random.key(i)) for i in (1, 2))
    assert not np.allclose(a, b) and not np.allclose(a, run(variables, x))
    np.testing.assert_array_equal(a, run(variables, x, jax.random.key(1)))


def test_a_shallow_u_net_has_no_dropout():
    net = UNet(depth=5, width=2)
    variables = jax.eval_shape(net.init, KEY, jnp.zeros((1, 32, 32, 3)))
    program = jax.make_jaxpr(net.apply)(variables, jnp.zeros((1, 32, 32, 3)), KEY)
    assert "bernoulli" not in str(program)


def test_dropped_values_leave_the_mean_as_it_was():
    kept = drop(jnp.ones((400, 400)), 0.25, KEY)
    np.testing.assert_allclose(kept[kept > 0], 1 / 0.75, rtol=1e-6)
    np.testing.assert_allclose(kept.mean(), 1, atol=0.01)


def test_skips_activated_in_place_change_nothing(rng):
    """ReLU(LeakyReLU(x)) is ReLU(x): the quirk of the published code."""
    x = jnp.asarray(rng.normal(size=100), jnp.float32)
    np.testing.assert_array_equal(
        jax.nn.relu(jax.nn.leaky_relu(x, 0.2)), jax.nn.relu(x)
    )


def test_weights_are_drawn_as_published():
    layer = conv(64, 4, bias=True, name="down")
    params = layer.init(KEY, jnp.zeros((1, 8, 8, 64)))["params"]
    np.testing.assert_allclose(params["kernel"].std(), 0.02, rtol=0.05)
    assert (params["bias"] == 0).all()
    norm = Normalisation("batch").init(KEY, jnp.zeros((1, 2, 2, 4096)))["params"]
    np.testing.assert_allclose(norm["scale"].std(), 0.02, rtol=0.1)
    np.testing.assert_allclose(norm["scale"].mean(), 1, atol=0.01)


@pytest.mark.parametrize(("size", "extra"), [(4, 0), (3, 1)])
def test_a_transposed_convolution_scatters(rng, size, extra):
    x = rng.normal(size=(1, 3, 5, 2)).astype(np.float32)
    kernel = rng.normal(size=(size, size, 4, 2)).astype(np.float32)
    want = np.zeros((6 + 2 + extra, 10 + 2 + extra, 4))
    for i, j in np.ndindex(3, 5):
        place = want[2 * i : 2 * i + size, 2 * j : 2 * j + size]
        place += np.einsum("klod,d->klo", kernel, x[0, i, j])
    layer = up_conv(4, size, extra=extra, bias=False, name="up")
    got = layer.apply({"params": {"kernel": kernel}}, x)
    np.testing.assert_allclose(got[0], want[1:7, 1:11], rtol=1e-4, atol=1e-5)


X = np.random.default_rng(0).normal(2, 3, (2, 4, 6, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "over"),
    [("batch", (0, 1, 2)), ("instance", (1, 2)), ("instance_tracked", (1, 2))],
)
def test_statistics_are_of_the_batch_or_of_the_image(kind, over):
    layer = Normalisation(kind, Norm(batch=True))
    variables = layer.init(KEY, X)
    params = variables.get("params", {"scale": 1, "bias": 0})
    want = (X - X.mean(over, keepdims=True)) / np.sqrt(
        X.var(over, keepdims=True) + 1e-5
    )
    got, moved = layer.apply(variables, X, mutable=["batch_stats"])
    np.testing.assert_allclose(got, want * params["scale"] + params["bias"], atol=1e-5)
    if kind == "instance":
        assert jax.tree.leaves(moved) == []
        return
    stats = moved["batch_stats"]
    unbiased = X.var(over, ddof=1).reshape(-1, 3).mean(0)
    np.testing.assert_allclose(stats["mean"], 0.1 * X.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(stats["var"], 0.9 + 0.1 * unbiased, rtol=1e-5)


def test_running_statistics_are_used_when_frozen():
    layer = Normalisation("instance_tracked")
    stats = {"mean": jnp.full(3, 2.0), "var": jnp.full(3, 4.0)}
    got = layer.apply({"batch_stats": stats}, X)
    np.testing.assert_allclose(got, (X - 2) / np.sqrt(4 + 1e-5), rtol=1e-5)


def test_without_a_norm_nothing_is_normalised():
    np.testing.assert_array_equal(Normalisation("none").apply({}, X), X)
