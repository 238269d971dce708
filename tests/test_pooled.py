"""Sequences through the slots of a batch: each as if it were alone."""

import jax
import jax.monitoring
import jax.numpy as jnp
import numpy as np
import pytest
from tirjax_track import devices, refill
from tirjax_track.canvas import canvas_of
from tirjax_track.pooled import follow_pool
from tirjax_track.runner import follow

from tirjax.data import ArrayFrames
from tirjax.trackers.base import FOUND, Prediction, Tracker

LENGTHS = (13, 9, 8, 4, 4, 1)


def _init(params, frame, box, key):
    del params
    return box, key, frame.pixels.astype(jnp.float32).mean()


def _step(params, state, frame):
    box, key, mean = state
    key, draw = jax.random.split(key)
    mean = 0.5 * mean + params * frame.pixels.astype(jnp.float32).mean()
    box = box.at[:2].add(jax.random.normal(draw, 2) + 0.01 * mean)
    found = Prediction(box, mean, jnp.int32(FOUND), jnp.float32(1))
    return (box, key, mean), found


WANDERER = Tracker(_init, _step)
"""Its state has a key; its path depends on the key, the weights and every frame."""
WEIGHTS = jnp.float32(0.3)
KEYS = list(jax.random.split(jax.random.key(1), len(LENGTHS)))
BOXES = [np.array([1, 1, 3, 3 + i], np.float32) for i in range(len(LENGTHS))]


@pytest.fixture
def clips(rng):
    draw = lambda n: rng.integers(0, 255, (n, 8, 8, 1), dtype=np.uint8)
    return [ArrayFrames(draw(n)) for n in LENGTHS]


def pooled(clips, slots, mesh=None):
    canvas = canvas_of([clip[0] for clip in clips], 8)
    job = WANDERER, WEIGHTS, clips, BOXES, KEYS, canvas, slots
    return follow_pool(*job, mesh)


@pytest.mark.parametrize(("slots", "count"), [(2, 1), (4, 2)])
def test_boxes_scores_and_draws_are_those_of_one_alone(
    monkeypatch, clips, slots, count
):
    monkeypatch.setattr(refill, "chunk_frames", lambda *_: 5)
    found = list(pooled(clips, slots, devices.mesh(count, slots)))
    complete = {i: rows for step in found for i, rows in step.complete.items()}
    assert sum(step.frames for step in found) == sum(LENGTHS)
    for i, clip in enumerate(clips):
        job = WANDERER, WEIGHTS, clip, BOXES[i], KEYS[i]
        want = list(follow(*job, bucket=8, chunk=5))
        assert len(complete[i]) == len(want) == LENGTHS[i]
        for mine, other in zip(complete[i], want, strict=True):
            np.testing.assert_allclose(mine.box, other.box, atol=1e-4)
            np.testing.assert_allclose(mine.score, other.score, rtol=1e-5)
        assert all(row.seconds > 0 for row in complete[i])


def test_a_refilled_slot_compiles_nothing(clips):
    steps = pooled(clips, 2)
    next(steps)  # both slots have begun, and advanced
    events = []

    def listen(name, *_, **__):
        events.append(name)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        rest = list(steps)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert sum(len(step.complete) for step in rest) > 2
    assert not [name for name in events if "compile" in name]
