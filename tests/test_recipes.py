"""Training that starts from variables that are given."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tirjax.tasks.base import supervised
from tirjax.tasks.recipes import (
    backbone_shapes,
    shapes,
    starting_from,
    with_backbone,
)

KEY = jax.random.key(0)


def draw(key):
    part = lambda k: {"kernel": jax.random.normal(k, (2, 3))}
    a, b = jax.random.split(key)
    return {
        "params": {"backbone": part(a), "head": part(b)},
        "batch_stats": {"backbone": {"mean": jnp.zeros(3)}, "head": {}},
    }


def task(average=0.0):
    nothing = lambda *_: None
    return supervised(draw, nothing, optax.adam(1e-3), nothing, average=average)


@pytest.fixture
def backbone(rng):
    kernel, mean = rng.random((2, 3), np.float32), rng.random(3, np.float32)
    return {"params": {"kernel": kernel}, "batch_stats": {"mean": mean}}


def same(tree, other):
    assert jax.tree.structure(tree) == jax.tree.structure(other)
    jax.tree.map(np.testing.assert_array_equal, tree, other)


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_given_backbone_replaces_the_drawn_one_alone(backbone, average):
    plain = task(average)
    given = with_backbone(plain, backbone)
    drawn, state = plain.init(KEY), jax.jit(given.init)(KEY)
    for name, part in backbone.items():
        same(state.variables[name]["backbone"], part)
        same(state.variables[name]["head"], drawn.variables[name]["head"])
    same(given.variables(state)["params"], state.variables["params"])
    assert jax.tree.structure(state) == jax.tree.structure(drawn)
    same(state.optimizer, drawn.optimizer)


def test_all_variables_can_be_given():
    others = draw(jax.random.key(1))
    same(starting_from(task(), others).init(KEY).variables, others)


def test_shapes_are_those_of_the_variables(backbone):
    tell = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), tree)
    assert tell(shapes(task())) == tell(draw(KEY))
    assert tell(backbone_shapes(task())) == tell(backbone)
