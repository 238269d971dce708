"""``track eval``: the layout of results, resuming, and what a failure leaves behind."""

import errno
import json
import resource
import signal

import cv2
import numpy as np
import pytest
from tirjax_track import evaluate, records
from tirjax_track.__main__ import main

from tirjax.data import write_boxes

MOSSE = "--tracker", "mosse"
LENGTHS = {"birds": 9, "car": 14, "horse": 11}


pytestmark = pytest.mark.usefixtures("no_cache")


@pytest.fixture
def data(tmp_path, rng):
    """Three OTB folders of a warm disc that moves right."""
    y, x = np.mgrid[:60, :80] + 0.5
    for name, length in LENGTHS.items():
        folder = tmp_path / "data" / name
        (folder / "img").mkdir(parents=True)
        for i in range(length):
            disc = np.exp(-((x - 30 - 1.5 * i) ** 2 + (y - 30) ** 2) / 60)
            picture = (40 + 150 * disc + 4 * rng.normal(size=disc.shape)).clip(0, 255)
            cv2.imwrite(str(folder / "img" / f"{i:04d}.png"), picture.astype("u1"))
        boxes = [20.0, 20, 20, 20] + np.arange(length)[:, None] * [1.5, 0, 0, 0]
        write_boxes(folder / "groundtruth_rect.txt", boxes, origin=1)
    return tmp_path / "data"


@pytest.fixture
def program(data, tmp_path):
    """Runs ``eval otb`` over the data into ``results``; returns the exit status."""

    def run(*arguments, out="results"):
        where = "--data", str(data), "--out", str(tmp_path / out)
        return main(["eval", "otb", *where, *MOSSE, *arguments])

    return run


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results" / "otb" / "mosse"


def texts(folder):
    """Contents of every result file by name."""
    return {p.name: p.read_text() for p in folder.glob("*.txt")}


def error_line(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_sequence_has_boxes_in_the_benchmarks_origin_and_numbers_a_frame(
    program, folder
):
    assert program() == 0
    assert records.completed(folder) == ["birds", "car", "horse"]
    lines = (folder / "car.txt").read_text().splitlines()
    assert len(lines) == 14
    assert lines[0] == "21.000,21.000,20.000,20.000"
    frames = (folder / "car.frames.csv").read_text().splitlines()
    assert frames[0] == "frame,score,status,seconds"
    assert len(frames) == 15


def test_the_manifest_says_what_made_the_results(program, folder, data):
    assert program("--seed", "3") == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    said = {
        k: manifest[k] for k in ("dataset", "tracker", "seed", "origin", "protocol")
    }
    assert said == {
        "dataset": "otb",
        "tracker": "mosse",
        "seed": 3,
        "origin": 1,
        "protocol": "otb",
    }
    assert manifest["data"] == str(data)
    assert "rate=0.125" in manifest["settings"]
    (made,) = manifest["made_with"]
    assert made["versions"].keys() == {"tirjax", "jax", "jaxlib", "numpy", "python"}
    assert {n: s["frames"] for n, s in manifest["sequences"].items()} == LENGTHS
    assert all(s["fps"] > 0 for s in manifest["sequences"].values())


def test_the_table_scores_what_was_tracked(program, capsys):
    assert program() == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if line.startswith("mosse"))
    assert float(row.split()[1]) > 0.7
    assert row.split()[-1] == "3/3"
    assert "protocol otb" in out


def test_repeating_tracks_nothing_again(program, folder, capsys, monkeypatch):
    assert program() == 0
    before = {p: p.stat().st_mtime_ns for p in folder.glob("*.txt")}
    monkeypatch.setattr(evaluate, "follow_many", None)  # to call it would fail
    assert program() == 0
    assert {p: p.stat().st_mtime_ns for p in folder.glob("*.txt")} == before
    assert "skipping 3 of 3 sequences" in capsys.readouterr().err


def test_an_interrupted_run_continues_to_the_same_results(
    program, folder, tmp_path, capsys, monkeypatch
):
    write, written = records.write_record, []

    def interrupted(*arguments):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(write(*arguments))

    monkeypatch.setattr(records, "write_record", interrupted)
    assert program() == 130
    assert "2 of 3 sequences of mosse are complete" in error_line(capsys)
    assert records.completed(folder) == ["birds", "car"]
    monkeypatch.setattr(records, "write_record", write)
    before = (folder / "birds.txt").stat().st_mtime_ns
    assert program() == 0
    assert (folder / "birds.txt").stat().st_mtime_ns == before
    assert program(out="anew") == 0
    assert texts(folder) == texts(tmp_path / "anew" / "otb" / "mosse")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["sequences"].keys() == LENGTHS.keys()


def test_a_sequence_without_its_box_file_is_not_complete(program, folder):
    assert program() == 0
    want = texts(folder)
    (folder / "car.txt").unlink()  # a kill between the two files
    (folder / "car.frames.csv").write_text("frame,sc")
    assert program() == 0
    assert texts(folder) == want
    assert len(records.read_record(folder, "car", 1).scores) == 14


def test_other_settings_are_refused_unless_overwritten(program, folder, capsys):
    assert program() == 0
    assert program("--seed", "1") == 2
    line = error_line(capsys)
    assert "made with seed 0 (now 1); choose another --out, or --overwrite" in line
    assert program("--seed", "1", "--overwrite") == 0
    assert json.loads((folder / "manifest.json").read_text())["seed"] == 1


def test_results_of_unknown_origin_are_refused(program, folder, capsys):
    assert program() == 0
    (folder / "manifest.json").unlink()
    assert program() == 2
    assert "without a manifest" in error_line(capsys)


def test_a_damaged_manifest_is_named(program, folder, capsys):
    assert program() == 0
    (folder / "manifest.json").write_text("{")
    assert program() == 2
    assert "manifest.json is damaged" in error_line(capsys)


def test_a_batch_gives_the_boxes_of_one_by_one(program, folder, tmp_path):
    assert program() == 0
    assert program("--batch", "2", out="batched") == 0
    for name in LENGTHS:
        alone = records.read_record(folder, name, 1)
        batched = records.read_record(tmp_path / "batched/otb/mosse", name, 1)
        np.testing.assert_allclose(batched.boxes, alone.boxes, atol=2e-3)


@pytest.mark.parametrize("batch", ["1", "3"])
def test_a_broken_sequence_stops_no_other(program, data, folder, capsys, batch):
    (data / "car" / "img" / "0007.png").write_bytes(b"no picture")
    assert program("--batch", batch) == 2
    line = error_line(capsys)
    assert line.startswith("error: 1 of 3 sequences failed, first car: frame 7")
    assert records.completed(folder) == ["birds", "horse"]
    assert not (folder / "car.frames.csv").exists()


def test_a_first_box_outside_the_frame_is_reported_with_its_sequence(
    program, data, capsys
):
    boxes = np.tile([500.0, 20, 20, 20], (14, 1))
    write_boxes(data / "car" / "groundtruth_rect.txt", boxes, origin=1)
    assert program() == 2
    assert "first car: first box 500,20,20,20 lies outside" in error_line(capsys)


def test_a_full_disk_is_one_line_and_keeps_earlier_sequences(
    program, folder, capsys, monkeypatch
):
    write = records.write_boxes

    def full(path, boxes, *, origin):
        if path.name == "car.txt":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, boxes, origin=origin)

    monkeypatch.setattr(records, "write_boxes", full)
    assert program() == 2
    assert "No space left on device" in error_line(capsys)
    assert records.completed(folder) == ["birds"]
    monkeypatch.setattr(records, "write_boxes", write)
    assert program() == 0


def test_a_file_that_cannot_grow_leaves_no_half_result(program, data, folder, capsys):
    """The real thing: the system refuses to write more than 250 bytes a file."""
    assert program("--sequences", "birds") == 0
    before = texts(folder)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (250, old[1]))
    try:
        status = program("--sequences", "birds,car")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)
    assert status == 2
    assert "File too large" in error_line(capsys)
    assert texts(folder) == before
    assert json.loads((folder / "manifest.json").read_text())["sequences"].keys() == {
        "birds"
    }


def test_results_of_a_data_set_that_changed_are_not_scored(program, data, capsys):
    assert program() == 0
    path = data / "car" / "groundtruth_rect.txt"
    path.write_text(path.read_text().replace("21.000,21.000", "24.000,21.000", 1))
    assert program() == 2
    assert "car.txt does not begin on the annotation" in error_line(capsys)


def test_check_lists_every_sequence_that_cannot_be_used(program, data, folder, capsys):
    (data / "car" / "img" / "0013.png").write_bytes(b"")
    (data / "horse" / "groundtruth_rect.txt").write_text("1,2,3\n")
    assert program("--check") == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("car: frame 13")
    assert out.splitlines()[1].startswith("horse: ")
    assert "2 of 3 sequences cannot be used" in err
    assert not folder.exists()


def test_some_sequences_by_name(program, folder, capsys):
    assert program("--sequences", "horse,birds") == 0
    assert records.completed(folder) == ["birds", "horse"]
    assert program("--sequences", "hrse") == 2
    assert "did you mean horse?" in error_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ptbtir", "--data", "x"], "no data set 'ptbtir'; did you mean ptb_tir?"),
        (["otb"], "otb is read from files; say where with --data DIR"),
        (["otb", "--data", "nowhere"], "nowhere"),
        (["otb", "--data", ".", "--protocol", "x"], "no protocol 'x'; there are lsotb"),
        (["otb", "--data", ".", "--tracker", "dimp"], "no tracker 'dimp'"),
    ],
)
def test_unknown_names_list_those_there_are(capsys, tmp_path, arguments, message):
    if "--tracker" not in arguments:
        arguments = [*arguments, *MOSSE]
    assert main(["eval", *arguments, "--out", str(tmp_path)]) == 2
    assert message in error_line(capsys)
