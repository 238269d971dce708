"""Prepared data sets: any sequences in, ArrayRecord out, the same sequences back."""

import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import fabricated
import numpy as np
import pytest

from tirjax.data import ArrayFrames, DataError, Sequence, SequenceList
from tirjax.data.layouts import generic
from tirjax.data.training import tfds
from tirjax.data.training.prepared import BOXES, open_prepared
from tirjax.data.training.sets import open_training_set

pytest.importorskip("tensorflow_datasets")
pytest.importorskip("array_record")

ROOT = Path(__file__).parents[1]


def dataset(*clips):
    names = tuple(clip.name for clip in clips)
    return SequenceList("some", names, tuple(lambda c=c: c for c in clips))


def noise(rng, frames=4, channels=1, dtype=np.uint8):
    return ArrayFrames(
        rng.integers(0, 256, (frames, 12, 16, channels)).astype(dtype, copy=False)
    )


@pytest.fixture
def clips(rng):
    """Grey and colour, one box a frame and one for all, one row of NaN."""
    boxes = rng.uniform(0, 9, (4, 4))
    boxes[2] = np.nan
    visible = np.array([True, True, False, True])
    one = Sequence("one", noise(rng), boxes, visible, ("occlusion", "size_change"))
    first = boxes[:1]
    two = Sequence("two", noise(rng, 5, 3), first, visible[:1], (), "rgb")
    return dataset(one, two)


@pytest.fixture
def folder(tmp_path):
    """Two sequences of three pictures: JPEG and PNG."""
    fabricated.folder(tmp_path / "data")
    for file in (tmp_path / "data" / "run" / "img").iterdir():
        cv2.imwrite(str(file.with_suffix(".png")), cv2.imread(str(file)))
        file.unlink()
    return open_training_set("folder", tmp_path / "data")


def same(clip, other):
    np.testing.assert_array_equal(np.stack([*clip.frames]), np.stack([*other.frames]))
    np.testing.assert_array_equal(clip.boxes, other.boxes)
    np.testing.assert_array_equal(clip.visible, other.visible)
    assert clip.boxes.dtype == np.float64 and clip.visible.dtype == bool
    told = lambda c: (c.name, c.attributes, c.modality, len(c.frames))
    assert told(clip) == told(other)


def test_a_file_cut_off_in_copying_is_found_at_once(clips, tmp_path):
    done = tfds.write(clips, tmp_path, "some")
    file = next(done.folder.glob("*.array_record-*"))
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DataError, match=f"{file.name} has .* bytes, not"):
        open_prepared(done.folder)


@pytest.mark.parametrize("per_file", [1, 2, 100])
def test_sequences_come_back_as_they_were(clips, tmp_path, per_file):
    done = tfds.write(clips, tmp_path, "some", per_file=per_file)
    got = open_prepared(tmp_path)
    assert (done.sequences, done.frames, done.records) == (2, 9, 9)
    assert len(got) == 2 and got.names == ("one", "two")
    files = list(done.folder.glob("*.array_record-*"))
    assert len(files) == -(-9 // per_file)
    for i in range(2):
        same(got[i], clips[i])


def test_as_many_records_are_in_the_files_as_were_written(clips, tmp_path):
    """Counted in the files: TFDS's own number once said 480 where 200 were."""
    from array_record.python.array_record_module import ArrayRecordReader

    done = tfds.write(clips, tmp_path, "some", per_file=4)
    readers = [ArrayRecordReader(str(p)) for p in done.folder.glob("*.array_record-*")]
    assert sum(r.num_records() for r in readers) == done.records == 9
    for reader in readers:
        reader.close()


def test_a_lost_record_stops_the_preparation(clips, tmp_path, monkeypatch):
    import tensorflow_datasets

    writer = tensorflow_datasets.core.SequentialWriter
    add = writer.add_examples
    lose = lambda self, given: add(self, {k: v[1:] for k, v in given.items()})
    monkeypatch.setattr(writer, "add_examples", lose)
    with pytest.raises(DataError, match="9 records were written and 8 are there"):
        tfds.write(clips, tmp_path, "some")
    assert not list(tmp_path.iterdir())


def test_files_are_kept_byte_for_byte(folder, tmp_path):
    done = tfds.write(folder, tmp_path / "out", "folder")
    import tensorflow_datasets

    source = tensorflow_datasets.builder_from_directory(done.folder).as_data_source(
        "frames", decoders={"image": tensorflow_datasets.decode.SkipDecoding()}
    )
    paths = [p for i in range(2) for p in folder[i].frames.paths]
    assert {p.suffix for p in paths} == {".jpg", ".png"}
    assert [r["image"] for r in source] == [p.read_bytes() for p in paths]
    assert [int(r["number"]) for r in source] == [*range(6)]
    for i, got in enumerate(open_prepared(done.folder)):
        same(got, folder[i])


def test_deep_counts_become_8_bits_in_their_window(rng, tmp_path):
    (tmp_path / "deep").mkdir()
    for i in range(3):
        counts = rng.integers(7000, 9000, (12, 16), dtype=np.uint16)
        cv2.imwrite(str(tmp_path / "deep" / f"{i}.png"), counts)
    clip = generic(tmp_path / "deep", np.ones((1, 4)))
    tfds.write(dataset(clip), tmp_path / "out", "deep")
    got = np.stack([*open_prepared(tmp_path / "out")[0].frames])
    assert got.dtype == np.uint8
    # Rounded, so half a grey level apart.
    np.testing.assert_allclose(got, np.stack([*clip.frames]), atol=0.501)


def test_tracks_of_one_video_share_its_pictures(tmp_path):
    fabricated.fabricate("lsotb_tir_train", tmp_path / "data")
    source = open_training_set("lsotb_tir_train", tmp_path / "data")
    done = tfds.write(source, tmp_path / "out", "lsotb_tir_train")
    assert done.records < done.frames
    for clip, got in zip(source, open_prepared(tmp_path / "out"), strict=True):
        same(got, clip)


@pytest.mark.parametrize("name", fabricated.LAYOUTS)
def test_every_training_set_can_be_prepared(tmp_path, name):
    cut = fabricated.fabricate(name, tmp_path / "data")
    source = open_training_set(name, tmp_path / "data", cut)
    done = tfds.write(source, tmp_path / "out", name, cut)
    assert done.folder == tfds.place(tmp_path / "out", name, cut)
    got = open_prepared(done.folder)
    assert len(got) == len(source) > 0
    for i in range(len(source)):
        same(got[i], source[i])


def test_source_and_licence_stand_in_the_description(clips, tmp_path):
    import tensorflow_datasets

    done = tfds.write(clips, tmp_path, "lsotb_tir", "st100")
    told = tensorflow_datasets.builder_from_directory(done.folder).info.description
    assert "Liu et al., LSOTB-TIR" in told and "non-commercial" in told
    assert "st100" in told and done.folder.parent.name == "tirjax_lsotb_tir__st100"


def test_a_builder_class_is_made_once():
    assert tfds.builder_class("twice") is tfds.builder_class("twice")
    assert tfds.builder_class("twice").name == "tirjax_twice"


@pytest.fixture
def torn(folder):
    path = folder[0].frames.paths[1]
    path.write_bytes(path.read_bytes()[:40])
    return path


def test_a_corrupt_picture_stops_with_file_and_sequence(folder, torn, tmp_path):
    with pytest.raises(DataError, match=f"{folder.names[0]}: frame 1: {torn}"):
        tfds.write(folder, tmp_path / "out", "folder")
    assert not list((tmp_path / "out").iterdir())


def test_a_corrupt_sequence_is_left_out_on_demand(folder, torn, tmp_path):
    lines, counts = [], []
    done = tfds.write(
        folder, tmp_path / "out", "folder", skip=lines.append, watch=counts.append
    )
    assert len(lines) == 1 and str(torn) in lines[0] and done.skipped == (*lines,)
    got = open_prepared(done.folder)
    assert got.names == folder.names[1:] and got.about["skipped"] == lines
    assert counts == [3, 3] and done.records == 3
    same(got[0], folder[1])


def test_nothing_to_write_is_said(folder, torn, tmp_path):
    source = SequenceList("folder", folder.names[:1], folder.openers[:1])
    with pytest.raises(DataError, match="no sequence can be used"):
        tfds.write(source, tmp_path / "out", "folder", skip=lambda line: None)


def test_leftovers_of_a_killed_run_are_removed(clips, tmp_path):
    left = tmp_path / "tirjax_some" / f"incomplete.ABCDEF_{tfds.VERSION}"
    left.mkdir(parents=True)
    (left / "sequences.npy").write_bytes(b"half")
    with pytest.raises(DataError, match="no prepared data set"):
        open_prepared(tmp_path)
    done = tfds.write(clips, tmp_path, "some")
    assert [*done.folder.parent.iterdir()] == [done.folder]


def test_what_exists_is_not_overwritten(clips, tmp_path):
    tfds.write(clips, tmp_path, "some")
    with pytest.raises(DataError, match="exists; delete it"):
        tfds.write(clips, tmp_path, "some")


def test_several_data_sets_in_a_folder_are_listed(clips, tmp_path):
    for name in ("a", "b"):
        tfds.write(clips, tmp_path, name)
    with pytest.raises(DataError, match=r"several data sets.*tirjax_a.*tirjax_b"):
        open_prepared(tmp_path)


def test_a_damaged_record_names_sequence_and_frame(clips, tmp_path):
    done = tfds.write(clips, tmp_path, "some", per_file=100)
    file = next(done.folder.glob("*.array_record-*"))
    data = bytearray(file.read_bytes())
    found = [i for i in range(len(data)) if data[i : i + 4] == b"\x89PNG"]
    at = found[5] if len(found) > 5 else len(data) // 2
    data[at : at + 64] = bytes(64)
    file.write_bytes(data)
    broken = 0
    for clip in open_prepared(done.folder):
        for i in range(len(clip.frames)):
            try:
                clip.frames[i]
            except DataError as error:
                broken += 1
                assert str(error).startswith(f"{clip.name}: frame {i} (record")
                assert "prepare the data set again" in str(error)
    assert broken


def test_a_missing_table_says_prepare_again(clips, tmp_path):
    done = tfds.write(clips, tmp_path, "some")
    (done.folder / BOXES).unlink()
    with pytest.raises(DataError, match=r"not complete.*prepare it again"):
        open_prepared(done.folder)


def test_an_open_data_set_pickles_small(clips, tmp_path):
    tfds.write(clips, tmp_path, "some")
    got = open_prepared(tmp_path)
    before = got[1].frames[2]
    data = pickle.dumps(got)
    assert len(data) < 1000
    np.testing.assert_array_equal(pickle.loads(data)[1].frames[2], before)
    again = pickle.loads(pickle.dumps(got[1]))
    np.testing.assert_array_equal(again.frames[2], before)


WORKERS = """
import multiprocessing, sys
from tirjax.data.training.prepared import open_prepared

def total(data):
    try:
        return sum(int(f.sum()) for clip in data for f in clip.frames)
    except ValueError as error:
        return str(error)

def elsewhere(kind, data):
    with multiprocessing.get_context(kind).Pool(2) as pool:
        return pool.map(total, [data] * 2)

if __name__ == "__main__":
    data = open_prepared(sys.argv[1])
    forked = elsewhere("fork", data)
    here = [total(data)] * 2
    assert forked == here, forked
    assert elsewhere("spawn", data) == here
    print(elsewhere("fork", data)[0])
    print("tensorflow" in sys.modules, "jax" in sys.modules)
"""


def test_workers_read_without_tensorflow_and_never_hang(clips, tmp_path):
    """array_record has threads; in a fork that lacks them it would wait for ever."""
    tfds.write(clips, tmp_path / "out", "some")
    (tmp_path / "workers.py").write_text(WORKERS)
    done = subprocess.run(
        [sys.executable, tmp_path / "workers.py", tmp_path / "out"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    refused, imported = done.stdout.splitlines()
    assert "start workers with 'spawn'" in refused and imported.startswith("False")


THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from tirjax.data.training.prepared import open_prepared

sets = [open_prepared(path) for path in sys.argv[1:]]
with ThreadPoolExecutor(8) as pool:
    print(len(list(pool.map(lambda i: sets[i % 2][i % 2].frames[i % 4], range(64)))))
"""


def test_threads_that_read_first_at_once_do_not_lock_up(clips, tmp_path):
    """They did: TFDS imports its parts lazily, in whichever thread needs one."""
    for name in ("a", "b"):
        tfds.write(clips, tmp_path / name, "some")
    done = subprocess.run(
        [sys.executable, "-c", THREADS, tmp_path / "a", tmp_path / "b"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.stdout == "64\n", done.stderr
