"""Box refinement on scores whose best box is known, and against recorded codes."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.trackers.refine import (
    Refinement,
    choose,
    from_relative,
    propose,
    refine,
    to_relative,
)

BEST = np.array([40.0, 50.0, 30.0, 20.0], np.float32)
START = jnp.array([[36.0, 47.0, 36.0, 25.0], [44.0, 55.0, 27.0, 18.0]])
RELATIVE = Refinement(relative=True, steps=3, rates=(0.3, 0.2))


def bowl(boxes):
    return -((boxes - BEST) ** 2).sum(-1) / 2000


def climb_written_out(box, rates, steps):
    """The default space: gradient times the box's sides."""
    for _ in range(steps):
        before = -((box - BEST) ** 2).sum() / 2000
        slope = -(box - BEST) / 1000
        box = box + rates * slope * np.tile(box[2:], 2)
    return box, before


def test_steps_in_pixels_are_the_gradient_times_the_sides():
    boxes, scores = refine(bowl, START, Refinement(rates=(1.0, 0.5)))
    for i, start in enumerate(np.asarray(START)):
        box, score = climb_written_out(start, np.array([1, 1, 0.5, 0.5]), 5)
        np.testing.assert_allclose(boxes[i], box, rtol=1e-5)
        np.testing.assert_allclose(scores[i], score, rtol=1e-4)


def test_relative_steps_climb_in_centre_and_log_size():
    size = np.asarray(START)[0, 2:]
    code = lambda b: np.r_[(b[:2] + b[2:] / 2) / size, np.log(b[2:])]
    decode = lambda c: np.r_[c[:2] * size - np.exp(c[2:]) / 2, np.exp(c[2:])]
    boxes, _ = refine(bowl, START, RELATIVE)
    for i, start in enumerate(np.asarray(START)):
        x = code(start)
        for _ in range(3):
            nudged = [decode(x + h) for h in 1e-4 * np.r_[np.eye(4), -np.eye(4)]]
            values = -((np.array(nudged) - BEST) ** 2).sum(-1) / 2000
            slope = (values[:4] - values[4:]) / 2e-4
            x = x + np.array([0.3, 0.3, 0.2, 0.2]) * slope
        np.testing.assert_allclose(boxes[i], decode(x), rtol=1e-4)


@pytest.mark.parametrize("settings", [Refinement(steps=60), RELATIVE])
def test_climbing_raises_the_score(settings):
    boxes, scores = refine(bowl, START, settings)
    assert (bowl(boxes) > bowl(START)).all()
    assert (bowl(boxes) >= scores).all()


def test_relative_codes_are_the_recorded_ones(shared):
    with np.load(shared / "goldens/dimp/layers.npz") as recorded:
        boxes = jnp.asarray(recorded["box/roundtrip"])
        code, own = recorded["box/rel_norm"], recorded["box/rel"]
    np.testing.assert_allclose(to_relative(boxes, boxes[0, 2:]), code, rtol=1e-6)
    np.testing.assert_allclose(to_relative(boxes, boxes[:, 2:]), own, rtol=1e-6)
    np.testing.assert_allclose(from_relative(code, boxes[0, 2:]), boxes, rtol=1e-5)


def test_proposals_start_with_the_box_and_stay_near(rng):
    box = jnp.array([10.0, 20.0, 30.0, 30.0])
    uniform = jnp.asarray(rng.uniform(size=(500, 4)), jnp.float32)
    boxes = propose(box, uniform, (0.1, 0.5))
    np.testing.assert_array_equal(boxes[0], box)
    moved = boxes[1:, :2] + boxes[1:, 2:] / 2 - (box[:2] + box[2:] / 2)
    grown = boxes[1:, 2:] - box[2:]
    assert 1.3 < np.abs(moved).max() <= 1.5
    assert 7.0 < np.abs(grown).max() <= 7.5


def test_proposals_keep_a_third_of_the_short_side():
    box = jnp.array([0.0, 0.0, 90.0, 3.0])
    boxes = propose(box, jnp.zeros((1, 4)), (0.1, 0.5))
    np.testing.assert_allclose(boxes[1, 3], 1.0)


def boxes_of(*sizes):
    return jnp.array([[10.0 * i, 0.0, *s] for i, s in enumerate(sizes)])


def test_the_three_best_are_averaged():
    boxes = boxes_of((20, 20), (20, 20), (20, 20), (20, 20))
    chosen = choose(boxes, jnp.array([0.1, 0.9, 0.8, 0.7]), Refinement())
    assert chosen.good
    np.testing.assert_allclose(chosen.box, [20, 0, 20, 20])
    np.testing.assert_allclose(chosen.score, 0.8, rtol=1e-6)


def test_oblong_and_diverged_boxes_are_left_out():
    boxes = boxes_of((60, 10), (20, 20), (np.inf, 20), (10, 60))
    chosen = choose(boxes, jnp.array([0.9, 0.1, 0.8, 0.7]), Refinement())
    np.testing.assert_allclose(chosen.box, [10, 0, 20, 20])


def test_sides_below_a_pixel_count_as_one():
    chosen = choose(boxes_of((0.5, 3.0)), jnp.zeros(1), Refinement())
    np.testing.assert_allclose(chosen.box, [0, 0, 1, 3])


def test_without_a_sensible_box_nothing_is_good():
    boxes = boxes_of((90, 10), (10, 90))
    chosen = choose(boxes, jnp.array([0.9, jnp.nan]), Refinement())
    assert not chosen.good and np.isfinite(chosen.box).all()


def test_fewer_boxes_than_wanted_are_all_averaged():
    settings = dataclasses.replace(Refinement(), proposals=0)
    chosen = choose(boxes_of((20, 20)), jnp.zeros(1), settings)
    assert chosen.good
