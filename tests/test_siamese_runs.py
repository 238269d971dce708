"""Siamese networks and pairs by name, and the configs that train on them."""

import functools
import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from config_data import FILES

import tirjax.checkpoints
from tirjax.backbones.norm import Norm
from tirjax.data.collection import SequenceList
from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.training.siamese_feed import MIX, POSITIVES
from tirjax.data.training.siamese_pairs import (
    CURATED,
    OFFSETS,
    SIAMFC_CHANGES,
    UNCHANGED,
    Changes,
    Cropping,
)
from tirjax.data.training.siamese_rendered import RenderedSiamese
from tirjax.heads import siamese_networks as published
from tirjax.tasks import siamese_runs
from tirjax.tasks.run import Blend
from tirjax.tasks.siamese import stride
from tirjax.tasks.siamese_recipes import RELEASED, STRATEGIES
from tirjax.tasks.siamese_runs import (
    NAMES,
    cropping,
    label_radius,
    network,
    pairs,
    read_classes,
    validation,
)
from tirjax.trackers import NETWORKS

KEY = jax.random.key(0)
SMALL = {"side": 103, "widths": (2, 4, 4, 4, 8)}


# Networks by name.


@pytest.mark.parametrize("name", NAMES)
def test_by_default_networks_and_crops_are_the_published_ones(name):
    assert network(name) == getattr(published, name)()
    crops = cropping(name)
    assert (crops.exemplar, crops.search) == (
        (127, 239) if name == "siamfc" else (255, 255)
    )
    assert crops.context == 1.0 and not crops.corners_count
    released = cropping(name, preset="released")
    assert released.context == (1.0 if name == "siamfc" else CURATED)


def test_smaller_crops_have_templates_in_proportion():
    assert [network("cfnet", side=s).margin for s in (255, 191, 127, 103)] == [
        16, 11, 6, 4,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("dimp", {}, "no network 'dimp'"),
        ("mmnet", {"side": 104}, "side 104"),
        ("siamfc", {"side": 127}, "191 pixels or more"),
        ("mmnet", {"widths": (2, 4)}, "five even numbers"),
        ("mmnet", {"widths": (2, 4, 4, 4, 2)}, "the last at least 4"),
    ],
)
def test_networks_that_do_not_exist_are_refused(name, changes, message):
    with pytest.raises(DataError, match=message):
        network(name, **changes)


def test_scores_of_a_narrow_siamfc_are_of_the_published_size():
    assert network("siamfc", widths=(16, 32, 48, 48, 16)).gain == pytest.approx(0.016)


def test_labels_shrink_with_the_crops():
    assert label_radius(255) == 2.0
    assert (label_radius(127), label_radius(191)) == (1.0, 1.5)


def test_the_stride_counts_pooling():
    assert [stride(network(name).backbone) for name in NAMES] == [8, 4, 4, 4]
    assert [stride(published.cfnet(depth).backbone) for depth in (1, 2, 5)] == [4] * 3


# Data.


def test_without_folders_the_synthetic_world_stands_in():
    crops = Cropping(16, 16)
    feed = pairs("mmnet", crops, {"vid": None}, batch=2)
    assert isinstance(feed, RenderedSiamese)
    assert feed.modality == "rgb" and feed.mix == MIX
    assert pairs("cfnet", crops, {"tir": None}, batch=2).mix == POSITIVES
    both = pairs("mmnet", crops, {"vid": None, "tir": None}, batch=8)
    assert isinstance(both, Blend)
    assert [(f.modality, f.batch) for f in both.feeds] == [("rgb", 4), ("tir", 4)]


def test_data_that_do_not_fit_are_refused(tmp_path):
    crops = Cropping(16, 16)
    with pytest.raises(DataError, match="need --vid DIR as well"):
        pairs("mmnet", crops, {"vid": None, "tir": tmp_path}, batch=8)
    with pytest.raises(DataError, match="multiple of 4"):
        pairs("mmnet", crops, {"vid": None, "tir": None}, batch=6)


def clip_of(name):
    rng = np.random.default_rng(int(name[-2:]))
    pixels = rng.integers(0, 256, (4, 24, 32, 1), np.uint8)
    boxes = np.tile([8.0, 6, 10, 8], (4, 1))
    return Sequence(name, ArrayFrames(pixels), boxes, np.ones(4, bool))


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """What stands for two data sets of twenty videos."""

    def opened(name, folder):
        names = tuple(f"{name}_{i:02d}" for i in range(20))
        openers = tuple(functools.partial(clip_of, n) for n in names)
        return SequenceList(name, names, openers)

    monkeypatch.setattr(siamese_runs, "open_any", opened)
    return {"vid": tmp_path, "tir": tmp_path}


def test_the_last_tenth_of_each_folder_is_for_validation(folders):
    crops, some = Cropping(16, 16), {"batch": 4, "canvas": (24, 32), "apart": 1}
    feed = pairs("mmnet", crops, folders, **some)
    assert [len(part) for part in feed.mixture.datasets] == [18, 18]
    kept = pairs("mmnet", crops, folders, **some, validating=True)
    assert [part.names for part in kept.mixture.datasets] == [
        (f"{name}_18", f"{name}_19") for name in ("imagenet_vid", "lsotb_tir_train")
    ]
    assert feed.canvas.size == (24, 32) and feed.mix == MIX._replace(apart=1)


def test_validation_needs_folders_and_an_interval(folders):
    crops, net = Cropping(16, 16), network("cfnet", **SMALL)
    assert validation("cfnet", net, crops, {"tir": None}, 10, batch=2) == {}
    assert validation("cfnet", net, crops, folders, 0, batch=2) == {}


@pytest.mark.slow
def test_validation_measures_the_same_pairs_unchanged_every_time(folders):
    crops = cropping("cfnet", side=SMALL["side"])
    assert crops.changes != UNCHANGED
    net = network("cfnet", **SMALL, norm=Norm(batch=True))
    shown = {"tir": folders["tir"]}
    (found,) = validation("cfnet", net, crops, shown, 5, batch=2).values()
    blank = jnp.zeros((1, SMALL["side"], SMALL["side"], 1))
    variables = jax.jit(net.init)(KEY, blank, blank)
    first, again = found.measure(variables), found.measure(variables)
    assert found.every == 5 and first == again
    # A wrong sign everywhere costs log 2 and more, a right one less.
    assert 0 < first["loss"] < 2 and 0 <= first["miss"] <= 1


def test_changes_of_crops_are_those_of_the_papers():
    assert cropping("siamfc").changes == SIAMFC_CHANGES
    assert cropping("siamfc", side=191).changes.shift == pytest.approx(4 * 191 / 255)
    assert cropping("cfnet").changes == OFFSETS
    assert cropping("mlssnet").changes == UNCHANGED
    assert cropping("mmnet").changes == Changes(wander=32.0)
    assert cropping("mmnet", preset="released").changes == UNCHANGED
    assert cropping("mmnet", wander=0.0).changes == UNCHANGED
    assert cropping("mlssnet", side=127, wander=51.0).changes == Changes(wander=25.4)


def test_classes_are_read_from_json(tmp_path):
    path = tmp_path / "classes.json"
    path.write_text('{"car_001-1": 3}')
    assert read_classes(path) == {"car_001-1": 3} and read_classes(None) == {}
    for text, message in (("[1]", "no classes"), ('{"a": 30}', "from 0 to 29")):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_classes(path)
    with pytest.raises(DataError, match="no classes"):
        read_classes(tmp_path / "none.json")


# Configs.


def config_of(name):
    return runpy.run_path(str(FILES[name]))["config"]


@pytest.mark.parametrize("name", ["mmnet", "mlssnet", "siamese_synthetic"])
def test_a_full_size_config_learns_what_its_tracker_takes(name):
    full = {"side": 255, "widths": (96, 256, 384, 384, 64)}
    settings = {**full, "eval_every": 0} if name == "siamese_synthetic" else {}
    run = config_of(name)(**settings, batch=4)
    state = jax.eval_shape(run.task.init, KEY)
    got = jax.eval_shape(run.task.variables, state)
    want = jax.eval_shape(NETWORKS[run.tracker]().init, KEY)
    like = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), dict(tree))
    assert like(got) == like(want)
    if name != "siamese_synthetic":
        assert run.steps == (60 if name == "mmnet" else 100) * (47_880 // 4)


@pytest.mark.parametrize(("net", "epochs"), [("siamfc", 50), ("cfnet", 100)])
def test_the_baselines_learn_what_their_trackers_take(net, epochs):
    run = config_of("cfnet")(net=net, batch=4)
    assert run.tracker == net and run.steps == epochs * (47_880 // 4)
    assert run.feed.mix == POSITIVES and run.feed.modality == "tir"
    state = jax.eval_shape(run.task.init, KEY)
    got = jax.eval_shape(run.task.variables, state)
    want = jax.eval_shape(NETWORKS[net]().init, KEY)
    shape = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), dict(tree))
    assert shape(got) == shape(want)


def test_a_factor_multiplies_every_rate():
    rates = RELEASED.over(10).times(3)
    assert rates == (3e-2, pytest.approx(3e-4), 5, 10)
    assert float(rates.schedule(1)(0)) == pytest.approx(3e-2)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_can_be_asked_for(strategy, tmp_path, monkeypatch):
    zeros = lambda path, like: jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like)
    monkeypatch.setattr(tirjax.checkpoints, "load_variables", zeros)
    plan = STRATEGIES[strategy]
    settings = {**SMALL, "batch": 8, "strategy": strategy, "samples": 80}
    if plan.starts:
        with pytest.raises(DataError, match="give --start"):
            config_of("mmnet")(**settings)
        settings["start"] = tmp_path
    else:
        with pytest.raises(DataError, match="leaves out --start"):
            config_of("mmnet")(**settings, start=tmp_path)
    run = config_of("mmnet")(**settings)
    assert run.steps == plan.rates.epochs * 10 and run.tracker == "mmnet"
    assert isinstance(run.feed, Blend) == (len(plan.data) == 2)


def test_a_branch_that_is_off_is_zero_in_what_is_saved():
    run = config_of("mmnet")(**SMALL, branches="dis")
    state = jax.eval_shape(run.task.init, KEY)
    ones = jax.tree.map(lambda x: jnp.ones(x.shape, x.dtype), state)
    params = run.task.variables(ones)["params"]
    assert not params["fanet"]["fuse"]["kernel"].any()
    assert params["fanet"]["hc"]["conv1"]["kernel"].all()


@pytest.mark.parametrize(
    ("strategy", "branches", "expected"),
    [("only_vid", "all", 0.5), ("only_vid", "dis", 0.0), ("mix_training", "all", 0.0)],
)
def test_classification_counts_as_much_as_asked(
    strategy, branches, expected, monkeypatch
):
    seen = {}
    config = config_of("mmnet")
    note = lambda *args, **kwargs: seen.update(kwargs)
    monkeypatch.setitem(config.__globals__, "siamese_task", note)
    monkeypatch.setitem(config.__globals__, "run", lambda *args, **kwargs: None)
    config(**SMALL, strategy=strategy, branches=branches, class_weight=0.5)
    assert seen["weights"].classes == expected
