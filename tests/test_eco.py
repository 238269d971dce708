"""ECO against a recorded run of the reference implementation, end to end.

The sequence is analytic, so nothing is stored but the trajectory: positions (one-based
pixel centres), filter norms and which kind of merge each frame exercises. It was
recorded in double precision with two independent programs that agree to 5e-5.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.trackers.eco import Block, Config, ScaleFilter, eco
from tirjax.trackers.eco import objective as ob
from tirjax.typing import Frame

POSITIONS = """
61.00000 71.00000  61.00000 71.00000  64.78987 74.26064  66.09319 76.75392
66.00000 81.08000  68.44504 81.70089  68.44607 83.93762  68.86241 86.71734
69.43773 88.89290  69.00000 93.08000  71.80717 92.67835  73.02680 94.26010
77.08000 94.00000  77.66277 98.13988  82.08000 102.08000  82.19852 102.59469
"""
NORMS = [0.943420, 0.986904, 1.076606, 1.314201, 1.499006, 1.659443, 1.826063, 2.001896]
WEIGHTS = [0.807885, 0.049031, 0.034378, 0.069107, 0.039600]
CONFORMANCE = Config(
    blocks=(Block("intensity", 4, 3), Block("gray", 6, 1)),
    min_area=50.0**2,
    max_area=200.0**2,
    label_sigma=1 / 12,
    rate=0.02,
    memory=5,
    train_gap=1,
    train_always=1,
    first_cg_steps=30,
    first_gn_steps=3,
    scale_filter=None,
)


def analytic_clip():
    t, y, x = np.arange(16)[:, None, None], np.arange(120)[:, None], np.arange(160)
    v, u = x - (70 + 2.1 * t), y - (60 + 1.3 * t + 2 * np.sin(0.5 * t))
    ground = 100 + 40 * np.sin(0.23 * x + 0.11 * y) + 25 * np.cos(0.17 * y - 0.05 * x)
    patch = 150 + 50 * np.sin(0.6 * u) * np.cos(0.5 * v) + 40 * np.cos(0.2 * (u + v))
    clip = np.where((np.abs(u) <= 12) & (np.abs(v) <= 10), patch, ground)
    return np.floor(clip + 0.5).astype(np.uint8)[..., None]


def follow(config):
    """Every state and prediction of the analytic clip."""
    clip = analytic_clip()
    tracker = eco(config, size=(21, 25))
    frames = [Frame(jnp.asarray(f), jnp.array([120, 160], jnp.int32)) for f in clip]
    box, step = jnp.array([60.0, 48.0, 21.0, 25.0]), jax.jit(tracker.step)
    states = [jax.jit(tracker.init)((), frames[0], box, jax.random.key(0))]
    boxes = [box]
    for frame in frames[1:]:
        state, said = step((), states[-1], frame)
        states.append(state)
        boxes.append(said.box)
    return states, np.stack(boxes)


@pytest.fixture(scope="module", params=[64, 32], ids=["float64", "float32"])
def run(request):
    tolerance = {64: 2e-5, 32: 1e-3}[request.param]
    with jax.enable_x64(request.param == 64):
        yield *follow(CONFORMANCE), tolerance


def test_first_frame_has_the_recorded_problem(run):
    state = run[0][0]
    labels = state.problem.labels
    assert [x.shape for x in labels] == [(25, 13), (17, 9)]
    np.testing.assert_allclose(labels[0].max(), 0.00220179, rtol=1e-5)
    halves = [float((x**2).sum()) for x in labels]
    np.testing.assert_allclose(halves, [5.45232e-4, 4.22047e-4], rtol=1e-5)
    np.testing.assert_allclose(state.problem.window.energy, 0.02180552, rtol=1e-5)


def test_first_frame_learns_the_recorded_projection(run):
    state, tolerance = run[0][0], run[2]
    norms = [float((p**2).sum()) for p in state.projection]
    np.testing.assert_allclose(norms, [3.437376, 1.064230], rtol=tolerance)
    np.testing.assert_allclose(state.memory.gram[0, 0], 1.063612, rtol=tolerance)


def test_trajectory_is_the_recorded_one(run):
    states, _, tolerance = run
    positions = np.stack([s.position for s in states]) + 1
    expected = np.array(POSITIONS.split(), float).reshape(-1, 2)
    np.testing.assert_allclose(positions, expected, atol=tolerance)


def test_filter_norms_after_training_are_the_recorded_ones(run):
    states, _, tolerance = run
    norms = [float(ob.inner(s.learned.filter, s.learned.filter)) for s in states[::2]]
    np.testing.assert_allclose(norms, NORMS, rtol=tolerance)


def test_memory_ends_with_the_recorded_weights(run):
    states, _, tolerance = run
    np.testing.assert_allclose(states[-1].memory.weights, WEIGHTS, atol=tolerance)


def test_boxes_follow_the_positions(run):
    states, boxes, _ = run
    centres = np.stack([s.position for s in states])[:, ::-1] + 0.5
    np.testing.assert_allclose(boxes[:, :2] + boxes[:, 2:] / 2, centres, atol=1e-4)
    np.testing.assert_allclose(boxes[:, 2:], [[21, 25]] * 16, rtol=1e-5)


def test_equal_layouts_are_one_tracker():
    assert eco(size=(20, 20)) is eco(size=(20.4, 20.6))
    free = Config(fixed_size=True, scale_filter=ScaleFilter(template=(24, 24)))
    assert eco(free, size=(9, 7)) is eco(free, size=(200, 90))
