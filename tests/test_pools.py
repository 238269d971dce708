"""Pools of sequences: what shares a batch, and how many slots are enough."""

from typing import NamedTuple

import numpy as np
import pytest
from tirjax_track.canvas import Canvas
from tirjax_track.pools import pools, slots, steps

from tirjax.trackers import TRACKERS, Tracker

MOSSE, KCF = TRACKERS["mosse"]((9, 9)), TRACKERS["kcf"]((9, 9))


class Item(NamedTuple):
    length: int
    canvas: Canvas = Canvas((128, 192, 1), "uint8")
    tracker: Tracker = MOSSE


def by_hand(lengths, count):
    """Frame by frame, each slot counts down its sequence."""
    waiting, running, taken = sorted(lengths), [0] * count, 0
    while waiting or any(running):
        running = [r or (waiting.pop() if waiting else 0) for r in running]
        running = [max(r - 1, 0) for r in running]
        taken += 1
    return taken


def test_steps_are_those_of_slots_that_count_down(rng):
    for count in (1, 2, 3, 7):
        lengths = rng.integers(1, 30, 11).tolist()
        assert steps(lengths, count) == by_hand(lengths, count)


@pytest.mark.parametrize(
    ("lengths", "batch", "devices", "want"),
    [
        ([30, 10, 10, 10], 4, 1, 2),  # the long one takes as long as the others
        ([10, 10, 10, 10], 4, 1, 4),
        ([10] * 9, 8, 1, 5),  # two rounds either way
        ([10, 10, 10], 8, 2, 4),
        ([10], 8, 4, 1),
        ([10, 20], 1, 1, 1),
    ],
)
def test_slots_that_save_no_time_are_left_out(lengths, batch, devices, want):
    assert slots(lengths, batch, devices) == want


def test_a_pool_has_one_tracker_one_kind_of_frame_and_similar_sizes():
    small, deep = Canvas((64, 64, 1), "uint8"), Canvas((128, 192, 1), "float32")
    near, colour = Canvas((128, 128, 1), "uint8"), Canvas((128, 192, 3), "uint8")
    items = [
        Item(5),
        Item(9),
        Item(7, near),
        Item(6, small),
        Item(3, deep),
        Item(2, colour),
        Item(4, tracker=KCF),
    ]
    found = pools(items, 4)
    assert [len(pool.items) for pool in found].count(1) == 4
    (large,) = (pool for pool in found if len(pool.items) == 3)
    assert [item.length for item in large.items] == [9, 7, 5]
    assert large.canvas.shape == (128, 192, 1)
    assert sorted(i.length for p in found for i in p.items) == [2, 3, 4, 5, 6, 7, 9]


def test_the_queue_leaves_little_idle_for_lengths_of_a_benchmark(rng):
    lengths = np.clip(rng.lognormal(6.3, 0.7, 120), 100, 2100).astype(int).tolist()
    for batch in (8, 16):
        count = slots(lengths, batch)
        waste = 1 - sum(lengths) / (count * steps(lengths, count))
        assert waste < 0.03
