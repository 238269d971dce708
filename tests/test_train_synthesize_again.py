"""``train synthesize`` interrupted, killed, repeated, and with other settings."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fabricated
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from synthesize_runs import (
    NET,
    command,
    contents,
    manifest,
    stand_in,
    tear,
    two_clips,
)
from tirjax_train import synthesize as program
from tirjax_train import translation
from tirjax_train.__main__ import main
from tirjax_train.generators import Loaded

from tirjax.checkpoints import save_variables
from tirjax.data.discover import open_sequence
from tirjax.data.training.sets import open_training_set

ROOT = Path(__file__).parents[1]


pytestmark = pytest.mark.usefixtures("no_cache")


@pytest.fixture
def fake(monkeypatch):
    return stand_in(monkeypatch)


@pytest.fixture
def argv(tmp_path):
    return two_clips(tmp_path)


def test_repeating_does_nothing_and_says_so(argv, fake, tmp_path, capsys):
    main(argv)
    before, seen = contents(tmp_path / "out"), len(fake)
    capsys.readouterr()
    assert main(argv) == 0
    assert "already synthesized" in capsys.readouterr().out
    assert contents(tmp_path / "out") == before and len(fake) == seen


@pytest.mark.parametrize("stop", [1, 2, 4])
def test_an_interrupted_command_goes_on_where_it_stopped(
    argv, fake, tmp_path, monkeypatch, stop
):
    """Nothing is done again, lost or doubled; a half picture is made anew."""
    out, write, count = tmp_path / "out", translation.writing.write_file, []

    def stopping(path, data):
        if path.suffix == ".png":
            if len(count) == stop:
                raise KeyboardInterrupt
            count.append(path)
        write(path, data)

    argv[argv.index("--batch") + 1] = "2"
    monkeypatch.setattr(translation.writing, "write_file", stopping)
    assert main(argv) == 130
    monkeypatch.setattr(translation.writing, "write_file", write)
    assert not manifest(out)["complete"]
    kept = contents(out)
    pictures = [name for name in kept if name.endswith(".png")]
    drafts = [*out.glob(".*.part")]
    assert drafts and not {d.name[1:-5] for d in drafts} & {
        p.name for p in out.iterdir()
    }
    torn = next(out.glob(".*.part/*.png"))
    (torn.parent / ".x.png.7.unfinished").write_bytes(b"half")
    torn.write_bytes(torn.read_bytes()[:-9])
    seen = len(fake)
    assert main(argv) == 0
    assert len(fake) - seen == 6 - len(pictures) + 1
    now = contents(out)
    assert len([name for name in now if name.endswith(".png")]) == 6
    for name in {*pictures} - {str(torn.relative_to(out))}:
        assert now[name.removeprefix(".").replace(".part", "")] == kept[name]
    assert manifest(out)["complete"] and not [*out.rglob("*.unfinished")]
    assert not [*out.glob(".*")]
    for clip in open_training_set("folder", out):
        values = [frame.max() for frame in clip.frames]
        assert values == [235, 234, 233]


def test_other_settings_in_the_same_folder_are_refused(
    argv, fake, tmp_path, capsys, monkeypatch
):
    main(argv)
    for more, words in (
        (["--format", "jpeg"], "another format (format was png, is jpeg)"),
        (["--fit", "full"], "another fit"),
    ):
        assert main([*argv, *more]) == 2
        error = capsys.readouterr().err
        assert words in error and "--out" in error and error.count("\n") == 1
    other = Loaded(NET, {}, 3, {"sha256_of_variables": "b" * 64})
    monkeypatch.setattr(program, "open_generator", lambda *a: other)
    assert main(argv) == 2
    assert "generator was aaaaaaaaaaaa..., is bbbb" in capsys.readouterr().err


def test_another_part_is_added_to_the_same_folder(argv, fake, tmp_path):
    assert main([*argv, "--cut", "run"]) == 0
    assert main([*argv, "--cut", "walk"]) == 0
    assert len(fake) == 6
    assert [s["name"] for s in manifest(tmp_path / "out")["sequences"]] == [
        "run",
        "walk",
    ]


def test_a_corrupt_frame_stops_and_can_be_restored(argv, fake, tmp_path, capsys):
    path = tear(tmp_path)
    good = (tmp_path / "data" / "walk" / "img" / "00000003.jpg").read_bytes()
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: walk: frame 1: ") and str(path) in error
    assert "--on-error skip" in error and error.count("\n") == 1
    path.write_bytes(good)
    assert main(argv) == 0
    assert len(open_sequence(tmp_path / "out" / "walk").frames) == 3


def test_a_full_disk_is_one_line_and_keeps_what_is_finished(
    argv, fake, tmp_path, capsys, monkeypatch
):
    write = translation.writing.write_file

    def full(path, data):
        last = path.parent.name == ".walk.part" and path.name != "00000001.png"
        if last or (tmp_path / "out" / "run").exists():
            raise OSError(28, "No space left on device")
        write(path, data)

    argv[argv.index("--batch") + 1] = "2"
    monkeypatch.setattr(translation.writing, "write_file", full)
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert "the disk is full" in error and error.count("\n") == 1
    assert len(open_sequence(tmp_path / "out" / "run").frames) == 3
    monkeypatch.setattr(translation.writing, "write_file", write)
    seen = len(fake)
    assert main(argv) == 0 and len(fake) - seen == 2


SLOW = """
import sys, time
from train import translation
from train.__main__ import main
write = translation.writing.write_file

def slowly(path, data):
    write(path, data)
    time.sleep(0.03)

translation.writing.write_file = slowly
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_killed_command_loses_and_doubles_nothing(tmp_path):
    like = jax.eval_shape(NET.init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)))
    rng = np.random.default_rng(3)
    draw = lambda x: rng.normal(0, 0.5, x.shape).astype(np.float32)
    save_variables(tmp_path / "net", jax.tree.map(draw, like), {})
    for name in ("a", "b", "c"):
        fabricated.pictures(tmp_path / "data" / name / "img", 20)
        fabricated.write(tmp_path / "data" / name / "boxes.txt", fabricated.rows(20, 0))
    argv = command(tmp_path, "folder", "--batch", "2")
    whole = ["--out", str(tmp_path / "whole")]
    assert main([*argv, *whole]) == 0
    out, kills = tmp_path / "out", 0
    for wait in (0.2, 0.5, 0.9, 60):
        begun = len([*out.rglob("*.png")])
        with subprocess.Popen([sys.executable, "-c", SLOW, *argv], cwd=ROOT) as run:
            deadline = time.monotonic() + 120
            while len([*out.rglob("*.png")]) <= begun and run.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            try:
                run.wait(wait)
            except subprocess.TimeoutExpired:
                os.kill(run.pid, signal.SIGKILL)
                kills += 1
    assert kills and run.returncode == 0
    sequences = lambda root: {
        str(p.relative_to(root)): p.read_bytes()
        for p in root.rglob("*")
        if p.is_file() and p.parent != root
    }
    assert sequences(out) == sequences(tmp_path / "whole")
