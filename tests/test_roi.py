"""Precise RoI pooling against an integral, hand-made values, recordings, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from recorded_nets import assert_close, channels_last, load

from tirjax.ops import roi

prroi_pool = jax.jit(roi.prroi_pool, static_argnums=2)
RAMP = jnp.asarray(6.0 * np.arange(6)[:, None] + np.arange(6))[..., None]


def corners(x0, y0, x1, y1, scale=1.0):
    return jnp.array([[x0, y0, x1 - x0, y1 - y0]]) * scale


def integrate(features, box, bins, n=200):
    """Riemann sum of the bilinear surface; slow, obvious, no shared code."""
    x, y, w, h = box
    xs = x + (np.arange(bins[1] * n) + 0.5) * w / (bins[1] * n)
    ys = y + (np.arange(bins[0] * n) + 0.5) * h / (bins[0] * n)
    hat = lambda at, size: np.maximum(1 - np.abs(at[:, None] - np.arange(size)), 0)
    rows, cols = hat(ys, features.shape[0]), hat(xs, features.shape[1])
    surface = np.einsum("yi,xj,ijc->yxc", rows, cols, features, optimize=True)
    return surface.reshape(bins[0], n, bins[1], n, -1).mean((1, 3))


@pytest.mark.parametrize("bins", [(1, 1), (3, 5)])
def test_equals_the_integral(rng, bins):
    features = rng.normal(size=(6, 7, 2)).astype(np.float32)
    boxes = [(1.3, 0.7, 4.2, 3.1), (-0.5, -0.5, 7.0, 6.0), (4.0, 3.0, 6.0, 9.0)]
    got = prroi_pool(jnp.asarray(features), jnp.asarray(boxes), bins)
    for box, pooled in zip(boxes, got, strict=True):
        np.testing.assert_allclose(pooled, integrate(features, box, bins), atol=5e-5)


@pytest.mark.parametrize(
    ("box", "value"),
    [
        (corners(1, 1, 3, 3), 14.0),
        (corners(-1, -1, 1, 1), 1.3125),
        (corners(4, 4, 8, 8), 4.59375),
        (corners(2, 2, 8, 6, scale=0.5), 14.5),
        (corners(2, 2, 2, 6), 0.0),
        (corners(3, 2, 2, 6), 0.0),
    ],
)
def test_one_bin_of_a_ramp_has_the_value_known_by_hand(box, value):
    assert float(prroi_pool(RAMP, box, (1, 1))[0, 0, 0, 0]) == pytest.approx(value)


def test_four_bins_of_a_ramp_and_their_gradient_are_known_by_hand():
    edges = np.array([0.5, 1.25, 3.5, 4.0], np.float32)
    pool = lambda e: prroi_pool(RAMP, corners(*e), (2, 2)).reshape(4)
    pooled, gradient = jax.jit(
        lambda e: (pool(e), jax.grad(lambda e: pool(e).sum())(e))
    )(edges)
    np.testing.assert_allclose(pooled, [12.875, 14.375, 21.125, 22.625], rtol=1e-6)
    np.testing.assert_allclose(gradient, [2, 12, 2, 12], rtol=1e-5)


def test_gradient_reaches_boxes_and_features(rng):
    features = jnp.asarray(rng.normal(size=(6, 7, 2)), jnp.float32)
    boxes = jnp.array([[1.3, 0.7, 4.2, 3.1], [-0.6, 2.2, 3.7, 8.1]])
    loss = jax.jit(lambda f, b: jnp.sum(prroi_pool(f, b, (2, 3)) ** 2))
    check_grads(loss, (features, boxes), order=1, modes=["rev"], rtol=2e-2)


def test_an_empty_box_has_no_gradient():
    boxes = jnp.array([[2.0, 2.0, 0.0, 3.0], [2.0, 2.0, 3.0, -1.0]])
    gradient = jax.jit(jax.grad(lambda b: prroi_pool(RAMP, b, (2, 2)).sum()))(boxes)
    np.testing.assert_array_equal(gradient, np.zeros((2, 4)))


@pytest.mark.parametrize(
    ("side", "stride"), [(5, 8), (3, 8), (1, 16), (3, 16), (4, 16)]
)
def test_equals_the_recorded_values_and_gradients(shared, side, stride):
    recorded = load("layers")
    name = f"prroi/{side}x{side}_s{stride}"
    which, rois = (
        recorded["prroi/rois"][:, 0].astype(int),
        recorded["prroi/rois"][:, 1:],
    )

    def pool(features, rois):
        boxes = jnp.concatenate([rois[:, :2], rois[:, 2:] - rois[:, :2]], 1) / stride
        one = lambda f, b: prroi_pool(f, b[None], (side, side))[0]
        return jax.vmap(one)(features[which], boxes)

    def both(features, rois, cotangent):
        out, pull = jax.vjp(pool, features, rois)
        return out, *pull(cotangent)

    features = channels_last(recorded["prroi/feat"])
    cotangent = channels_last(recorded[f"{name}/cotangent"])
    out, by_features, by_rois = jax.jit(both)(features, rois, cotangent)
    assert_close(out, channels_last(recorded[f"{name}/out"]), 5e-5)
    slices = np.moveaxis(np.asarray(by_features), -1, 1)[:, :2]
    assert_close(slices, recorded[f"{name}/grad_feat_slice"], 5e-5)
    # Number 3 is 0.4 x 0.3 pixels: its bins are differences of nearly equal float32
    # numbers, and the recording is 3e-4 away from float64.
    gradient = recorded[f"{name}/grad_rois"]
    others = np.arange(len(gradient)) != 3
    assert_close(by_rois[3], gradient[3], 1e-3)
    assert_close(by_rois[others], gradient[others], 1e-5)


def test_pooling_a_target_equals_the_recorded_one(shared):
    recorded = load("layers")
    features = channels_last(recorded["filterpool/feat"])
    pool = lambda f, b: prroi_pool(f, b[None] / 16, (4, 4))[0]
    got = jax.vmap(pool)(features, recorded["filterpool/bb"])
    assert_close(got, channels_last(recorded["filterpool/4_square_False"]))
