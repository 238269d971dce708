"""MatConvNet's gradient descent against the same written out, and its rates."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tirjax.tasks.matconvnet_sgd import log_spaced, matconvnet_sgd

PARAMS = {"a": {"kernel": jnp.array([1.0, -2.0])}, "b": {"bias": jnp.array(3.0)}}
RATE = {"kernel": 1.0, "bias": 2.0}
DECAY = {"kernel": 1.0, "bias": 0.0}


def run(optimizer, gradients):
    """Parameters after each update."""
    params, state, found = PARAMS, optimizer.init(PARAMS), []
    update = jax.jit(optimizer.update)
    for gradient in gradients:
        updates, state = update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return found


def test_updates_are_those_of_the_formula_written_out(rng):
    draw = lambda: jax.tree.map(
        lambda x: jnp.asarray(rng.normal(size=x.shape), x.dtype), PARAMS
    )
    gradients, rates = [draw() for _ in range(4)], [0.1, 0.1, 0.01, 0.001]
    optimizer = matconvnet_sgd(
        lambda step: jnp.array(rates)[step],
        lambda path: RATE[path[-1]],
        0.05,
        lambda path: DECAY[path[-1]],
    )
    got = run(optimizer, gradients)
    for module, name in (("a", "kernel"), ("b", "bias")):
        p = np.asarray(PARAMS[module][name], np.float64)
        v = np.zeros_like(p)
        for rate, gradient, params in zip(rates, gradients, got, strict=True):
            g = np.asarray(gradient[module][name]) + 0.05 * DECAY[name] * p
            v = 0.9 * v - g
            p = p + rate * RATE[name] * v
            np.testing.assert_allclose(params[module][name], p, rtol=1e-5)


def test_a_lower_rate_acts_at_once_unlike_with_the_rate_inside_the_momentum():
    ones = jax.tree.map(jnp.ones_like, PARAMS)
    schedule = lambda step: jnp.where(step < 1, 1.0, 0.0)
    first, second = run(matconvnet_sgd(schedule, decay=0.0), [ones, ones])
    np.testing.assert_array_equal(first["a"]["kernel"], PARAMS["a"]["kernel"] - 1)
    np.testing.assert_array_equal(second["a"]["kernel"], first["a"]["kernel"])


def test_it_is_optax_with_momentum_where_nothing_has_factors(rng):
    gradients = [
        jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), x.dtype), PARAMS)
        for _ in range(3)
    ]
    theirs = optax.chain(optax.add_decayed_weights(5e-4), optax.sgd(0.1, 0.9))
    pairs = zip(
        run(matconvnet_sgd(lambda _: 0.1), gradients),
        run(theirs, gradients),
        strict=True,
    )
    for ours, other in pairs:
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_factor_of_zero_leaves_a_parameter_untouched():
    ones = jax.tree.map(jnp.ones_like, PARAMS)
    factor = lambda path: float(path[0] != "a")
    (after,) = run(matconvnet_sgd(lambda _: 0.1, factor), [ones])
    np.testing.assert_array_equal(after["a"]["kernel"], PARAMS["a"]["kernel"])
    assert after["b"]["bias"] != PARAMS["b"]["bias"]


def test_the_state_keeps_its_structure_and_dtypes():
    optimizer = matconvnet_sgd(lambda _: 0.1)
    state = optimizer.init(PARAMS)
    _, after = optimizer.update(PARAMS, state, PARAMS)
    same = lambda a, b: a.shape == b.shape and a.dtype == b.dtype
    assert all(jax.tree.leaves(jax.tree.map(same, state, after)))
    assert int(after.count) == 1


def test_without_parameters_there_is_no_weight_decay():
    optimizer = matconvnet_sgd(lambda _: 0.1)
    with pytest.raises(ValueError, match="parameters"):
        optimizer.update(PARAMS, optimizer.init(PARAMS))


def test_rates_are_those_of_the_released_code():
    rate = log_spaced(1e-2, 1e-4, 50, 10)
    epochs = {1: 0.01, 2: 0.00910298, 25: 0.00104811, 26: 0.00095410}
    epochs |= {49: 0.00010985, 50: 0.0001, 51: 0.0001, 100: 0.0001}
    for epoch, want in epochs.items():
        for step in (10 * (epoch - 1), 10 * epoch - 1):
            # The table has six digits.
            assert float(rate(jnp.int32(step))) == pytest.approx(want, rel=5e-5)


def test_the_second_rate_of_fine_tuning_is_that_of_the_table():
    assert float(log_spaced(1e-3, 1e-5, 30, 1)(1)) == pytest.approx(8.5317e-4, 1e-5)


def test_one_epoch_has_the_first_rate():
    assert float(log_spaced(1e-2, 1e-4, 1, 5)(7)) == pytest.approx(1e-2)
