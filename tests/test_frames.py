"""Pictures from folders."""

import cv2
import numpy as np
import pytest

from tirjax.data import images, open_frames
from tirjax.data.sequence import DataError, Frames


def write_folder(folder, pictures, suffix=".png"):
    """Numbers the pictures from 1 without padding, so that order is a claim."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, picture in enumerate(pictures, 1):
        cv2.imwrite(str(folder / f"f{n}{suffix}"), picture)
    return folder


@pytest.fixture
def ramp():
    """23 colour pictures, 24x32, each of its own brightness, red above blue."""
    shade = np.arange(23)[:, None, None, None] * 9
    return (shade + np.array([0, 20, 50]) + np.zeros((1, 24, 32, 1))).astype(np.uint8)


def grey(n, size=(6, 8)):
    return [np.full(size, 10 * i, np.uint8) for i in range(n)]


def test_folder_is_in_natural_order(tmp_path):
    frames = open_frames(write_folder(tmp_path / "a", grey(12)))
    assert [int(f[0, 0, 0]) for f in frames] == [10 * i for i in range(12)]
    assert len(frames) == 12 and isinstance(frames, Frames)


def test_folder_with_an_img_folder_is_a_folder_of_pictures(tmp_path):
    write_folder(tmp_path / "a" / "img", grey(3))
    assert len(open_frames(tmp_path / "a")) == 3


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"])
def test_every_suffix_is_read(tmp_path, suffix):
    frames = open_frames(write_folder(tmp_path, grey(2), suffix))
    assert frames[1].shape == (6, 8, 1) and abs(int(frames[1][0, 0, 0]) - 10) <= 1


def test_hidden_and_other_files_are_passed_over(tmp_path):
    write_folder(tmp_path, grey(2))
    (tmp_path / "._f1.png").write_bytes(b"resource fork")
    (tmp_path / "notes.txt").write_text("x")
    assert len(open_frames(tmp_path)) == 2


def test_equal_channels_become_one(tmp_path):
    write_folder(tmp_path, [np.full((4, 5, 3), 7, np.uint8)])
    frame = open_frames(tmp_path)[0]
    assert frame.shape == (4, 5, 1) and (frame == 7).all()


def test_chroma_noise_of_lossy_video_is_still_grey(tmp_path, ramp):
    noise = np.array([0, 2, 4])
    cv2.imwrite(str(tmp_path / "a.png"), (100 + noise + ramp[0] * 0).astype(np.uint8))
    assert open_frames(tmp_path)[0].shape == (24, 32, 1)


def test_colour_stays_three_in_red_green_blue_order(tmp_path, ramp):
    frame = open_frames(write_folder(tmp_path, ramp[:1]))[0]
    assert frame[0, 0].tolist() == [50, 20, 0]


def test_three_channels_can_be_forced(tmp_path):
    frame = open_frames(write_folder(tmp_path, grey(2)), channels=3)[1]
    assert frame.shape == (6, 8, 3) and (frame == 10).all()


def test_one_channel_can_be_forced_and_is_the_luma(tmp_path, ramp):
    frame = open_frames(write_folder(tmp_path, ramp[:1]), channels=1)[0]
    want = 0.299 * 50 + 0.587 * 20
    assert frame.shape == (24, 32, 1) and abs(frame[0, 0, 0] - want) < 1


def test_alpha_is_dropped(tmp_path):
    write_folder(tmp_path, [np.dstack([np.full((4, 5, 3), 7, np.uint8)] * 2)[..., :4]])
    assert open_frames(tmp_path, channels=3)[0].shape == (4, 5, 3)


def test_part_of_a_folder_is_a_slice(tmp_path):
    frames = open_frames(write_folder(tmp_path, grey(9)), start=2, stop=5)
    assert [int(f[0, 0, 0]) for f in frames] == [20, 30, 40]
    assert int(frames[-1][0, 0, 0]) == 40


def test_index_out_of_range_is_an_index_error(tmp_path):
    with pytest.raises(IndexError):
        open_frames(write_folder(tmp_path, grey(2)))[2]


def test_mixed_sizes_name_the_file_and_both_sizes(tmp_path):
    frames = open_frames(write_folder(tmp_path, [*grey(2), *grey(1, (5, 7))]))
    with pytest.raises(DataError, match=r"mixed sizes: frame 2 .*f3\.png.*5x7.*6x8"):
        list(frames)


def test_mixed_depths_are_refused(tmp_path):
    frames = open_frames(write_folder(tmp_path, [*grey(1), np.ones((6, 8), np.uint16)]))
    with pytest.raises(DataError, match=r"mixed depths: frame 1 .*uint16.*uint8"):
        frames[1]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_truncated_picture_names_file_and_frame(tmp_path, rng, suffix, share):
    noise = [rng.integers(0, 256, (40, 50), np.uint8) for _ in range(3)]
    frames = open_frames(write_folder(tmp_path, noise, suffix))
    file = tmp_path / f"f2{suffix}"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(DataError, match=rf"frame 1: .*f2{suffix}.*again"):
        frames[1]


def test_jpeg_that_lost_only_its_end_is_truncated(tmp_path):
    """OpenCV 4 decodes such a file and fills up with grey."""
    frames = open_frames(write_folder(tmp_path, grey(2), ".jpg"))
    file = tmp_path / "f2.jpg"
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(DataError, match="truncated"):
        frames[1]


def test_end_of_a_thumbnail_is_not_the_end_of_the_jpeg(tmp_path, rng):
    """Cameras store a small JPEG in the header of the large one."""
    large, small = (
        cv2.imencode(".jpg", rng.integers(0, 256, (n, n), np.uint8))[1].tobytes()
        for n in (40, 8)
    )
    header = b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small
    file = tmp_path / "a.jpg"
    file.write_bytes(large[:2] + header + large[2:])
    assert open_frames(file)[0].shape == (40, 40, 1)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DataError, match="truncated"):
        open_frames(file)


def test_jpeg_with_bytes_behind_its_end_is_whole(tmp_path):
    frames = open_frames(write_folder(tmp_path, grey(2), ".jpg"))
    file = tmp_path / "f2.jpg"
    file.write_bytes(file.read_bytes() + bytes(5000))
    assert frames[1].shape == (6, 8, 1)


def test_empty_picture_names_file_and_frame(tmp_path):
    frames = open_frames(write_folder(tmp_path, grey(3)))
    (tmp_path / "f3.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"frame 2: .*f3\.png is empty"):
        frames[2]


def test_vanished_picture_names_file_and_frame(tmp_path):
    frames = open_frames(write_folder(tmp_path, grey(3)))
    (tmp_path / "f2.png").unlink()
    with pytest.raises(DataError, match=r"frame 1: cannot read .*f2\.png"):
        frames[1]


def test_no_picture_inside_is_a_data_error_and_stderr_stays_empty(tmp_path, capfd):
    (tmp_path / "f1.jpg").write_text("<html>404</html>")
    (tmp_path / "f2.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken IEND")
    for name in ("f1.jpg", "f2.png"):
        with pytest.raises(DataError, match=rf"frame 0: .*{name} cannot be decoded"):
            open_frames(tmp_path / name)
    assert capfd.readouterr().err == ""


def test_number_in_an_error_counts_from_the_start_of_the_recording(tmp_path):
    frames = open_frames(write_folder(tmp_path, grey(6)), start=3)
    (tmp_path / "f5.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"frame 4: .*f5\.png"):
        frames[1]


def test_empty_folder_says_what_it_expected(tmp_path):
    with pytest.raises(DataError, match=r"no pictures in .*\.png.*img"):
        open_frames(tmp_path)


def test_missing_source_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no such file or folder: .*nothing"):
        open_frames(tmp_path / "nothing")


def test_empty_part_is_refused(tmp_path):
    with pytest.raises(DataError, match="no frames from 99"):
        open_frames(write_folder(tmp_path, grey(3)), start=99)


def test_counting_from_the_end_is_refused(tmp_path):
    with pytest.raises(DataError, match="count from 0"):
        open_frames(write_folder(tmp_path, grey(3)), start=-1)


def test_folder_named_like_a_number_is_a_folder(tmp_path, monkeypatch):
    write_folder(tmp_path / "0", grey(2))
    monkeypatch.chdir(tmp_path)
    assert len(open_frames("0")) == 2


def test_natural_key_breaks_ties_by_name(tmp_path):
    names = ["f10.png", "f2.png", "f02.png", "e.png"]
    paths = sorted((tmp_path / n for n in names), key=images.natural_key)
    assert [p.name for p in paths] == ["e.png", "f02.png", "f2.png", "f10.png"]
