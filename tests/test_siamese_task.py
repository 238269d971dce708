"""Training of Siamese networks: what moves how far, strategies, branches."""

import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from tirjax.backbones.norm import Norm
from tirjax.data.training.siamese_pairs import Pairs
from tirjax.tasks.matconvnet_sgd import matconvnet_sgd
from tirjax.tasks.siamese import (
    decisive,
    held,
    is_part,
    miss,
    muted,
    peaks,
    siamese_task,
)
from tirjax.tasks.siamese_recipes import (
    BRANCHES,
    FINE_TUNING,
    RELEASED,
    STRATEGIES,
    Rates,
    decay_factors,
    rate_factors,
)
from tirjax.tasks.siamese_runs import (
    NAMES,
    cropping,
    network,
)

KEY = jax.random.key(0)
WIDTHS = (2, 4, 4, 4, 8)
SMALL = {"side": 103, "widths": WIDTHS}
same = lambda tree: tree


def sizes(name):
    """The smallest settings of a network."""
    return {**SMALL, "side": 191} if name == "siamfc" else SMALL


@cache
def shapes(name, small=True):
    settings = sizes(name) if small else {}
    net, crops = network(name, **settings), cropping(name)
    if small:
        crops = cropping(name, side=settings["side"])
    z, x = (jnp.zeros((1, side, side, 3)) for side in (crops.exemplar, crops.search))
    return jax.eval_shape(net.init, KEY, z, x)


# Factors on rates and decay.


def table(name):
    """``path -> (rate, decay)`` of all parameters."""
    rates = rate_factors(network(name))
    flat = flatten_dict(shapes(name)["params"])
    return {"/".join(path): (rates(path), decay_factors(path)) for path in flat}


FACTORS = {
    "backbone/conv1/kernel": (1, 1),
    "backbone/conv5/bias": (2, 0),
    "backbone/bn2/scale": (2, 0),
    "backbone/bn2/bias": (1, 0),
    "adjust5/gain": (1, 0),
    "adjust5/bias": (2, 0),
    "adjust3/gain": (1, 0),
    "reduce3/kernel": (1, 1),
    "reduce3/bias": (1, 1),
}


def test_factors_of_mlssnet_are_those_of_the_table():
    got = table("mlssnet")
    want = FACTORS | {
        "sa/conv1/kernel": (1, 10),
        "sa/deconv2/bias": (2, 10),
        "sc/fc1/kernel": (1, 10),
        "sc/fc2/bias": (2, 10),
    }
    assert {path: got[path] for path in want} == want


def test_factors_of_mmnet_are_those_of_the_table():
    got = table("mmnet")
    want = FACTORS | {
        "fanet/hc/conv1/kernel": (1, 10),
        "fanet/hc/conv2/bias": (2, 10),
        "fanet/q/kernel": (1, 1),
        "fanet/out/bias": (1, 1),
        "fanet/fuse/bias": (1, 1),
        "fanet/bn_q/scale": (1, 1),
        "fanet/bn_q/bias": (1, 1),
        "cls/kernel": (1, 1),
        "cls/bias": (1, 1),
    }
    assert {path: got[path] for path in want} == want


def test_siamfc_keeps_its_gain():
    got = table("siamfc")
    assert got["adjust5/gain"] == (0, 0) and got["adjust5/bias"] == (1, 0)


def test_fine_tuning_freezes_what_the_paper_names():
    rates = rate_factors(network("mmnet"), FINE_TUNING)
    flat = flatten_dict(shapes("mmnet", small=False)["params"])
    moving = {path for path in flat if rates(path)}
    assert {path[0] for path in moving} == {"backbone", "adjust5", "cls"}
    inside = {path[1] for path in moving if path[0] == "backbone"}
    assert inside == {"conv4", "bn4", "conv5"}
    still = sum(math.prod(flat[path].shape) for path in flat if path not in moving)
    # Parameters 1-15, 23-51 and 58-59 of the published file, without moments.
    trunk = 34_944 + 192 + 307_456 + 512 + 885_120 + 768
    fine = 24_640 + 4 * 4_160 + 6 * 64 + 50_192 + 401 + 26 + 50 + 8_256
    assert still == trunk + fine + 2


# Strategies and branches.


def test_strategies_are_the_rows_of_the_table():
    got = {
        name: (s.data, s.rates.epochs, s.rates.first, s.rates.last, s.starts)
        for name, s in STRATEGIES.items()
    }
    assert got == {
        "only_vid": (("vid",), 60, 1e-2, 1e-5, False),
        "only_tir": (("tir",), 60, 1e-2, 1e-5, False),
        "re_training": (("tir",), 30, 1e-3, 1e-5, True),
        "fine_tuning": (("tir",), 30, 1e-3, 1e-5, True),
        "mix_training": (("vid", "tir"), 70, 1e-2, 1e-5, False),
    }
    assert [n for n, s in STRATEGIES.items() if s.frozen] == ["fine_tuning"]
    assert [n for n, s in STRATEGIES.items() if not s.classifies] == ["mix_training"]


def test_fewer_epochs_see_all_rates():
    assert RELEASED.over(10) == Rates(1e-2, 1e-4, 5, 10)
    assert RELEASED.over(None) is RELEASED
    assert float(RELEASED.over(10).schedule(3)(3 * 4)) == pytest.approx(1e-4)


def test_branches_are_the_rows_of_the_table():
    weights = {name: tuple(b.weights) for name, b in BRANCHES.items()}
    every = (1, 1, 1)
    assert weights == {
        "dis": (1, 0, 0),
        "cls": (1, 1, 0),
        "fine_hc": every,
        "fine_pc": every,
        "all": every,
    }
    silent = {name: b.silent for name, b in BRANCHES.items()}
    assert silent["fine_hc"] == ("pixel",) and silent["fine_pc"] == ("holistic",)


def batch_of(count=4, side=103):
    """Positive pairs of one picture, and negatives of two."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (count, 8, 8, 1)).astype(np.float32)
    images = jnp.asarray(np.kron(small, np.ones((1, 13, 13, 3)))[:, :side, :side])
    images = images.astype(jnp.float32)
    positive = jnp.arange(count) < count - 1
    search = jnp.where(positive[:, None, None, None], images, images[::-1])
    return Pairs(images, search, positive, jnp.arange(count), jnp.ones(count, bool))


@cache
def tuned():
    """States and metrics of a few updates of MMNet with most of it frozen."""
    net = network("mmnet", **SMALL, norm=Norm(batch=True))
    factors = rate_factors(net, FINE_TUNING)
    optimizer = matconvnet_sgd(lambda _: 0.02, factors, 5e-4, decay_factors)
    crops = cropping("mmnet", side=103)
    task = siamese_task(net, optimizer, crops, frozen=FINE_TUNING)
    states, metrics = [jax.jit(task.init)(KEY)], []
    update = jax.jit(task.update, static_argnums=3)
    for _ in range(15):
        state, found = update(states[-1], batch_of(), KEY, same)
        states.append(state)
        metrics.append(jax.device_get(found))
    return task, states, metrics


def test_updates_lower_the_loss():
    _, _, metrics = tuned()
    assert set(metrics[0]) == {
        "loss",
        "loss_discriminative",
        "loss_classes",
        "loss_fine_grained",
        "miss",
        "grad_norm",
    }
    assert metrics[-1]["loss"] < 0.9 * metrics[0]["loss"]


def test_frozen_parts_and_their_moments_stay_and_others_move():
    _, states, _ = tuned()
    first, last = (flatten_dict(s.variables) for s in (states[0], states[-1]))
    moved = {path: bool((first[path] != last[path]).any()) for path in first}
    for path, moves in moved.items():
        assert moves != is_part(path[1:], FINE_TUNING), path
    assert moved["batch_stats", "backbone", "bn4", "mean"]


def test_a_preview_shows_peaks_beside_targets():
    task, states, _ = tuned()
    batch = batch_of()
    shown = jax.jit(task.preview)(task.variables(states[-1]), batch)
    assert shown.pixels.shape == (4, 103, 103, 3)
    assert shown.scores.shape == (4, 25, 25)
    truth = np.asarray(shown.truth)
    np.testing.assert_allclose(truth[:3], [[41.5, 41.5, 20, 20]] * 3)
    assert np.isnan(truth[3, :2]).all() and np.isfinite(shown.found).all()


def test_silent_branches_are_zero_for_the_tracker():
    net, images = network("mmnet", **SMALL), batch_of(2)
    _, states, _ = tuned()
    variables = states[-1].variables

    @jax.jit
    def raw(params):
        both = variables | {"params": params}
        return net.apply(both, images.exemplar, images.search).raw

    fuse = lambda params: params["fanet"]["fuse"]
    params = variables["params"]
    assert muted(params, ()) is params
    alone = raw(muted(params, ("pixel", "holistic")))
    assert not alone[:, 1].any() and alone[:, 0].any()
    for half, rows in (("pixel", slice(0, 8)), ("holistic", slice(8, 16))):
        without = muted(params, (half,))
        kernel = np.array(fuse(params)["kernel"])
        kernel[:, :, rows] = 0
        np.testing.assert_array_equal(fuse(without)["kernel"], kernel)
        np.testing.assert_array_equal(fuse(without)["bias"], fuse(params)["bias"])
        # What the half computes cannot be seen in any response.
        named = ("q", "k", "v", "out") if half == "pixel" else ("hc",)
        other = jax.tree_util.tree_map_with_path(
            lambda path, x, named=named: x + 1 if path[1].key in named else x,
            {"fanet": without["fanet"]},
        )
        np.testing.assert_allclose(raw(without), raw(without | other), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_an_update_keeps_the_structure_of_the_state(name):
    crops = cropping(name, side=sizes(name)["side"])
    net = network(name, **sizes(name), norm=Norm(batch=True))
    task = siamese_task(net, matconvnet_sgd(lambda _: 0.1), crops)
    state = jax.eval_shape(task.init, KEY)
    batch = jax.eval_shape(batch_of)
    sides = ("exemplar", crops.exemplar), ("search", crops.search)
    batch = batch._replace(
        **{k: jax.ShapeDtypeStruct((4, s, s, 3), jnp.float32) for k, s in sides}
    )
    after, metrics = jax.eval_shape(lambda *x: task.update(*x, same), state, batch, KEY)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert {"loss", "miss", "grad_norm"} <= set(metrics)
    shown = jax.eval_shape(task.preview, task.variables(state), batch)
    assert {x.shape[0] for x in shown} == {4}


# Small parts.


def test_peaks_are_counted_from_the_centre():
    scores = jnp.zeros((3, 7, 7)).at[0, 3, 3].set(1).at[1, 0, 5].set(1)
    scores = scores.at[2, 5, 3].set(1)
    np.testing.assert_allclose(peaks(scores), [[0, 0], [2, -3], [0, 2]])
    positive = jnp.array([True, True, True])
    assert float(miss(scores, positive)) == pytest.approx(1 / 3)
    assert float(miss(scores, jnp.zeros(3, bool))) == 0


def test_each_tracker_follows_its_own_scores(rng):
    class Outputs:
        raw, adjusted = jnp.zeros((1, 2, 3, 3)), jnp.ones((1, 2, 3, 3))

    got = [float(decisive(network(name), Outputs)[0, 0, 0]) for name in NAMES]
    assert got == [2, 0, 2, 0]


def test_statistics_of_frozen_parts_are_held():
    before = {"a": {"mean": 1.0}, "b": {"c": {"mean": 1.0}, "d": {"mean": 1.0}}}
    after = jax.tree.map(lambda x: x + 1, before)
    got = held(before, after, ["a", "b/c"])
    assert got == {"a": {"mean": 1.0}, "b": {"c": {"mean": 1.0}, "d": {"mean": 2.0}}}
