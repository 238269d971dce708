"""What a start leaves to the next: found again, never mistaken, never in the way."""

import dataclasses
import functools
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tirjax_track import catalogue, programs, remembered, runner, weights
from tirjax_track.identity import Untold, identity

from tirjax.trackers import TRACKERS, Prediction, Tracker
from tirjax.trackers.dimp import DIMP18, dimp
from tirjax.trackers.mosse import Config, mosse

KEY = jax.random.key(0)
BOX = np.array([20.0, 25.0, 20.0, 20.0], np.float32)
FRAMES = np.random.default_rng(0).integers(0, 255, (4, 70, 90, 1), np.uint8)


@pytest.fixture
def folder(tmp_path):
    """An empty cache of this test alone."""
    was = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "cache"))
    programs._compile.cache_clear()
    yield tmp_path / "cache" / "traced"
    jax.config.update("jax_compilation_cache_dir", was)
    programs._compile.cache_clear()


def made(calls, text=b"made"):
    """A maker that notes that it was asked."""
    return lambda: calls.append(text) or text


def boxes(tracker, layout="one"):
    """Of a run that compiles anew."""
    programs._compile.cache_clear()
    if layout == "targets":
        job = runner.Job(tracker, (), [BOX, BOX + 3], [KEY, KEY])
        return np.array([[r.box for r in row[0]] for row in follow_all(job)])
    return np.array([r.box for r in runner.follow(tracker, (), FRAMES, BOX, KEY)])


def follow_all(job):
    return list(runner.follow_all([job], FRAMES))


@pytest.fixture
def traced(monkeypatch):
    """Names of the programs that were traced, not found."""
    names = []
    export = jax.export.export
    note = lambda f: names.append("traced") or export(f)
    monkeypatch.setattr(remembered.export, "export", note)
    return names


@pytest.mark.parametrize("layout", ["one", "targets"])
def test_a_second_start_traces_nothing_and_finds_the_same(folder, traced, layout):
    tracker = mosse(Config())
    plain = Tracker(lambda *a: tracker.init(*a), lambda *a: tracker.step(*a))
    expected = boxes(plain, layout)
    assert not folder.exists()  # nothing tells a tracker of this file from others
    first = boxes(tracker, layout)
    assert traced == ["traced"] * 2
    again = boxes(tracker, layout)
    assert traced == ["traced"] * 2
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(again, expected)
    assert len(list(folder.iterdir())) == 2


def test_other_settings_and_other_shapes_are_other_programs(folder, traced):
    boxes(mosse(Config()))
    boxes(mosse(dataclasses.replace(Config(), rate=0.5)))
    assert len(traced) == 4
    list(runner.follow(mosse(Config()), (), FRAMES[:, :30, :30], BOX - 18, KEY))
    assert len(traced) == 6


def test_a_damaged_copy_is_made_again(folder):
    calls = []
    assert remembered.remembered("key", made(calls)) == b"made"
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert remembered.remembered("key", made(calls)) == b"made"
    assert remembered.remembered("key", made(calls)) == b"made"
    assert len(calls) == 2


def test_a_folder_that_takes_nothing_only_costs_time(folder, caplog):
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    calls = []
    with caplog.at_level(logging.WARNING):
        assert remembered.remembered("key", made(calls)) == b"made"
    assert "not kept for the next start" in caplog.text
    assert boxes(mosse(Config())).shape == (4, 4)


@pytest.mark.parametrize("error", [ImportError, NotImplementedError, ValueError])
def test_what_cannot_be_written_is_tracked_all_the_same(folder, monkeypatch, error):
    def serialize(exported):
        raise error

    monkeypatch.setattr(jax.export.Exported, "serialize", serialize)
    assert boxes(mosse(Config())).shape == (4, 4)
    assert not folder.exists()


def test_without_a_cache_nothing_is_kept(folder):
    jax.config.update("jax_compilation_cache_dir", None)
    calls = []
    remembered.remembered("key", made(calls))
    remembered.remembered("key", made(calls))
    assert len(calls) == 2
    assert not folder.exists()


def test_other_settings_of_jax_are_another_key(folder):
    calls = []
    remembered.remembered("key", made(calls))
    with jax.numpy_dtype_promotion("strict"):
        remembered.remembered("key", made(calls))
    assert len(calls) == 2


def test_shapes_of_a_network_are_those_that_tracing_finds(folder):
    first, again = (weights._shapes("dimp_squeezenet") for _ in range(2))
    assert len(list(folder.iterdir())) == 1
    arguments = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    network = weights.NETWORKS["dimp_squeezenet"]()
    expected = jax.eval_shape(network.init, KEY, *arguments)
    assert first == again
    told = lambda shapes: jax.tree.map(lambda x: (x.shape, x.dtype), shapes)
    assert told(first) == told(expected)


@pytest.mark.parametrize("name", TRACKERS)
def test_every_tracker_can_be_told(name):
    build = lambda: identity(tuple(catalogue.build(name, BOX)))
    assert build() == build()


def test_no_two_trackers_are_alike():
    texts = {identity(tuple(catalogue.build(name, BOX))) for name in TRACKERS}
    assert len(texts) == len(TRACKERS)


def test_every_setting_counts():
    plain = identity(tuple(dimp(DIMP18)))
    for field in dataclasses.fields(DIMP18):
        value = getattr(DIMP18, field.name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            other = dataclasses.replace(DIMP18, **{field.name: value + 1e-9})
            assert identity(other) != identity(DIMP18), field.name
    trust = dataclasses.replace(DIMP18.trust, not_found=0.3)
    deeper = dataclasses.replace(DIMP18, trust=trust)
    assert identity(tuple(dimp(deeper))) != plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (("a", "b"), ("a b",)),
        ((1, (2,)), ((1, 2),)),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.array([1.0]), np.array([2.0])),
        ({"a": 1}, {"a": 2}),
        (functools.partial(jnp.sum, axis=0), functools.partial(jnp.sum, axis=1)),
    ],
)
def test_what_differs_is_told_apart(one, other):
    assert identity(one) != identity(other)


def test_what_cannot_be_told_is_not_guessed():
    elsewhere = Tracker(lambda *a: a, lambda *a: (a, Prediction(*a)))
    for thing in (elsewhere, object(), threading_lock(), itself()):
        with pytest.raises(Untold):
            identity(thing)


def threading_lock():
    return logging.getLogger("tirjax")


def itself():
    """A list that holds itself."""
    held = []
    held.append(held)
    return held
