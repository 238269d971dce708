"""Sharing a batch between devices, and between processes that find each other."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from conftest import CACHE, QUICK
from tirjax_train import devices

from tirjax.checkpoints import load_variables
from tirjax.data.sequence import DataError

ROOT = Path(__file__).parents[1]
PATIENCE = 240  # seconds; it takes ten on a machine with nothing else to do


def test_the_mesh_has_all_devices():
    mesh = devices.mesh(4)
    assert dict(mesh.shape) == {"data": jax.device_count()}
    with pytest.raises(DataError, match=r"batch of 3 .* 2 devices.*multiple of 2"):
        devices.mesh(3)


@pytest.mark.parametrize("process", [0, 1, 2])
def test_processes_read_disjoint_parts_of_a_batch(monkeypatch, process):
    processes = SimpleNamespace(process_count=lambda: 3, process_index=lambda: process)
    monkeypatch.setattr(devices, "jax", processes)
    wanted = slice(4 * process, 4 * process + 4)
    assert devices.part(12) == wanted


def test_a_batch_is_spread_and_a_number_is_everywhere():
    mesh = devices.mesh(4)
    raw = {"x": np.arange(8.0).reshape(4, 2)}
    spread = devices.spread(mesh, raw)["x"]
    np.testing.assert_array_equal(spread, raw["x"])
    assert [shard.data.shape for shard in spread.addressable_shards] == [(2, 2)] * 2
    number = devices.same(mesh, np.uint32(7))
    assert number.dtype == np.uint32 and number.shape == ()
    assert [int(shard.data) for shard in number.addressable_shards] == [7, 7]


def test_a_parallel_step_sees_a_part_and_averages_over_all():
    mesh = devices.mesh(4)

    def step(state, raw, number):
        assert raw.shape == (2,)
        return state + number, devices.mean({"loss": raw.mean()})

    raw = np.array([1.0, 2.0, 3.0, 6.0], np.float32)
    state = jax.device_put(np.float32(1), devices.everywhere(mesh))
    at = devices.same(mesh, np.uint32(2))
    state, metrics = devices.parallel(mesh, step)(state, devices.spread(mesh, raw), at)
    assert float(state) == 3 and float(metrics["loss"]) == 3


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def start(workdir, *flags):
    program = [sys.executable, "-m", "train", "fit", "tests/tiny_run.py"]
    settings = ["--workdir", str(workdir), "--cache-dir", str(CACHE)]
    return subprocess.Popen(
        [*program, *settings, *map(str, flags)],
        cwd=ROOT,
        env=os.environ | {"XLA_FLAGS": QUICK},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_two(workdir, *settings):
    """Two processes with two devices each."""
    where = ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", 2]
    which = ["--distributed", *where, "--devices", 2, *settings]
    return [start(workdir, *which, "--process", i) for i in (0, 1)]


def finish(*processes):
    """``(exit status, output, errors)`` of each."""
    try:
        told = [process.communicate(timeout=PATIENCE) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(p.returncode, *t) for p, t in zip(processes, told, strict=True)]


def losses(workdir):
    lines = map(json.loads, (workdir / "metrics.jsonl").read_text().splitlines())
    return {r["step"]: r["loss"] for r in lines if "loss" in r}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A run of two processes."""
    workdir = tmp_path_factory.mktemp("two")
    settings = ["--steps", 8, "--eval-every", 4, "--show-every", 4]
    return workdir, finish(*start_two(workdir, *settings))


def test_two_processes_learn_what_one_does(two, tmp_path):
    workdir, ended = two
    assert [status for status, *_ in ended] == [0, 0], ended
    [(status, *_)] = finish(start(tmp_path, "--steps", 8, "--eval-every", 4))
    assert status == 0
    got, wanted = losses(workdir), losses(tmp_path)
    assert list(got) == list(range(1, 9))
    # Sums in another order; Adam magnifies them where gradients are small.
    np.testing.assert_allclose(
        list(got.values()), [wanted[step] for step in got], rtol=1e-4
    )
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    jax.tree.map(close, load_variables(workdir), load_variables(tmp_path))


def test_only_the_first_process_talks_and_draws(two):
    workdir, [(_, first, _), (_, second, _)] = two
    talk = lambda text: [x for x in text.splitlines() if "[Gloo]" not in x]
    assert "4 x cpu" in talk(first)[0] and not talk(second)
    assert len(list((workdir / "images").iterdir())) == 2


def test_one_process_goes_on_with_what_two_have_saved(two):
    workdir, _ = two
    steps = {path.name for path in (workdir / "checkpoints").iterdir()}
    assert steps == {"4", "8"}
    [(status, out, error)] = finish(start(workdir, "--steps", 9))
    assert status == 0, error
    assert out.startswith("going on from step 8")


def test_a_signal_to_one_process_stops_both(tmp_path):
    running = start_two(tmp_path, "--steps", 5000, "--delay", 0.05)
    first, second = running
    lines = iter(first.stdout.readline, "")
    assert any(line.startswith("step 2/") for line in lines)
    second.terminate()
    for status, _, error in finish(first, second):
        assert status == 130
        assert "interrupted: saved step " in error and "Traceback" not in error


def test_processes_that_do_not_meet_are_one_line():
    [(status, _, error)] = finish(start("nowhere", "--distributed"))
    assert status == 2
    assert error.startswith("error: --distributed: the processes do not meet")
    assert error.count("\n") == 1 and "--coordinator" in error
