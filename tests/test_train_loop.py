"""The loop in this process: devices do not matter, interruptions do not matter."""

import runpy
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import AxisType
from tirjax_train import loop

from tirjax.data.sequence import DataError

config = runpy.run_path(str(Path(__file__).with_name("tiny_run.py")))["config"]


class Listener:
    """A log that remembers."""

    def __init__(self):
        self.records, self.said, self.images, self.moved = [], [], {}, []

    def metrics(self, step, values):
        self.records.append((step, dict(values)))

    def say(self, text):
        self.said.append(text)

    def image(self, step, name, picture):
        self.images[step, name] = picture

    def progress(self, step):
        self.moved.append(step)

    def curves(self):
        pass

    def of(self, name):
        """Values by step."""
        return {step: values[name] for step, values in self.records if name in values}


def mesh_of(count):
    kind = (AxisType.Auto,)
    return jax.make_mesh((count,), ("data",), kind, devices=jax.devices()[:count])


def train(run, count=1, start=0, state=None, until=None, saved=None):
    """``(log, saved arguments by step, steps done, state)``."""
    mesh, log, saved = mesh_of(count), Listener(), {} if saved is None else saved
    keep = lambda step, *rest: saved.update({step: jax.device_get(rest)})
    one = loop.Loop(run, mesh, log, keep, lambda step: step == until)
    state = loop.first_state(run, mesh) if state is None else state
    done, state = one.go(start, state)
    return log, saved, done, state


def assert_close(got, wanted, **tolerance):
    close = lambda a, b: np.testing.assert_allclose(a, b, **tolerance)
    jax.tree.map(close, jax.device_get(got), jax.device_get(wanted))


@pytest.fixture(scope="module")
def one():
    return train(config(steps=6, save_every=3, eval_every=4))


def test_two_devices_learn_what_one_does(one):
    two = train(config(steps=6, save_every=3, eval_every=4), count=2)
    # Sums in another order; Adam magnifies them where gradients are small.
    assert_close(two[0].of("loss"), one[0].of("loss"), rtol=1e-4)
    assert_close(two[3].variables, one[3].variables, rtol=1e-3, atol=1e-4)
    for leaf in jax.tree.leaves(two[3]):
        first, second = (np.asarray(shard.data) for shard in leaf.addressable_shards)
        np.testing.assert_array_equal(first, second)


def test_a_stopped_run_saves_and_goes_on_bit_for_bit(one):
    run = config(steps=6, save_every=3, eval_every=4)
    _, saved, done, state = train(run, until=4)
    assert done == 4 and set(saved) == {3, 4}
    log, saved, done, state = train(run, start=4, state=state)
    assert done == 6 and set(saved) == {6}
    assert log.of("loss") == {k: v for k, v in one[0].of("loss").items() if k > 4}
    assert_close(state, one[3], rtol=0)


def test_every_step_is_told_once_and_saved_on_time(one):
    log, saved, done, _ = one
    assert done == 6 and log.moved == [1, 2, 3, 4, 5, 6]
    assert list(log.of("loss")) == [1, 2, 3, 4, 5, 6] and set(saved) == {3, 6}
    assert all(value > 0 for value in log.of("images_per_second").values())
    assert all(0 <= value <= 1 for value in log.of("waiting").values())


def test_measurements_belong_to_the_step_they_were_made_at(one):
    log, saved, *_ = one
    assert list(log.of("check/total")) == [4, 6], "every four, and at the end"
    measured = {step: metrics for step, (_, _, metrics) in saved.items()}
    assert measured == {3: {}, 6: {"check/total": log.of("check/total")[6]}}


def test_a_stopped_run_is_measured_where_it_would_have_been():
    run = config(steps=6, save_every=0, eval_every=4)
    log, saved, *_ = train(run, until=4)
    assert list(log.of("check/total")) == [4] and "check/total" in saved[4][2]


def test_what_is_saved_is_the_state_and_what_a_tracker_takes(one):
    _, saved, _, state = one
    kept, variables, _ = saved[6]
    assert_close(kept, state, rtol=0)
    assert_close(variables["params"], state.average, rtol=0)


@pytest.mark.parametrize("step", [1, 4])
def test_a_loss_that_is_no_number_is_never_saved(step):
    saved = {}
    with pytest.raises(DataError, match=f"step {step}: .*loss is nan") as error:
        train(config(steps=5, save_every=2, nan_at=step), saved=saved)
    assert "\n" not in str(error.value)
    assert list(saved) == list(range(2, step, 2))


def test_the_shapes_of_the_state_are_known_before_it_is_made():
    run, mesh = config(), mesh_of(2)
    like, state = loop.shapes(run, mesh), loop.first_state(run, mesh)
    assert jax.tree.structure(like) == jax.tree.structure(state)
    same = lambda a, b: (a.shape, a.dtype, a.sharding) == (b.shape, b.dtype, b.sharding)
    assert all(jax.tree.leaves(jax.tree.map(same, like, state)))


def test_another_seed_is_another_run(one):
    log, *_ = train(config(steps=2, seed=1))
    assert log.of("loss")[1] != one[0].of("loss")[1]


@pytest.mark.slow
def test_pictures_show_a_few_examples_of_the_batch():
    log, *_ = train(config(steps=2, batch=8, show_every=1))
    assert list(log.images) == [(1, "examples"), (2, "examples")]
    picture = log.images[2, "examples"]
    assert picture.ndim == 3 and picture.dtype == np.uint8 and picture.std() > 0


def test_problems_of_the_data_are_said_once():
    log, *_ = train(config(steps=4, skip_at=2))
    assert log.said == ["skipped (1): square 7: is small"]
