"""The rows of CMD's table: who sees what, what moves, from where, how fast."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from pair_examples import SIDE, examples

from tirjax.checkpoints import load_variables, read_about, save_variables
from tirjax.data.sequence import DataError
from tirjax.data.training.pseudo_boxes import centre_area
from tirjax.tasks import cmd
from tirjax.tasks.cmd import MERGED, PRESETS, VARIANTS, cmd_task, merged, pairing
from tirjax.tasks.distill import branch, only
from tirjax.trackers import NETWORKS
from train.__main__ import main

KEY = jax.random.key(0)
PAPER = PRESETS["paper"]


@functools.cache
def like(tracker):
    images, boxes = jnp.zeros((1, SIDE, SIDE, 3)), jnp.ones((1, 4))
    return jax.eval_shape(NETWORKS[tracker]().init, KEY, images, boxes)


def filled(tracker, value):
    return jax.tree.map(lambda x: np.full(x.shape, value, x.dtype), like(tracker))


def moving(tracker, variant, preset=PAPER):
    """Branches that a training takes to its result, and those it trains."""
    task = cmd_task(tracker, variant, filled(tracker, 0.0), preset, every=10)
    state = jax.eval_shape(task.init, KEY)
    trained = {branch(path) for path in flatten_dict(state.moved)}
    return set(cmd.moves(tracker, variant)), trained


# Table G.5 of the specification.
TABLE = {
    "B1": ("tir", "rgb", {"reference"}, False, "centre"),
    "B2": ("rgb", "tir", {"test"}, False, "centre"),
    "C1": ("tir", "rgb", {"classifier"}, False, "centre"),
    "D1": ("rgb", "tir", {"classifier", "test"}, True, "centre"),
    "D2": ("tir", "rgb", {"classifier", "reference"}, True, "centre"),
    "D3": ("mixed", "mixed", {"classifier", "reference", "test"}, True, "centre"),
    "D4": ("mixed", "mixed", {"classifier", "reference", "test"}, True, "random"),
    "D5": ("mixed", "mixed", {"classifier", "reference", "test"}, True, "detected"),
}


@pytest.mark.parametrize("variant", TABLE)
def test_every_row_is_that_of_the_table(variant):
    reference, test, moves, joint, boxes = TABLE[variant]
    row = VARIANTS[variant]
    assert (row.reference, row.test, row.joint, row.boxes) == (
        reference,
        test,
        joint,
        boxes,
    )
    assert moving("dimp10", variant) == (moves, moves)
    shown = pairing("dimp10", variant, PAPER, centre_area())
    assert (shown.reference, shown.test) == (reference, test)


def test_no_row_is_missing_and_the_merge_is_of_the_right_ones():
    assert VARIANTS.keys() == TABLE.keys()
    assert MERGED["B3"] == {"reference": "B1", "test": "B2"}
    assert {**MERGED["B3"], "classifier": "C1"} == cmd.JOINT_START


@pytest.mark.parametrize("variant", ["B1", "B2", "D3"])
def test_atom_learns_its_iou_net_alone(variant):
    moves, trained = moving("atom", variant)
    assert moves == trained == TABLE[variant][2] - {"classifier"}


def test_what_atom_lacks_is_an_error():
    with pytest.raises(DataError, match="C1 moves nothing of atom"):
        cmd.moves("atom", "C1")
    with pytest.raises(DataError, match="no variant 'A1'; choose one of B1"):
        cmd.moves("atom", "A1")
    with pytest.raises(DataError, match="no tracker 'kcf'"):
        cmd.moves("kcf", "B1")


def test_the_released_code_trains_more_than_it_keeps():
    released = PRESETS["released_code"]
    assert moving("dimp10", "B1", released) == ({"reference"}, {"reference", "test"})
    assert moving("dimp10", "C1", released) == ({"classifier"}, {"classifier"})
    every = {"classifier", "reference", "test"}
    assert moving("dimp10", "D1", released) == ({"classifier", "test"}, every)


def first_steps(tracker, variant, preset, rate=1.0):
    """Largest change of each part of the network after one update."""
    key = jax.random.key(1)
    images, boxes = jnp.zeros((1, SIDE, SIDE, 3)), jnp.ones((1, 4))
    base = jax.jit(NETWORKS[tracker]().init)(key, images, boxes)
    task = cmd_task(tracker, variant, base, preset, rate=rate, every=10)
    update = jax.jit(lambda s, b: task.update(s, b, key, lambda tree: tree))
    state, metrics = update(task.init(key), examples(key))
    far: dict[str, float] = {}
    for path, change in flatten_dict(state.moved).items():
        name = "iou_net" if path[0] == "iou_net" else path[1]
        far[name] = max(far.get(name, 0.0), float(np.abs(change).max()))
    return far, metrics


@pytest.mark.slow
def test_rates_and_losses_of_a_joint_row_are_the_papers():
    far, metrics = first_steps("dimp10", "D3", PAPER)
    # Adam's first step is the rate.
    assert far.pop("iou_net") == pytest.approx(1e-7, rel=1e-2)
    for rate in far.values():
        assert rate == pytest.approx(2e-8, rel=1e-2)
    parts = {"loss_boxes", "loss_final", "loss_first", "loss_between"}
    assert parts <= metrics.keys()


@pytest.mark.slow
def test_rates_of_a_joint_row_are_those_of_the_released_code():
    far, _ = first_steps("dimp10", "D3", PRESETS["released_code"])
    want = {"iou_net": 1e-7, "filter_optimizer": 5e-8, "filter_initializer": 5e-9}
    want |= {name: 5e-9 for name in far if name.startswith("feature_extractor")}
    assert far.keys() == want.keys()
    for name, rate in want.items():
        assert far[name] == pytest.approx(rate, rel=1e-2)


def test_a_row_of_boxes_has_no_other_loss_and_ten_times_the_rate():
    far, metrics = first_steps("dimp10", "B2", PAPER, rate=3.0)
    assert far == {"iou_net": pytest.approx(3e-6, rel=1e-2)}
    assert {k for k in metrics if k.startswith("loss_")} == {"loss_boxes"}


def test_presets_follow_the_specification():
    paper, code = PRESETS["paper"], PRESETS["released_code"]
    assert (paper.epochs, paper.fall, paper.factor) == (50, 15, 0.5)
    assert (code.epochs, code.fall, code.factor) == (80, 15, 0.2)
    assert paper.samples == code.samples == 26_000
    assert (code.batch, code.alone_batch) == (20, 5)
    assert (code.mix, code.place, code.box_source) == ("spatial", "literal", "test")
    assert code.keep_all and code.statistics == "all"
    base = cmd.BASES["super_dimp"].losses
    boxes = lambda joint: cmd._weights(base, ("test",), joint, code).boxes
    assert boxes(True) == 0.01 and boxes(False) == pytest.approx(10.0)


# Merging.


@pytest.fixture
def runs(tmp_path):
    """Checkpoints of DiMP-10 whose every number is that of the run."""
    for number, name in enumerate(("base", "B1", "B2", "C1")):
        about = {"architecture": "dimp10", "row": name}
        save_variables(tmp_path / name, filled("dimp10", float(number)), about)
    return tmp_path


def test_b3_is_the_exact_merge(runs):
    parts = {b: runs / v for b, v in MERGED["B3"].items()}
    found = merged("dimp10", runs / "base", parts)
    by = {"backbone": 0.0, "classifier": 0.0, "reference": 1.0, "test": 2.0}
    for path, leaf in flatten_dict(found).items():
        np.testing.assert_array_equal(leaf, np.full(leaf.shape, by[branch(path[1:])]))


def test_the_command_merges_and_remembers(runs, capsys, monkeypatch):
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)
    words = ["merge", str(runs / "base"), "--tracker", "dimp10"]
    words += ["--out", str(runs / "B3"), "--reference", str(runs / "B1")]
    assert main([*words, "--classifier", str(runs / "C1")]) == 0
    assert "reference, classifier merged into" in capsys.readouterr().out
    found = load_variables(runs / "B3")
    values = {
        b: np.unique(v)
        for b in ("reference", "classifier", "test")
        for v in [
            np.concatenate([np.ravel(x) for x in jax.tree.leaves(only(found, [b]))])
        ]
    }
    assert values == {"reference": [1], "classifier": [3], "test": [0]}
    about = read_about(runs / "B3")
    assert about["merged"]["classifier"]["row"] == "C1"
    assert about["architecture"] == "dimp10"


def test_merging_nothing_or_what_is_not_there_is_an_error(runs, capsys, monkeypatch):
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)
    start = ["merge", str(runs / "base"), "--out", str(runs / "x"), "--tracker"]
    assert main([*start, "dimp10"]) == 2
    assert "nothing to merge; give some of --reference" in capsys.readouterr().err
    assert main([*start, "atom", "--classifier", str(runs / "C1")]) == 2
    assert "atom has no classifier" in capsys.readouterr().err
    assert main([*start, "dimp11", "--test", str(runs / "B2")]) == 2
    assert "no tracker 'dimp11'" in capsys.readouterr().err
    assert main([*start, "dimp18", "--test", str(runs / "B2")]) == 2
    assert "holds another network" in capsys.readouterr().err
