"""Places that stand out from their surroundings."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.training.objectness import Windows, _integral, _moments, propose
from tirjax.ops.boxes import iou

SMALL = Windows(grid=24)
find = jax.jit(propose, static_argnums=(3, 4))
SIZE = jnp.array([96, 120], jnp.int32)
COLOUR = np.zeros((96, 120, 3), np.uint8)


def scene(rng, boxes, levels, shape=(96, 120)):
    """Grey noise with rectangles of other levels."""
    picture = 110 + 6 * rng.standard_normal((*shape, 1))
    for (x, y, w, h), level in zip(boxes, levels, strict=True):
        picture[y : y + h, x : x + w] += level
    return np.clip(picture, 0, 255).astype(np.uint8)


def best_overlaps(found, boxes):
    overlap = iou(found[None], jnp.asarray(boxes, jnp.float32)[:, None])
    return np.asarray(overlap.max(1))


@pytest.mark.parametrize("sign", [1, -1])
def test_warm_and_cold_objects_are_found_first(rng, sign):
    boxes = [(20, 30, 10, 24), (70, 50, 26, 14)]
    picture = scene(rng, boxes, [60 * sign, -50 * sign])
    found, scores = find(COLOUR, picture, SIZE, 4, SMALL)
    assert (best_overlaps(found[:2], boxes) > 0.5).all()
    assert (np.diff(scores) <= 0).all() and scores[1] > 2 * scores[2]


def test_an_edge_of_the_sky_is_no_object(rng):
    boxes = [(0, 0, 120, 40), (50, 60, 16, 16)]
    found, _ = find(COLOUR, scene(rng, boxes, [-70, 40]), SIZE, 1, SMALL)
    assert best_overlaps(found, boxes[1:])[0] > 0.5


def test_proposals_are_inside_and_hardly_overlap(rng):
    picture = rng.integers(0, 256, (96, 120, 1), dtype=np.uint8)
    found, scores = (np.asarray(x) for x in find(COLOUR, picture, SIZE, 5, SMALL))
    assert found.dtype == scores.dtype == np.float32
    assert (found[:, :2] >= 0).all()
    assert (found[:, :2] + found[:, 2:] <= [120, 96]).all()
    pairs = [(a, b) for i, a in enumerate(found) for b in found[:i]]
    for a, b in pairs:
        ends = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
        smaller = min(a[2:].prod(), b[2:].prod())
        assert np.maximum(ends, 0).prod() <= 0.3 * smaller + 1e-3


def test_padding_is_never_looked_at(rng):
    picture = scene(rng, [(30, 30, 12, 20)], [50])
    colour = rng.integers(0, 256, (96, 120, 3), dtype=np.uint8)
    windows = Windows(grid=12, visible=0.5)
    propose_here = functools.partial(find, count=3, windows=windows)
    run = jax.jit(lambda v, t: propose_here(v, t, jnp.array([72, 90], jnp.int32)))
    twins = [(colour.copy(), picture.copy()) for _ in range(2)]
    for half in twins[1]:
        half[72:], half[:, 90:] = 255, 0
    for a, b in zip(run(*twins[0]), run(*twins[1]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_edges_of_the_colour_picture_count_if_asked(rng):
    flat = np.full((96, 120, 1), 90, np.uint8)
    colour = COLOUR + 100
    patch = rng.integers(0, 256, (18, 18, 3), dtype=np.uint8)
    colour[40:58, 60:78] = patch
    blind = find(colour, flat, SIZE, 1, SMALL)[1]
    boxes, scores = find(colour, flat, SIZE, 1, Windows(grid=24, visible=1.0))
    assert blind[0] == 0 and scores[0] > 0
    assert best_overlaps(boxes, [(60, 40, 18, 18)])[0] > 0.3


def test_moments_are_those_of_numpy(rng):
    image = rng.standard_normal((30, 40)).astype(np.float32)
    table = _integral(jnp.stack([image, image**2], -1))
    x, y = jnp.array([-3.0, 5, 20]), jnp.array([2.0, 27])
    mean, variance, there = _moments(table, jnp.array([30, 40]), (x, x + 9), (y, y + 6))
    for i, top in enumerate([2, 27]):
        for j, left in enumerate([-3, 5, 20]):
            part = image[top : top + 6, max(left, 0) : left + 9]
            np.testing.assert_allclose(mean[i, j], part.mean(), atol=1e-5)
            np.testing.assert_allclose(variance[i, j], part.var(), atol=1e-5)
    assert there.all()
    outside = _moments(table, jnp.array([30, 40]), (x - 50, x - 45), (y, y + 6))
    assert not outside[2].any() and jnp.isfinite(outside[0]).all()
