"""What every config keeps to; nothing is compiled."""

import functools
import inspect
import re
import runpy
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from config_data import FILES, PUBLISHED, RUNS, shape_of, write_sets

import tirjax.checkpoints
import tirjax.tasks.cmd
import tirjax.tasks.tracking
from tirjax.convert import squeezenet
from tirjax.data.sequence import DataError
from tirjax.tasks.run import Run
from tirjax.trackers import NETWORKS
from train import configs, devices, loop

OF_FIT = {"workdir"}  # flags of the program


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_sets(tmp_path_factory.mktemp("data"))


def zeros(path, like):
    """In place of a checkpoint: arrays that take no memory."""
    del path
    return jax.tree.map(lambda x: np.broadcast_to(x.dtype.type(0), x.shape), like)


@pytest.fixture(scope="module")
def read(data):
    """Calls a config as the program does; no clip is rendered, no weights are read."""
    readable = ["trackingnet", "coco"]
    needs = {key: [*readable, "backbone", "workers"] for key in PUBLISHED}
    needs |= {"dimp10_tir": ["hit_uav"], "dimp50_lsotb": ["lsotb", "start"]}
    needs |= {"dimp_squeezenet_tir": ["hit_uav", "imagenet"]}

    def call(name, *arguments):
        given = {"batch": "5" if name.endswith("_tir") else "2"}
        for need in needs.get(name, []):
            folder = data / need
            given[need] = "0" if need == "workers" else str(folder)
        flags = [x for k, v in given.items() for x in (f"--{k.replace('_', '-')}", v)]
        path, chosen = RUNS[name]
        return configs.read(path, [*chosen, *flags, *arguments])[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tirjax.checkpoints, "load_variables", zeros)
        patch.setattr(tirjax.tasks.cmd, "load_variables", zeros)
        patch.setattr(squeezenet, "read", lambda path: {})
        patch.setattr(tirjax.tasks.tracking, "on_clips", lambda *_: lambda v: {})
        yield call


# The deepest networks take longest to trace; by default one of them is enough.
SLOW = [pytest.mark.slow]
DEEP = ("dimp50", "dimp50_lsotb", "dimp_squeezenet_tir")
CASES = [pytest.param(name, marks=SLOW if name in DEEP else []) for name in RUNS]


@pytest.fixture(scope="module", params=CASES)
def traced(request, read):
    """A run, the shapes of its state, and those of a batch."""
    run = read(request.param)
    raw, problems = run.feed.read(0)
    assert problems == ()
    key = jax.random.key(0)
    return SimpleNamespace(
        run=run,
        key=key,
        state=jax.eval_shape(run.task.init, key),
        batch=jax.eval_shape(run.feed.make, raw, key),
    )


def test_the_run_is_whole(traced):
    run = traced.run
    assert isinstance(run, Run) and run.steps > 0 and run.tracker in NETWORKS
    measured = {name.split("/")[0] for name in [run.best] if name}
    assert measured <= set(run.evals)


def test_examples_lead_and_crops_have_one_side(traced):
    run, batch = traced.run, traced.batch
    assert {x.shape[0] for x in batch} == {run.feed.batch}
    assert batch.train.shape[2:] == batch.test.shape[2:]
    cells = batch.labels.shape[-1]
    assert batch.labels.shape == (run.feed.batch, batch.test.shape[1], cells, cells)
    stride = batch.test.shape[2] // (cells - 1)
    assert stride == (8 if run.tracker in ("dimp10", "dimp_squeezenet") else 16)


def test_an_update_keeps_the_structure_of_the_state(traced):
    task, same = traced.run.task, lambda tree: tree
    update = functools.partial(task.update, mean=same)
    state, metrics = jax.eval_shape(update, traced.state, traced.batch, traced.key)
    assert jax.tree.structure(state) == jax.tree.structure(traced.state)
    assert shape_of(state) == shape_of(traced.state)
    assert "loss" in metrics and {x.shape for x in metrics.values()} == {()}


def test_what_is_learned_is_what_the_tracker_takes(traced):
    side = traced.batch.test.shape[2]
    example = jnp.zeros((1, side, side, 3)), jnp.ones((1, 4))
    want = jax.eval_shape(NETWORKS[traced.run.tracker]().init, traced.key, *example)
    got = jax.eval_shape(traced.run.task.variables, traced.state)
    assert shape_of(got) == shape_of(dict(want))


def test_a_preview_can_be_made(traced):
    task = traced.run.task
    variables = jax.eval_shape(task.variables, traced.state)
    shown = jax.eval_shape(task.preview, variables, traced.batch)
    assert len({x.shape[0] for x in shown}) == 1


@pytest.mark.parametrize("name", FILES)
def test_the_docstring_has_the_command_with_flags_that_exist(name):
    space = runpy.run_path(str(FILES[name]))
    text, config = space["__doc__"], space["config"]
    (command,) = re.findall(
        rf"python -m train fit configs/{name}\.py(.*?)\n *\n", text, re.S
    )
    ours = command.split("python -m")[0].replace("\\", " ")
    flags = {flag.replace("-", "_") for flag in re.findall(r"--([a-z0-9-]+)", ours)}
    settings = inspect.signature(config).parameters
    assert "workdir" in flags and flags <= {*settings, *OF_FIT}
    required = {k for k, p in settings.items() if p.default is p.empty}
    assert required <= flags and "\nNeeds   " in text
    for setting in settings:
        assert f"\n  {setting}: " in inspect.getdoc(config)


@pytest.mark.slow
def test_one_program_for_devices_that_share_statistics(read):
    """As the loop compiles it: the mesh has an axis of the name the norms expect."""
    flags = ["--sync-norm", "--dtype", "bfloat16", "--batch", "4", "--accumulate", "2"]
    run = read("dimp18_synthetic", *flags, "--start", "x")
    mesh = devices.mesh(run.feed.batch)
    assert mesh.size == 2
    state = jax.eval_shape(run.task.init, jax.random.key(0))
    step = loop.compile_step(run, mesh)
    after, _ = jax.eval_shape(step, state, run.feed.read(0)[0], np.uint32(0))
    assert shape_of(after) == shape_of(state)


def test_measurements_are_made_on_demand_only(read):
    assert not read("dimp18_synthetic").evals
    run = read("dimp18_synthetic", "--eval-every", "7")
    assert run.evals["held_out"].every == 7 and run.best == "held_out/success"


@pytest.mark.parametrize("name", PUBLISHED)
def test_without_data_the_flags_are_named(name):
    said = "one of --lasot DIR, --got10k DIR, --trackingnet DIR, --coco DIR"
    with pytest.raises(DataError, match=said):
        configs.read(*RUNS[name])


def test_a_row_of_distillation_takes_its_ablations(read):
    stands = jax.eval_shape(read("cmd_B1").task.init, jax.random.key(0)).moved
    flags = ["--routing", "posthoc", "--statistics", "all", "--mix", "spatial"]
    run = read("cmd_B1", *flags)
    assert run.feed.pairing.mix == "spatial"
    moved = jax.eval_shape(run.task.init, jax.random.key(0)).moved
    count = lambda tree: len(jax.tree.leaves(tree))
    assert count(moved) > count(stands) > 0


def test_joint_rows_want_the_runs_they_start_from(read):
    flags = ["--variant", "D3", "--tracker", "dimp10", "--base", "x"]
    with pytest.raises(DataError, match="give --reference RUN of B1 and --test RUN"):
        configs.read(FILES["cmd"], [*flags, "--classifier", "x"])
    with pytest.raises(DataError, match="variant 'E1'"):
        configs.read(FILES["cmd"], ["--variant", "E1", "--base", "x"])
