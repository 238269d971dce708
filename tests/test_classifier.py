"""DiMP's classifier, layer by layer and whole, against recorded and written values."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recorded_nets import (
    apply,
    assert_close,
    assert_features,
    channels_last,
    golden,
    load,
    maps,
)

from tirjax.heads.classifier import Classifier, activation, instance_l2norm
from tirjax.ops.distance import radial
from tirjax.ops.labels import gaussian_label
from tirjax.ops.target_filter import score_map

DIMP = ("dimp18", "dimp50")


@pytest.fixture
def layers(shared):
    return load("layers")


@pytest.fixture(scope="module")
def recorded_features(shared):
    return {net: load(f"{net}_clf_feat") for net in DIMP}


def features_of(recorded, part):
    return channels_last(recorded[f"clf_feat/{part}"])


def filter_of(recorded):
    return channels_last(recorded)[0]


def test_normalised_maps_equal_the_recorded_ones(layers):
    x = channels_last(layers["l2norm/in"])
    got = instance_l2norm(x, 0.25)
    assert_close(got, channels_last(layers["l2norm/size_average_True"]))
    got = instance_l2norm(x, 0.25 * x[0].size ** -0.5)
    assert_close(got, channels_last(layers["l2norm/size_average_False"]))


def test_normalised_ramp_has_the_sum_known_by_hand():
    x = jnp.moveaxis(jnp.arange(24.0).reshape(2, 3, 4), 0, -1)
    got = instance_l2norm(x, 0.25)
    assert float(got.sum()) == pytest.approx(5.140577, rel=1e-6)
    assert float(jnp.sqrt(jnp.mean(got**2))) == pytest.approx(0.25, rel=1e-6)


@pytest.mark.parametrize(("knots", "spacing"), [(100, 0.1), (5, 1.0)])
def test_distance_maps_equal_the_recorded_ones(layers, knots, spacing):
    recorded = layers[f"distmap/bins{knots}_{spacing}"]
    basis = lambda c: radial(jnp.eye(knots), c, (19, 19), spacing)
    got = jax.jit(jax.vmap(basis))(layers["distmap/center_yx"][:, ::-1])
    np.testing.assert_allclose(got.sum(-1), 1, rtol=1e-5)
    picked = np.arange(0, knots, 1 if knots == 5 else 9)  # what was recorded
    # Ten knots a cell: a rounded distance of 14 cells moves a bin by 1e-5.
    assert_close(np.moveaxis(np.asarray(got), -1, 1)[:, picked], recorded, 5e-5)


def test_distance_is_zero_at_the_centre_and_saturates_at_the_corner():
    basis = radial(jnp.eye(100), jnp.array([9.0, 9.0]), (19, 19), 0.1)
    assert float(basis[9, 9, 0]) == 1
    assert float(basis[0, 0, 99]) == 1


def test_activation_and_its_slope_equal_the_recorded_ones(layers):
    x, mask = jnp.asarray(layers["act/x"]), jnp.asarray(layers["act/a"])
    assert_close(activation(x, mask), layers["act/leakyrelupar"])
    slope = jax.grad(lambda x: activation(x, mask).sum())(x)
    assert_close(slope, layers["act/leakyrelupar_deriv"])


@pytest.mark.parametrize("sequences", [1, 2])
@pytest.mark.parametrize("size", [4, 3, 1])
def test_correlation_and_its_transpose_equal_the_recorded_ones(layers, size, sequences):
    name = f"filter/k{size}_seq{sequences}"
    features = channels_last(layers[f"{name}/feat"])
    scores = layers[f"{name}/scores"]

    @jax.jit
    def both(filter):
        correlate = lambda w: jax.vmap(score_map, (1, 0), 1)(features, w)
        return correlate(filter), jax.linear_transpose(correlate, filter)(scores)[0]

    got, gradient = both(channels_last(layers[f"{name}/filter"]))
    if (size, sequences) != (1, 2):  # the original pairs filters and images wrongly
        assert_close(got, scores)
    assert_close(gradient, channels_last(layers[f"{name}/transpose_train"]))
    assert_close(gradient, channels_last(layers[f"{name}/transpose_eval"]))


def test_correlation_equals_a_padded_convolution(rng):
    features = jnp.asarray(rng.normal(size=(2, 5, 7, 3)), jnp.float32)
    for size in (1, 2, 3, 4):
        filter = jnp.asarray(rng.normal(size=(size, size, 3)), jnp.float32)
        expected = jax.lax.conv_general_dilated(
            features,
            filter[..., None],
            (1, 1),
            [(size // 2, size // 2)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        got = score_map(features, filter)
        np.testing.assert_allclose(got, expected[..., 0], rtol=1e-4, atol=1e-5)


def test_labels_equal_the_recorded_ones(layers):
    centre = layers["label/boxes"][:, :2] + layers["label/boxes"][:, 2:] / 2
    label = lambda c: gaussian_label(c / 16, (19, 19), 0.05 * 18)
    got = jax.vmap(label)(centre)
    assert_close(got, layers["label/gauss_k4_f18_im288_sig0.05"])


def test_labels_have_the_values_known_by_hand():
    label = gaussian_label(jnp.array([9.0, 9.0]), (19, 19), 0.9)
    assert float(label[9, 9]) == 1
    assert float(label[9, 10]) == pytest.approx(0.539407, abs=1e-6)
    label = np.asarray(gaussian_label(jnp.array([135, 140]) / 16, (19, 19), 0.9))
    assert np.unravel_index(label.argmax(), label.shape) == (9, 8)
    assert label.max() == pytest.approx(0.854933, abs=1e-6)


@pytest.mark.parametrize("net", DIMP)
def test_features_equal_the_recorded_ones(net, recorded_features):
    layer3 = maps(net)["layer3"]
    got = apply(net, lambda m, x: m.classifier.features(x), layer3)
    for part, index in (("train", slice(0, 3)), ("test", slice(3, 5))):
        assert_features(got[index], golden(net), f"clf_feat/{part}")
        assert_close(got[index], features_of(recorded_features[net], part))


@pytest.mark.parametrize("net", DIMP)
def test_the_initial_filter_equals_the_recorded_one(net, recorded_features):
    recorded = golden(net)
    got = apply(
        net,
        lambda m, f, b: m.classifier.initial_filter(f, b),
        features_of(recorded_features[net], "train"),
        recorded["in/train_bb"],
    )
    assert_close(got, filter_of(recorded["filter/init"]))


@pytest.mark.parametrize("net", DIMP)
def test_label_mask_and_weight_equal_the_recorded_ones(net):
    recorded = golden(net)
    maps_of = lambda m, b: m.classifier.filter_optimizer.maps(b, (19, 19), 4)
    got = apply(net, maps_of, recorded["in/train_bb"])
    names = ("label_map", "target_mask", "spatial_weight")
    for name, values in zip(names, got, strict=True):
        assert_close(values, recorded[f"opt/{name}"][:, 0])


@pytest.mark.parametrize("net", DIMP)
def test_every_iterate_its_scores_and_losses_equal_the_recorded_ones(
    net, recorded_features
):
    recorded = golden(net)
    train, test = (features_of(recorded_features[net], p) for p in ("train", "test"))
    iterates = channels_last(recorded["filter/iterates"][:, 0])

    def run(module, features, test, boxes, filter):
        solve = lambda n: module.classifier.optimise(
            features, boxes, filter, steps=5, count=n
        )
        filters, losses = jax.lax.map(solve, jnp.arange(6))
        every = jax.vmap(score_map, (None, 0))(test, filters)
        return filters, every, score_map(features, filters[-1]), losses[-1]

    filters, scores, final, losses = apply(
        net, run, train, test, recorded["in/train_bb"], iterates[0]
    )
    assert_close(filters, iterates)
    assert_close(losses, recorded["filter/losses"])
    assert_close(final, recorded["filter/scores_final_train"])
    for step in range(6):
        expected = recorded["filter/scores_per_iterate_test"][step]
        assert_close(scores[step], expected)
        exact = recorded["filter/scores_per_iterate_test__f64"][step]
        assert_close(scores[step], exact)


@pytest.mark.parametrize("net", DIMP)
def test_ten_iterations_equal_the_recorded_ones(net, recorded_features):
    recorded = golden(net)
    run = lambda m, f, b, w: m.classifier.optimise(f, b, w, steps=10)
    filter, losses = apply(
        net,
        run,
        features_of(recorded_features[net], "train"),
        recorded["in/train_bb"],
        filter_of(recorded["filter/init"]),
    )
    assert_close(filter, filter_of(recorded["filter/final_10iter"]), 5e-5)
    assert_close(losses, recorded["filter/losses_10iter"])
    assert_close(losses, recorded["filter/losses_10iter__f64"])


@pytest.mark.parametrize("net", DIMP)
def test_weighted_update_in_a_half_filled_memory_equals_the_recorded_one(
    net, recorded_features, rng
):
    """Slots of weight 0 may hold anything: the recorded run had only three samples."""
    recorded, free = golden(net), 4
    features = features_of(recorded_features[net], "train")
    junk = rng.normal(size=(free, *features.shape[1:])).astype(np.float32)
    boxes = np.concatenate([recorded["in/train_bb"], np.full((free, 4), 999.0)])
    weights = np.concatenate([recorded["filter_online/sample_weight"], np.zeros(free)])
    filter, losses = apply(
        net,
        lambda m, f, b, w, s: m.classifier.optimise(f, b, w, s, steps=2),
        np.concatenate([features, junk]),
        boxes.astype(np.float32),
        channels_last(recorded["filter/iterates"][5, 0]),
        weights.astype(np.float32),
    )
    assert_close(filter, filter_of(recorded["filter_online/final"]))
    assert_close(losses, recorded["filter_online/losses"])
    assert_close(losses, recorded["filter_online/losses__f64"])


def test_an_untrained_optimiser_starts_from_the_recorded_values(shared):
    recorded = golden("dimp18")
    made = small_classifier()[1]["params"]["filter_optimizer"]
    for path, value in jax.tree_util.tree_leaves_with_path(made):
        name = ".".join(p.key for p in path).replace("kernel", "weight")
        key = f"special/classifier.filter_optimizer.{name.replace('_0.', '.0.')}"
        assert_close(value.reshape(-1), recorded[key].reshape(-1))


@cache
def small_classifier():
    """Two channels, 6x6 maps of two images, and an untrained optimiser."""
    index = np.arange(2 * 2 * 6 * 6).reshape(2, 2, 6, 6)
    features = channels_last(0.1 * np.sin(0.37 * index + 0.1))
    start = channels_last(0.05 * np.cos(0.5 * np.arange(32).reshape(2, 4, 4)))
    boxes = jnp.array([[32.0, 30, 30, 40], [40, 36, 24, 20]])
    module, args = Classifier(0, 2), (features, boxes, start)
    init = jax.jit(lambda key: module.init(key, *args, method="optimise"))
    variables = init(jax.random.key(0))
    return module, variables, args


@pytest.mark.parametrize(
    ("weights", "losses", "row"),
    [
        (
            None,
            [2.546298, 2.462798, 2.444605],
            [0.0063853, -0.0177971, -0.0421170, -0.0642949],
        ),
        (
            jnp.array([0.7, 0.3]),
            [2.529818, 2.455090, 2.440572],
            [0.0218389, -0.0042181, -0.0312614, -0.0577991],
        ),
    ],
)
def test_two_steps_on_a_sine_have_the_values_known_by_hand(weights, losses, row):
    module, variables, args = small_classifier()
    run = jax.jit(lambda *a: module.apply(variables, *a, weights, 2, method="optimise"))
    filter, got = run(*args)
    np.testing.assert_allclose(got, losses, rtol=1e-6)
    np.testing.assert_allclose(filter[0, :, 0], row, atol=2e-7)
    if weights is None:
        assert float(filter.sum()) == pytest.approx(-0.5946608, abs=1e-6)
        assert float((filter**2).sum()) == pytest.approx(0.0912204, abs=1e-7)


def test_a_batch_of_sequences_equals_each_alone():
    module, variables, args = small_classifier()
    solve = lambda *a: module.apply(variables, *a, None, 3, method="optimise")
    pair = [jnp.stack([x, x[::-1]]) for x in args]
    many, losses = jax.jit(jax.vmap(solve))(*pair)
    for i in range(2):
        alone, loss = jax.jit(solve)(*(x[i] for x in pair))
        np.testing.assert_allclose(many[i], alone, atol=1e-6)
        np.testing.assert_allclose(losses[i], loss, rtol=1e-6)
