"""``train fit`` as people use it: interrupted, repeated, asked for what cannot be."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from conftest import CACHE, QUICK
from tirjax_train.__main__ import main
from tirjax_train.fit import Stop

from tirjax.checkpoints import load_variables, read_about

ROOT = Path(__file__).parents[1]
TINY = "tests/tiny_run.py"
STEPS = 20
PATIENCE = 240  # seconds; a run takes five on a machine with nothing else to do
NOT_THE_SAME = ("time", "images_per_second", "waiting")


def start(workdir, *settings):
    """The program in a process of its own, on two devices."""
    program = [sys.executable, "-m", "train", "fit", TINY, "--workdir", str(workdir)]
    run = ["--steps", str(STEPS), "--eval-every", "8", "--devices", "2"]
    return subprocess.Popen(
        [*program, *run, "--cache-dir", str(CACHE), *settings],
        cwd=ROOT,
        # As in this process: other machine code gives other last digits.
        env=os.environ | {"XLA_FLAGS": QUICK},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """``(exit status, output, errors)``."""
    output, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, output, errors


def wait_for(workdir, lines, process):
    """Until so many metrics are on disk."""
    file, end = workdir / "metrics.jsonl", time.monotonic() + PATIENCE
    while not file.exists() or file.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, finish(process)
        assert time.monotonic() < end
        time.sleep(0.01)


def told(workdir):
    """Metrics without what depends on the clock."""
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    drop = lambda r: {k: v for k, v in r.items() if k not in NOT_THE_SAME}
    return [drop(json.loads(line)) for line in lines]


def checkpoints(workdir):
    return list((workdir / "checkpoints").iterdir())


def steps(workdir):
    return sorted(int(path.name) for path in checkpoints(workdir))


def assert_same(workdir, other):
    assert told(workdir) == told(other)
    assert steps(workdir)[-1] == steps(other)[-1]
    pair = load_variables(workdir), load_variables(other)
    jax.tree.map(np.testing.assert_array_equal, *pair)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupted."""
    workdir = tmp_path_factory.mktemp("whole")
    status, output, errors = finish(start(workdir))
    assert status == 0, errors
    assert output.splitlines()[-1].startswith("done: `python -m track run")
    return workdir


def test_a_whole_run_leaves_its_record(whole):
    records = told(whole)
    assert [r["step"] for r in records if "loss" in r] == list(range(1, STEPS + 1))
    assert [r["step"] for r in records if "check/total" in r] == [8, 16, 20]
    assert {"grad_norm", "pixels"} < records[0].keys()
    assert records[-2]["loss"] < records[0]["loss"] / 2
    assert (whole / "curves.png").stat().st_size
    assert steps(whole)[-3:] == [12, 16, 20]
    about = read_about(whole)
    assert about["architecture"] == "squares" and about["step"] == STEPS
    assert about["settings"]["steps"] == STEPS and about["settings"]["rate"] == 0.01
    assert about["config"]["file"] == "tiny_run.py"
    assert about["devices"]["count"] == 2


def test_a_killed_run_goes_on_exactly_where_it_was(whole, tmp_path, rng):
    running = start(tmp_path, "--delay", "0.3")
    wait_for(tmp_path, rng.integers(5, STEPS - 6), running)
    # Saving runs beside training; on a busy machine it ends later.
    while not any(path.name.isdecimal() for path in checkpoints(tmp_path)):
        assert running.poll() is None, finish(running)
        time.sleep(0.01)
    running.kill()
    assert finish(running)[0] == -signal.SIGKILL
    half = tmp_path / "checkpoints" / "19.orbax-checkpoint-tmp"
    (half / "state").mkdir(parents=True)
    status, output, errors = finish(start(tmp_path))
    assert status == 0, errors
    assert "half-written checkpoint of step 19 ignored" in errors
    assert "Traceback" not in errors and not half.exists()
    assert output.splitlines()[0].startswith("going on from step ")
    assert_same(tmp_path, whole)


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_begins_anew(main, whole, tmp_path):
    running = start(tmp_path, "--delay", "0.3", "--save-every", "10")
    wait_for(tmp_path, 2, running)
    running.kill()
    finish(running)
    status, out, _ = main(tmp_path, "--steps", STEPS, "--eval-every", 8)
    assert status == 0 and "going on" not in out
    assert_same(tmp_path, whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_run_goes_on_exactly(main, whole, tmp_path, number):
    running = start(tmp_path, "--delay", "0.2")
    wait_for(tmp_path, 5, running)
    running.send_signal(number)
    status, _, errors = finish(running)
    assert status == 130
    step = steps(tmp_path)[-1]
    assert 5 <= step < STEPS
    [line] = errors.splitlines()
    where = f"saved step {step} in {tmp_path}"
    assert line == f"interrupted: {where}; repeat the command to go on"
    status, out, _ = main(tmp_path, "--steps", STEPS, "--eval-every", 8)
    assert status == 0 and out.startswith(f"going on from step {step} in {tmp_path}")
    assert_same(tmp_path, whole)


def test_a_second_signal_does_not_wait():
    before = signal.getsignal(signal.SIGTERM)
    with Stop() as stop:
        assert not stop(1)
        signal.raise_signal(signal.SIGINT)
        assert stop(2)
        with pytest.raises(KeyboardInterrupt, match="before it was saved"):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture(name="main")
def in_this_process(monkeypatch, capsys):
    """The program in this process: ``(workdir, settings) -> (status, out, error)``."""
    monkeypatch.setattr("tirjax_shell.session.start", lambda *_: None)
    # Importing it takes a second.
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.chdir(ROOT)

    def run(workdir, *settings, config=TINY):
        capsys.readouterr()
        argv = ["fit", str(config), "--workdir", str(workdir), *map(str, settings)]
        status = main(argv)
        text = capsys.readouterr()
        plain = [x for x in text.out.splitlines() if "TensorBoard" not in x]
        return status, "\n".join(plain), text.err

    return run


@pytest.fixture
def four_steps(main, tmp_path):
    """A workdir with four steps in it."""
    assert main(tmp_path, "--steps", 4)[0] == 0
    return tmp_path


def assert_one_line(result, *parts):
    status, _, error = result
    assert status == 2
    assert error.startswith("error: ") and error.count("\n") == 1, error
    for part in parts:
        assert str(part) in error


def test_a_loss_that_is_no_number_stops_the_run_and_spoils_nothing(main, four_steps):
    result = main(four_steps, "--steps", 12, "--nan-at", 6, "--save-every", 2)
    assert_one_line(result, "step 6:", "loss is nan", "grad_norm is nan")
    assert steps(four_steps) == [4]
    assert [r["step"] for r in told(four_steps)] == [1, 2, 3, 4, 5]
    assert main(four_steps, "--steps", 12)[0] == 0
    assert steps(four_steps) == [4, 8, 12]
    assert all(
        np.isfinite(x).all() for x in jax.tree.leaves(load_variables(four_steps))
    )


def test_a_finished_run_says_so_and_can_be_made_longer(main, four_steps):
    before = told(four_steps)
    status, out, error = main(four_steps, "--steps", 4)
    assert status == 0 and not error
    assert f"{four_steps} has all 4 steps; --steps trains it further" in out
    assert told(four_steps) == before
    assert main(four_steps, "--steps", 6)[0] == 0
    assert steps(four_steps) == [4, 6]
    assert [r["step"] for r in told(four_steps)] == [1, 2, 3, 4, 5, 6]


def test_a_batch_that_cannot_be_shared_out_is_refused(main, tmp_path):
    result = main(tmp_path, "--batch", 3)
    assert_one_line(result, "batch of 3", "2 devices", "multiple of 2")
    assert not any(tmp_path.iterdir())


def test_the_workdir_of_another_config_is_refused(main, four_steps):
    result = main(four_steps, "--steps", 8, "--width", 8)
    assert_one_line(result, "another network", "(4,), not (8,)", "--workdir")
    assert steps(four_steps) == [4] and len(told(four_steps)) == 4


def test_a_missing_config_lists_what_there_is(main, tmp_path):
    (tmp_path / "mine.py").write_text("")
    result = main(tmp_path / "run", config=tmp_path / "yours.py")
    assert_one_line(result, "yours.py", "there: mine.py")
    result = main(tmp_path / "run", config=tmp_path / "no" / "yours.py")
    assert_one_line(result, "no .py file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps = 3", "no function 'config'"),
        ("def config(): return 3", "returned int, not a Run"),
    ],
)
def test_a_file_that_is_no_config_is_refused(main, tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    assert_one_line(main(tmp_path / "run", config=path), path, message)


@pytest.mark.parametrize("wrong", [("--bach", "3"), ("--batch", "three")])
def test_a_setting_that_there_is_not_ends_with_help(main, tmp_path, capsys, wrong):
    with pytest.raises(SystemExit) as end:
        main(tmp_path, *wrong)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert wrong[0] in error and "Traceback" not in error


def test_a_full_disk_is_said_and_the_run_goes_on_once_there_is_space(
    main, four_steps, monkeypatch
):
    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("tirjax.training_checkpoints.write_sizes", full)
        result = main(four_steps, "--steps", 12)
    assert_one_line(result, four_steps, "disk full", "free space")
    assert main(four_steps, "--steps", 12)[0] == 0
    assert steps(four_steps) == [4, 8, 12]
    assert [r["step"] for r in told(four_steps)] == list(range(1, 13))


def test_data_that_cannot_be_read_is_one_line(main, tmp_path):
    result = main(tmp_path, "--bad-at", 3)
    assert_one_line(result, "square 2: is round")


def test_a_bad_file_is_named_once(main, tmp_path):
    status, out, _ = main(tmp_path, "--skip-at", 2, "--steps", 5)
    assert status == 0
    assert out.count("skipped (1): square 7: is small") == 1


def test_the_best_checkpoint_is_kept_for_the_step_it_was_measured_at(main, tmp_path):
    pace = ["--steps", 8, "--eval-every", 2, "--save-every", 1]
    assert main(tmp_path, *pace)[0] == 0
    values = {r["step"]: r["check/total"] for r in told(tmp_path) if "check/total" in r}
    best = max(values, key=lambda step: values[step])
    assert best < 5, "else it tells nothing"
    assert steps(tmp_path) == [best, 6, 7, 8]


def test_pictures_of_predictions(main, tmp_path):
    assert main(tmp_path, "--steps", 4, "--show-every", 2)[0] == 0
    images = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert images == ["2_examples.png", "4_examples.png"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--help"], ["fit", "prepare", "convert"]),
        (["fit", "--help"], ["CONFIG", "--workdir", "--devices", "--distributed"]),
        (["fit", TINY, "--help"], ["Finds squares", "--nan-at", "default: 0.01"]),
        (["fit", "configs/dimp10_synthetic.py", "-h"], ["--peak", "--lanes"]),
    ],
    ids=["train", "fit", "config", "shipped"],
)
def test_help_names_what_can_be_set(argv, words, monkeypatch, capsys):
    monkeypatch.setattr("tirjax_shell.session.start", lambda *_: None)
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 0
    text = capsys.readouterr().out
    for word in words:
        assert word in text
