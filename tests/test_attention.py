"""Attention of MLSSNet and MMNet against what their papers write."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.backbones.norm import Norm
from tirjax.heads.attention import (
    FineGrained,
    SemanticAttention,
    StructureAttention,
    attend,
)

PRESETS = ("paper", "released")
WIDTH = 8


@pytest.fixture
def x(rng):
    return jnp.asarray(rng.normal(size=(2, 15, 17, WIDTH)), jnp.float32)


@cache
def variables_of(net):
    """Random parameters, so that no gate is one half."""
    shape = jax.ShapeDtypeStruct((1, 15, 17, net.channels), jnp.float32)
    made = jax.eval_shape(net.init, jax.random.key(0), shape)
    rng = np.random.default_rng(0)
    draw = lambda x: jnp.asarray(rng.uniform(0, 0.4, x.shape) - 0.1, x.dtype)
    return jax.tree.map(draw, made)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("gate", [StructureAttention, SemanticAttention])
def test_every_gate_is_one_half_at_first(gate, preset, x):
    net = gate(WIDTH, preset)
    got, _ = jax.jit(net.init_with_output)(jax.random.key(0), x)
    np.testing.assert_allclose(got, x / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("gate", "stds"),
    [
        (StructureAttention, {"conv1": 1.25e-9, "conv2": 2.5e-9, "deconv1": 1e-8}),
        (SemanticAttention, {"fc1": 1.25e-9, "fc2": 2.5e-9}),
    ],
)
def test_released_gates_start_as_small_as_published(gate, stds):
    made = jax.jit(gate(64, "released").init)(
        jax.random.key(0), jnp.zeros((1, 15, 15, 64))
    )
    for name, std in stds.items():
        kernel = made["params"][name]["kernel"]
        slack = 4 / np.sqrt(2 * kernel.size)  # four standard errors
        assert float(kernel.std()) == pytest.approx(std, rel=slack)


def test_hourglass_has_the_sizes_of_the_table():
    x = jax.ShapeDtypeStruct((2, 53, 53, 64), jnp.float32)
    net = StructureAttention()
    made = jax.eval_shape(net.init, jax.random.key(0), x)
    kernels = [made["params"][n]["kernel"].shape for n in sorted(made["params"])]
    assert kernels == [(7, 7, 64, 16), (5, 5, 16, 1), (5, 5, 1, 1), (7, 7, 1, 1)]
    gate = lambda v, x: net.apply(v, x, method="gate")
    assert jax.eval_shape(gate, made, x).shape == (2, 53, 53, 1)


def test_a_structural_gate_is_one_number_a_place(x):
    net = StructureAttention(WIDTH)
    ratio = np.asarray(jax.jit(net.apply)(variables_of(net), x) / x)
    np.testing.assert_allclose(ratio, ratio[..., :1].repeat(WIDTH, -1), rtol=1e-5)
    assert ratio.std() > 0.01


def test_a_semantic_gate_is_the_papers(x):
    net = SemanticAttention(WIDTH)
    variables = variables_of(net)
    one, two = (variables["params"][name] for name in ("fc1", "fc2"))

    def score(pooled):
        hidden = np.maximum(pooled @ one["kernel"][0, 0] + one["bias"], 0)
        return hidden @ two["kernel"][0, 0] + two["bias"]

    wide = np.asarray(x)
    gate = 1 / (1 + np.exp(-score(wide.mean((1, 2))) - score(wide.max((1, 2)))))
    want = wide * gate[:, None, None]
    np.testing.assert_allclose(jax.jit(net.apply)(variables, x), want, rtol=1e-5)


def test_released_maximum_has_the_slope_of_the_mean(x):
    """Same values; the slope of a place that is not the maximum differs."""
    nets = [SemanticAttention(WIDTH, preset) for preset in PRESETS]
    variables = variables_of(nets[0])
    values, slopes = zip(
        *(
            jax.jit(jax.value_and_grad(lambda x, n=n: n.apply(variables, x).sum()))(x)
            for n in nets
        ),
        strict=True,
    )
    assert float(values[0]) == pytest.approx(float(values[1]), rel=1e-5)
    assert float(jnp.abs(slopes[0] - slopes[1]).max()) > 1e-3
    # Either way the slopes of a channel have the same sum, its weights' being equal.
    gates = [
        (s - n.apply(variables, x) / x).sum((1, 2))
        for s, n in zip(slopes, nets, strict=True)
    ]
    np.testing.assert_allclose(gates[0], gates[1], rtol=1e-3, atol=1e-3)


def test_pixel_attention_is_a_softmax_over_places(rng):
    q, k, v = (rng.normal(size=(2, 3, 4, 5)) for _ in range(3))
    got = attend(*(jnp.asarray(a, jnp.float32) for a in (q, k, v)))
    for n, (i, j) in [(0, (0, 0)), (1, (2, 3))]:
        weights = np.exp((q[n, i, j] * k[n]).sum(-1))
        want = (weights[..., None] * v[n]).sum((0, 1)) / weights.sum()
        np.testing.assert_allclose(got[n, i, j], want, rtol=1e-4, atol=1e-5)


def value_map(variables, x):
    """The value branch by hand, frozen norms."""
    params, stats = variables["params"], variables["batch_stats"]["bn_v"]
    v = x @ params["v"]["kernel"][0, 0] + params["v"]["bias"]
    v = (v - stats["mean"]) / jnp.sqrt(jnp.abs(stats["var"]) + 1e-5)
    return jax.nn.relu(v * params["bn_v"]["scale"] + params["bn_v"]["bias"])


@cache
def fine(preset):
    """Net and variables; variances are positive."""
    net = FineGrained(WIDTH, preset)
    variables = variables_of(FineGrained(WIDTH))
    positive = lambda path, x: jnp.abs(x) + 0.5 if path[-1].key == "var" else x
    return net, jax.tree_util.tree_map_with_path(positive, variables)


def test_released_pixel_attention_adds_one_vector_to_all_places(x):
    net, variables = fine("released")
    pixel = lambda v, x: net.apply(v, x, method="pixel_level")[0]
    got = jax.jit(pixel)(variables, x)
    out = variables["params"]["out"]
    summed = value_map(variables, x).sum((1, 2), keepdims=True)
    want = x + summed @ out["kernel"][0, 0] + out["bias"]
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("preset", PRESETS)
def test_queries_and_keys_learn_from_the_softmax_only(preset, x):
    net, variables = fine(preset)
    loss = lambda p: (net.apply({**variables, "params": p}, x)[0] ** 2).mean()
    slope = jax.jit(jax.grad(loss))(variables["params"])
    for name in ("q", "k", "bn_q", "bn_k"):
        learns = any(bool(leaf.any()) for leaf in jax.tree.leaves(slope[name]))
        assert learns == (preset == "paper"), name
    assert slope["v"]["kernel"].any()


def test_fusion_takes_pixel_level_before_holistic(x):
    net, variables = fine("paper")

    @jax.jit
    def parts(variables, x):
        pixel = net.apply(variables, x, method="pixel_level")[0]
        return pixel, net.apply(variables, x, method=lambda m, x: m.hc(x))

    both = jnp.concatenate(parts(variables, x), -1)
    fuse = variables["params"]["fuse"]
    want = both @ fuse["kernel"][0, 0] + fuse["bias"]
    (got,) = jax.jit(net.apply)(variables, x)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_moments_of_fine_grained_norms_move_a_tenth(x):
    net = FineGrained(WIDTH, "released", Norm(batch=True))
    _, variables = fine("released")
    run = lambda v, *maps: net.apply(v, *maps, mutable=["batch_stats"])[1]
    moved = jax.jit(run)(variables, x, 2 * x)["batch_stats"]
    for name in "qkv":
        layer = variables["params"][name]
        means = [
            (y @ layer["kernel"][0, 0] + layer["bias"]).mean((0, 1, 2))
            for y in (x, 2 * x)
        ]
        before = variables["batch_stats"][f"bn_{name}"]["mean"]
        want = 0.9 * before + 0.1 * (means[0] + means[1]) / 2
        np.testing.assert_allclose(moved[f"bn_{name}"]["mean"], want, atol=1e-5)
