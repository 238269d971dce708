"""Convolutions rewritten for CPUs equal XLA's own, gradients included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from tirjax.translators.convolve import convolve, convolve_up

SLOW = pytest.mark.slow  # each compiles two gradients
NHWC = ("NHWC", "HWIO", "NHWC")


def drawn(rng, *shape):
    return jnp.asarray(rng.standard_normal(shape), jnp.float32)


def assert_equal(ours, plain, x, kernel):
    """Values, and gradients of both arguments."""

    def both(f):
        loss = lambda x, k: (f(x, k) ** 2).sum()
        return jax.jit(lambda x, k: (f(x, k), jax.grad(loss, (0, 1))(x, k)))

    got, want = both(ours)(x, kernel), both(plain)(x, kernel)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert a.dtype == jnp.float32
        # Other orders of summation; values are around 10.
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * float(abs(b).max()))


@pytest.mark.parametrize(
    ("kernel", "padding"),
    [
        ((7, 7, 5, 3), 0),  # last layer of the ResNet generator
        ((4, 4, 5, 1), 1),  # of the discriminator
        pytest.param((3, 3, 256, 256), 0, marks=SLOW),  # residual blocks
        pytest.param((4, 4, 5, 6), 1, marks=SLOW),  # left to XLA
    ],
)
def test_convolution(rng, kernel, padding):
    x, k = drawn(rng, 2, 9, 8, kernel[2]), drawn(rng, *kernel)
    pads, settings = [(padding, padding)] * 2, {"dimension_numbers": NHWC}
    ours = lambda x, k: convolve(x, k, (1, 1), pads, **settings)
    plain = lambda x, k: lax.conv_general_dilated(x, k, (1, 1), pads, **settings)
    assert_equal(ours, plain, x, k)


@pytest.mark.parametrize(
    ("size", "side", "outputs"),
    [
        pytest.param(4, 5, 3, marks=SLOW),
        pytest.param(4, 1, 6, marks=SLOW),
        pytest.param(4, 2, 6, marks=SLOW),
        (4, 5, 6),
        (3, 5, 6),
    ],
)
def test_transposed_convolution(rng, size, side, outputs):
    x, k = drawn(rng, 2, side, side, 5), drawn(rng, size, size, outputs, 5)
    extra = 4 - size

    def plain(x, k):
        pads = [(size - 2, size - 2 + extra)] * 2
        turned = k[::-1, ::-1].transpose(0, 1, 3, 2)
        return lax.conv_general_dilated(
            x, turned, (1, 1), pads, (2, 2), dimension_numbers=NHWC
        )

    ours = lambda x, k: convolve_up(x, k, extra)
    assert ours(x, k).shape == (2, 2 * side, 2 * side, outputs)
    assert_equal(ours, plain, x, k)


@pytest.mark.parametrize("side", [8, 9])
def test_wide_kernels_forward(rng, side):
    """By tiles where they fit, else by sums; against float64."""
    x, k = drawn(rng, 1, side, side, 256), drawn(rng, 3, 3, 256, 256)
    found = np.asarray(convolve(x, k, (1, 1), [(0, 0)] * 2, dimension_numbers=NHWC))
    windows = np.lib.stride_tricks.sliding_window_view(np.float64(x), (3, 3), (1, 2))
    want = np.einsum("nhwcij,ijcd->nhwd", windows, np.float64(k), optimize=True)
    np.testing.assert_allclose(found, want, atol=5e-6 * np.abs(want).max())


def test_strides_are_left_to_xla(rng):
    x, k = drawn(rng, 1, 8, 8, 4), drawn(rng, 4, 4, 4, 3)
    found = convolve(x, k, (2, 2), [(1, 1)] * 2, dimension_numbers=NHWC)
    assert found.shape == (1, 4, 4, 3)


@pytest.mark.slow
def test_under_vmap(rng):
    x, k = drawn(rng, 3, 1, 6, 6, 4), drawn(rng, 3, 3, 4, 2)
    one = lambda x: convolve(x, k, (1, 1), [(1, 1)] * 2, dimension_numbers=NHWC)
    found = jax.jit(jax.vmap(one))(x)
    np.testing.assert_allclose(found[1], one(x[1]), rtol=1e-5, atol=1e-5)
