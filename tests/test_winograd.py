"""Winograd's convolution beside the plain one, alone and as a layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.backbones.conv import COLLECTION, Conv, transformed
from tirjax.ops import winograd

KEY = jax.random.key(0)


def plain(x, kernel, padding):
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (1, 1),
        [(padding, padding)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@pytest.mark.parametrize("size", [(3, 3), (4, 7), (5, 4), (6, 9)])
@pytest.mark.parametrize("padding", [0, 1])
def test_equals_the_plain_convolution(size, padding):
    with jax.enable_x64(True):
        x = jax.random.normal(KEY, (2, *size, 3), float)
        kernel = jax.random.normal(jax.random.key(1), (3, 3, 3, 5), float)
        found = winograd.convolve(x, winograd.transform(kernel), padding)
        wanted = plain(x, kernel, padding)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13)


def test_a_large_batch_is_one_image_after_another(monkeypatch):
    x = jax.random.normal(KEY, (3, 5, 6, 4))
    weights = winograd.transform(jax.random.normal(jax.random.key(1), (3, 3, 4, 5)))
    at_once = winograd.convolve.__wrapped__(x, weights, 1)
    monkeypatch.setattr(winograd, "CACHE", 0)
    in_turn = winograd.convolve.__wrapped__(x, weights, 1)
    np.testing.assert_allclose(in_turn, at_once, rtol=0, atol=1e-5)


def test_rounds_as_little_as_the_plain_one_in_single_precision():
    x = jax.random.normal(KEY, (1, 12, 12, 256))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 256, 64)) / 48
    fast = winograd.convolve(x, winograd.transform(kernel), 1)
    with jax.enable_x64(True):
        doubles = (jnp.asarray(a, jnp.float64) for a in (x, kernel))
        exact = np.asarray(plain(*doubles, 1))
    assert abs(fast - exact).max() < 3e-6 * abs(exact).max()


def layer(**settings):
    made = Conv(64, (3, 3), **{"padding": 1, **settings})
    x = jax.random.normal(KEY, (2, 7, 8, 64 * made.feature_group_count))
    return made, x, made.init(KEY, x)


@pytest.mark.parametrize(
    "settings",
    [{}, {"use_bias": False}, {"padding": "VALID"}, {"feature_group_count": 2}],
    ids=str,
)
def test_a_layer_says_the_same_with_transformed_weights(settings):
    made, x, variables = layer(**settings)
    fast = transformed(variables)
    assert len(fast[COLLECTION]["kernel"]) == 16
    assert fast["params"] is variables["params"]
    # What it says must come from the transformed weights.
    blind = jax.tree.map(jnp.zeros_like, variables["params"])
    if "bias" in blind:
        blind["bias"] = variables["params"]["bias"]
    found = made.apply(fast | {"params": blind}, x)
    wanted = made.apply(variables, x)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("strides", [2, (2, 2)])
def test_a_layer_with_a_stride_goes_by_the_plain_weights(strides):
    made, x, variables = layer(strides=strides)
    wanted = made.apply(variables, x)
    assert (made.apply(transformed(variables), x) == wanted).all()


def test_a_half_precision_layer_stays_one():
    made, x, variables = layer(dtype=jnp.bfloat16)
    found, wanted = made.apply(transformed(variables), x), made.apply(variables, x)
    assert found.dtype == wanted.dtype == jnp.bfloat16
    np.testing.assert_allclose(*map(jnp.float32, (found, wanted)), atol=0.05)


def test_a_batch_of_layers_is_a_vmap():
    made, x, variables = layer()
    fast = transformed(variables)
    found = jax.vmap(lambda x: made.apply(fast, x[None])[0])(x)
    np.testing.assert_allclose(found, made.apply(variables, x), rtol=0, atol=1e-5)


def test_gradients_through_transformed_weights_are_those_of_the_plain_ones():
    made, x, variables = layer()
    slope = lambda v: jax.grad(lambda x: (made.apply(v, x) ** 2).sum())(x)
    wanted = slope(variables)
    found = slope(transformed(variables))
    np.testing.assert_allclose(found, wanted, atol=1e-5 * abs(wanted).max())


def test_narrow_layers_and_no_network_stay_as_they_are():
    made = Conv(64, (3, 3))
    variables = made.init(KEY, jnp.zeros((1, 5, 5, 63)))
    assert transformed(variables) is variables
    assert transformed(()) == ()
