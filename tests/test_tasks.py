"""What tasks are made of: losses, optimisers, averages, and what one update moves."""

import runpy
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tirjax.backbones.norm import Norm
from tirjax.data.training.samples import Examples
from tirjax.heads.networks import atom_net, dimp_net
from tirjax.tasks import atom_task, dimp_task, grouped, losses, step_decay
from tirjax.tasks.dimp import SUPER_DIMP, Outputs, loss
from tirjax.tasks.run import Blend

tiny = runpy.run_path(str(Path(__file__).with_name("tiny_run.py")))
same = lambda tree: tree
KEY = jax.random.key(0)


def assert_close(got, wanted, **tolerance):
    close = lambda a, b: np.testing.assert_allclose(a, b, **tolerance)
    jax.tree.map(close, got, wanted)


# Losses.


def test_the_hinged_error_is_the_recorded_one(shared):
    with np.load(shared / "goldens/dimp/layers.npz") as recorded:
        scores = jnp.asarray(recorded["lbhinge/pred"])
        labels = jnp.asarray(recorded["label/gauss_k4_f18_im288_sig0.05"])
        expected = recorded["lbhinge/loss_thr0.05"]
    got = losses.hinged_error(scores, labels.reshape(scores.shape))
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_a_background_score_below_zero_costs_nothing():
    labels = jnp.array([0.0, 0.04, 0.06, 1.0])
    assert losses.hinged_error(jnp.array([-9.0, -1, 0.06, 1]), labels) == 0
    error = losses.hinged_error(jnp.array([2.0, 0, 0, 0]), labels)
    np.testing.assert_allclose(error, (4 + 0.06**2 + 1) / 4, rtol=1e-6)


def test_the_overlap_error_is_of_twice_the_overlap_less_one():
    error = losses.overlap_error(jnp.array([1.0, 0.0]), jnp.array([1.0, 0.25]))
    np.testing.assert_allclose(error, 0.25 / 2)


def test_the_divergence_follows_the_specification(rng):
    s, log_q = rng.normal(size=(2, 3, 128)) * 3, rng.normal(size=(2, 3, 128))
    p = rng.uniform(size=(2, 3, 128))
    first = np.log(np.exp(s - log_q).sum(-1)) - np.log(128)
    want = (first - (s * p / np.exp(log_q)).sum(-1) / 128).mean()
    got = losses.divergence(*(jnp.asarray(x, jnp.float32) for x in (s, log_q, p)))
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_the_divergence_is_least_at_the_label_and_blind_to_a_constant(rng):
    q = np.full(4096, 0.25)
    x = (np.arange(4096) + 0.5) / 1024 - 2
    p = np.exp(-(x**2) * 4)
    p = p / (p / q).mean()
    given = jnp.log(jnp.asarray(q, jnp.float32)), jnp.asarray(p, jnp.float32)
    best = jnp.asarray(np.log(p), jnp.float32)
    at_best = losses.divergence(best, *given)
    np.testing.assert_allclose(losses.divergence(best + 5, *given), at_best, atol=1e-5)
    for wrong in (0.8 * best, best + jnp.asarray(0.3 * x, jnp.float32)):
        assert losses.divergence(wrong, *given) > at_best + 1e-3


# Optimisers.


def test_the_rate_falls_in_steps():
    factor = step_decay(15)
    got = [float(factor(step)) for step in (0, 14, 15, 29, 30, 45)]
    np.testing.assert_allclose(got, [1, 1, 0.2, 0.2, 0.04, 0.008], rtol=1e-6)
    assert float(step_decay(2, 0.5)(4)) == 0.25


PARAMS = {
    "backbone": {"conv": jnp.ones(3)},
    "head": {"a": jnp.ones(2), "b": {"c": jnp.ones(())}},
    "headless": jnp.ones(1),
}


def moved(optimizer, steps=1, scale=1.0):
    """How far each parameter went, all gradients the same."""
    params, state = PARAMS, optimizer.init(PARAMS)
    for _ in range(steps):
        gradients = jax.tree.map(lambda x: scale * jnp.ones_like(x), params)
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
    return jax.tree.map(lambda a, b: float(jnp.max(b - a)), params, PARAMS)


def test_only_what_a_part_names_moves_at_the_rate_of_the_longest():
    far = moved(grouped({"head": 1e-2, "head/b": 1e-4}))
    # Adam's first step is the rate.
    assert far["head"]["a"] == pytest.approx(1e-2, rel=1e-3)
    assert far["head"]["b"]["c"] == pytest.approx(1e-4, rel=1e-3)
    assert far["backbone"]["conv"] == 0 and far["headless"] == 0


def test_a_part_without_a_name_is_everything_else():
    far = moved(grouped({"": 1e-3, "head": 0.0}))
    assert far["head"] == {"a": 0, "b": {"c": 0}}
    assert far["backbone"]["conv"] == pytest.approx(1e-3, rel=1e-3)
    assert far["headless"] == pytest.approx(1e-3, rel=1e-3)


def test_the_factor_is_on_all_rates():
    far = moved(grouped({"backbone": 1e-3, "head": 1e-2}, step_decay(1, 0.5)), steps=2)
    assert far["backbone"]["conv"] == pytest.approx(1.5e-3, rel=1e-3)
    assert far["head"]["a"] == pytest.approx(1.5e-2, rel=1e-3)


def test_weights_decay_by_the_rate_times_decay():
    far = moved(grouped({"head": 1e-2}, decay=0.5), scale=0.0)
    assert far["head"]["a"] == pytest.approx(1e-2 * 0.5, rel=1e-3)
    assert far["backbone"]["conv"] == 0


def test_gradients_are_clipped_over_all_parts():
    optimizer = grouped({"": 1.0}, clip=1.0)
    state = optimizer.init(PARAMS)
    huge = jax.tree.map(lambda x: jnp.full_like(x, 1e20), PARAMS)
    updates, _ = optimizer.update(huge, state, PARAMS)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(updates))


# One network, one loss.


def squares(steps=3, optimizer=None, dtype=None, batch=4, **settings):
    """States and metrics of a few updates."""
    net = tiny["Net"](dtype=dtype)
    optimizer = optimizer or optax.sgd(0.1)
    task = tiny["squares_task"](net, optimizer, **settings)
    feed, update = tiny["Squares"](batch), jax.jit(task.update, static_argnums=3)
    states, metrics = [task.init(KEY)], []
    for step in range(steps):
        examples = feed.make(jnp.asarray(feed.read(step)[0]), KEY)
        state, found = update(states[-1], examples, KEY, same)
        states, metrics = [*states, state], [*metrics, found]
    return task, states, metrics


def test_parts_of_a_batch_add_up_to_the_whole():
    _, whole, told = squares()
    _, parts, retold = squares(accumulate=2)
    assert_close(parts[-1].variables, whole[-1].variables, rtol=1e-4, atol=1e-6)
    for a, b in zip(told, retold, strict=True):
        np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-5)
        np.testing.assert_allclose(a["grad_norm"], b["grad_norm"], rtol=1e-4)


def test_the_average_follows_and_is_what_a_tracker_takes():
    task, states, _ = squares(average=0.25, steps=5)
    kept = jax.tree.map(np.asarray, states[0].variables["params"])
    for step, state in enumerate(states[1:]):
        share = min(0.25, (1 + step) / (10 + step))
        new = state.variables["params"]
        mix = lambda old, p, share=share: share * old + (1 - share) * np.asarray(p)
        kept = jax.tree.map(mix, kept, new)
        assert_close(state.average, kept, rtol=1e-5, atol=1e-7)
    assert task.variables(states[-1])["params"] is states[-1].average
    assert int(states[-1].step) == 5


def test_without_an_average_a_tracker_takes_the_parameters():
    task, states, _ = squares(steps=1)
    assert states[-1].average == {}
    got = task.variables(states[-1])["params"]
    assert got is states[-1].variables["params"]


def test_the_norm_is_of_the_averaged_gradient():
    _, states, [metrics] = squares(steps=1, optimizer=optax.sgd(1.0))
    step = jax.tree.map(lambda a, b: b - a, *(s.variables["params"] for s in states))
    np.testing.assert_allclose(metrics["grad_norm"], optax.tree.norm(step), rtol=1e-4)


def test_computing_in_half_precision_keeps_wide_parameters():
    _, states, metrics = squares(dtype=jnp.bfloat16, optimizer=optax.adam(1e-2))
    floats = [x for x in jax.tree.leaves(states[-1]) if x.dtype != jnp.int32]
    assert {x.dtype for x in floats} == {jnp.dtype("float32")}
    _, _, wide = squares(optimizer=optax.adam(1e-2))
    got, want = ([float(m["loss"]) for m in found] for found in (metrics, wide))
    # bfloat16 has eight bits.
    np.testing.assert_allclose(got, want, rtol=0.05)
    assert got != want


# Blends of feeds.


class Numbers(NamedTuple):
    batch: int
    first: int

    def read(self, step, part=slice(None)):
        numbers = self.first + step * self.batch + np.arange(self.batch)
        return numbers[part], (f"{self.first}",)

    def describe(self):
        return "bright squares"

    def make(self, raw, key):
        return {"number": raw, "noise": jax.random.uniform(key, raw.shape)}


BLEND = Blend((Numbers(6, 0), Numbers(3, 100)))


def test_a_blend_gives_each_feed_its_share():
    assert BLEND.batch == 9
    raw, problems = BLEND.read(1)
    assert [list(x) for x in raw] == [[6, 7, 8, 9, 10, 11], [103, 104, 105]]
    assert problems == ("0", "100")
    made = BLEND.make(raw, KEY)
    assert list(made["number"]) == [6, 7, 8, 9, 10, 11, 103, 104, 105]
    assert len(set(made["noise"].tolist())) == 9


def test_parts_of_a_blend_have_the_same_shares_and_are_disjoint():
    parts = [BLEND.read(1, slice(3 * i, 3 * i + 3))[0] for i in range(3)]
    assert [tuple(map(len, part)) for part in parts] == [(2, 1)] * 3
    for whole, *pieces in zip(BLEND.read(1)[0], *parts, strict=True):
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


# The networks of trackers, on crops of 64 pixels.

FROZEN = ("conv1", "layer1")


def examples(rng, train=2, test=1, count=2, proposals=3):
    draw = lambda *shape: rng.uniform(0, 1, (count, *shape)).astype(np.float32)
    box = lambda *shape: 16 + 16 * draw(*shape, 4)
    return Examples(
        train=255 * draw(train, 64, 64, 3),
        train_boxes=box(train),
        test=255 * draw(test, 64, 64, 3),
        test_boxes=box(test),
        labels=draw(test, 9, 9),
        proposals=box(test, proposals),
        overlaps=draw(test, proposals),
        log_density=np.log(draw(test, proposals) + 0.5),
        target_density=draw(test, proposals),
    )


def paths(tree):
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {"/".join(key.key for key in keys): np.asarray(x) for keys, x in leaves}


class Update(NamedTuple):
    moved: set
    still: set
    stats_moved: set
    stats_still: set
    metrics: dict
    preview: object


def update(task, batch):
    """What one update changed, by path."""
    state = jax.jit(task.init)(KEY)
    new, metrics = jax.jit(task.update, static_argnums=3)(state, batch, KEY, same)
    assert jax.tree.structure(new) == jax.tree.structure(state)
    shape = lambda x: (x.shape, x.dtype)
    assert jax.tree.map(shape, new) == jax.tree.map(shape, state)
    parts = []
    for kind in ("params", "batch_stats"):
        a, b = paths(state.variables[kind]), paths(new.variables[kind])
        went = {name for name in a if (a[name] != b[name]).any()}
        parts += [went, set(a) - went]
    shapes = jax.eval_shape(task.preview, task.variables(new), batch)
    return Update(*parts, {k: float(v) for k, v in metrics.items()}, shapes)


def under(names, *heads):
    return {name for name in names if name.startswith(heads)}


LOSSES = {"loss_boxes", "loss_final", "loss_first", "loss_between"}


CASES = ["dimp", pytest.param("super_dimp", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=CASES)
def dimp(request):
    net = dimp_net(10, norm=Norm(batch=True), frozen=FROZEN)
    rates = {"classifier": 1e-3, "iou_net": 1e-3, "backbone/layer3_0": 1e-4}
    weights = {"weights": SUPER_DIMP} if request.param == "super_dimp" else {}
    task = dimp_task(net, grouped(rates), side=64, average=0.9, **weights)
    return update(task, examples(np.random.default_rng(0))), rates


def test_dimp_moves_the_named_parts_and_no_other(dimp):
    result, rates = dimp
    names = result.moved | result.still
    assert under(names, "backbone/layer2"), "there is something to stand still"
    assert result.moved == under(names, *rates)


def test_dimp_keeps_the_statistics_of_frozen_stages(dimp):
    result, _ = dimp
    names = result.stats_moved | result.stats_still
    frozen = under(names, "backbone/bn1", "backbone/layer1")
    assert len(frozen) >= 4 and result.stats_still == frozen


def test_dimp_tells_its_losses_and_shows_one_box_a_sequence(dimp):
    result, _ = dimp
    metrics = result.metrics
    assert metrics.keys() == LOSSES | {"loss", "grad_norm"}
    assert metrics["loss"] == pytest.approx(sum(metrics[k] for k in LOSSES), rel=1e-5)
    assert all(np.isfinite(list(metrics.values())))
    shapes = [x.shape for x in result.preview]
    assert shapes == [(2, 64, 64, 3), (2, 4), (2, 4), (2, 9, 9)]


def test_the_losses_of_super_dimp_are_weighted_and_of_densities(rng):
    batch = jax.tree.map(jnp.asarray, examples(rng))
    scores = jnp.asarray(rng.normal(size=(6, *batch.labels.shape)), jnp.float32)
    outputs = Outputs(scores, batch.overlaps, {})
    value, parts = loss(outputs, batch, SUPER_DIMP)
    maps = [losses.hinged_error(s, batch.labels) for s in scores]
    densities = batch.log_density, batch.target_density
    want = {
        "loss_boxes": 0.01 * losses.divergence(batch.overlaps, *densities),
        "loss_first": 100 * maps[0],
        "loss_between": 100 * sum(maps[1:-1]),
        "loss_final": 100 * maps[-1],
    }
    assert_close(parts, want, rtol=1e-5)
    np.testing.assert_allclose(value, sum(want.values()), rtol=1e-5)


def test_atom_learns_the_iou_net_and_nothing_reaches_the_backbone(rng):
    net = atom_net(10, norm=Norm(batch=True))
    task = atom_task(net, grouped({"": 1e-3}), side=64)
    result = update(task, examples(rng, train=1, test=2))
    names = result.moved | result.still
    assert result.moved == under(names, "iou_net")
    assert result.still == under(names, "backbone") != set()
    assert under(result.stats_moved, "backbone"), "as the published weights' did"
    assert result.metrics["loss"] == result.metrics["loss_boxes"]
    assert result.preview.scores.shape == (2, 0, 0)


def test_a_task_begins_with_the_variables_it_is_given():
    net = atom_net(10)
    inputs = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    shapes = jax.eval_shape(net.init, KEY, *inputs)
    given = jax.tree.map(lambda x: jnp.full(x.shape, 0.5, x.dtype), shapes)
    state = atom_task(net, grouped({"": 1e-3}), start=given).init(KEY)
    assert_close(state.variables, given, rtol=0)
