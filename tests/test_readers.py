"""The readers on real recordings."""

import numpy as np
import pytest

from tirjax.data import open_dataset, open_sequence

# Name, path, frames, first box as the file has it less its origin, modality.
REAL = [
    ("tir_airplane", "tir_airplane", 380, [419, 135, 53, 130], "tir"),
    ("tir_horse", "tir_horse", 348, [256.53, 158, 55.78, 59.89], "tir"),
    ("05", "tir_antiuav_clips/05.avi", 726, [323.9, 173.9, 11.2, 7.33], "tir"),
    ("07", "tir_antiuav_clips/07.avi", 751, [290.95, 196.95, 18.11, 12.34], "tir"),
    ("18", "tir_antiuav_clips/18.avi", 426, [421.33, 352.33, 11.33, 5.68], "tir"),
    ("40", "tir_antiuav_clips/40.avi", 751, [196.09, 291.09, 10.83, 8.82], "tir"),
    ("rgb_vot_bag", "rgb_vot_bag", 196, [290.827, 123.711, 150.346, 139.578], "rgb"),
    ("rgb_crossing", "rgb_crossing", 120, [204, 150, 17, 50], "rgb"),
    ("rgb_david", "rgb_david", 100, [128, 79, 64, 78], "rgb"),
    ("rgb_motorrolling", "rgb_motorrolling", 100, [116, 67, 122, 125], "rgb"),
]


@pytest.mark.parametrize("name,path,count,first,modality", REAL)
def test_real_sequence_opens(shared, name, path, count, first, modality):
    clip = open_sequence(shared / "data" / path)
    assert clip.name == name and clip.modality == modality
    assert len(clip.frames) == len(clip.boxes) == len(clip.visible) == count
    np.testing.assert_allclose(clip.boxes[0], first, atol=1e-9)
    assert clip.visible.all()


@pytest.mark.parametrize("name,path,count,first,modality", REAL)
def test_real_boxes_meet_their_frames(shared, name, path, count, first, modality):
    clip = open_sequence(shared / "data" / path)
    rows, cols, channels = clip.frames[count - 1].shape
    assert channels == (3 if modality == "rgb" else 1)
    low, high = clip.boxes[:, :2], clip.boxes[:, :2] + clip.boxes[:, 2:]
    assert (low < [cols, rows]).all() and (high > 0).all()


@pytest.mark.parametrize("name", ["tir_horse", "tir_antiuav_clips/18.avi"])
def test_iteration_counts_what_len_says(shared, name):
    frames = open_sequence(shared / "data" / name).frames
    assert sum(1 for _ in frames) == len(frames)


def test_seeking_in_a_real_video_gives_the_frame_of_iteration(shared, rng):
    frames = open_sequence(shared / "data/tir_antiuav_clips/18.avi").frames
    wanted = set(rng.integers(0, len(frames), 12).tolist())
    for i, frame in enumerate(frames):
        if i in wanted:
            np.testing.assert_array_equal(frames[i], frame)


def test_folder_of_everything_finds_the_real_sequences(shared):
    data = open_dataset("folder", shared / "data")
    assert {*data.names} >= {name for name, *_ in REAL}
    part = open_dataset("folder", shared / "data", [name for name, *_ in REAL])
    assert part.check() == []


def test_antiuav_finds_the_four_clips(shared):
    data = open_dataset("antiuav", shared / "data" / "tir_antiuav_clips")
    assert data.names == ("05", "07", "18", "40") and data.check() == []
