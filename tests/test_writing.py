"""Sequences written in GOT-10k's layout and read back."""

import io
import json
import os
import stat

import numpy as np
import pytest
from PIL import Image

from tirjax.data import writing
from tirjax.data.discover import open_sequence
from tirjax.data.images import ImageFrames, read_image
from tirjax.data.sequence import ArrayFrames, DataError, Sequence

SIZE = (12, 16)


def clip(rng, count=4, **more):
    frames = ArrayFrames(rng.integers(0, 256, (count, *SIZE, 1)).astype(np.uint8))
    boxes = rng.uniform(1, 9, (count, 4)).round(3)
    visible = np.arange(count) != 1
    settings = {"boxes": boxes, "visible": visible, "attributes": ("fast motion",)}
    return Sequence("walk", frames, **{**settings, **more})


def write(root, sequence, kept):
    folder = writing.draft(root, sequence.name)
    folder.mkdir(parents=True)
    names = writing.stems(sequence.frames)
    for i in kept:
        data = writing.encode(sequence.frames[i], "png", 0)
        writing.write_file(folder / f"{names[i]}.png", data)
    return writing.finish(root, sequence, kept, {"more": 1})


def test_a_sequence_comes_back_as_it_was(tmp_path, rng):
    boxes = rng.uniform(1, 9, (4, 4)).round(3)
    boxes[2] = np.nan
    want = clip(rng, boxes=boxes, visible=np.array([True, False, False, True]))
    record = write(tmp_path, want, range(4))
    got = open_sequence(tmp_path / "walk")
    assert (got.name, got.attributes) == ("walk", ("fast motion",))
    np.testing.assert_array_equal([*got.frames], [*want.frames])
    np.testing.assert_allclose(got.boxes, want.boxes, atol=1e-9)
    np.testing.assert_array_equal(got.visible, want.visible)
    assert record["frames"] == 4 and record["more"] == 1
    assert record["labels_sha256"] == writing.labels_digest(tmp_path / "walk")
    assert writing.read_record(tmp_path, "walk") == record
    assert json.loads((tmp_path / "walk" / "about.json").read_text()) == record


def test_labels_go_with_their_frames(tmp_path, rng):
    want = clip(rng)
    write(tmp_path, want, [0, 1, 3])
    got = open_sequence(tmp_path / "walk")
    np.testing.assert_array_equal([*got.frames], want.frames.pixels[[0, 1, 3]])
    np.testing.assert_allclose(got.boxes, want.boxes[[0, 1, 3]], atol=1e-9)
    np.testing.assert_array_equal(got.visible, [True, False, True])


def test_one_box_is_that_of_the_first_frame(tmp_path, rng):
    single = {"boxes": np.ones((1, 4)), "visible": np.array([True])}
    write(tmp_path / "a", clip(rng, **single), [0, 2])
    got = open_sequence(tmp_path / "a" / "walk")
    assert len(got.frames) == 2 and got.boxes.shape == (1, 4)
    with pytest.raises(DataError, match="walk: no picture with a box is left"):
        write(tmp_path / "b", clip(rng, **single), [1, 2])
    assert writing.read_record(tmp_path / "b", "walk") is None


@pytest.mark.parametrize("kind", ["png", "jpeg", "png16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_files_of_their_kind(tmp_path, rng, kind, channels):
    depth = np.uint16 if kind == "png16" else np.uint8
    picture = np.full((16, 16, channels), np.iinfo(depth).max // 3, depth)
    picture[:, :8, 0] //= 2
    path = tmp_path / f"a{writing.SUFFIX[kind]}"
    writing.write_file(path, writing.encode(picture, kind, 95))
    found = read_image(path, 0).reshape(16, 16, channels)[..., ::-1]
    assert found.dtype == depth
    # Colour of a JPEG is stored at half the resolution.
    far = np.abs(found.astype(int) - picture)
    assert far[:, :6].max() <= 3 if kind == "jpeg" else far.max() == 0


def test_better_jpegs_are_larger(rng):
    picture = rng.integers(0, 256, (*SIZE, 1)).astype(np.uint8)
    sizes = [len(writing.encode(picture, "jpeg", q)) for q in (30, 75, 95)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]


def test_names_stay_where_they_keep_the_order(tmp_path, rng):
    frames = lambda *names: ImageFrames(tuple(tmp_path / n for n in names), None)
    assert writing.stems(frames("f2.png", "f10.JPEG")) == ["f2", "f10"]
    assert writing.stems(frames("a.jpg", "a.png")) == ["00000001", "00000002"]
    assert writing.stems(clip(rng, 2).frames) == ["00000001", "00000002"]


def test_a_file_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    writing.write_file(path, b"old")

    def fail(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    for write in (writing.write_file, writing.link_file):
        with pytest.raises(OSError):
            write(path, b"new" if write is writing.write_file else path)
    assert path.read_bytes() == b"old" and [*tmp_path.iterdir()] == [path]


def test_a_link_is_a_copy_where_the_disk_has_no_links(tmp_path, monkeypatch):
    first, second, third = (tmp_path / name for name in "abc")
    first.write_bytes(b"picture")
    writing.link_file(second, first)
    assert os.stat(first)[stat.ST_NLINK] == 2 and second.samefile(first)

    def fail(*paths):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)
    writing.link_file(third, first)
    assert third.read_bytes() == b"picture" and not third.samefile(first)


def test_half_a_picture_is_found(tmp_path, rng):
    data = writing.encode(rng.integers(0, 256, (*SIZE, 1)).astype(np.uint8), "png", 0)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert writing.whole(path, SIZE) and not writing.whole(path, (16, 12))
    path.write_bytes(data[:-30])
    assert not writing.whole(path, SIZE)
    assert not writing.whole(tmp_path / "none.png", SIZE)


def test_unfinished_files_are_swept_away(tmp_path):
    (tmp_path / ".a.png.123.unfinished").write_bytes(b"")
    (tmp_path / "a.png").write_bytes(b"")
    writing.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_what_is_not_ours_is_no_record(tmp_path):
    (tmp_path / "walk").mkdir()
    with pytest.raises(DataError, match="no finished sequence of ours"):
        writing.read_record(tmp_path, "walk")


def test_a_jpeg_is_that_of_pillow(rng):
    """The authors' translations were written by it, at its default quality of 75."""
    coarse = rng.integers(0, 256, (6, 8, 1)).repeat(9, 0).repeat(9, 1).astype(np.uint8)
    theirs = io.BytesIO()
    Image.fromarray(coarse[..., 0]).save(theirs, "JPEG")
    ours = io.BytesIO(writing.encode(coarse, "jpeg", 75))
    assert Image.open(ours).mode == "L"
    np.testing.assert_array_equal(Image.open(ours), Image.open(theirs))
