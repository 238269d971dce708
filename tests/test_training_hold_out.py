"""The last tenth of a data set, whole videos only."""

import pickle

import numpy as np
import pytest

from tirjax.data.collection import SequenceList
from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.training.hold_out import split


def open_clip():
    pixels = np.zeros((1, 4, 4, 1), np.uint8)
    return Sequence("", ArrayFrames(pixels), np.ones((1, 4)), np.ones(1, bool))


def listed(*names):
    return SequenceList("some", names, (open_clip,) * len(names), "tir")


def test_the_last_tenth_is_kept_and_nothing_is_lost():
    names = tuple(f"clip_{i:02d}" for i in range(30))
    learned, kept = split(listed(*names), 0.1)
    assert (learned.names, kept.names) == (names[:27], names[27:])
    assert (len(learned), len(kept)) == (27, 3)
    assert [clip.name for clip in kept] == list(names[27:]) and kept[
        0
    ].name == "clip_27"
    assert (learned.name, kept.name) == ("some (training)", "some (validation)")
    with pytest.raises(IndexError):
        kept[3]


def test_tracks_of_a_video_stay_together():
    names = ("a-0", "a-1", "b-0", "b-0-2", "b-1", "c-track0", "c-track1")
    assert split(listed(*names), 0.1)[0].names == names[:5]
    assert split(listed(*names), 0.5)[0].names == names[:2]


def test_a_small_set_keeps_one_sequence_and_hyphens_are_no_tracks():
    learned, kept = split(listed("GOT-10k_1", "GOT-10k_2", "GOT-10k_3"), 0.1)
    assert (len(learned), len(kept)) == (2, 1)


def test_data_without_names_are_split_too():
    learned, kept = split([open_clip()] * 5, 0.2)
    assert (len(learned), len(kept), kept.names) == (4, 1, ())
    assert kept.name == "list (validation)"


def test_a_part_pickles():
    _, kept = split(listed(*"abcde"), 0.4)
    assert pickle.loads(pickle.dumps(kept)).names == ("d", "e")


@pytest.mark.parametrize(
    ("names", "share", "message"),
    [
        (("a",), 0.1, "cannot be split"),
        (("a-0", "a-1"), 0.5, "single video"),
        (("a", "b"), 0.0, "share 0.0"),
        (("a", "b"), 1.0, "share 1.0"),
    ],
)
def test_what_cannot_be_split_is_refused(names, share, message):
    with pytest.raises(DataError, match=message):
        split(listed(*names), share)
