"""Measuring a tracker on held-out clips."""

import numpy as np
import pytest

from tirjax.data import ArrayFrames, Sequence
from tirjax.tasks.tracking import on_clips
from tirjax.trackers.mosse import mosse


def clip(name, speed):
    """A bright square that moves to the right."""
    boxes = np.array([[10 + speed * t, 12, 12, 10] for t in range(6)], float)
    film = np.full((6, 40, 64, 1), 30, np.uint8)
    for frame, (x, y, w, h) in zip(film, boxes.astype(int), strict=True):
        frame[y : y + h, x : x + w] = 220
    return Sequence(name, ArrayFrames(film), boxes, np.ones(6, bool))


def test_a_followed_target_scores_high_and_a_lost_one_low():
    slow = on_clips(mosse(), [clip("still", 0), clip("slow", 1)])(())
    fast = on_clips(mosse(), [clip("fast", 10)])(())
    assert slow["success"] > 0.8 and slow["precision"] == 1
    assert fast["success"] < 0.5


def test_a_target_that_stands_still_is_worth_all_but_the_last_threshold():
    still = on_clips(mosse(), [clip("still", 0)])(())
    assert still["success"] == pytest.approx(20 / 21, abs=1e-6)
