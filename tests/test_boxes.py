"""Boxes against counted pixels, their symmetries, and gradients that stay finite."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from tirjax.ops import boxes

# Whole and half pixels: exact in float32, so that equalities can be asked exactly.
place = st.integers(-200, 200).map(lambda n: n / 2)
length = st.integers(1, 200).map(lambda n: n / 2)
box = st.tuples(place, place, length, length).map(lambda b: np.array(b, np.float32))
quick = settings(max_examples=60, deadline=None)


def counted_iou(a, b, size=24):
    """Overlap of whole-pixel boxes by painting them and counting pixels."""
    rows, cols = np.mgrid[:size, :size]
    inside = lambda box: (
        (cols >= box[0])
        & (cols < box[0] + box[2])
        & (rows >= box[1])
        & (rows < box[1] + box[3])
    )
    both, either = inside(a) & inside(b), inside(a) | inside(b)
    return both.sum() / either.sum() if either.any() else 0.0


def test_iou_equals_counted_pixels(rng):
    corner, size = rng.integers(0, 12, (2, 50, 2)), rng.integers(0, 12, (2, 50, 2))
    a, b = np.concatenate([corner, size], -1)
    want = [counted_iou(*pair) for pair in zip(a, b, strict=True)]
    got = boxes.iou(jnp.float32(a), jnp.float32(b))
    np.testing.assert_allclose(got, want, atol=1e-6)


@quick
@given(box, box)
def test_iou_is_symmetric_and_within_zero_and_one(a, b):
    there, back = boxes.iou(a, b), boxes.iou(b, a)
    assert there == back and 0 <= there <= 1


@quick
@given(box)
def test_a_box_overlaps_itself_fully(a):
    assert boxes.iou(a, a) == 1


@quick
@given(box, box, st.tuples(place, place))
def test_iou_does_not_move_with_both_boxes(a, b, shift):
    move = np.array([*shift, 0, 0], np.float32)
    np.testing.assert_allclose(boxes.iou(a + move, b + move), boxes.iou(a, b))


@quick
@given(box, st.sampled_from([(0, 5), (5, 0), (-3, 5), (-3, -3), (0, 0)]))
def test_a_box_without_area_overlaps_nothing(a, size):
    empty = np.array([*(a[:2] + 0.25), *size], np.float32)
    assert boxes.iou(a, empty) == 0
    assert boxes.iou(empty, empty) == 0


@quick
@given(box)
def test_centre_and_from_centre_are_inverse(a):
    np.testing.assert_array_equal(boxes.from_centre(boxes.centre(a), a[2:]), a)


def test_the_centre_of_the_first_pixel_is_half_a_pixel_in():
    np.testing.assert_array_equal(boxes.centre(jnp.array([0.0, 0, 1, 1])), [0.5, 0.5])


def test_iou_gradient_equals_differences():
    a, b = jnp.array([1.0, 2.0, 8.0, 6.0]), jnp.array([3.1, 0.7, 7.3, 5.9])
    check_grads(boxes.iou, (a, b), order=1, modes=["rev"], rtol=2e-2)


def test_iou_gradient_is_finite_where_boxes_are_apart_or_empty():
    a = jnp.array([1.0, 2.0, 8.0, 6.0])
    others = jnp.array([[90.0, 90, 5, 5], [3, 3, 0, 0], [3, 3, -2, 4], [0, 0, 0, 0]])
    slope = jax.vmap(jax.grad(lambda b: boxes.iou(a, b)))(others)
    assert np.isfinite(slope).all()
