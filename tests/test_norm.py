"""Batch norm against numpy, Flax and itself on several devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import PartitionSpec as P

from tirjax.backbones.norm import BatchNorm, Norm

BATCH = BatchNorm(Norm(batch=True))


@pytest.fixture
def x(rng):
    return jnp.asarray(rng.normal(3, 2, (4, 5, 6, 3)), jnp.float32)


@pytest.fixture
def variables(rng):
    draw = lambda low, high: jnp.asarray(rng.uniform(low, high, 3), jnp.float32)
    return {
        "params": {"scale": draw(0.5, 2), "bias": draw(-1, 1)},
        "batch_stats": {"mean": draw(-1, 1), "var": draw(0.5, 2)},
    }


def train(module, variables, x):
    y, moved = module.apply(variables, x, mutable=["batch_stats"])
    return y, moved["batch_stats"]


def test_frozen_is_flax_with_running_averages(x, variables):
    theirs = nn.BatchNorm(use_running_average=True).apply(variables, x)
    np.testing.assert_allclose(BatchNorm().apply(variables, x), theirs, atol=2e-6)


def test_frozen_statistics_do_not_move(x, variables):
    _, stats = train(BatchNorm(), variables, x)
    jax.tree.map(np.testing.assert_array_equal, stats, variables["batch_stats"])


def test_the_batch_is_normalised_by_its_own_moments(x, variables):
    y, _ = train(BATCH, variables, x)
    wide = np.asarray(x, np.float64)
    mean, var = wide.mean((0, 1, 2)), wide.var((0, 1, 2))
    params = variables["params"]
    want = (wide - mean) / np.sqrt(var + 1e-5) * params["scale"] + params["bias"]
    np.testing.assert_allclose(y, want, atol=1e-5)


def test_running_statistics_move_a_tenth_and_the_variance_is_unbiased(x, variables):
    _, stats = train(BATCH, variables, x)
    wide, before = np.asarray(x, np.float64), variables["batch_stats"]
    mean, var = wide.mean((0, 1, 2)), wide.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(stats["mean"], 0.9 * before["mean"] + 0.1 * mean, 1e-5)
    np.testing.assert_allclose(stats["var"], 0.9 * before["var"] + 0.1 * var, 1e-5)


def test_statistics_that_may_not_move_stay(x, variables):
    y = BATCH.apply(variables, x)
    np.testing.assert_array_equal(y, train(BATCH, variables, x)[0])


def test_the_first_batch_does_not_count(x):
    """Initialising is not learning."""
    stats = BATCH.init(jax.random.key(0), x)["batch_stats"]
    np.testing.assert_array_equal(stats["mean"], np.zeros(3))
    np.testing.assert_array_equal(stats["var"], np.ones(3))


@pytest.mark.parametrize("axis", ["data", None])
def test_an_axis_takes_the_statistics_of_all_devices(x, variables, axis):
    if jax.device_count() < 2:
        pytest.skip("one device")
    mesh = jax.make_mesh((2,), ("data",), (jax.sharding.AxisType.Auto,))
    module = BatchNorm(Norm(batch=True, axis=axis))
    each = jax.shard_map(
        lambda part: jax.tree.map(lambda v: v[None], train(module, variables, part)),
        mesh=mesh,
        in_specs=P("data"),
        out_specs=P("data"),
        check_vma=False,
    )
    y, stats = jax.jit(each)(x)
    parts = [x, x] if axis else [x[:2], x[2:]]
    for device, part in enumerate(parts):
        want, moved = train(BATCH, variables, part)
        want = want[2 * device :][:2] if axis else want
        np.testing.assert_allclose(y[device], want, atol=1e-5)
        got = jax.tree.map(lambda v, d=device: v[d], stats)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-5), got, moved)


def test_half_precision_in_and_out_with_wide_moments(x, variables):
    small = (100 * x).astype(jnp.bfloat16)
    y, stats = train(BATCH, variables, small)
    assert y.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in stats.values()} == {jnp.dtype("float32")}
    want, _ = train(BATCH, variables, small.astype(jnp.float32))
    # One rounding to eight bits.
    np.testing.assert_allclose(y.astype(jnp.float32), want, rtol=2**-8, atol=1e-3)
    y, _ = train(BatchNorm(Norm(batch=True), dtype=jnp.bfloat16), variables, x)
    assert y.dtype == jnp.bfloat16


def test_gradients_pass_through_the_moments(x, variables):
    """A shift of the whole batch changes nothing."""
    loss = lambda shift: (train(BATCH, variables, x + shift)[0] ** 3).sum()
    np.testing.assert_allclose(jax.grad(loss)(jnp.float32(0)), 0, atol=0.05)
