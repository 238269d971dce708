"""Score labels against recorded ones, the specification's numbers and the geometry."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.training.labels import label_side, score_label

make = jax.jit(score_label, static_argnums=(1, 2, 3, 4))


def test_labels_are_the_recorded_ones(shared):
    with np.load(shared / "goldens/dimp/layers.npz") as recorded:
        boxes = jnp.asarray(recorded["label/boxes"])
        expected = recorded["label/gauss_k4_f18_im288_sig0.05"]
    got = jax.vmap(lambda box: make(box, 288, 16, 4, 0.05 * 18))(boxes)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert got.dtype == jnp.float32


def test_a_target_on_a_cell_scores_one_there():
    got = make(jnp.array([115.2, 115.2, 57.6, 57.6]), 288, 16, 4, 0.9)
    assert got.shape == (19, 19)
    np.testing.assert_allclose([got[9, 9], got[9, 10]], [1, 0.539407], atol=1e-5)


def test_a_target_between_cells_stays_below_one():
    got = make(jnp.array([110.0, 120.0, 50.0, 40.0]), 288, 16, 4, 0.9)
    assert np.unravel_index(got.argmax(), got.shape) == (9, 8)
    np.testing.assert_allclose(got.max(), 0.854933, atol=1e-5)


def written_out(box, side, stride, filter_size, sigma):
    """D.5 of the specification, on grids centred in the crop."""
    cells = side // stride
    even = (filter_size + 1) % 2
    middle = np.array([box[0] + box[2] / 2, box[1] + box[3] / 2])
    t = cells * (middle - side / 2) / side + 0.5 * even
    k = np.arange(cells + even) - (cells - 1) / 2
    return np.exp(-((k - t[0]) ** 2 + (k[:, None] - t[1]) ** 2) / (2 * sigma**2))


@pytest.mark.parametrize("side, stride", [(288, 16), (352, 16), (128, 8)])
@pytest.mark.parametrize("filter_size", [1, 3, 4])
def test_every_stride_and_filter_follow_the_definition(side, stride, filter_size):
    box = (0.3 * side, 0.4 * side, 31.0, 17.0)
    got = make(jnp.array(box), side, stride, filter_size, 0.75)
    assert got.shape == (label_side(side, stride, filter_size),) * 2
    want = written_out(box, side, stride, filter_size, 0.75)
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_target_outside_the_crop_scores_nowhere():
    got = make(jnp.array([-900.0, 10.0, 20.0, 20.0]), 128, 8, 4, 0.9)
    np.testing.assert_array_equal(got, 0)
