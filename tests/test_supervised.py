"""A tracker with restarts, by a fake whose every failure is known beforehand."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.evaluation.regions import row_spans
from tirjax.trackers.base import FOUND, Prediction, Tracker
from tirjax.trackers.supervised import Goal, advance, attempt
from tirjax.typing import Array, Frame

SIZE = 24, 32
CLIPS, LENGTH = 3, 16


class Still(NamedTuple):
    """Where it was started, and a key that tells starts apart."""

    box: Array
    key: Array


def still():
    """A tracker that never moves; its score is a draw of its start."""

    def init(params, frame, box, key):
        return Still(box + params, key)

    def step(params, state, frame):
        score = jax.random.uniform(state.key)
        status = jnp.int32(FOUND)
        return state, Prediction(state.box, score, status, jnp.float32(0.5))

    return Tracker(init, step)


def goals(boxes, length, origin=1.0):
    """The truth of a sequence, filled up to a length after its end."""
    boxes = np.asarray(boxes, np.float32)
    known = np.isfinite(boxes).all(1)
    spans = row_spans(boxes + np.array([origin, origin, 0, 0]), "vot", SIZE, 32)
    extra = length - len(boxes)
    pad = lambda x: np.pad(x, [(0, extra)] + [(0, 0)] * (x.ndim - 1))
    there = np.ones(len(boxes), bool)
    arrays = np.nan_to_num(boxes), spans, known, there
    return Goal(*map(pad, arrays))


def run(*truths):
    """Codes, scores and boxes of sequences that advance together, ``[clips, t]``."""
    truths = [*truths, *[truths[-1]] * (CLIPS - len(truths))]
    batch = jax.tree.map(lambda *x: np.stack(x), *[goals(t, LENGTH) for t in truths])
    frames = Frame(
        np.zeros((CLIPS, LENGTH, 2, 2, 1), np.uint8),
        np.full((CLIPS, LENGTH, 2), 2, np.int32),
    )
    keys = jax.random.split(jax.random.key(3), CLIPS)
    return jax.device_get(follow(frames, batch, keys))


@jax.jit
@functools.partial(jax.vmap, in_axes=(0, 0, 0))
def follow(frames, goal, key):
    tracker, params = still(), jnp.float32(0)
    first = jax.tree.map(lambda x: x[0], frames)
    start = attempt(tracker, params, first, key)
    body = lambda now, x: advance(tracker, params, now, *x, 1.0)
    outcome = jax.lax.scan(body, start, (frames, goal))[1]
    return outcome.code, outcome.prediction.score, outcome.prediction.box


def jumps(*at, length):
    """A target that leaves its place for good at these frames."""
    boxes = np.tile(np.array([2.0, 2, 4, 4]), (length, 1))
    for frame in at:
        boxes[frame:, 0] += 6
    return boxes


@pytest.fixture(scope="module")
def outcome():
    return run(jumps(4, length=16), jumps(1, 8, 14, length=16), jumps(length=9))


def test_it_restarts_five_frames_after_each_failure(outcome):
    code = outcome[0]
    assert code[0].tolist() == [1, -1, -1, -1, 2, 0, 0, 0, 0, 1, *[-1] * 6]
    assert code[1].tolist() == [1, 2, *[0] * 4, 1, -1, 2, *[0] * 4, 1, 2, 0]


def test_nothing_happens_after_the_end(outcome):
    assert outcome[0][2].tolist() == [1, *[-1] * 8, *[0] * 7]


def test_every_start_draws_its_own_numbers(outcome):
    code, score, _ = outcome
    first, second = score[0][1], score[0][10]
    assert first != second
    assert (score[0][1:5] == first).all()
    assert (score[0][code[0] == 0] == 0).all()


def test_sequences_do_not_know_of_each_other(outcome):
    alone = run(jumps(4, length=16))
    for one, other in zip(outcome, alone, strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_a_frame_without_annotation_neither_fails_nor_starts():
    boxes = jumps(3, length=12)
    boxes[3:5] = np.nan
    boxes[10] = np.nan
    code = run(boxes)[0][0][:12]
    # It fails on frame 5, would start on 10, and does on 11.
    assert code.tolist() == [1, -1, -1, -1, -1, 2, 0, 0, 0, 0, 0, 1]


def test_one_common_pixel_of_the_image_is_enough():
    boxes = np.array([[2.0, 2, 4, 4]] * 4)
    boxes[1, :2] += 3
    boxes[2, :2] += 3.4
    boxes[3, :2] += 3.6
    assert run(boxes)[0][0][:4].tolist() == [1, -1, -1, 2]
    outside = np.array([[-5.0, 2, 4, 4]] * 2)
    assert run(outside)[0][0][:2].tolist() == [1, 2]
