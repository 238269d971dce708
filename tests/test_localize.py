"""The decision about a score map, against one written out with loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.trackers.base import FOUND, LOST, UNCERTAIN
from tirjax.trackers.localize import (
    HARD_NEGATIVE,
    NORMAL,
    NOT_FOUND,
    UNDECIDED,
    Trust,
    localize,
    status,
)

CENTRE = (9.0, 9.0)
run = jax.jit(localize, static_argnums=(1, 4))


def scene(*peaks, size=19):
    scores = np.zeros((size, size), np.float32)
    for row, col, value in peaks:
        scores[row, col] = value
    return jnp.asarray(scores)


def look(*peaks, previous=(0.0, 0.0), trust=Trust()):
    target = jnp.array([4.0, 2.0])
    return run(scene(*peaks), CENTRE, target, jnp.array(previous), trust)


def test_a_single_peak_is_normal():
    found = look((11, 6, 0.9))
    assert found.flag == NORMAL and np.isclose(found.score, 0.9)
    np.testing.assert_array_equal(found.offset, [2, -3])


def test_a_low_peak_is_not_found():
    assert look((11, 6, 0.2)).flag == NOT_FOUND


def test_a_score_that_is_not_a_number_is_not_found():
    assert look((11, 6, np.nan)).flag == NOT_FOUND


def test_a_rival_out_of_reach_is_a_hard_negative():
    found = look((9, 9, 0.9), (17, 17, 0.8))
    assert found.flag == HARD_NEGATIVE
    np.testing.assert_array_equal(found.offset, [0, 0])


def test_a_higher_peak_out_of_reach_yields_to_the_rival():
    found = look((17, 17, 0.9), (9, 9, 0.8))
    assert found.flag == HARD_NEGATIVE and np.isclose(found.score, 0.9)
    np.testing.assert_array_equal(found.offset, [0, 0])


def test_two_peaks_within_reach_are_undecided():
    assert look((9, 9, 0.9), (9, 15, 0.8)).flag == UNDECIDED


def test_reach_is_measured_from_the_last_place():
    found = look((9, 9, 0.9), (9, 15, 0.8), previous=(0.0, -4.0))
    assert found.flag == HARD_NEGATIVE


def test_a_clear_second_peak_is_a_hard_negative():
    assert look((9, 9, 0.9), (9, 15, 0.6)).flag == HARD_NEGATIVE
    assert look((9, 9, 0.9), (9, 15, 0.4)).flag == NORMAL
    assert look((9, 9, 0.4), (9, 15, 0.24)).flag == NORMAL


def test_a_peak_within_the_target_is_no_rival():
    assert look((9, 9, 0.9), (10, 9, 0.8)).flag == NORMAL


def test_only_a_found_target_has_status_found():
    got = [int(status(jnp.int32(flag))) for flag in range(4)]
    assert got == [FOUND, FOUND, UNCERTAIN, LOST]


def written_out(scores, centre, target, previous, trust):
    rows, cols = scores.shape
    at = lambda s: np.array(np.unravel_index(s.argmax(), s.shape), np.float32)
    peak, one = scores.max(), at(scores)
    if peak < trust.not_found:
        return one - centre, NOT_FOUND
    masked, sides = scores.copy(), trust.neighbourhood * target
    low = [max(round(float(one[i] - sides[i] / 2)), 0) for i in (0, 1)]
    high = [max(round(float(one[i] + sides[i] / 2 + 1)), 0) for i in (0, 1)]
    masked[low[0] : high[0], low[1] : high[1]] = 0
    second, two = masked.max(), at(masked)
    reach = trust.displacement * (rows * cols) ** 0.5 / 2
    far = [np.linalg.norm(p - centre - previous) for p in (one, two)]
    if second > trust.distractor * peak:
        if far[1] > reach and far[0] < reach:
            return one - centre, HARD_NEGATIVE
        if far[1] < reach and far[0] > reach:
            return two - centre, HARD_NEGATIVE
        return one - centre, UNDECIDED
    worth = second > trust.hard_negative * peak and second > trust.not_found
    return one - centre, HARD_NEGATIVE if worth else NORMAL


@pytest.mark.parametrize("size, centre", [(19, 9.0), (36, 18.0)])
def test_random_maps_agree_with_the_decision_written_out(rng, size, centre):
    trust, seen = Trust(displacement=0.5), set()
    for _ in range(200):
        scores = (rng.uniform(0, 1, (size, size)) ** 40).astype(np.float32)
        scores *= rng.uniform(0.2, 1)
        target = rng.uniform(1, 8, 2).astype(np.float32)
        previous = rng.uniform(-6, 6, 2).astype(np.float32)
        at = (centre, centre)
        got = run(jnp.asarray(scores), at, target, previous, trust)
        offset, flag = written_out(scores, np.array(at), target, previous, trust)
        assert got.flag == flag
        np.testing.assert_array_equal(got.offset, offset)
        seen.add(flag)
    assert seen >= {HARD_NEGATIVE, UNDECIDED, NOT_FOUND}
