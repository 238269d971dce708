"""Training runs on disk: what is kept, what comes back, and what damage costs."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from tirjax_track import weights

from tirjax.checkpoints import load_variables, read_about
from tirjax.data.sequence import DataError
from tirjax.trackers import NETWORKS
from tirjax.training_checkpoints import close, open_manager, restore, save, wait

ABOUT = {"architecture": "dimp18"}


class State(NamedTuple):
    step: Any
    params: Any
    optimizer: Any


def state(step=0, width=64, momentum=0.9):
    params = {
        "head": {"kernel": jnp.full((8, width), float(step)), "bias": jnp.ones(3)}
    }
    optimizer = optax.chain(optax.clip(1.0), optax.sgd(0.1, momentum))
    return State(jnp.int32(step), params, optimizer.init(params))


def write(manager, step, **metrics):
    now = state(step)
    save(manager, step, now, {"params": now.params}, ABOUT, metrics)


def steps(workdir):
    return sorted(path.name for path in (workdir / "checkpoints").iterdir())


@pytest.fixture
def run(tmp_path):
    """A run with steps 1, 2 and 3 on disk."""
    manager = open_manager(tmp_path)
    for step in (1, 2, 3):
        write(manager, step)
    close(manager)
    return tmp_path


def filled(value):
    return lambda leaf: np.full(leaf.shape, value, leaf.dtype)


def largest(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


def resumed(workdir, like=None, **kwargs):
    manager = open_manager(workdir)
    try:
        return restore(manager, state() if like is None else like, **kwargs)
    finally:
        close(manager)


def test_the_newest_state_comes_back(run):
    step, got = resumed(run)
    assert step == 3
    assert jax.tree.structure(got) == jax.tree.structure(state())
    jax.tree.map(np.testing.assert_array_equal, got, state(3))


def test_an_earlier_step_comes_back_when_asked_for(run):
    step, got = resumed(run, step=2)
    assert step == 2 and int(got.step) == 2
    with pytest.raises(DataError, match=r"no step 7; there are \[3, 2, 1\]"):
        resumed(run, step=7)


def test_an_empty_run_has_nothing_to_restore(tmp_path):
    assert resumed(tmp_path) is None


def test_trackers_read_the_newest_step(run):
    for path in (run, run / "checkpoints", run / "checkpoints" / "3"):
        assert load_variables(path)["params"]["head"]["kernel"][0, 0] == 3
        assert read_about(path) == {**ABOUT, "step": 3}
    assert read_about(run / "checkpoints" / "2")["step"] == 2


def test_the_tracking_program_takes_a_run_as_weights(tmp_path, caplog):
    images, boxes = jnp.zeros((1, 64, 64, 3)), jnp.zeros((1, 4))
    net, key = NETWORKS["dimp18"](), jax.random.key(0)
    shapes = jax.eval_shape(net.init, key, images, boxes)
    manager, origins = open_manager(tmp_path), []
    for step, about in ((1, ABOUT), (2, {"architecture": "dimp50"})):
        variables = jax.tree.map(filled(step), shapes)
        save(manager, step, {"step": jnp.int32(step)}, variables, about, {})
        wait(manager)
        loaded = weights.load(["dimp18"], [str(tmp_path)])["dimp18"]
        kernel = loaded.params["params"]["backbone"]["conv1"]["kernel"]
        assert kernel[0, 0, 0, 0] == step
        assert bool(caplog.records) == (step == 2)
        origins.append(loaded.origin)
    close(manager)
    assert "weights of dimp50, used for dimp18" in caplog.text
    assert len(set(origins)) == 2


def test_the_newest_and_the_best_are_kept_over_a_resume(tmp_path):
    scores = {1: 0.1, 2: 0.9, 3: float("nan"), 4: 0.3, 5: 0.2, 6: 0.4}
    for half in ((1, 2, 3), (4, 5, 6)):
        manager = open_manager(tmp_path, keep=2, best="auc")
        for step in half:
            write(manager, step, auc=scores[step], loss=1.0)
        close(manager)
    assert steps(tmp_path) == ["2", "5", "6"]


def test_without_a_metric_only_the_newest_are_kept(tmp_path):
    manager = open_manager(tmp_path, keep=1)
    for step in (1, 2):
        write(manager, step, auc=1.0 - step)
    close(manager)
    assert steps(tmp_path) == ["2"]


def test_donated_arrays_are_saved_as_they_were(tmp_path):
    manager, now = open_manager(tmp_path), state(5)
    save(manager, 5, now, {"params": now.params}, ABOUT, {})
    spoil = lambda tree: jax.tree.map(lambda x: x * 0 - 7, tree)
    jax.block_until_ready(jax.jit(spoil, donate_argnums=0)(now))
    close(manager)
    jax.tree.map(np.testing.assert_array_equal, resumed(tmp_path)[1], state(5))


def test_a_step_is_written_once_and_never_backwards(run):
    manager = open_manager(run)
    write(manager, 3)
    with pytest.raises(DataError, match="is at step 3, past 2"):
        write(manager, 2)
    close(manager)
    assert steps(run) == ["1", "2", "3"]


KILLED = """
import os, signal, sys, pathlib, jax.numpy as jnp, orbax.checkpoint as ocp
from tirjax import training_checkpoints as t
manager = t.open_manager(pathlib.Path(sys.argv[1]))
t._seal = lambda folder: os.kill(os.getpid(), signal.SIGKILL)
x = {"x": jnp.ones(9)}
t.save(manager, 4, x, x, {}, {})
t.close(manager)
"""


def test_a_killed_save_is_ignored_removed_and_written_again(run, caplog):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(run)])
    assert ended.returncode == -signal.SIGKILL
    assert len(steps(run)) == 4
    assert read_about(run)["step"] == 3
    manager = open_manager(run)
    assert "half-written checkpoint of step 4 ignored" in caplog.text
    assert steps(run) == ["1", "2", "3"]
    assert restore(manager, state())[0] == 3
    write(manager, 4)
    close(manager)
    assert steps(run) == ["2", "3", "4"]


@pytest.mark.parametrize("how", ["half", "gone", "list"])
def test_a_damaged_newest_falls_back_to_the_one_before(run, caplog, how):
    folder = run / "checkpoints" / "3"
    file = folder / "sizes.json" if how == "list" else largest(folder / "state")
    content = file.read_bytes()
    file.unlink()
    if how != "gone":
        file.write_bytes(content[: len(content) // 2])
    manager = open_manager(run)
    step, got = restore(manager, state())
    assert step == 2 and int(got.step) == 2
    [record] = caplog.records
    assert record.levelno == logging.WARNING and file.name in record.getMessage()
    write(manager, 3)
    close(manager)
    assert steps(run) == ["1", "2", "3", "3.damaged"]
    assert resumed(run)[0] == 3


def test_damage_that_no_size_betrays_falls_back_too(run):
    folder = run / "checkpoints" / "3"
    (folder / "sizes.json").unlink()
    (folder / "state" / "_METADATA").write_text("{")
    assert resumed(run)[0] == 2


def test_a_run_with_nothing_but_damage_is_one_line_and_left_alone(tmp_path):
    manager = open_manager(tmp_path)
    write(manager, 1)
    close(manager)
    largest(tmp_path / "checkpoints" / "1" / "state").write_bytes(b"")
    with pytest.raises(DataError, match="damaged checkpoint") as error:
        resumed(tmp_path)
    assert "\n" not in str(error.value) and steps(tmp_path) == ["1"]


@pytest.mark.parametrize(
    ("like", "message"),
    [
        (state(width=32), r"params/head/kernel is \(8, 64\), not \(8, 32\)"),
        (state(momentum=None), r"it has optimizer/1/0/trace/head/bias besides"),
        (state()._replace(params={"tail": jnp.ones(2)}), "it has no params/tail"),
    ],
)
def test_another_network_or_optimizer_is_refused(run, like, message):
    with pytest.raises(DataError, match=f"3: a state of another .*{message}") as error:
        resumed(run, like)
    assert "--workdir" in str(error.value)
    assert steps(run) == ["1", "2", "3"]


def test_a_state_moves_to_other_devices_and_back(tmp_path):
    devices = jax.devices()
    if len(devices) < 2:
        pytest.skip("one device")
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,))
    spread = NamedSharding(mesh, PartitionSpec("data"))
    one = jax.sharding.SingleDeviceSharding(devices[1])
    x = np.arange(8, dtype=np.float32)
    for number, (saved, wanted) in enumerate([(spread, one), (one, spread)]):
        workdir, tree = tmp_path / str(number), {"x": jax.device_put(x, saved)}
        manager = open_manager(workdir)
        save(manager, 1, tree, tree, ABOUT, {})
        close(manager)
        like = {"x": jax.ShapeDtypeStruct((8,), np.float32, sharding=wanted)}
        _, got = resumed(workdir, like)
        assert got["x"].sharding.is_equivalent_to(wanted, 1)
        np.testing.assert_array_equal(got["x"], x)
        np.testing.assert_array_equal(load_variables(workdir)["x"], x)


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_full_disk_is_said_and_costs_no_earlier_step(run, monkeypatch, when):
    def fails(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    manager = open_manager(run)
    if when == "at once":
        monkeypatch.setattr(ocp.CheckpointManager, "save", fails)
    else:
        monkeypatch.setattr("tirjax.training_checkpoints.write_sizes", fails)
    with pytest.raises(DataError, match="disk full") as error:
        write(manager, 4)
        wait(manager)
    assert str(run / "checkpoints") in str(error.value)
    monkeypatch.undo()
    write(manager, 4)
    close(manager)
    assert resumed(run)[0] == 4


def test_an_error_of_the_last_save_is_raised_by_the_next(run, monkeypatch, capfd):
    def fails(path):
        raise OSError(errno.EACCES, "not yours")

    manager = open_manager(run)
    monkeypatch.setattr("tirjax.training_checkpoints.write_sizes", fails)
    write(manager, 4)
    with pytest.raises(DataError, match=r"not written .*not yours"):
        write(manager, 5)
    manager.close()
    assert resumed(run)[0] == 3
    assert "Traceback" not in capfd.readouterr().err


def test_a_workdir_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(DataError, match="is no folder"):
        open_manager(tmp_path / "runs")


def test_metrics_are_written_and_nothing_is_printed(tmp_path, caplog, capfd):
    manager = open_manager(tmp_path, best="auc")
    write(manager, 1, auc=jnp.float32(0.5))
    close(manager)
    file = tmp_path / "checkpoints" / "1" / "metrics" / "metrics"
    assert json.loads(file.read_text()) == {"auc": 0.5}
    assert not caplog.records and not any(capfd.readouterr())


def test_saving_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    slow = lambda folder: time.sleep(1.0)
    monkeypatch.setattr("tirjax.training_checkpoints._seal", slow)
    manager = open_manager(tmp_path)
    write(manager, 1)
    assert not list((tmp_path / "checkpoints").glob("1"))
    close(manager)
    assert steps(tmp_path) == ["1"]
