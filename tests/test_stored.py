"""A value that is written is the value, however it is used."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from tirjax.ops.stored import stored

X = jnp.arange(6.0)


def costly(x):
    return {"a": jnp.sin(x), "b": (x > 2, x.astype(jnp.int32))}


def through(x):
    return stored(costly(x), x.shape[0] + x[0] > 0)


@pytest.mark.parametrize("over", [lambda f: f, jax.jit])
def test_is_the_value(over):
    jax.tree.map(np.testing.assert_array_equal, over(through)(X), over(costly)(X))


def test_is_the_value_of_every_member_of_a_batch():
    x = jnp.stack([X, X + 1])
    got = jax.vmap(through)(x)
    jax.tree.map(np.testing.assert_array_equal, got, jax.vmap(costly)(x))


def test_members_of_a_batch_keep_their_own():
    def one(x, shift):
        return stored(x + shift, shift >= 0).sum()

    got = jax.vmap(one, in_axes=(None, 0))(X, jnp.arange(3.0))
    np.testing.assert_array_equal(got, [15, 21, 27])


def test_derivatives_go_through_both_ways():
    plain = lambda x: (jnp.sin(x) ** 2).sum()
    kept = lambda x: (through(x)["a"] ** 2).sum()
    for derivative in (jax.grad, jax.jacfwd, jax.hessian):
        np.testing.assert_allclose(derivative(kept)(X), derivative(plain)(X), rtol=1e-6)


def test_a_processor_works_it_out_once_and_others_as_they_like():
    made = export.export(jax.jit(through), platforms=("cpu",))(X).mlir_module()
    assert "stablehlo.while" in made
    made = export.export(jax.jit(through), platforms=("cuda",))(X).mlir_module()
    assert "stablehlo.while" not in made
