"""The pose after a frame: how much of a change of size is taken."""

import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.trackers.pose import Pose, Refined, new_pose

BASE = jnp.array([10.0, 20.0])
OLD = Pose(jnp.array([5.0, 6.0]), jnp.array([12.0, 20.0]), jnp.float32(1.1))
BETTER = Refined(jnp.array([7.0, 8.0]), jnp.array([24.0, 5.0]), jnp.float32(0.8))


@pytest.mark.parametrize(
    ("rate", "size"), [(1.0, [24.0, 5.0]), (0.5, [288**0.5, 10.0]), (0.0, [12.0, 20.0])]
)
def test_sides_go_part_of_their_way_by_factors(rate, size):
    found = new_pose(OLD, BETTER, BASE, jnp.array(True), rate)
    np.testing.assert_allclose(found.size, size, rtol=1e-6)
    np.testing.assert_array_equal(found.position, BETTER.position)
    np.testing.assert_allclose(found.scale, np.sqrt(np.prod(size) / 200), rtol=1e-6)


def test_by_default_all_of_it_is_taken_to_the_bit():
    found = new_pose(OLD, BETTER, BASE, jnp.array(True))
    np.testing.assert_array_equal(found.size, BETTER.size)


def test_a_target_that_was_not_seen_stays_as_it_was():
    found = new_pose(OLD, BETTER, BASE, jnp.array(False), 0.25)
    for new, old in zip(found, OLD, strict=True):
        np.testing.assert_array_equal(new, old)
