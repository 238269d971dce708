"""Bicubic weights against MATLAB's numbers, its rule in a loop, and jax.image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matlab_resize import imresize, imresize_axis

from tirjax.ops.bicubic import apply, keys, resize, resizing, sampling

resize_to = jax.jit(resize, static_argnums=1)
sample = jax.jit(sampling, static_argnums=(2, 3))
part = jax.jit(resizing, static_argnames=("rows", "size", "shrink"))


def test_enlarged_twice_equals_matlab():
    x = jnp.float32([[1, 2, 4], [3, 0, 5], [2, 7, 1]])[..., None]
    got = resize_to(x, (6, 6))[..., 0]
    first = [0.683594, 1.051514, 1.787354, 2.633301, 3.589355, 4.067383]
    third = [2.921875, 1.984436, 0.109558, 0.769653, 3.964722, 5.562256]
    np.testing.assert_allclose(got[0], first, atol=2e-6)
    np.testing.assert_allclose(got[2], third, atol=2e-6)


def test_shrunk_equals_matlab():
    x = jnp.float32([0, 1, 4, 9, 16, 25])
    got = part(6, 4, rows=4, size=6, shrink=1.5) @ x
    np.testing.assert_allclose(got, [0.109568, 3, 10.777778, 22.779321], atol=2e-5)


@pytest.mark.parametrize("shape", [(40, 31), (13, 9), (12, 14), (5, 30)])
def test_equals_the_rule_in_a_loop(rng, shape):
    x = rng.uniform(0, 255, (12, 14, 2))
    got = resize_to(x.astype(np.float32), shape)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, imresize(x, shape), atol=2e-3)


@pytest.mark.parametrize("side", [60, 20])
def test_equals_jax_away_from_the_border(rng, side):
    x = rng.uniform(size=(40, 40, 1)).astype(np.float32)
    want = jax.image.resize(x, (side, side, 1), "cubic")
    edge = int(np.ceil(3 * max(1, side / 40)))
    inner = slice(edge, -edge)
    got = resize_to(x, (side, side))
    np.testing.assert_allclose(got[inner, inner], want[inner, inner], atol=1e-5)


def test_an_equal_size_changes_nothing(rng):
    x = rng.uniform(0, 255, (17, 11, 1)).astype(np.float32)
    np.testing.assert_allclose(resize_to(x, (17, 11)), x, atol=1e-4)


@pytest.mark.parametrize(("length", "target"), [(9, 20), (14, 6)])
def test_a_part_is_resized_as_if_it_were_cut_out(rng, length, target):
    """Traced lengths; the matrix has more rows than the result."""
    x = rng.uniform(size=(30,)).astype(np.float32)
    got = part(length, target, rows=24, size=30, start=7, shrink=3.0)[:target] @ x
    want = imresize_axis(x[7 : 7 + length], target)
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_what_is_outside_the_axis_counts_as_zero(rng):
    x = rng.uniform(size=(10,)).astype(np.float32)
    got = part(16, 8, rows=8, size=10, start=-3, shrink=2.0) @ x
    want = imresize_axis(np.pad(x, (3, 3)), 8)
    np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("spacing", [0.3, 1.0, 2.7])
def test_samples_reproduce_a_line(spacing):
    """Keys' kernel is exact for lines; widened it is nearly so."""
    at = jnp.arange(5) * spacing + 12.2
    got = sample(at, spacing, 40, 3.0) @ jnp.arange(40.0)
    np.testing.assert_allclose(got, at, atol=1e-4 if spacing <= 1 else 0.02)


def test_the_kernel_interpolates():
    np.testing.assert_array_equal(keys(jnp.float32([0, 1, -1, 2, 3])), [1, 0, 0, 0, 0])
    np.testing.assert_allclose(keys(jnp.float32([0.5, 1.5])), [0.5625, -0.0625])


def test_rows_and_columns_are_applied_to_their_own_axis(rng):
    image = rng.uniform(size=(5, 7, 2)).astype(np.float32)
    rows, cols = (rng.uniform(size=s).astype(np.float32) for s in ((3, 5), (4, 7)))
    want = np.einsum("ir,jx,rxc->ijc", rows, cols, image)
    np.testing.assert_allclose(apply(rows, cols, image), want, rtol=1e-5)
