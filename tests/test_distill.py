"""Which variables of a tracker a distillation moves, by how much, and from where."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.traverse_util import flatten_dict
from pair_examples import SIDE, examples

from tirjax.backbones.norm import FROZEN, Norm, Norms
from tirjax.data.sequence import DataError
from tirjax.heads.networks import atom_net, dimp_net
from tirjax.tasks import dimp
from tirjax.tasks.distill import BRANCHES, branch, distill_task, norms, only, overlay

same = lambda tree: tree
KEY = jax.random.key(0)


@functools.cache
def base():
    """Variables of DiMP-10 as drawn, the statistics not those of a new network."""
    images, boxes = jnp.zeros((1, SIDE, SIDE, 3)), jnp.ones((1, 4))
    drawn = jax.jit(dimp_net(10).init)(KEY, images, boxes)
    stats = jax.tree.map(lambda x: 1.1 * x + 0.01, drawn["batch_stats"])
    return {"params": drawn["params"], "batch_stats": stats}


def paths(tree):
    return {"/".join(key) for key in flatten_dict(tree)}


def changed(before, after):
    """Paths of the leaves that are not bit-equal."""
    a, b = flatten_dict(before), flatten_dict(after)
    assert a.keys() == b.keys()
    return {"/".join(k) for k in a if not np.array_equal(a[k], b[k])}


def assert_moved(variables, moves, collections=("params", "batch_stats")):
    """All of these branches moved, but what the batch's mean takes away again."""
    start = {name: base()[name] for name in collections}
    got, may = changed(base(), variables), paths(only(start, moves))
    assert got <= may
    shift = {p for p in may if p.endswith(("_0/bias", "linear/bias"))}
    assert may - got <= shift


# Branches.


def test_every_layer_of_the_iou_net_is_of_one_branch():
    found = {name: set() for name in BRANCHES}
    for path in flatten_dict(base()["params"]):
        if path[0] != "backbone":
            found[branch(path)].add(path[1].rstrip("01").rstrip("_"))
    assert found["reference"] == {
        "conv3_1r",
        "conv4_1r",
        "fc3_1r",
        "fc34_3r",
        "fc34_4r",
    }
    tests = {"conv3_1t", "conv3_2t", "conv4_1t", "conv4_2t"}
    assert found["test"] == {*tests, "fc3_rt", "fc4_rt", "iou_predictor"}
    parts = {"feature_extractor", "filter_initializer", "filter_optimizer"}
    assert found["classifier"] == parts


def test_the_branches_and_the_backbone_are_everything():
    parts = [paths(only(base(), [name])) for name in BRANCHES]
    rest = {p for p in paths(base()) if p.split("/")[1] == "backbone"}
    assert set.union(*parts) | rest == paths(base())
    assert sum(map(len, parts)) + len(rest) == len(paths(base()))


def test_atom_has_the_same_branches_but_no_classifier():
    images, boxes = jnp.zeros((1, SIDE, SIDE, 3)), jnp.ones((1, 4))
    atom = jax.eval_shape(atom_net().init, KEY, images, boxes)
    assert not only(atom, ["classifier"])
    for name in ("reference", "test"):
        assert paths(only(atom, [name])) == paths(only(base(), [name]))


def test_a_branch_that_is_none_is_an_error():
    with pytest.raises(DataError, match="no branch 'teacher'; there are reference"):
        only(base(), ["teacher"])
    with pytest.raises(DataError, match="cannot move"):
        task(moves=())
    with pytest.raises(DataError, match="cannot move"):
        task(moves=("test",), trained=("reference",))


def test_a_merge_takes_each_branch_from_its_own_run_and_nothing_else():
    of = lambda by: jax.tree.map(lambda x: x + by, base())
    merged = overlay(base(), only(of(1.0), ["reference"]), only(of(2.0), ["test"]))
    flat, start = flatten_dict(merged), flatten_dict(base())
    by = {"reference": 1.0, "test": 2.0, "classifier": 0.0, "backbone": 0.0}
    for path, leaf in flat.items():
        np.testing.assert_array_equal(leaf, start[path] + by[branch(path[1:])])


# What an update moves.


def task(moves, trained=(), statistics="moving", rate=1e-3, weights=dimp.DIMP):
    net = dimp_net(10, norm=norms(statistics, moves))
    value = dimp.objective(net, weights)
    look = dimp.preview(net, weights.steps)
    optimizer = optax.adam(rate)
    return distill_task(base(), value, optimizer, look, moves=moves, trained=trained)


def after(made, steps=2):
    """State after some updates, and the metrics of the last."""
    update = jax.jit(lambda state, batch: made.update(state, batch, KEY, same))
    state = made.init(KEY)
    for step in range(steps):
        state, metrics = update(state, examples(jax.random.key(step)))
    return state, metrics


@functools.cache
def trained(*moves, **settings):
    made = task(moves, **settings)
    state, metrics = after(made)
    return made.variables(state), state, metrics


BOXES = dimp.Weights(final=0.0, first=0.0, between=0.0)


def test_one_branch_moves_with_its_statistics_and_nothing_else():
    variables, _, metrics = trained("reference", weights=BOXES)
    assert_moved(variables, ["reference"])
    assert np.isfinite(metrics["loss"]) and metrics["grad_norm"] > 0


def test_the_classifier_moves_alone():
    weights = dimp.Weights(boxes=0.0)
    variables, _, _ = trained("classifier", weights=weights)
    assert_moved(variables, ["classifier"])


@pytest.mark.slow
def test_all_branches_move_together_and_the_backbone_never():
    variables, _, _ = trained(*BRANCHES)
    assert_moved(variables, BRANCHES)


def test_frozen_statistics_stay():
    variables, _, _ = trained("test", statistics="frozen", weights=BOXES)
    assert_moved(variables, ["test"], ["params"])


@pytest.mark.slow
def test_taking_a_branch_from_a_training_of_all_leaves_the_others_as_they_were():
    both = {"trained": ("reference", "test"), "statistics": "all", "weights": BOXES}
    kept, state, _ = trained("reference", **both)
    assert_moved(kept, ["reference"])
    assert paths(state.moved) == paths(only(base(), ["reference", "test"])["params"])
    alone, _, _ = trained("reference", weights=BOXES)
    # The other branch moved along, so this one went another way.
    assert changed(alone, kept)


def test_policies_of_statistics():
    assert norms("frozen", BRANCHES) == Norms()
    assert norms("moving", ("test",)) == Norms(test=Norm(True))
    assert norms("all", ()) == Norms(FROZEN, Norm(True), Norm(True), Norm(True))


# Precision.


def test_steps_far_below_the_last_digit_add_up():
    moves, rate, steps = ("test",), 1e-9, 4
    made = task(moves, rate=rate, weights=BOXES, statistics="frozen")
    state, _ = after(made, steps)
    far = [np.abs(x).max() for x in jax.tree.leaves(state.moved)]
    assert max(far) == pytest.approx(steps * rate, rel=0.2)
    start = only(base(), moves)["params"]
    direct = jax.tree.map(lambda w: w + np.float32(rate) - w, start)
    lost = [(np.asarray(x) == 0).mean() for x in jax.tree.leaves(direct)]
    assert max(lost) > 0.5  # which is why the difference is kept apart


# Gradients.


@pytest.mark.slow
def test_the_gradient_is_that_of_the_whole_network_where_it_may_move():
    net = dimp_net(10, norm=norms("frozen", ()))
    value = dimp.objective(net, BOXES)
    batch = examples(KEY)
    stats = {"batch_stats": base()["batch_stats"]}
    whole = jax.jit(jax.grad(lambda p: value({"params": p, **stats}, batch)[0]))
    want = only({"params": whole(base()["params"])}, ["reference"])["params"]
    made = distill_task(
        base(), value, optax.sgd(1.0), dimp.preview(net, 1), moves=("reference",)
    )
    state, _ = after_on(made, batch)
    got = jax.tree.map(jnp.negative, state.moved)
    size = float(optax.tree.norm(want))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4 * size), got, want
    )
    assert size > 0


def after_on(made, batch):
    return jax.jit(lambda s: made.update(s, batch, KEY, same))(made.init(KEY))
