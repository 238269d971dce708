"""A clip frame by frame: equal to the runner, and targets come and go."""

import jax
import numpy as np
import pytest
from live_players import DRIFTER, WAITER, frames
from tirjax_track.runner import Job, follow_all
from tirjax_track.team import Team

from tirjax.data.sequence import DataError

KEYS = list(jax.random.split(jax.random.key(0), 3))
BOXES = [np.array([k, 5, 10, 10], np.float32) for k in (2.0, 20, 40)]
CLIP = frames(6)[..., None]
NEW = np.array([30, 30, 8, 8], np.float32)


def table(results):
    return np.array([[*r.box, r.score, r.status] for r in results])


def left(team):
    return [float(r.box[0]) for r in team.results]


@pytest.fixture
def team():
    return Team([Job(DRIFTER, (), BOXES, KEYS)], CLIP[0])


def test_it_equals_the_chunked_runner(team):
    jobs = [Job(DRIFTER, (), BOXES, KEYS), Job(WAITER, (), BOXES[:1], KEYS[:1])]
    team.add(jobs[1], CLIP[0])
    steps = follow_all(jobs, CLIP)
    for number, step in enumerate(steps):
        got = team.step(CLIP[number]) if number else team.results
        np.testing.assert_array_equal(table(got), table([r for g in step for r in g]))


def test_one_target_of_several_begins_anew_and_the_others_go_on(team):
    team.step(CLIP[1])
    team.restart(1, DRIFTER, NEW, CLIP[1])
    assert left(team) == [3, 30, 41] and np.isnan(team.results[1].score)
    team.step(CLIP[2])
    assert left(team) == [4, 31, 42]


def test_a_target_that_another_tracker_follows_leaves_its_batch(team):
    team.restart(1, WAITER, NEW, CLIP[0])
    team.step(CLIP[1])
    assert left(team) == [3, 30, 41]
    team.restart(0, WAITER, NEW, CLIP[1])
    team.step(CLIP[2])
    assert left(team) == [30, 30, 42]
    team.restart(2, DRIFTER, NEW, CLIP[2])
    team.step(CLIP[3])
    assert left(team) == [30, 30, 31]


def test_a_box_that_is_no_target_changes_nothing(team):
    with pytest.raises(DataError, match="must be positive"):
        team.restart(0, DRIFTER, np.zeros(4), CLIP[0])
    team.step(CLIP[1])
    assert left(team) == [3, 21, 41]
