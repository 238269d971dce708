"""The parts of ATOM against slow versions of themselves and recorded layers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.heads.networks import atom_net
from tirjax.trackers.atom import ATOM, Config, atom, classifier
from tirjax.trackers.atom.upsample import interpolation
from tirjax.trackers.augment import Augmentation
from tirjax.typing import Frame

PLAIN = Augmentation(
    shifts=(), flip=False, blurs=(), rotations=(), dropout=(1, 0.2), random_shift=0.0
)
SMALL = Config(side=96, augmentation=PLAIN, slots=5, channels=6)
learn = jax.jit(classifier.learn, static_argnums=0)
learn_first = jax.jit(classifier.learn_first, static_argnums=0)


@pytest.fixture(scope="module")
def layers(shared):
    with np.load(shared / "goldens/dimp/layers.npz") as arrays:
        return dict(arrays)


def dense_map(scores, side):
    up = interpolation(len(scores), side)
    return up @ scores @ up.T


def test_dense_map_is_the_recorded_one(layers):
    dense = dense_map(layers["fourier/raw"][0, 0], 288)
    # Recorded before the roll that brings no motion to the middle.
    unrolled = np.roll(dense, (144, 144), (0, 1))
    np.testing.assert_allclose(
        unrolled[::8, ::8], layers["fourier/upsampled288_every8"], atol=2e-5
    )
    peak = np.unravel_index(unrolled.argmax(), unrolled.shape)
    np.testing.assert_array_equal(peak, layers["fourier/upsampled288_argmax"][0, 0])


def test_dense_map_is_the_series_with_its_highest_frequency_at_both_ends(rng):
    scores = rng.normal(size=(6, 6))
    spectrum = np.fft.fft2(scores) / 36
    k = np.arange(-3, 4)
    turned = spectrum[np.ix_(k % 6, k % 6)] * (-1.0) ** (k[:, None] + k)
    wave = np.exp(2j * np.pi * np.outer(np.arange(24) - 12, k) / 24)
    expected = (wave @ turned @ wave.T).real
    np.testing.assert_allclose(dense_map(scores, 24), expected, atol=1e-12)


def test_peak_between_cells_is_found_to_the_pixel():
    at = np.arange(18)
    line = lambda centre: np.exp(-0.5 * ((at - centre) / 0.9) ** 2)
    dense = dense_map(np.outer(line(9.3), line(8.6)), 288)
    peak = np.array(np.unravel_index(dense.argmax(), dense.shape)) - 144
    np.testing.assert_array_equal(peak, [5, -6])
    np.testing.assert_allclose(dense.max(), 0.986, atol=1e-3)


def test_activation_is_the_recorded_one(layers):
    got = classifier.activate(jnp.asarray(layers["act/x"]), 0.05)
    np.testing.assert_allclose(got, layers["act/mlu_0.05"], atol=1e-6)


def test_activation_has_a_finite_slope_everywhere():
    x = jnp.array([-1e4, -1.0, 0.0, 1.0, 1e4])
    slope = jax.vmap(jax.grad(lambda x: classifier.activate(x, 0.05)))(x)
    np.testing.assert_allclose(slope, [0, np.exp(-20), 1, 1, 1], atol=1e-6)


def test_label_of_an_unmoved_target_peaks_after_the_middle():
    """An even filter answers half a cell late: at cell 9 of 18."""
    label = classifier.labels(ATOM, jnp.zeros(2))
    cell = np.arange(18)
    line = np.exp(-0.5 * ((cell - 9) / 0.9) ** 2)
    np.testing.assert_allclose(label, np.outer(line, line), atol=1e-6)


def test_label_moves_a_cell_in_sixteen_pixels():
    label = classifier.labels(ATOM, jnp.array([[32.0, -48.0]]))[0]
    assert np.unravel_index(label.argmax(), label.shape) == (11, 6)


def test_unit_power_is_a_mean_square_of_one(rng):
    x = jnp.asarray(rng.normal(size=(3, 4, 4, 5)) * [[[[7.0]]], [[[1e-2]]], [[[1]]]])
    power = (classifier.unit_power(x) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(power, 1, rtol=1e-4)


def slow_scores(x, filter):
    """Correlation by loops; one score a node."""
    n, m, _, _ = x.shape
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    window = lambda i, j: padded[:, i : i + 4, j : j + 4]
    out = [(window(i, j) * filter).sum((1, 2, 3)) for i in range(m) for j in range(m)]
    return np.stack(out, -1).reshape(n, m, m)


def slow_objective(config, samples, wanted, weights, filter):
    s = slow_scores(samples, filter)
    activated = np.where(s >= 0, s, 0.05 * (np.exp(np.minimum(s, 0) / 0.05) - 1))
    fit = (weights[:, None, None] * (activated - wanted) ** 2).sum()
    return fit + config.filter_ridge * (filter**2).sum()


@pytest.fixture
def problem(rng):
    """Raw features, labels, a filter and a projection of the small setting."""
    draw = lambda *shape: rng.normal(size=shape).astype(np.float32)
    wanted = classifier.labels(SMALL, jnp.asarray(8 * draw(4, 2)))
    return draw(4, 6, 6, 9), wanted, 0.1 * draw(4, 4, 6), draw(9, 6) / 3


def test_scores_are_a_correlation_of_the_samples_size(problem):
    features, _, _, projection = problem
    filter = np.ones((4, 4, 9), np.float32) * projection[:, 0]
    got = classifier.scores(jnp.asarray(features), jnp.asarray(filter))
    np.testing.assert_allclose(got, slow_scores(features, filter), atol=1e-4)


def test_the_first_objective_is_that_of_projected_samples(problem):
    features, wanted, filter, projection = problem
    config = dataclasses.replace(SMALL, first_steps=2)
    *_, losses = learn_first(config, *map(jnp.asarray, problem))
    samples, weights = features @ projection, np.full(4, 0.25)
    expected = slow_objective(config, samples, wanted, weights, filter)
    expected += config.projection_ridge * (projection**2).sum()
    np.testing.assert_allclose(losses[0], expected, rtol=1e-5)
    assert losses[2] < 0.5 * losses[0]


def test_learning_lowers_the_objective_and_ignores_empty_slots(problem):
    features, wanted, filter, projection = problem
    samples = features @ projection
    weights = np.array([0.5, 0.3, 0.2, 0.0], np.float32)
    learned = learn(SMALL, samples, wanted, weights, filter)
    before, after = (
        slow_objective(SMALL, samples, wanted, weights, np.asarray(f))
        for f in (filter, learned)
    )
    assert after < before
    samples[3] = 1e3
    again = learn(SMALL, samples, wanted, weights, filter)
    np.testing.assert_allclose(again, learned, atol=1e-6)


def test_state_is_a_scan_carry():
    tracker, net = atom(SMALL), atom_net()
    frame = Frame(jnp.zeros((64, 80, 1), jnp.uint8), jnp.array([64, 80], jnp.int32))
    box, key = jnp.array([20.0, 20.0, 16.0, 12.0]), jax.random.key(0)
    images = jnp.zeros((1, 96, 96, 3))
    params = jax.eval_shape(net.init, key, images, jnp.ones((1, 4)))
    before = jax.eval_shape(tracker.init, params, frame, box, key)
    after, said = jax.eval_shape(tracker.step, params, before, frame)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    assert jax.tree.leaves(before) == jax.tree.leaves(after)
    assert said.box.shape == (4,)


@pytest.fixture(scope="module")
def params():
    """Drawn, not trained; initialised without compiling what only gives shapes."""
    images, boxes = jnp.zeros((1, 96, 96, 3)), jnp.ones((1, 4))
    shapes = jax.eval_shape(atom_net().init, jax.random.key(0), images, boxes)
    rng = np.random.default_rng(0)

    def draw(path, x):
        unit = path[-1].key in ("scale", "var")
        fan = max(np.prod(x.shape[:-1]), 1)
        drawn = np.ones(x.shape) if unit else rng.normal(size=x.shape) / np.sqrt(fan)
        return jnp.asarray(drawn, x.dtype)

    return jax.tree_util.tree_map_with_path(draw, shapes)


@pytest.mark.slow
def test_targets_in_a_batch_equal_each_alone_in_one_compiled_step(params):
    tracker, rng = atom(SMALL), np.random.default_rng(1)
    pixels = rng.integers(0, 255, (4, 64, 80, 1), np.uint8)
    frames = [Frame(jnp.asarray(p), jnp.array([64, 80], jnp.int32)) for p in pixels]
    boxes = jnp.array([[20.0, 20.0, 16.0, 12.0], [40.0, 30.0, 14.0, 20.0]])
    keys = jax.random.split(jax.random.key(2))
    traces = []
    one = jax.jit(lambda s, f: (traces.append(1), tracker.step(params, s, f))[1])
    many = jax.jit(jax.vmap(tracker.step, (None, 0, None)))
    init = jax.jit(tracker.init)
    alone = [init(params, frames[0], b, k) for b, k in zip(boxes, keys, strict=True)]
    batch = jax.tree.map(lambda *x: jnp.stack(x), *alone)
    for frame in frames[1:]:
        found = []
        for i in range(2):
            alone[i], said = one(alone[i], frame)
            found.append(said.box)
        batch, together = many(params, batch, frame)
        np.testing.assert_allclose(together.box, np.stack(found), atol=0.05)
    assert len(traces) == 1


@pytest.mark.slow
def test_a_box_has_a_finite_derivative_by_the_weights(params):
    """Forward, as training is a dynamic loop."""
    tracker, rng = atom(SMALL), np.random.default_rng(1)
    pixels = jnp.asarray(rng.integers(0, 255, (3, 64, 80, 1), np.uint8))
    size, box = jnp.array([64, 80], jnp.int32), jnp.array([20.0, 20.0, 16.0, 12.0])

    def end(t):
        moved = jax.tree.map(lambda x: x * (1 + t), params["params"]["backbone"])
        here = {**params, "params": {**params["params"], "backbone": moved}}
        state = tracker.init(here, Frame(pixels[0], size), box, jax.random.key(0))
        body = lambda s, p: tracker.step(here, s, Frame(p, size))
        return jax.lax.scan(body, state, pixels[1:])[1].box[-1]

    slope = jax.jit(lambda t: jax.jvp(end, (t,), (jnp.ones_like(t),))[1])
    assert np.isfinite(slope(jnp.float32(0))).all()


def test_both_functions_export_to_stablehlo_for_every_platform(params):
    tracker = atom(SMALL)
    frame = Frame(jnp.zeros((64, 80, 1), jnp.uint8), jnp.array([64, 80], jnp.int32))
    box, key = jnp.array([20.0, 20.0, 16.0, 12.0]), jax.random.key(0)
    state = jax.eval_shape(tracker.init, params, frame, box, key)
    portable = lambda f: jax.export.export(jax.jit(f), platforms=("cpu", "cuda", "tpu"))
    for exported in (
        portable(tracker.init)(params, frame, box, key),
        portable(tracker.step)(params, state, frame),
    ):
        assert "stablehlo" in exported.mlir_module()


def test_equal_settings_are_one_tracker():
    assert atom(Config()) is atom(ATOM)
