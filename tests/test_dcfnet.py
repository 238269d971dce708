"""DCFNet: the network against MatConvNet's activations, the tracker by its contract."""

import dataclasses
import functools

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.io

from tirjax.backbones import dcfnet as net
from tirjax.backbones.dcfnet import MEAN, TRAINING, DCFNet, normalise
from tirjax.convert import dcfnet as published
from tirjax.data import open_sequence
from tirjax.ops import boxes
from tirjax.ops.local_response import local_response_norm
from tirjax.trackers import FOUND, track, track_many
from tirjax.trackers.dcfnet import Config, dcfnet
from tirjax.typing import Frame

SMALL = Config(size=32, padding=1.5)
TRACKER = dcfnet(SMALL)
FIXED = dcfnet(dataclasses.replace(SMALL, scales=1))
PARAMS = DCFNet().init(jax.random.key(1), jnp.zeros((8, 8, 3)))
KEY = jax.random.key(0)
BOX = np.array([36.0, 30.0, 24.0, 20.0], np.float32)
run = jax.jit(track, static_argnums=0)
run_many = jax.jit(track_many, static_argnums=0)


def clip_of(pictures):
    pixels = np.stack(pictures).astype(np.float32)[..., None]
    size = np.tile(np.int32(pixels.shape[1:3]), (len(pixels), 1))
    return Frame(jnp.asarray(pixels), jnp.asarray(size))


def warp(picture, shift=(0.0, 0.0), zoom=1.0):
    """Moves the picture by ``shift`` and enlarges it about the centre of ``BOX``."""
    # OpenCV puts pixel 0 at 0, boxes put it at 0.5.
    middle = BOX[:2] + BOX[2:] / 2 - 0.5
    offset = middle + np.array(shift) - zoom * middle
    matrix = np.array([[zoom, 0, offset[0]], [0, zoom, offset[1]]])
    return cv2.warpAffine(
        picture, matrix, picture.shape[::-1], borderMode=cv2.BORDER_REFLECT
    )


@pytest.fixture(scope="module")
def texture():
    """Smooth blotches: features everywhere, none finer than a few pixels."""
    noise = np.random.default_rng(7).normal(size=(80, 96))
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return 128 + 40 * smooth / smooth.std()


@pytest.fixture(scope="module")
def weights(shared):
    return published.convert(shared / "data/weights/dcfnet_net_param.mat").variables


@pytest.fixture(scope="module")
def activations(shared):
    """MatConvNet's input and output of every layer."""
    file = scipy.io.loadmat(shared / "data/weights/dcfnet_net_param.mat")
    return [np.ascontiguousarray(x) for x in file["res"].ravel()]


def test_every_layer_gives_what_it_gave_in_matconvnet(weights, activations):
    """Tolerance: the order of 288 products summed in single precision."""
    image, conv1, relu1, conv2, norm1 = activations
    out, kept = DCFNet().apply(
        weights, image, capture_intermediates=True, mutable=["intermediates"]
    )
    layers = {
        k: v["__call__"][0] for k, v in kept["intermediates"].items() if "conv" in k
    }
    near = {"rtol": 1e-5, "atol": 5e-6}
    np.testing.assert_allclose(layers["conv1"], conv1, **near)
    np.testing.assert_allclose(jax.nn.relu(layers["conv1"]), relu1, **near)
    np.testing.assert_allclose(layers["conv2"], conv2, **near)
    np.testing.assert_allclose(out, norm1, **near)


def test_each_layer_alone_gives_what_it_gave_in_matconvnet(weights, activations):
    """Fed with MatConvNet's own input of the layer, so that no error is passed on."""
    _, _, relu1, conv2, norm1 = activations
    bare = DCFNet(normalised=False)
    second = bare.apply(weights, relu1, method=lambda net, x: net.conv2(x))
    np.testing.assert_allclose(second, conv2, rtol=1e-5, atol=5e-6)
    got = local_response_norm(conv2, size=5, k=1.0, alpha=2e-5, beta=0.75)
    np.testing.assert_allclose(got, norm1, rtol=5e-7, atol=1e-7)


def test_without_padding_the_inside_of_the_map_is_the_same(weights, activations):
    image = activations[0]
    padded = DCFNet().apply(weights, image)
    bare = DCFNet(padding=TRAINING).apply(weights, image)
    assert padded.shape == (10, 10, 32) and bare.shape == (6, 6, 32)
    np.testing.assert_allclose(bare, padded[2:-2, 2:-2], atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_normalisation_is_the_sum_it_says(rng, size):
    """An even window reaches one channel further up, as MatConvNet's does."""
    x = rng.standard_normal((2, 7)).astype(np.float32)
    want = np.empty_like(x)
    for c in range(7):
        lower, upper = c - (size - 1) // 2, c + size // 2
        energy = (x[:, max(lower, 0) : upper + 1] ** 2).sum(-1)
        want[:, c] = x[:, c] / (2.0 + 0.3 * energy) ** 0.75
    got = local_response_norm(x, size=size, k=2.0, alpha=0.3, beta=0.75)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_fast_forms_give_what_plain_ones_do(rng):
    """On a CPU: few inputs as a sum over pixels, and the map turned before its norm."""
    draw = lambda *s: jnp.asarray(rng.standard_normal(s), jnp.float32)
    x, kernel, near = draw(2, 6, 5, 3), draw(3, 3, 3, 4), {"rtol": 1e-5, "atol": 1e-5}

    def plain(x, kernel, *window):
        nhwc = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, *window, dimension_numbers=nhwc)

    def both(f):
        window = (1, 1), [(1, 1), (0, 0)]
        out, back = jax.vjp(lambda x, kernel: f(x, kernel, *window), x, kernel)
        return out, back(jnp.cos(out))

    nhwc = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}
    fast = jax.jit(lambda: both(functools.partial(net.of_few, **nhwc)))()
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, **near), fast, both(plain)
    )
    turned, same = jax.jit(
        lambda x: (net._normalised_by_channel(x), net._normalised(x))
    )(100 * x)
    np.testing.assert_allclose(turned, same, **near)


def test_one_channel_becomes_three_less_the_mean():
    grey = jnp.full((2, 2, 1), 130, jnp.uint8)
    np.testing.assert_array_equal(normalise(grey)[0, 0], 130 - np.array(MEAN))
    assert normalise(grey).dtype == jnp.float32


def test_settings_are_those_of_the_published_file(shared):
    file = shared / "data/weights/DCFNet-net-7-125-2.mat"
    meta = scipy.io.loadmat(file, simplify_cells=True)["net"]["meta"]
    theirs = [meta[k] for k in ("inputSize", "padding", "interp_factor")]
    theirs += [meta["scale_step"], meta["scale_penalty"]]
    mine = Config()
    assert theirs == [
        mine.size,
        mine.padding,
        mine.rate,
        mine.scale_step,
        mine.scale_penalty,
    ]
    assert meta["normalization"]["averageImage"].tolist() == list(MEAN)


def test_a_moving_target_is_followed(texture):
    """A cell is 1.9 pixels wide and the peak is a whole cell."""
    shifts = np.arange(8)[:, None] * [1.7, -0.9]
    out = run(TRACKER, PARAMS, clip_of([warp(texture, s) for s in shifts]), BOX, KEY)
    assert np.abs(boxes.centre(out.box) - boxes.centre(BOX) - shifts[1:]).max() < 2.0
    assert (out.status == FOUND).all()
    assert out.box.dtype == out.score.dtype == jnp.float32


@pytest.mark.parametrize("growth", [1.012, 1 / 1.012], ids=["grows", "shrinks"])
def test_a_target_that_changes_its_size_is_followed(texture, growth):
    zoom = growth ** np.arange(8)
    out = run(TRACKER, PARAMS, clip_of([warp(texture, zoom=z) for z in zoom]), BOX, KEY)
    np.testing.assert_allclose(out.box[-1, 2:] / BOX[2:], zoom[-1], rtol=0.04)


def test_with_one_scale_the_size_stays(texture):
    zoomed = clip_of([warp(texture, zoom=1 + 0.01 * t) for t in range(8)])
    out = run(FIXED, PARAMS, zoomed, BOX, KEY)
    np.testing.assert_allclose(out.box[:, 2:], np.tile(BOX[2:], (7, 1)), rtol=1e-5)


def test_the_model_is_a_running_mean_of_frames(texture):
    """Two steps on one picture keep the template, whatever the rate."""
    frame = jax.tree.map(lambda x: x[0], clip_of([texture]))
    first = jax.jit(FIXED.init)(PARAMS, frame, BOX, KEY)
    second, _ = jax.jit(FIXED.step)(PARAMS, first, frame)
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-3 * np.abs(a).max())
    jax.tree.map(close, first, second)
    other = jax.tree.map(lambda x: x[0], clip_of([warp(texture, (2.0, 3.0))]))
    third, prediction = jax.jit(FIXED.step)(PARAMS, first, other)
    newest = jax.jit(FIXED.init)(PARAMS, other, prediction.box, KEY)
    mix = lambda a, b: (1 - SMALL.rate) * a + SMALL.rate * b
    jax.tree.map(close, third.filter, jax.tree.map(mix, first.filter, newest.filter))


def test_the_state_is_a_scan_carry(texture):
    frame = jax.tree.map(lambda x: x[0], clip_of([texture]))
    before = jax.eval_shape(TRACKER.init, PARAMS, frame, BOX, KEY)
    after, _ = jax.eval_shape(TRACKER.step, PARAMS, before, frame)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    assert jax.tree.leaves(before) == jax.tree.leaves(after)


def test_two_targets_in_a_batch_equal_each_alone(texture):
    clip = clip_of([warp(texture, s) for s in np.arange(8)[:, None] * [1.7, -0.9]])
    starts = jnp.stack([BOX, BOX + np.float32([-10, 8, 4, -2])])
    frames = jax.tree.map(lambda x: jnp.stack([x, x]), clip)
    many = run_many(TRACKER, PARAMS, frames, starts, jnp.stack([KEY, KEY]))
    for i, start in enumerate(starts):
        alone = run(TRACKER, PARAMS, clip, start, KEY)
        np.testing.assert_allclose(many.box[i], alone.box, atol=0.05)


@pytest.mark.parametrize("value", [0, 90, 255])
@pytest.mark.parametrize(
    "box", [(36, 30, 24, 20), (30, 34, 1, 1), (-40, -40, 200, 180)]
)
def test_boxes_stay_finite_and_touch_a_blank_image(texture, value, box):
    pictures = [texture, *[np.full_like(texture, value)] * 7]
    out = run(TRACKER, PARAMS, clip_of(pictures), np.float32(box), KEY)
    assert np.isfinite(out.box).all() and np.isfinite(out.score).all()
    assert (out.box[:, 2:] > 0).all()
    corner, far = out.box[:, :2], out.box[:, :2] + out.box[:, 2:]
    assert (far > 0).all() and (corner < np.array([96, 80])).all()


def test_padding_of_the_frame_is_never_read(texture):
    clip = clip_of([warp(texture, s) for s in np.arange(8)[:, None] * [1.7, -0.9]])
    size = clip.size - jnp.int32([10, 6])
    noise = clip.pixels.at[:, 70:].set(7.0).at[:, :, 90:].set(250.0)
    want = run(TRACKER, PARAMS, clip._replace(size=size), BOX, KEY)
    got = run(TRACKER, PARAMS, Frame(noise, size), BOX, KEY)
    np.testing.assert_array_equal(got.box, want.box)


def test_both_functions_export_to_stablehlo_for_every_platform(texture):
    frame = jax.tree.map(lambda x: x[0], clip_of([texture]))
    state = jax.eval_shape(TRACKER.init, PARAMS, frame, BOX, KEY)
    portable = lambda f: jax.export.export(jax.jit(f), platforms=("cpu", "cuda", "tpu"))
    for exported in (
        portable(TRACKER.init)(PARAMS, frame, BOX, KEY),
        portable(TRACKER.step)(PARAMS, state, frame),
    ):
        assert "stablehlo" in exported.mlir_module()


def test_the_horse_is_followed_with_the_published_weights(shared, weights):
    """Real thermal frames; over all 348 frames the mean overlap is 0.73."""
    sequence = open_sequence(shared / "data" / "tir_horse")
    frames = clip_of([sequence.frames[i][..., 0] for i in range(0, 60, 2)])
    out = run(dcfnet(), weights, frames, jnp.float32(sequence.boxes[0]), KEY)
    overlap = boxes.iou(out.box, jnp.float32(sequence.boxes[2:60:2]))
    assert overlap.min() > 0.5 and overlap.mean() > 0.6
