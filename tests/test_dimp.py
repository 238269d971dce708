"""What DiMP does whatever its weights are, on a network small enough to run often."""

import collections
import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from tirjax.heads.classifier import Classifier
from tirjax.heads.iou_net import IoUNet
from tirjax.heads.networks import DimpNet, dimp_net
from tirjax.trackers import FOUND, LOST, UNCERTAIN, track_many
from tirjax.trackers.augment import Augmentation
from tirjax.trackers.dimp import DIMP18, DIMP50, SUPER_DIMP, Config, dimp
from tirjax.trackers.localize import HARD_NEGATIVE, UNDECIDED, Trust
from tirjax.trackers.refine import Refinement
from tirjax.typing import Frame

ROWS, COLS, TIME = 84, 92, 6
KEY = jax.random.key(0)
BOX = jnp.array([20.0, 24.0, 20.0, 20.0])


class Backbone(nn.Module):
    """Two strided convolutions."""

    def setup(self):
        conv = lambda stride: nn.Conv(8, (stride, stride), stride, padding="VALID")
        self.first, self.second = conv(8), conv(2)

    def __call__(self, images):
        layer2 = nn.relu(self.first(images))
        return {"layer2": layer2, "layer3": nn.relu(self.second(layer2))}


NET = DimpNet(Backbone(), Classifier(0, 8), IoUNet())
ALWAYS = Trust(not_found=-1e9, distractor=1e9, hard_negative=1e9)
TINY = Config(
    side=96,
    augmentation=Augmentation(((0.6, 0.6),), True, ((1, 1),), (10,), (1, 0.2)),
    refinement=Refinement(proposals=3, relative=True, steps=2, rates=(1e-2, 1e-2)),
    trust=ALWAYS,
    slots=11,
    train_gap=2,
    first_steps=2,
)
traces = collections.Counter()


def counted_step(tracker, params, state, frame):
    traces[tracker] += 1
    return tracker.step(params, state, frame)


init = jax.jit(lambda tracker, *arguments: tracker.init(*arguments), static_argnums=0)
step = jax.jit(counted_step, static_argnums=0)


@pytest.fixture(scope="module")
def params():
    images, boxes = jnp.zeros((1, 96, 96, 3)), jnp.array([[30.0, 30.0, 20.0, 20.0]])
    return jax.jit(NET.init)(KEY, images, boxes)


@pytest.fixture(scope="module")
def frames():
    """A warm disc that moves over uneven ground, with a bucket's padding."""
    rows, cols = np.mgrid[:96, :96] + 0.5
    ground = 60 + 12 * np.sin(rows / 5) * np.cos(cols / 7)
    centre = np.array([34, 30]) + np.arange(TIME)[:, None] * [1.0, 2.0]
    y, x = centre.T[:, :, None, None]
    pixels = ground + 150 * np.exp(-((cols - x) ** 2 + (rows - y) ** 2) / 50)
    size = jnp.tile(jnp.array([ROWS, COLS], jnp.int32), (TIME, 1))
    return Frame(jnp.asarray(pixels.astype(np.uint8))[..., None], size)


def at(frames, i):
    return jax.tree.map(lambda x: x[i], frames)


def follow(tracker, params, frames, box=BOX, key=KEY):
    """States of all frames, predictions of all but the first.

    The trackers here differ after the first frame only, so one program starts all.
    """
    states, said = [init(dimp(TINY, NET), params, at(frames, 0), box, key)], []
    for i in range(1, len(frames.size)):
        state, prediction = step(tracker, params, states[-1], at(frames, i))
        states.append(state)
        said.append(prediction)
    return states, jax.tree.map(lambda *x: np.stack(x), *said)


@pytest.fixture(scope="module")
def followed(params, frames):
    return follow(dimp(TINY, NET), params, frames)


def trained(states):
    """Frames, counted from one, after which the filter is another."""
    pairs = itertools.pairwise(states)
    changed = [not np.array_equal(a.filter, b.filter) for a, b in pairs]
    return [i + 2 for i, new in enumerate(changed) if new]


def test_the_prediction_has_the_declared_types(followed):
    _, said = followed
    assert said.box.dtype == said.score.dtype == np.float32
    assert said.status.dtype == np.int32
    assert np.isfinite(said.box).all() and (said.box[:, 2:] > 0).all()


def test_the_overlap_is_predicted_where_the_target_is_found(followed):
    _, said = followed
    assert said.overlap.dtype == np.float32
    found = said.status == FOUND
    assert found.any()
    assert ((said.overlap[found] >= 0) & (said.overlap[found] <= 1)).all()


def test_both_functions_export_to_stablehlo_for_every_platform(params, frames):
    tracker, frame = dimp(TINY, NET), at(frames, 0)
    state = jax.eval_shape(tracker.init, params, frame, BOX, KEY)
    portable = lambda f: jax.export.export(jax.jit(f), platforms=("cpu", "cuda", "tpu"))
    for exported in (
        portable(tracker.init)(params, frame, BOX, KEY),
        portable(tracker.step)(params, state, frame),
    ):
        assert "stablehlo" in exported.mlir_module()


def test_equal_settings_are_one_tracker():
    assert dimp(TINY, NET) is dimp(dataclasses.replace(TINY), NET)


def test_the_step_compiles_once_for_all_frames_boxes_and_sizes(params, frames):
    tracker = dimp(TINY, NET)
    sizes = frames.size.at[2:].set(jnp.array([70, 90], jnp.int32))
    follow(tracker, params, frames._replace(size=sizes), BOX + jnp.array([3, 2, 5, -4]))
    assert traces[tracker] == 1


def test_padding_is_never_read(params, frames, followed):
    noise = jnp.full_like(frames.pixels, 255)
    inside = (jnp.arange(96) < ROWS)[:, None] & (jnp.arange(96) < COLS)
    pixels = jnp.where(inside[..., None], frames.pixels, noise)
    _, said = follow(dimp(TINY, NET), params, frames._replace(pixels=pixels))
    jax.tree.map(np.testing.assert_array_equal, said, followed[1])


def test_the_key_decides_the_run(params, frames, followed):
    tracker = dimp(TINY, NET)
    _, again = follow(tracker, params, frames)
    _, other = follow(tracker, params, frames, key=jax.random.key(1))
    np.testing.assert_array_equal(again.box, followed[1].box)
    assert not np.array_equal(other.box, followed[1].box)


def test_scans_in_a_batch_equal_steps_one_at_a_time(params, frames, followed):
    tracker = dimp(TINY, NET)
    two = jax.tree.map(lambda x: jnp.stack([x, x]), frames)
    boxes = jnp.stack([BOX, BOX + 6])
    run = jax.jit(lambda p: track_many(tracker, p, two, boxes, jnp.stack([KEY, KEY])))
    many = run(params)
    _, second = follow(tracker, params, frames, BOX + 6)
    np.testing.assert_allclose(many.box[0], followed[1].box, atol=1e-2)
    np.testing.assert_allclose(many.box[1], second.box, atol=1e-2)


def test_the_filter_trains_when_it_is_due_and_only_then(followed):
    assert trained(followed[0]) == [3, 5]


def test_trusted_samples_fill_the_memory_in_order(followed):
    assert [int(s.memory.latest) for s in followed[0]] == [-1, 6, 7, 8, 9, 10]


def test_a_lost_target_keeps_its_box_and_its_memory(params, frames):
    lost = dataclasses.replace(TINY, trust=Trust(not_found=1e9))
    states, said = follow(dimp(lost, NET), params, frames)
    assert (said.status == LOST).all() and trained(states) == []
    np.testing.assert_allclose(said.box, np.tile(BOX, (TIME - 1, 1)), rtol=1e-6)
    same = np.testing.assert_array_equal
    jax.tree.map(same, states[-1].memory, states[0].memory)


def test_an_uncertain_target_moves_but_is_not_learned(params, frames):
    unsure = dataclasses.replace(ALWAYS, distractor=-1e9, displacement=1e9)
    states, said = follow(
        dimp(dataclasses.replace(TINY, trust=unsure), NET), params, frames
    )
    assert (said.status == UNCERTAIN).all() and trained(states) == []
    assert {int(s.flag) for s in states[1:]} == {UNDECIDED}
    assert not np.allclose(said.box[-1], BOX)
    assert states[-1].memory.latest == -1


def test_a_hard_negative_is_found_and_trained_on_at_once(params, frames):
    rivals = dataclasses.replace(ALWAYS, hard_negative=-1e9)
    states, said = follow(
        dimp(dataclasses.replace(TINY, trust=rivals), NET), params, frames
    )
    assert (said.status == FOUND).all()
    assert {int(s.flag) for s in states[1:]} == {HARD_NEGATIVE}
    assert trained(states) == [2, 3, 4, 5, 6]
    # The first sample after the first frame: old ones grow by 1 / (1 - rate).
    np.testing.assert_allclose(states[1].memory.weights[6], 0.02 / (0.02 + 1 / 0.98))


def directed(params, toward):
    """Moves the backbone's weights along one random direction."""
    leaves, tree = jax.tree.flatten(params["params"]["backbone"])
    keys = jax.random.split(jax.random.key(3), len(leaves))
    draw = lambda key, x: x + toward * jax.random.normal(key, x.shape, x.dtype)
    moved = tree.unflatten([draw(*p) for p in zip(keys, leaves, strict=True)])
    return {**params, "params": {**params["params"], "backbone": moved}}


def centre_after(params, frames, toward, config=TINY):
    """Where the target is in the end, with the backbone moved ``toward``."""
    tracker, params = dimp(config, NET), directed(params, toward)
    state = tracker.init(params, at(frames, 0), BOX.astype(toward.dtype), KEY)
    rest = jax.tree.map(lambda x: x[1:], frames)
    body = lambda s, f: (tracker.step(params, s, f)[0], None)
    return jax.lax.scan(body, state, rest)[0].pose.position


def slope_of(f):
    return jax.jit(lambda t: jax.jvp(f, (t,), (jnp.ones_like(t),))[1])


@pytest.mark.slow
def test_a_box_has_a_finite_derivative_by_the_weights(params, frames):
    """Forward over the whole clip, whose training is a dynamic loop."""
    slope = slope_of(lambda t: centre_after(params, frames, t))(jnp.float32(0))
    assert np.isfinite(slope).all() and np.abs(slope).min() > 0


@pytest.mark.slow
def test_reverse_mode_gives_the_same_derivative(params, frames):
    """Through five frames, two trainings of the filter among them."""
    reversible = dataclasses.replace(TINY, reversible=True)
    clip = jax.tree.map(lambda x: x[:6], frames)
    end = lambda t: centre_after(params, clip, t, reversible).sum()
    slope = jax.jit(jax.grad(end))(jnp.float32(0))
    forward = slope_of(lambda t: centre_after(params, clip, t).sum())(jnp.float32(0))
    np.testing.assert_allclose(slope, forward, rtol=1e-3)


@pytest.mark.slow
def test_that_derivative_is_the_difference_quotient(params, frames):
    with jax.enable_x64(True):
        double = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), params)
        short = jax.tree.map(lambda x: x[:2], frames)
        end = jax.jit(lambda t: centre_after(double, short, t))
        h, zero = 1e-6, jnp.float64(0)
        assert end(zero).dtype == jnp.float64
        quotient = (end(zero + h) - end(zero - h)) / (2 * h)
        slope = slope_of(lambda t: centre_after(double, short, t))(zero)
        np.testing.assert_allclose(slope, quotient, rtol=1e-4)


PUBLISHED = {"dimp18": DIMP18, "dimp50": DIMP50, "super_dimp": SUPER_DIMP}
SHAPES = {
    "dimp18": ((4, 4, 256), (50, 18, 18, 256)),
    "dimp50": ((4, 4, 512), (50, 18, 18, 512)),
    "super_dimp": ((4, 4, 512), (50, 22, 22, 512)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_settings_keep_their_shapes(name, frames):
    config = PUBLISHED[name]
    side, tracker = config.side, dimp(config)
    images, boxes = jnp.zeros((1, side, side, 3)), jnp.ones((1, 4))
    params = jax.eval_shape(dimp_net(config.depth).init, KEY, images, boxes)
    state = jax.eval_shape(tracker.init, params, at(frames, 0), BOX, KEY)
    shapes = state.filter.shape, state.memory.samples[0].shape
    assert shapes == SHAPES[name]
    after, _ = jax.eval_shape(tracker.step, params, state, at(frames, 1))
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert jax.tree.leaves(after) == jax.tree.leaves(state)
