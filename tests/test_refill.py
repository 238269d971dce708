"""Chunks for the slots of a batch: every frame once, in order, in its own slot."""

import numpy as np
import pytest
from tirjax_track import refill
from tirjax_track.canvas import Canvas
from tirjax_track.refill import parts

from tirjax.data import ArrayFrames, DataError

CANVAS = Canvas((8, 8, 1), "uint8")


class Broken:
    """Frames of which one cannot be read."""

    def __init__(self, length, at):
        self.length, self.at = length, at

    def __len__(self):
        return self.length

    def __iter__(self):
        for i in range(self.length):
            if i == self.at:
                raise DataError(f"frame {i} is unreadable")
            yield np.full((6, 7, 1), i + 1, np.uint8)


def clip(length):
    """Frame k is filled with k + 1."""
    values = np.arange(1, length + 1, dtype=np.uint8)
    return ArrayFrames(np.broadcast_to(values[:, None, None, None], (length, 6, 7, 1)))


def seen(found):
    """Values of the frames of each sequence, in the order they came."""
    values = {}
    for part in found:
        for start in part.starts:
            values[start.index] = [int(start.chunk.pixels[0, 0, 0, 0, 0])]
        for row in range(part.chunk.count):
            for slot, index in enumerate(part.owners):
                if part.chunk.present[row, slot]:
                    values[index].append(int(part.chunk.pixels[row, slot, 0, 0, 0]))
    return values


@pytest.mark.parametrize("slots", [1, 2, 3, 5])
@pytest.mark.parametrize("length", [1, 4, 16])
def test_every_frame_comes_once_and_in_order(monkeypatch, slots, length):
    monkeypatch.setattr(refill, "chunk_frames", lambda *_: length)
    lengths = [20, 11, 9, 9, 5, 1, 1, 2]
    found = list(parts([clip(n) for n in lengths], CANVAS, slots))
    assert seen(found) == {i: [*range(1, n + 1)] for i, n in enumerate(lengths)}
    assert sorted(i for part in found for i in part.ended) == [*range(len(lengths))]
    assert not any(part.failed for part in found)


def test_no_slot_is_idle_while_a_sequence_waits():
    found = list(parts([clip(n) for n in (40, 30, 20, 10, 5, 5)], CANVAS, 2))
    idle = [p.chunk.count * 2 - p.chunk.present.sum() for p in found]
    started = np.cumsum([len(p.starts) for p in found])
    assert all(i == 0 for i, n in zip(idle, started, strict=True) if n < 6)


def test_a_broken_sequence_gives_its_slot_to_the_next():
    clips = [clip(12), Broken(9, 4), Broken(7, 0), clip(3)]
    found = list(parts(clips, CANVAS, 2))
    failed = {i: str(e) for part in found for i, e in part.failed.items()}
    assert failed == {1: "frame 4 is unreadable", 2: "frame 0 is unreadable"}
    values = seen(found)
    assert (values[0], values[3]) == ([*range(1, 13)], [1, 2, 3])
    assert sorted(i for part in found for i in part.ended) == [0, 3]


def test_frames_that_do_not_fit_are_an_error_of_their_sequence():
    large = ArrayFrames(np.ones((3, 9, 9, 1), np.uint8))
    empty = ArrayFrames(np.ones((0, 8, 8, 1), np.uint8))
    (part,) = parts([large, empty], CANVAS, 2)
    assert "frame 0 is 9x9" in str(part.failed[0])
    assert "no frames" in str(part.failed[1])
