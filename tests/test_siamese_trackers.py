"""The Siamese trackers: the choice of size and place, the template, the contract.

Networks are narrow or stand-ins; the published ones run in slow tests only.
"""

import dataclasses

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from tirjax.backbones.alexnet import AlexNet
from tirjax.heads.siamese import CFNet, Responses, Siamese
from tirjax.ops import boxes
from tirjax.trackers import FOUND, NETWORKS, TRACKERS, track, track_many
from tirjax.trackers.siamese import (
    MMNET,
    SIAMFC_3S,
    Config,
    pyramid,
    siamese,
)
from tirjax.trackers.siamese.response import displacement, locate
from tirjax.typing import Frame

SIDE = 127
SMALL = Config(exemplar=SIDE, search=SIDE)
KEY = jax.random.key(0)
TIME = 12  # frames of every clip, so that one program serves all
BOX = np.array([36.0, 30.0, 24.0, 20.0], np.float32)
run = jax.jit(track, static_argnums=0)
run_many = jax.jit(track_many, static_argnums=0)
choose = jax.jit(locate, static_argnums=1)
start = jax.jit(lambda tracker, *a: tracker.init(*a), static_argnums=0)
step = jax.jit(lambda tracker, *a: tracker.step(*a), static_argnums=0)


class Matched(Siamese):
    """Correlation coefficient of the pictures themselves: it knows the right size."""

    def exemplar(self, z):
        cells = pooled(z)[:, 7:-7, 7:-7]
        return (cells - cells.mean((1, 2, 3), keepdims=True),)

    def respond(self, template, x):
        filters = template[0][0, ..., None]
        slide = lambda image, kernel: jax.lax.conv_general_dilated(
            image, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        ones, x = jnp.ones_like(filters), pooled(x)
        spread = slide(x**2, ones) - slide(x, ones) ** 2 / ones.size
        norm = jnp.sqrt(jnp.maximum(spread, 1.0) * jnp.maximum((filters**2).sum(), 1.0))
        raw = (slide(x, filters) / norm)[..., 0][:, None]
        return Responses(raw, 0 * raw)


def pooled(x):
    return nn.avg_pool(x.mean(-1, keepdims=True), (8, 8), (4, 4))


NARROW = CFNet(AlexNet((8,), first_stride=4), margin=8)
PAIR = jnp.zeros((1, SIDE, SIDE, 1))
PARAMS = NARROW.init(jax.random.key(2), PAIR, PAIR)
FILTER = siamese(SMALL, NARROW)
PARITY = siamese(dataclasses.replace(SMALL, parity=True), NARROW)
EAGER = dataclasses.replace(SMALL, scale_penalty=0.998)  # grows within few frames
STAND_IN = siamese(EAGER, Matched(AlexNet((8,))))


def clip_of(pictures):
    pixels = np.stack(pictures).astype(np.float32)[..., None]
    size = np.tile(np.int32(pixels.shape[1:3]), (len(pixels), 1))
    return Frame(jnp.asarray(pixels), jnp.asarray(size))


def at(frames, i):
    return jax.tree.map(lambda x: x[i], frames)


@pytest.fixture(scope="module")
def texture():
    """Smooth blotches: features everywhere, none finer than a few pixels."""
    noise = np.random.default_rng(7).normal(size=(80, 96))
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return 128 + 40 * smooth / smooth.std()


def warp(picture, shift=(0.0, 0.0), zoom=1.0):
    """Moves the picture by ``shift`` and enlarges it about the centre of ``BOX``."""
    # OpenCV puts pixel 0 at 0, boxes put it at 0.5.
    middle = BOX[:2] + BOX[2:] / 2 - 0.5
    offset = middle + np.array(shift) - zoom * middle
    matrix = np.array([[zoom, 0, offset[0]], [0, zoom, offset[1]]])
    return cv2.warpAffine(
        picture, matrix, picture.shape[::-1], borderMode=cv2.BORDER_REFLECT
    )


def bright_square(speed=(2.0, 1.0)):
    """A bright patterned square on uneven ground, and its boxes."""
    rows, cols = np.mgrid[:80, :96] + 0.5
    ground = 60 + 12 * np.sin(rows / 5) * np.cos(cols / 7)
    cover = lambda p, middle: np.clip(10.5 - np.abs(p - middle), 0, 1)
    middles = np.array([30.0, 34.0]) + np.arange(TIME)[:, None] * speed
    pictures = []
    for x, y in middles:
        inside = cover(cols, x) * cover(rows, y)
        pattern = 200 + 30 * np.sin((cols - x) * 0.45) * np.cos((rows - y) * 0.35)
        pictures.append(ground * (1 - inside) + pattern * inside)
    truth = np.concatenate([middles - 10, np.full_like(middles, 20)], 1)
    return clip_of(np.rint(pictures)), truth.astype(np.float32)


def bumps(*heights, place=(16, 16), side=33):
    distance = ((np.mgrid[:side, :side] - np.array(place)[:, None, None]) ** 2).sum(0)
    return jnp.float32(np.multiply.outer(heights, np.exp(-distance / 8)))


def test_the_displacement_is_that_of_the_published_code():
    got = displacement(jnp.int32([140, 120]), jnp.float32(178.904304), MMNET, 33)
    np.testing.assert_allclose(got[::-1], [2.98174, -4.03412], atol=1e-5)


def test_a_peak_in_the_middle_means_no_motion():
    found = choose(bumps(1, 1, 1), MMNET)
    assert np.abs(np.asarray(found.at) - 131.5).max() == 0.5
    off = dataclasses.replace(MMNET, window=0.0)
    found = choose(bumps(1, 1, 1, place=(20, 13)), off)
    # The centre of cell i lies at 8 i + 3.5.
    assert np.abs(np.asarray(found.at) - [163.5, 107.5]).max() == 0.5


def test_the_first_code_of_siamfc_counts_from_half_a_cell_away():
    config = dataclasses.replace(SIAMFC_3S, parity=True)
    got = displacement(jnp.int32([135, 135]), jnp.float32(200.4), config, 17)
    np.testing.assert_array_equal(got, 0)
    got = displacement(jnp.int32([135, 151]), jnp.float32(200.4), config, 17)
    np.testing.assert_allclose(got, [8 * 200 / 255, 0])


@pytest.mark.parametrize(
    ("heights", "best"),
    [((1, 1, 1), 1), ((1.02, 1, 1), 1), ((1, 1, 1.04), 2), ((1.1, 1, 1.1), 0)],
)
def test_another_size_must_beat_its_penalty(heights, best):
    assert choose(bumps(*heights), MMNET).scale == best


def test_below_zero_the_penalty_favours_a_change():
    """As in the published code."""
    maps = bumps(1, 1, 1) - 3.0
    assert choose(maps, MMNET).scale == 0


def test_of_equal_peaks_the_leftmost_is_taken():
    config = dataclasses.replace(MMNET, window=0.0, response_up=1)
    maps = bumps(1, place=(4, 20)) + bumps(1, place=(20, 4))
    np.testing.assert_array_equal(choose(maps, config).at, [20, 4])


def test_the_score_is_high_where_one_peak_stands_alone():
    alone, flat = choose(bumps(1, 1, 1), MMNET), choose(bumps(0, 0, 0), MMNET)
    assert 0.9 < alone.score <= 1 and flat.score == 0
    assert np.isfinite(flat.at).all() and flat.scale == 0


@pytest.mark.parametrize("tracker", [FILTER, PARITY], ids=["exact", "parity"])
def test_a_moving_square_is_followed_with_random_filters(tracker):
    frames, truth = bright_square()
    out = run(tracker, PARAMS, frames, truth[0], KEY)
    assert boxes.iou(out.box, truth[1:]).min() > 0.75
    assert (out.status == FOUND).all() and (out.score <= 1).all()
    assert out.box.dtype == out.score.dtype == jnp.float32


@pytest.mark.parametrize("growth", [1.015, 1 / 1.015], ids=["grows", "shrinks"])
def test_a_target_that_changes_its_size_is_followed(texture, growth):
    zoom = growth ** np.arange(TIME)
    frames = clip_of([warp(texture, (0.5 * i, 0), z) for i, z in enumerate(zoom)])
    out = run(STAND_IN, {}, frames, BOX, KEY)
    np.testing.assert_allclose(out.box[-1, 2:] / BOX[2:], zoom[-1], rtol=0.06)
    shift = boxes.centre(out.box[-1]) - boxes.centre(BOX)
    np.testing.assert_allclose(shift, [5.5, 0], atol=1.0)


def test_the_response_before_or_after_gain_and_bias_decides(texture):
    """The stand-in's adjusted response is flat."""
    other = dataclasses.replace(EAGER, response="adjusted")
    frames = clip_of([texture, texture])
    out = run(siamese(other, Matched(AlexNet((8,)))), {}, frames, BOX, KEY)
    assert out.score[0] == 0
    assert run(STAND_IN, {}, frames, BOX, KEY).score[0] > 0.3


def test_the_template_is_a_running_mean_cut_at_the_new_place_with_the_old_side(texture):
    clip = clip_of([texture, warp(texture, (3.0, 2.0), 1.1)])
    first, second = at(clip, 0), at(clip, 1)
    before = start(FILTER, PARAMS, first, BOX, KEY)
    after, prediction = step(FILTER, PARAMS, before, second)
    learn = lambda *where: NARROW.apply(
        PARAMS, pyramid.exact(*where, np.ones(1), SIDE), method="exemplar"
    )
    centre = boxes.centre(prediction.box)
    new = jax.jit(learn)(second, before.colour, centre, before.side)
    want = (1 - SMALL.rate) * np.asarray(before.template[0]) + SMALL.rate * new[0]
    scale = np.abs(want).max()
    np.testing.assert_allclose(after.template[0], want, atol=1e-5 * scale)
    assert np.abs(after.template[0] - before.template[0]).max() > 1e-4 * scale


def test_the_side_follows_the_size_within_its_limits(texture):
    """A rate of zero keeps the template meanwhile."""
    config = dataclasses.replace(EAGER, least=0.96, rate=0.0)
    bounded = siamese(config, Matched(AlexNet((8,))))
    clip = clip_of([texture, *[warp(texture, zoom=0.85)] * 4])
    first = state = start(bounded, {}, at(clip, 0), BOX, KEY)
    rate = 1 - EAGER.scale_rate + EAGER.scale_rate / EAGER.scale_step
    for i in range(1, 5):
        state, prediction = step(bounded, {}, state, at(clip, i))
        np.testing.assert_allclose(prediction.box[2:], BOX[2:] * rate**i, rtol=1e-5)
        want = max(0.96, rate**i)
        np.testing.assert_allclose(state.side / state.first_side, want, rtol=1e-5)
    np.testing.assert_array_equal(state.template[0], first.template[0])


def test_the_state_is_a_scan_carry(texture):
    frame = at(clip_of([texture]), 0)
    for tracker in (FILTER, PARITY):
        before = jax.eval_shape(tracker.init, PARAMS, frame, BOX, KEY)
        after, _ = jax.eval_shape(tracker.step, PARAMS, before, frame)
        assert jax.tree.structure(before) == jax.tree.structure(after)
        assert jax.tree.leaves(before) == jax.tree.leaves(after)


def test_targets_in_a_batch_equal_each_alone():
    frames, truth = bright_square()
    starts = jnp.stack([truth[0], truth[0] + np.float32([-2, 1, 4, -2])])
    both = jax.tree.map(lambda x: jnp.stack([x, x]), frames)
    many = run_many(FILTER, PARAMS, both, starts, jnp.stack([KEY, KEY]))
    for i, box in enumerate(starts):
        alone = run(FILTER, PARAMS, frames, box, KEY)
        np.testing.assert_allclose(many.box[i], alone.box, atol=0.3)


def test_padding_of_the_frame_is_never_read():
    frames, truth = bright_square()
    frames = frames._replace(size=frames.size - jnp.int32([10, 6]))
    noise = frames.pixels.at[:, 70:].set(7.0).at[:, :, 90:].set(250.0)
    want = run(FILTER, PARAMS, frames, truth[0], KEY)
    got = run(FILTER, PARAMS, frames._replace(pixels=noise), truth[0], KEY)
    np.testing.assert_array_equal(got.box, want.box)


def test_floats_of_one_channel_and_bytes_of_three_agree():
    frames, truth = bright_square()
    colour = jnp.repeat(frames.pixels, 3, -1).astype(jnp.uint8)
    want = run(FILTER, PARAMS, frames, truth[0], KEY)
    got = run(FILTER, PARAMS, frames._replace(pixels=colour), truth[0], KEY)
    np.testing.assert_allclose(got.box, want.box, atol=0.3)


@pytest.mark.parametrize("tracker", [FILTER, PARITY], ids=["exact", "parity"])
@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize(
    "box", [(36, 30, 24, 20), (30, 34, 1, 1), (-400, -400, 900, 800), (20, 34, 40, 0.5)]
)
def test_boxes_stay_finite_on_blank_frames(texture, tracker, value, box):
    pictures = [texture, *[np.full_like(texture, value)] * (TIME - 1)]
    out = run(tracker, PARAMS, clip_of(pictures), np.float32(box), KEY)
    assert np.isfinite(out.box).all() and np.isfinite(out.score).all()
    assert (out.box[:, 2:] > 0).all()
    if tracker is FILTER:
        corner, far = out.box[:, :2], out.box[:, :2] + out.box[:, 2:]
        assert (far > 0).all() and (corner < np.array([96, 80])).all()


def test_both_functions_export_to_stablehlo_for_every_platform(texture):
    frame = at(clip_of([texture]), 0)
    state = jax.eval_shape(FILTER.init, PARAMS, frame, BOX, KEY)
    portable = lambda f: jax.export.export(jax.jit(f), platforms=("cpu", "cuda", "tpu"))
    for exported in (
        portable(FILTER.init)(PARAMS, frame, BOX, KEY),
        portable(FILTER.step)(PARAMS, state, frame),
    ):
        assert "stablehlo" in exported.mlir_module()


@pytest.mark.parametrize("name", ["siamfc", "cfnet", "mlssnet", "mmnet"])
def test_registered_trackers_fit_the_variables_of_their_networks(texture, name):
    """Shapes only; a checkpoint is read by the variables that images and boxes make."""
    images, some = jnp.zeros((1, 64, 64, 3)), jnp.zeros((1, 4))
    made = jax.eval_shape(NETWORKS[name]().init, KEY, images, some)
    z, x = (jnp.zeros((1, s, s, 1)) for s in (127 if name == "siamfc" else 255, 255))
    want = jax.eval_shape(NETWORKS[name]().net.init, KEY, z, x)
    assert jax.tree.structure(made) == jax.tree.structure(want)
    assert jax.tree.leaves(made) == jax.tree.leaves(want)
    tracker, frame = TRACKERS[name]((20.0, 20.0)), at(clip_of([texture]), 0)
    state = jax.eval_shape(tracker.init, made, frame, BOX, KEY)
    after, prediction = jax.eval_shape(tracker.step, made, state, frame)
    assert jax.tree.leaves(after) == jax.tree.leaves(state)
    assert prediction.box.shape == (4,)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["siamfc", "mmnet"])
def test_published_networks_run_at_full_size(name):
    frames, truth = bright_square()
    params = NETWORKS[name]().init(KEY)
    frames = jax.tree.map(lambda x: x[:3], frames)
    out = run(TRACKERS[name]((20.0, 20.0)), params, frames, truth[0], KEY)
    assert np.isfinite(out.box).all() and np.isfinite(out.score).all()
