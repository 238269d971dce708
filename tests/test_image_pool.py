"""The pool of earlier translations, against a list in Python and by its properties."""

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.tasks.image_pool import empty_pool, exchange

step = jax.jit(exchange)


def numbered(first, count):
    """Images whose value is their number."""
    values = jnp.arange(first, first + count, dtype=jnp.float32)
    return jnp.broadcast_to(values[:, None, None, None], (count, 2, 3, 1))


def run(size, batch, steps, seed=0):
    """What came out at each step, and the pool after each."""
    pool, outs, pools = empty_pool(size, (2, 3, 1)), [], []
    for i, key in enumerate(jax.random.split(jax.random.key(seed), steps)):
        out, pool = step(pool, numbered(1 + i * batch, batch), key)
        outs.append(np.asarray(out)[:, 0, 0, 0])
        pools.append(np.asarray(pool.images)[:, 0, 0, 0])
    return np.array(outs), np.array(pools), pool


def test_a_pool_of_none_lets_everything_through():
    images = numbered(3, 4)
    out, pool = step(empty_pool(0, (2, 3, 1)), images, jax.random.key(0))
    np.testing.assert_array_equal(out, images)
    assert pool.count == 0


def test_until_it_is_full_it_stores_and_returns_the_new():
    outs, pools, pool = run(size=8, batch=2, steps=4)
    np.testing.assert_array_equal(outs.ravel(), np.arange(1, 9))
    np.testing.assert_array_equal(pools[-1], np.arange(1, 9))
    assert pool.count == 8


def test_a_batch_may_be_larger_than_the_pool():
    outs, _, pool = run(size=2, batch=5, steps=1)
    np.testing.assert_array_equal(outs[0, :2], [1, 2])
    assert pool.count == 2 and set(outs[0]) <= {1, 2, 3, 4, 5}


def test_no_image_is_lost_or_comes_out_again_after_it_left():
    """Each stays in the pool, or came out in place of the one that was put in."""
    outs, pools, pool = run(size=5, batch=1, steps=200)
    assert pool.count == 5
    for before, after, new, out in zip(
        pools[4:], pools[5:], range(6, 201), outs[5:, 0], strict=False
    ):
        changed = before != after
        if out == new:
            assert not changed.any()
        else:
            assert changed.sum() == 1
            assert before[changed] == out and after[changed] == new


def test_half_of_the_time_a_stored_one_comes_out_from_any_place():
    outs, pools, _ = run(size=4, batch=1, steps=400, seed=1)
    new = np.arange(1, 401)
    swapped = outs[4:, 0] != new[4:]
    assert 0.42 < swapped.mean() < 0.58
    places = (pools[4:] != pools[3:-1]).sum(0)
    assert (places > 0.15 * swapped.sum()).all()


def test_equal_keys_give_equal_results():
    a, b, other = run(4, 1, 30)[0], run(4, 1, 30)[0], run(4, 1, 30, seed=2)[0]
    np.testing.assert_array_equal(a, b)
    assert (a != other).any()
