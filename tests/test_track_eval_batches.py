"""``track eval`` in batches, on several devices and in shards: the same results."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from eval_clips import CLIPS, write
from tirjax_track import records
from tirjax_track.__main__ import main


@pytest.fixture(autouse=True)
def process(monkeypatch):
    """Cache and devices are the tests' own, whatever the command line says."""
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)
    monkeypatch.setattr("tirjax_track.devices.start", lambda count: None)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    write(root)
    return root


def run(data, out, *arguments, tracker="mosse"):
    where = "--data", str(data), "--out", str(out), "--tracker", tracker
    return main(["eval", "otb", *where, *arguments])


def results(out, tracker="mosse"):
    return {n: records.read_record(out / "otb" / tracker, n, 1) for n in CLIPS}


def assert_same(found, want):
    for name, kept in want.items():
        assert len(found[name].boxes) == CLIPS[name][0]
        np.testing.assert_allclose(found[name].boxes, kept.boxes, atol=2e-3)
        np.testing.assert_allclose(found[name].scores, kept.scores, atol=1e-3)
        np.testing.assert_array_equal(found[name].status, kept.status)


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory):
    """Results of MOSSE one by one, made once."""
    out = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tirjax_shell.session.cache", lambda common: None)
        assert run(data, out) == 0
    return results(out)


DEVICES = pytest.param(["--batch", "4", "--devices", "2"], marks=pytest.mark.slow)


@pytest.mark.parametrize("how", [["--batch", "2"], DEVICES])
def test_slots_that_are_refilled_give_the_boxes_of_one_by_one(
    data, tmp_path, alone, how, capsys
):
    assert run(data, tmp_path, *how) == 0
    assert_same(results(tmp_path), alone)
    work = json.loads((tmp_path / "otb/mosse/manifest.json").read_text())["work"]
    assert work["frames"] == sum(length for length, _, _ in CLIPS.values())
    assert work["waste"] == round(work["idle"] / (work["frames"] + work["idle"]), 4)
    out = capsys.readouterr().out
    assert f"{work['waste']:.1%} of the frames computed belonged to no sequence" in out


@pytest.mark.slow
def test_kcf_gives_the_boxes_of_one_by_one(data, tmp_path):
    assert run(data, tmp_path / "alone", tracker="kcf") == 0
    assert run(data, tmp_path, "--batch", "2", tracker="kcf") == 0
    assert_same(results(tmp_path, "kcf"), results(tmp_path / "alone", "kcf"))


def test_shards_share_a_folder_and_one_process_can_finish_it(
    data, tmp_path, alone, capsys
):
    assert run(data, tmp_path, "--shard", "0/2") == 0
    assert run(data, tmp_path, "--shard", "1/2") == 0
    folder = tmp_path / "otb" / "mosse"
    assert_same(results(tmp_path), alone)
    own = [records.read_manifest(folder, s) for s in ("0/2", "1/2")]
    assert [sorted(m["sequences"]) for m in own] == [
        ["birds", "crowd", "horse"],
        ["car", "dog"],
    ]
    assert records.read_manifest(folder)["sequences"].keys() == CLIPS.keys()
    assert run(data, tmp_path, "--shard", "1/2", "--seed", "1") == 2
    assert "made with seed 0 (now 1)" in capsys.readouterr().err
    (folder / "car.txt").unlink()
    assert run(data, tmp_path) == 0
    assert_same(results(tmp_path), alone)
    assert run(data, tmp_path, "--overwrite", "--sequences", "dog") == 0
    assert [p.name for p in folder.glob("manifest*")] == ["manifest.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard", "2/2"], "--shard 2/2: expected I/N with I from 0 to N-1"),
        (["--shard", "half"], "--shard half: expected I/N"),
        (["--shard", "0/2", "--overwrite"], "other shards write; delete the folder"),
        (["--devices", "64", "--batch", "64"], "--devices 64: there are "),
        (["--devices", "2", "--batch", "3"], "choose a multiple of 2"),
        (["--devices", "2", "--experiment", "supervised"], "one-pass runs only"),
    ],
)
def test_what_does_not_fit_together_is_one_line(
    data, tmp_path, capsys, arguments, message
):
    assert run(data, tmp_path, *arguments) == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]


KILLED_AFTER_TWO = """
import os, signal, sys
from tirjax_track import records
from tirjax_track.__main__ import main

write, names = records.write_record, []

def killed(folder, name, *rest):
    if len(names) == 2:  # between the two files of the third
        (folder / f"{name}.frames.csv").write_text("frame,sc")
        os.kill(os.getpid(), signal.SIGKILL)
    names.append(write(folder, name, *rest))

records.write_record = killed
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_killed_process_keeps_what_was_complete(data, tmp_path, alone):
    where = ["--data", str(data), "--out", str(tmp_path), "--batch", "2", "--no-cache"]
    command = ["eval", "otb", *where, "--tracker", "mosse"]
    code = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER_TWO, *command],
        env=os.environ,
        capture_output=True,
        check=False,
    ).returncode
    assert code == -signal.SIGKILL
    folder = tmp_path / "otb" / "mosse"
    done = {
        name: (folder / f"{name}.txt").stat().st_mtime_ns
        for name in CLIPS
        if (folder / f"{name}.txt").is_file()
    }
    assert len(done) == 2
    assert run(data, tmp_path, "--batch", "2") == 0
    assert_same(results(tmp_path), alone)
    for name, when in done.items():
        assert (folder / f"{name}.txt").stat().st_mtime_ns == when
