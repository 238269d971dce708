"""The trunk without padding, and the batch norm that its branches share."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from tirjax.backbones.alexnet import AlexNet, by_group, of_grey
from tirjax.backbones.branch_norm import BranchNorm
from tirjax.backbones.norm import Norm
from tirjax.ops.max_pool import max_pool

NARROW = (4, 8, 6, 6, 4)
BATCH = BranchNorm(Norm(batch=True))


def shapes(net, *sides):
    images = [jax.ShapeDtypeStruct((2, s, s, 1), jnp.uint8) for s in sides]
    variables = jax.eval_shape(net.init, jax.random.key(0), *images)
    return variables, jax.eval_shape(net.apply, variables, *images)


def start(net, *images):
    """Initial variables; compiled, so that only they are computed."""
    return jax.jit(net.init)(jax.random.key(0), *images)


def count(tree):
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def test_every_layer_has_the_size_of_the_table():
    _, (maps,) = shapes(AlexNet(), 255)
    assert {name: x.shape[1:] for name, x in maps.items()} == {
        "conv1": (123, 123, 96),
        "relu1": (123, 123, 96),
        "conv2": (57, 57, 256),
        "relu2": (57, 57, 256),
        "conv3": (53, 53, 384),
        "relu3": (53, 53, 384),
        "conv4": (51, 51, 384),
        "relu4": (51, 51, 384),
        "conv5": (49, 49, 64),
    }


@pytest.mark.parametrize(
    ("side", "sizes"),
    [
        (127, [59, 25, 10, 8, 6]),
        (255, [123, 57, 26, 24, 22]),
        (239, [115, 53, 24, 22, 20]),
    ],
)
def test_siamfc_sizes(side, sizes):
    _, (maps,) = shapes(AlexNet((96, 256, 384, 384, 256), second_pool=2), side)
    assert [maps[f"conv{i}"].shape[1] for i in range(1, 6)] == sizes


def test_shallow_variants_end_with_a_rectifier():
    two, one = AlexNet((96, 32)), AlexNet((32,), first_stride=4)
    assert shapes(two, 255)[1][0][two.last].shape[1:] == (57, 57, 32)
    assert shapes(one, 255)[1][0][one.last].shape[1:] == (62, 62, 32)


@pytest.mark.parametrize(("width", "total"), [(64, 2004352), (32, 1949024)])
def test_parameter_counts(width, total):
    variables, _ = shapes(AlexNet((96, 256, 384, 384, width)), 255)
    assert count(variables["params"]) == total
    assert variables["params"]["conv2"]["kernel"].shape == (5, 5, 48, 256)


def test_kernels_start_with_the_width_of_the_table():
    variables = start(AlexNet(), jnp.zeros((1, 79, 79, 3)))
    want = {1: 0.01312, 2: 0.01768, 3: 0.02406, 4: 0.02406, 5: 0.05893}
    for i, std in want.items():
        layer = variables["params"][f"conv{i}"]
        assert float(layer["kernel"].std()) == pytest.approx(std, rel=0.02)
        assert not layer["bias"].any()


def test_values_equal_those_of_plain_layers(rng):
    """Groups as halves, poolings as windows, norms by hand."""
    net = AlexNet(NARROW)
    image = jnp.asarray(rng.uniform(0, 255, (2, 79, 87, 3)), jnp.float32)
    variables = randomised(start(net, image), rng)
    (maps,) = jax.jit(net.apply)(variables, image)
    third, fifth = plain(variables, image)
    close = {"rtol": 1e-4, "atol": 1e-4}  # single precision, sums of 484 products
    np.testing.assert_allclose(maps["conv3"], third, **close)
    np.testing.assert_allclose(maps["conv5"], fifth, **close)


@jax.jit
def plain(variables, image):
    """``conv3`` and ``conv5``, layer by layer."""
    params, stats = variables["params"], variables["batch_stats"]

    def correlate(x, kernel, stride=1):
        numbers = ("NHWC", "HWIO", "NHWC")
        strides = (stride, stride)
        return jax.lax.conv_general_dilated(
            x, kernel, strides, "VALID", dimension_numbers=numbers
        )

    def conv(x, i, stride=1):
        return correlate(x, params[f"conv{i}"]["kernel"], stride)

    def halves(x, i):
        kernel = params[f"conv{i}"]["kernel"]
        pairs = zip(jnp.split(x, 2, -1), jnp.split(kernel, 2, -1), strict=True)
        return jnp.concatenate([correlate(*pair) for pair in pairs], -1)

    def finish(x, i):
        x = x + params[f"conv{i}"]["bias"]
        if i == 5:
            return x
        moments, affine = stats[f"bn{i}"], params[f"bn{i}"]
        x = (x - moments["mean"]) / jnp.sqrt(moments["var"] + 1e-5)
        return jnp.maximum(x * affine["scale"] + affine["bias"], 0)

    x = finish(conv(image, 1, 2), 1)
    x = finish(halves(nn.max_pool(x, (3, 3), (2, 2)), 2), 2)
    x = conv(nn.max_pool(x, (3, 3)), 3)
    third = x + params["conv3"]["bias"]
    x = finish(halves(finish(x, 3), 4), 4)
    return third, finish(halves(x, 5), 5)


def randomised(variables, rng):
    """Other norms than the identity, biases other than zero."""
    draw = lambda x: jnp.asarray(rng.uniform(0.5, 1.5, x.shape), x.dtype)
    keep = lambda path, x: x if path[-1].key == "kernel" else draw(x)
    return jax.tree_util.tree_map_with_path(keep, variables)


def test_one_thermal_channel_is_three_equal_ones(rng):
    net = AlexNet(NARROW[:2])
    grey = jnp.asarray(rng.integers(0, 256, (1, 41, 41, 1)), jnp.uint8)
    variables = start(net, grey)
    three = jnp.tile(grey, (1, 1, 1, 3)).astype(jnp.float32)
    both = jax.jit(lambda v, a, b: (net.apply(v, a), net.apply(v, b)))
    (a,), (b,) = both(variables, grey, three)
    np.testing.assert_allclose(a["relu2"], b["relu2"], rtol=1e-5, atol=1e-4)
    assert a["relu2"].dtype == jnp.float32


@pytest.mark.parametrize(
    ("own", "groups", "stride"),
    [(by_group, 2, 2), (by_group, 2, 1), (by_group, 1, 1), (of_grey, 1, 2)],
)
def test_our_convolutions_and_their_derivatives_are_those_of_jax(
    rng, own, groups, stride
):
    """Single precision, sums of up to 300 products in another order."""
    x = jnp.asarray(rng.normal(size=(2, 9, 8, 4)), jnp.float32)
    if own is of_grey:
        x = jnp.repeat(x[..., :1], 4, -1)
    kernel = jnp.asarray(rng.normal(size=(3, 3, 4 // groups, 6)), jnp.float32)
    options = {
        "dimension_numbers": ("NHWC", "HWIO", "NHWC"),
        "feature_group_count": groups,
    }

    def both(convolve):
        value = lambda x, k: convolve(x, k, (stride,) * 2, "VALID", **options)
        slopes = jax.grad(lambda x, k: (value(x, k) ** 2).sum(), (0, 1))(x, kernel)
        return value(x, kernel), slopes[0].sum(-1), slopes[1]

    got, want = jax.jit(both, static_argnums=0)(own), both(jax.lax.conv_general_dilated)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_branches_may_differ_in_size_and_equal_those_alone(rng):
    net = AlexNet(NARROW[:2])
    z, x = (jnp.asarray(rng.uniform(0, 255, (2, s, s, 1))) for s in (31, 47))
    variables = start(net, z)
    apply = jax.jit(net.apply)
    for image, maps in zip((z, x), apply(variables, z, x), strict=True):
        (alone,) = apply(variables, image)
        for name, want in alone.items():
            np.testing.assert_allclose(maps[name], want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [8, 9])
def test_pooling_is_that_of_windows_and_drops_the_rest(rng, side, stride):
    x = jnp.asarray(rng.normal(size=(2, side, side + 3, 3)), jnp.float32)
    windows = lambda x: nn.max_pool(x, (3, 3), (stride, stride), "VALID")
    np.testing.assert_array_equal(max_pool(x, stride), windows(x))
    slope = lambda f: jax.jit(jax.grad(lambda x: (f(x) ** 2).sum()))(x)
    np.testing.assert_allclose(
        slope(lambda x: max_pool(x, stride)), slope(windows), rtol=1e-6
    )


@pytest.fixture
def branches(rng):
    draw = lambda n, mean: jnp.asarray(rng.normal(mean, 2, (n, 5, 6, 3)), jnp.float32)
    return draw(2, 1.0), draw(3, -4.0)


@pytest.fixture
def variables(rng):
    draw = lambda: jnp.asarray(rng.uniform(0.5, 2, 3), jnp.float32)
    return {
        "params": {"scale": draw(), "bias": draw()},
        "batch_stats": {"mean": draw(), "var": draw()},
    }


def test_each_branch_is_normalised_by_its_own_batch(branches, variables):
    found = BATCH.apply(variables, *branches)
    assert isinstance(found, tuple)
    params = variables["params"]
    for x, y in zip(branches, found, strict=True):
        wide = np.asarray(x, np.float64)
        mean, var = wide.mean((0, 1, 2)), wide.var((0, 1, 2))
        want = (wide - mean) / np.sqrt(var + 1e-5) * params["scale"] + params["bias"]
        np.testing.assert_allclose(y, want, atol=1e-5)


def test_running_moments_move_once_towards_the_mean_of_both(branches, variables):
    """Standard deviations are averaged, MatConvNet keeps those; biased."""
    _, moved = BATCH.apply(variables, *branches, mutable=["batch_stats"])
    before, after = variables["batch_stats"], moved["batch_stats"]
    wide = [np.asarray(x, np.float64) for x in branches]
    mean = np.mean([x.mean((0, 1, 2)) for x in wide], 0)
    deviation = np.mean([np.sqrt(x.var((0, 1, 2)) + 1e-5) for x in wide], 0)
    deviation = 0.95 * np.sqrt(before["var"] + 1e-5) + 0.05 * deviation
    want = 0.95 * before["mean"] + 0.05 * mean
    np.testing.assert_allclose(after["mean"], want, rtol=1e-5)
    np.testing.assert_allclose(after["var"], deviation**2 - 1e-5, rtol=1e-5)


def test_running_moments_are_used_and_kept_when_frozen(branches, variables):
    found, kept = BranchNorm().apply(variables, *branches, mutable=["batch_stats"])
    jax.tree.map(
        np.testing.assert_array_equal, kept["batch_stats"], variables["batch_stats"]
    )
    theirs = nn.BatchNorm(use_running_average=True)
    for x, y in zip(branches, found, strict=True):
        np.testing.assert_allclose(y, theirs.apply(variables, x), atol=2e-6)


def test_moments_over_devices_are_those_of_the_whole_batch(rng, variables):
    x = jnp.asarray(rng.normal(2, 3, (2, 4, 5, 5, 3)), jnp.float32)
    spread = BranchNorm(Norm(batch=True, axis="data"))
    run = lambda x: spread.apply(variables, x, mutable=["batch_stats"])
    (split,), moved = jax.jit(jax.vmap(run, axis_name="data"))(x)
    (whole,), want = BATCH.apply(
        variables, x.reshape(8, 5, 5, 3), mutable=["batch_stats"]
    )
    np.testing.assert_allclose(split.reshape(whole.shape), whole, atol=1e-5)
    for name in ("mean", "var"):
        stat = moved["batch_stats"][name][1]
        np.testing.assert_allclose(stat, want["batch_stats"][name], rtol=1e-5)
