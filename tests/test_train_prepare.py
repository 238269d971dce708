"""``python -m train prepare``: data sets made, checked, repeated, interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fabricated
import numpy as np
import pytest

pytest.importorskip("tensorflow_datasets")
pytest.importorskip("array_record")

from tirjax_train.__main__ import main

from tirjax.data.training.prepared import open_prepared
from tirjax.data.training.sets import open_training_set

ROOT = Path(__file__).parents[1]


@pytest.fixture
def data(tmp_path):
    fabricated.folder(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def argv(data, tmp_path):
    out = tmp_path / "out"
    return ["prepare", "folder", "--data", str(data), "--out", str(out)]


@pytest.fixture
def made(tmp_path):
    return tmp_path / "out" / "tirjax_folder" / "1.0.0"


def tear(data, name="walk", frame=2):
    path = data / name / "img" / f"{frame:08}.jpg"
    path.write_bytes(path.read_bytes()[:40])
    return path


def test_a_prepared_data_set_holds_the_sequences(argv, made, data, capsys):
    assert main(argv) == 0
    printed = capsys.readouterr().out
    assert "sequences     2" in printed and "frames        6" in printed
    assert "MB" in printed and f"written to    {made}" in printed
    source, got = open_training_set("folder", data), open_prepared(made)
    for clip, found in zip(source, got, strict=True):
        np.testing.assert_array_equal([*found.frames], [*clip.frames])
    assert got.about["data"] == str(data) and got.about["dataset"] == "folder"


def test_repeating_does_nothing_and_says_so(argv, made, capsys):
    main(argv)
    before = {p: p.stat().st_mtime_ns for p in made.iterdir()}
    capsys.readouterr()
    assert main(argv) == 0
    printed = capsys.readouterr()
    assert "already prepared" in printed.out and str(made) in printed.out
    assert {p: p.stat().st_mtime_ns for p in made.iterdir()} == before


def test_other_data_under_the_same_name_is_refused(argv, tmp_path, capsys):
    main(argv)
    fabricated.folder(tmp_path / "other")
    argv[3] = str(tmp_path / "other")
    assert main(argv) == 2
    assert "was prepared from" in capsys.readouterr().err


def test_a_part_lies_beside_the_whole(data, tmp_path, capsys):
    fabricated.fabricate("trackingnet", tmp_path / "net")
    out = ["--data", str(tmp_path / "net"), "--out", str(tmp_path / "out")]
    assert main(["prepare", "trackingnet", *out]) == 0
    name = open_training_set("trackingnet", tmp_path / "net").names[0]
    assert main(["prepare", "trackingnet", *out, "--cut", name]) == 0
    assert len(list((tmp_path / "out").glob("tirjax_trackingnet*"))) == 2


@pytest.mark.parametrize("choice", [[], ["--on-error", "stop"]])
def test_a_corrupt_picture_stops_with_one_line(argv, data, made, capsys, choice):
    path = tear(data)
    assert main(argv + choice) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: walk: frame 1: ") and error.count("\n") == 1
    assert str(path) in error and not made.parent.exists()


def test_a_corrupt_sequence_is_left_out_on_demand(argv, data, made, capsys):
    path = tear(data)
    assert main([*argv, "--on-error", "skip"]) == 0
    printed = capsys.readouterr()
    assert "left out: walk: frame 1" in printed.err
    assert str(path) in "".join(printed.err.split("\n"))
    assert "left out      1 sequences" in printed.out
    assert open_prepared(made).names == ("run",)
    assert main(argv) == 0
    assert "without 1 bad sequences" in capsys.readouterr().out


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_check_of_good_data_says_so_and_writes_nothing(argv, made, capsys, quick):
    assert main([*argv, "--check", *quick]) == 0
    looked = 4 if quick else 6
    assert (
        f"2 sequences, {looked} frames looked at, all good" in capsys.readouterr().out
    )
    assert not made.parents[1].exists()


def test_check_lists_every_bad_frame_and_ends_with_2(argv, data, capsys):
    bad = [tear(data, "walk", 2), tear(data, "walk", 3)]
    (data / "run" / "boxes.txt").write_text("1,2,3\n")
    assert main([*argv, "--check"]) == 2
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert len(lines) == 3
    for i, path in enumerate(bad, 1):
        assert any(x.startswith(f"walk: frame {i}: {path}") for x in lines)
    assert any(x.startswith("run: ") and "boxes.txt" in x for x in lines)
    assert "2 of 2 sequences" in printed.err


def test_quick_check_looks_at_both_ends_only(argv, data, capsys):
    tear(data, "walk", 2)
    assert main([*argv, "--check", "--quick"]) == 0
    tear(data, "walk", 3)
    assert main([*argv, "--check", "--quick"]) == 2
    assert "frame 2" in capsys.readouterr().out


def test_check_names_a_sequence_without_any_box(argv, data, capsys):
    (data / "run" / "boxes.txt").write_text("0,0,0,0\n" * 3)
    assert main([*argv, "--check"]) == 2
    assert "run: no frame has a box" in capsys.readouterr().out


def test_a_full_disk_is_one_line_and_leaves_nothing(argv, made, monkeypatch, capsys):
    import tensorflow_datasets

    def full(writer, examples):
        raise RuntimeError("write() failed: No space left on device; writing x")

    writer = tensorflow_datasets.core.SequentialWriter
    monkeypatch.setattr(writer, "add_examples", full)
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert "the disk is full" in error and error.count("\n") == 1
    assert not made.parent.exists()


@pytest.mark.parametrize(
    "change, word",
    [
        ({1: "folders"}, "did you mean folder"),
        ({3: "/nowhere"}, "no such folder"),
        ({2: "--quick", 3: "--debug"}, "--quick is for --check"),
        ({2: "--on-error", 3: "skip"}, "--data"),
    ],
)
def test_bad_arguments_end_with_one_line(argv, capsys, change, word):
    argv = [change.get(i, text) for i, text in enumerate(argv)]
    if "--debug" in argv:
        argv.remove("--debug")
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1


SLOW = """
import signal, sys, time
from train import prepare
from train.__main__ import main
# What a shell starts in the background inherits deafness to it.
signal.signal(signal.SIGINT, signal.default_int_handler)
advance = prepare.Meter.advance

def slowly(self, frames):
    advance(self, frames)
    print("one done", flush=True)
    time.sleep(60)

prepare.Meter.advance = slowly
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_command_starts_again(argv, made, how):
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as run:
        # TFDS holds the program's standard output while it writes.
        deadline = time.monotonic() + 30
        while not list(made.parent.glob("incomplete.*")):
            assert run.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.3)
        os.kill(run.pid, how)
        error = run.communicate(timeout=300)[1]
    if how == signal.SIGINT:
        assert run.returncode == 130 and error == "interrupted\n"
        assert not made.parent.exists()
    else:
        assert not made.exists() and list(made.parent.iterdir())
    assert main(argv) == 0
    assert [*made.parent.iterdir()] == [made] and len(open_prepared(made)) == 2


def test_tensorflow_is_never_imported(argv):
    code = (
        "import sys\n"
        "from train.__main__ import main\n"
        "main(sys.argv[1:])\n"
        "from tirjax.data.training.prepared import open_prepared\n"
        "print([f.shape for f in open_prepared(sys.argv[-1])[0].frames])\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *argv],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "False"


def test_help_has_examples_and_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['train', 'prepare', '--help']\n"
        "from train.__main__ import main\n"
        "try: main()\n"
        "finally: print('numpy' in sys.modules, 'tensorflow_datasets' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert "python -m train prepare got10k --data" in done.stdout
    assert done.stdout.splitlines()[-1] == "False False"
