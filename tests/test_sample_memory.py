"""Sample weights against recorded ones and a slow version of the rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.trackers.sample_memory import start, store

FIRST, SLOTS, FLOOR = 15, 50, 0.25
put = jax.jit(lambda m, x, rate: store(m, x, rate, first=FIRST, floor=FLOOR))

# step: slot, its weight, weight of a first sample, share of all first samples
TABLE = {
    1: (15, 0.00980295, 0.06601314, 0.990197),
    2: (16, 0.00990394, 0.06535935, 0.980390),
    3: (17, 0.00990489, 0.06471197, 0.970680),
    35: (49, 0.00993087, 0.04703794, 0.705569),
    36: (15, 0.01000072, 0.04689509, 0.703426),
    200: (39, 0.02315504, 0.02088881, 0.313332),
}


def rate(step):
    return 0.02 if step == 2 else 0.01


@pytest.fixture(scope="module")
def history():
    memory = start(jnp.zeros((FIRST, 1)), SLOTS)
    after = {}
    for step in range(1, 201):
        memory = put(memory, jnp.array([float(step)]), rate(step))
        after[step] = jax.tree.map(np.asarray, memory)
    return after


@pytest.mark.parametrize("step", TABLE)
def test_weights_are_the_recorded_ones(history, step):
    slot, value, first, share = TABLE[step]
    memory = history[step]
    assert memory.latest == slot
    np.testing.assert_allclose(memory.weights[slot], value, rtol=2e-5)
    np.testing.assert_allclose(memory.weights[0], first, rtol=2e-5)
    np.testing.assert_allclose(memory.weights[:FIRST].sum(), share, rtol=2e-5)


def test_first_samples_are_never_replaced(history):
    assert (history[200].samples[:FIRST] == 0).all()
    assert (history[200].samples[FIRST:] > 0).all()


def test_a_sample_is_in_the_latest_slot(history):
    for step, memory in history.items():
        assert memory.samples[memory.latest] == step


def test_empty_slots_weigh_nothing(history):
    assert (history[3].weights[FIRST + 3 :] == 0).all()
    assert (history[3].weights[: FIRST + 3] > 0).all()


def written_out(steps, lr):
    """The rule with a growing list; the floor binds when the rate is high."""
    w, stored, latest = [1 / FIRST] * FIRST, FIRST, None
    for _ in range(steps):
        slot = stored if stored < SLOTS else FIRST + int(np.argmin(w[FIRST:]))
        if slot == len(w):
            w.append(0.0)
        if latest is None:
            w = [x / (1 - lr) for x in w]
            w[slot] = lr
        else:
            w[slot] = w[latest] / (1 - lr)
        w = [x / sum(w) for x in w]
        if sum(w[:FIRST]) < FLOOR:
            total = FLOOR + sum(w[FIRST:])
            w = [FLOOR / FIRST if i < FIRST else x / total for i, x in enumerate(w)]
        latest, stored = slot, stored + 1
    return w, latest


@pytest.mark.parametrize("steps", [4, 60])
def test_first_samples_keep_their_least_share(steps):
    memory = start(jnp.zeros((FIRST, 1)), SLOTS)
    for _ in range(steps):
        memory = put(memory, jnp.ones(1), 0.3)
    weights, latest = written_out(steps, 0.3)
    assert memory.latest == latest
    np.testing.assert_allclose(memory.weights[: len(weights)], weights, rtol=1e-4)


def test_samples_may_be_any_pytree():
    memory = start({"a": jnp.ones((2, 3)), "b": jnp.ones((2,))}, 4)
    fresh = {"a": jnp.full(3, 7.0), "b": jnp.float32(8.0)}
    memory = store(memory, fresh, 0.1, first=2, floor=0.25)
    np.testing.assert_array_equal(memory.samples["a"][2], [7, 7, 7])
    np.testing.assert_array_equal(memory.samples["b"], [1, 1, 8, 0])


def test_a_rejected_sample_changes_nothing(rng):
    memory = start(jnp.asarray(rng.normal(size=(2, 3)), jnp.float32), 4)
    memory = store(memory, jnp.ones(3), 0.1, first=2, floor=0.25)
    after = store(memory, jnp.zeros(3), 0.1, first=2, floor=0.25, accept=False)
    jax.tree.map(np.testing.assert_array_equal, after, memory)
