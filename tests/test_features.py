"""Features learned through a correlation filter: task, networks by name, config."""

import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from config_data import FILES

from tirjax.backbones.trunk import residual, two_convolutions, vgg
from tirjax.data.sequence import DataError
from tirjax.data.training.filter_feed import RenderedFilterPairs
from tirjax.data.training.filter_pairs import FilterPairs, Stretch
from tirjax.tasks import feature_runs
from tirjax.tasks.feature_runs import pairs, shares, trunk
from tirjax.tasks.features import (
    FINE_TUNING,
    SCRATCH,
    Regression,
    cells_off,
    features_task,
    objective,
    wanted,
)
from tirjax.tasks.run import Blend
from tirjax.trackers import NETWORKS
from tirjax.typing import Frame

KEY, SLOW = jax.random.key(0), pytest.mark.slow
STRETCH = Stretch(side=33)
TINY = vgg(((3,), (4,)), padding=0)


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(5)
    target = rng.uniform(0, 255, (3, 33, 33, 1)).astype(np.float32)
    search = target + rng.normal(0, 5, target.shape).astype(np.float32)
    return FilterPairs(jnp.asarray(target), jnp.asarray(search))


def test_the_label_is_the_specified_one():
    """Stride 4 of 125 pixels: 31 cells, or 28 without padding; sigma 1.04."""
    goal = wanted(vgg(), Regression(), Stretch())
    assert goal.shape == (31, 31)
    sigma = np.sqrt(-0.5 / np.log(goal[0, 1]))
    np.testing.assert_allclose(sigma, 125 / 3 / 4 / 10, rtol=1e-5)
    assert wanted(vgg(padding=0), Regression(), Stretch()).shape == (28, 28)


@pytest.fixture(scope="module")
def learned(batch):
    """Parameters, and loss and gradient of the batch as a function of them."""
    image = jnp.zeros((1, 33, 33, 3))
    params = jax.jit(TINY.net.init)(KEY, image)["params"]
    of = objective(TINY, Regression(), STRETCH)
    value = lambda p: of({"params": p}, batch)
    return params, jax.jit(jax.value_and_grad(value, has_aux=True))


def test_the_loss_is_that_of_each_pair_by_hand(batch, learned):
    """In numpy, the sum over cells; the numbers of E.3 are in test_dual_filter."""
    params, value = learned
    (loss, (metrics, stats)), _ = value(params)
    goal, total = wanted(TINY, Regression(), STRETCH).astype(float), 0.0
    run = jax.jit(lambda x: TINY.run({"params": params}, x)[0]["pool2"])
    maps = [np.asarray(run(x), float) for x in batch]
    for x, z in zip(*maps, strict=True):
        a, b = np.fft.fft2(x, axes=(0, 1)), np.fft.fft2(z, axes=(0, 1))
        alpha = np.fft.fft2(goal) / ((abs(a) ** 2).sum(-1) / x.size + 1e-4)
        kernel = (b * a.conj()).sum(-1) / x.size
        total += ((np.fft.ifft2(alpha * kernel).real - goal) ** 2).sum()
    np.testing.assert_allclose(loss, total / 3, rtol=1e-3)
    assert stats == {} and 0 <= metrics["miss"] <= 1


def test_the_gradient_is_that_of_finite_differences(learned):
    params, value = learned
    gradient = value(params)[1]
    size = float(np.sqrt(sum((g**2).sum() for g in jax.tree.leaves(gradient))))
    moved = lambda t: jax.tree.map(
        lambda p, d: np.asarray(p) + np.float32(t / size) * np.asarray(d),
        params,
        gradient,
    )
    at = lambda t: float(value(moved(t))[0][0])
    # Single precision, and rectifiers that switch on the way.
    np.testing.assert_allclose((at(3e-3) - at(-3e-3)) / 6e-3, size, rtol=0.15)


def test_an_update_keeps_the_state_and_says_how_it_goes(batch):
    task = features_task(TINY, SCRATCH.optimizer(10), STRETCH)
    state = jax.eval_shape(task.init, KEY)
    update = lambda s, b: task.update(s, b, KEY, lambda x: x)
    after, metrics = jax.eval_shape(update, state, batch)
    assert {"loss", "miss", "grad_norm"} <= set(metrics)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert task.variables(after)["batch_stats"] == {}


@SLOW
def test_a_preview_shows_where_the_response_is_highest(batch):
    """Of the target's own crop it is the middle."""
    task = features_task(TINY, SCRATCH.optimizer(10), STRETCH)
    variables = jax.jit(lambda key: task.variables(task.init(key)))(KEY)
    seen = jax.jit(task.preview)(variables, batch._replace(search=batch.target))
    np.testing.assert_allclose(seen.found, seen.truth)
    np.testing.assert_allclose(seen.truth[0], [11, 11, 11, 11])
    assert seen.pixels.shape == (3, 33, 33, 3)


def test_peaks_count_the_short_way_round():
    maps = np.zeros((3, 7, 7), np.float32)
    maps[0, 0, 0] = maps[1, 6, 1] = maps[2, 3, 0] = 1
    np.testing.assert_array_equal(cells_off(jnp.asarray(maps)), [0, 1, 3])


@pytest.mark.parametrize(
    "name", ["vgg", *(pytest.param(n, marks=SLOW) for n in ("dcfnet", "resnet18"))]
)
def test_no_learned_cell_sees_where_a_crop_ends(name):
    """Else the target, always in the middle, could be answered for without looking."""
    widths = {"vgg": (2, 2, 3, 3), "dcfnet": (), "resnet18": (4, 4, 4)}[name]
    chosen = trunk(name, widths)
    side = 72 if name == "resnet18" else 41
    net = chosen.judge if name == "resnet18" else chosen.learner

    @jax.jit
    def run(image):
        variables = net.net.init(KEY, net.normalise(image))
        return net.run(variables, image)[0]

    flat = run(jnp.full((1, side, side, 1), 77.0))
    inside = slice(chosen.how.margin, -chosen.how.margin or None)
    cells = np.asarray(flat[chosen.how.layer])[0, inside, inside]
    assert len(cells) > 3
    spread = np.ptp(cells, axis=(0, 1)) / np.abs(cells).max()
    np.testing.assert_allclose(spread, 0, atol=2e-5)


def test_trackers_take_what_is_learned():
    shape = lambda tree: jax.tree.map(lambda x: x.shape, tree["params"])
    image, boxes = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    for name in ("vgg", "dcfnet"):
        chosen = trunk(name)
        like = jax.eval_shape(NETWORKS[chosen.tracker]().init, KEY, image, boxes)
        assert shape(like) == shape(chosen.shapes())


def test_data_sets_are_mixed_by_size_or_share():
    assert shares([2, 4], [6], None) == [2, 4, 6]
    np.testing.assert_allclose(shares([2, 4], [6], 0.25), [0.25, 0.5, 0.25])
    with pytest.raises(DataError, match=r"mix 0\.5"):
        shares([2], [], 0.5)


def test_pairs_are_of_data_sets_and_of_the_synthetic_world(monkeypatch):
    opened = {"a": [1, 2, 3], "b": [4]}
    monkeypatch.setattr(feature_runs, "open_any", lambda name, _: opened[name])
    feed = pairs(STRETCH, real=("a=x",), synthetic=("b=y",), rendered=2, batch=8)
    assert isinstance(feed, Blend) and [f.batch for f in feed.feeds] == [6, 2]
    assert feed.feeds[0].mixture.shares == (0.75, 0.25)
    assert isinstance(pairs(STRETCH, batch=4), RenderedFilterPairs)
    for given, message in (
        ({"real": ("a",)}, "NAME=DIR"),
        ({"real": ("a=x",), "rendered": 8}, "no pair"),
        ({"rendered": 9}, "from 0 to the batch"),
    ):
        with pytest.raises(DataError, match=message):
            pairs(STRETCH, **({"batch": 8} | given))


def test_schedules_are_those_of_the_recipe():
    rate = lambda s, step: float(_rate(s, step))
    assert [rate(SCRATCH, n) for n in (0, 10**9)] == pytest.approx([1e-2, 1e-5])
    assert [rate(FINE_TUNING, n) for n in (0, 10**9)] == pytest.approx([1e-4, 1e-6])


def _rate(schedule, step):
    """What an update of a parameter of zero is for a gradient of one."""
    optimizer = schedule.optimizer(100)
    state = optimizer.init({"a": jnp.zeros(())})
    state = state._replace(count=jnp.int32(min(step, 10**6)))
    return -optimizer.update({"a": jnp.ones(())}, state, {"a": jnp.zeros(())})[0]["a"]


@pytest.mark.parametrize("backbone", ["vgg", "dcfnet"])
def test_the_config_makes_a_run(backbone):
    config = runpy.run_path(str(FILES["features"]))["config"]
    run = config(backbone=backbone, size=105, batch=2, samples=8, epochs=3)
    assert run.steps == 12 and run.tracker in NETWORKS and run.feed.batch == 2
    assert set(jax.eval_shape(run.task.init, KEY).variables) >= {"params"}


@pytest.mark.parametrize("backbone", ["vgg", "resnet18", "dcfnet"])
def test_features_are_measured_as_a_tracker_has_them(backbone, monkeypatch):
    seen = []
    watch = lambda tracker, every: seen.append((tracker, every))
    monkeypatch.setattr(feature_runs, "held_out", watch)
    chosen = trunk(backbone)
    assert feature_runs.tracking_evals(chosen, 0) == {} and not seen
    assert set(feature_runs.tracking_evals(chosen, 7)) == {"held_out"}
    ((tracker, every),) = seen
    frame = Frame(jnp.zeros((64, 80, 1), jnp.uint8), jnp.array([64, 80]))
    box = jnp.array([20.0, 20.0, 9.0, 12.0])
    state = jax.eval_shape(tracker.init, chosen.shapes(), frame, box, KEY)
    assert every == 7 and jax.tree.leaves(state)


@SLOW
@pytest.mark.parametrize("backbone", ["vgg", "resnet18", "dcfnet"])
def test_the_config_s_run_can_be_trained(backbone):
    config = runpy.run_path(str(FILES["features"]))["config"]
    run = config(backbone=backbone, size=105, batch=2, samples=8, epochs=3)
    batch = jax.eval_shape(run.feed.make, run.feed.read(0)[0], KEY)
    state = jax.eval_shape(run.task.init, KEY)
    update = lambda s, b: run.task.update(s, b, KEY, lambda x: x)
    after, metrics = jax.eval_shape(update, state, batch)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert metrics["loss"].shape == ()
    seen = jax.eval_shape(run.task.preview, run.task.variables(state), batch)
    assert seen.found.shape == (2, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trunk("vgg", (1, 2)), "takes 4"),
        (lambda: trunk("dcfnet", (1,)), "takes none"),
        (lambda: wanted(TINY, Regression("norm"), STRETCH), "no layer 'norm'"),
        (lambda: wanted(TINY, Regression(), Stretch(side=16)), "leave 2 cells"),
        (
            lambda: wanted(residual(18), Regression("layer1", 6), Stretch(48)),
            "leave 0 cells",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_one_map_is_called_norm():
    assert two_convolutions().strides == {"norm": 1}
    assert two_convolutions(padding=0).cells("norm", 20) == 16
