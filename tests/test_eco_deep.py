"""ECO on maps of several resolutions and on motion, each part by hand."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.backbones.trunk import residual, vgg, vgg_m
from tirjax.ops import boxes
from tirjax.trackers import TRACKERS, track, track_many
from tirjax.trackers.eco import (
    ABLATION,
    ECO_STIR,
    OTB_DEEP,
    VOT2016_DEEP,
    Block,
    Config,
    eco,
    objective,
    stir,
)
from tirjax.trackers.eco.features import Extractor, Picture, next_background
from tirjax.trackers.eco.layout import Cut, Layout, layout
from tirjax.trackers.eco.sample import motion, patch
from tirjax.typing import Frame
from track.catalogue import settings

KEY, SLOW = jax.random.key(0), pytest.mark.slow
TINY = vgg(((2,), (3,)))
# Two resolutions, and what moves.
CONFIG = Config(
    blocks=(
        Block("deep", 2, 2, "pool1"),
        Block("deep", 4, None, "pool2"),
        Block("motion", 4, 1, weight=55.0),
    ),
    search_scale=3.0,
    min_area=44.0**2,
    max_area=44.0**2,
    memory=5,
    train_gap=2,
    train_always=1,
    first_cg_steps=8,
    first_gn_steps=2,
    scales=3,
    scale_filter=None,
)


def frame_of(pixels):
    pixels = np.asarray(pixels)
    return Frame(jnp.asarray(pixels), jnp.int32(pixels.shape[:2]))


# Sizes.


def cells_of_vgg_m(side):
    """Of norm1 and relu5, layer by layer."""
    first = (side - 7) // 2 + 1
    pooled = (first + 1 - 3) // 2 + 1
    second = (pooled + 2 - 5) // 2 + 1
    return first, (second + 1 - 3) // 2 + 1


@pytest.mark.parametrize(
    "size", [(52, 47), *(pytest.param(s, marks=SLOW) for s in ((10, 10), (90, 120)))]
)
def test_sizes_of_two_resolutions_follow_the_published_rule(size):
    area = size[0] * size[1] * 4.5**2
    side = math.floor(math.sqrt(min(max(area, 200**2), 250**2)) + 0.5)
    before, image = cells_of_vgg_m(side)[1], side
    while cells_of_vgg_m(image)[1] < before + 1 + before % 2:
        image += 1
    shallow, deep = cells_of_vgg_m(image)
    deep -= max(2 * math.ceil((16 * deep - image) / 32), 0)
    support = 16 * deep
    found = layout(OTB_DEEP, size, vgg_m())
    assert (found.image, found.support) == (image, support)
    assert found.maps == (support // 4, deep, support // 4) and deep % 2
    start = (shallow - support // 2) // 2
    assert found.cuts[0] == Cut(start, support // 2, 2) and found.cuts[2] is None
    assert found.output == max(found.filters) and all(n % 2 for n in found.filters)


def test_a_padded_network_is_cut_to_what_the_sample_covers():
    found = layout(stir("layer1"), (50, 50), residual(18))
    assert found.support <= found.image and found.support == 4 * found.cuts[0].side
    assert found.cuts[0].first > 0


def test_deep_blocks_need_a_network_that_has_them():
    with pytest.raises(ValueError, match="needs a network"):
        layout(ECO_STIR, (20, 20))
    for bad in (stir("layer1"), stir("pool2", 6), stir("pool2", 2)):
        with pytest.raises(ValueError, match="layers and strides"):
            layout(bad, (20, 20), vgg())
    with pytest.raises(ValueError, match="without features"):
        stir(deep=False, motion=False)


# Settings.


def test_settings_are_the_published_ones():
    deep, moving = ECO_STIR.blocks
    assert (deep.kind, deep.cell, deep.channels) == ("deep", 4, None)
    assert (moving.kind, moving.cell, moving.weight) == ("motion", 4, 55.0)
    assert ECO_STIR.rate == 0.003 and ECO_STIR.projection_ridge == 5e-8
    assert ECO_STIR.scales == 5 and ECO_STIR.scale_step == 1.02
    assert ECO_STIR.motion_threshold == 0.02 and ECO_STIR.memory == 50
    assert (OTB_DEEP.rate, VOT2016_DEEP.rate) == (0.009, 0.012)
    assert VOT2016_DEEP.scales == 7 and VOT2016_DEEP.window_threshold == 0.12
    assert [len(c.blocks) for c in ABLATION.values()] == [1, 2, 2, 3, 1, 2]


def test_equal_trackers_are_one_and_say_their_settings():
    first = TRACKERS["eco_stir"]((30, 30))
    assert first is TRACKERS["eco_stir"]((30.1, 30))
    text = settings(first)
    assert "rate=0.003" in text and "widths = ((64, 64), (128, 128))" in text
    assert " at 0x" not in text


# Features.


def test_motion_is_the_share_of_pixels_that_differ(rng):
    now, before = rng.integers(0, 256, (2, 13, 13, 1)).astype(np.float32)
    before[:8] = now[:8] + rng.choice([5, -6, 6], (8, 13, 1))
    got = motion(jnp.asarray(now), jnp.asarray(before), 4, 0.02)
    far = np.abs(now / 255 - before / 255) > 0.5 / 25
    want = far[:12, :12, 0].reshape(3, 4, 3, 4).mean((1, 3))
    np.testing.assert_allclose(got[..., 0], want, atol=1e-6)
    grey = lambda x: jnp.asarray(np.repeat(x, 3, -1))
    np.testing.assert_allclose(motion(grey(now), grey(before), 4, 0.02), got)


def test_maps_are_those_of_the_network_on_a_wider_patch(rng):
    """By hand: run, cut, average, scale; the motion block has mean square 55^2."""
    pixels = rng.integers(0, 256, (2, 60, 70, 1)).astype(np.uint8)
    picture = Picture(frame_of(pixels[0]), frame_of(pixels[1]))
    sizes = Layout(
        16, (4, 4, 4), (5, 5, 5), None, 20, (Cut(1, 8, 2), Cut(0, 4, 1), None)
    )
    where = jnp.array([30.0, 33.0]), jnp.float32(1.5)

    @jax.jit
    def run(picture):
        variables = TINY.net.init(KEY, jnp.zeros((1, 8, 8, 3)))
        image = patch(picture.frame, *where, 20)
        found = Extractor(CONFIG, sizes, TINY)(variables, picture, *where)
        return found, TINY.run(variables, image[None])[0]

    got, maps = run(picture)
    shallow = np.asarray(maps["pool1"][0, 1:9, 1:9]).reshape(4, 2, 4, 2, 2).mean((1, 3))
    deep = np.asarray(maps["pool2"][0, :4, :4])
    for found, raw in zip(got, (shallow, deep), strict=False):
        np.testing.assert_allclose(found, raw / np.sqrt((raw**2).mean()), rtol=1e-4)
    np.testing.assert_allclose((got[2] ** 2).mean(), 55**2, rtol=1e-5)
    still, _ = run(picture._replace(background=picture.frame))
    np.testing.assert_array_equal(still[2], 0)


def test_the_background_is_the_frame_last_trained_on():
    old, new = (frame_of(np.full((4, 5, 1), v, np.uint8)) for v in (10, 201))
    after = lambda due, rate: np.unique(
        next_background(Picture(new, old), jnp.asarray(due), rate).pixels
    )
    assert after(True, 1.0) == 201 and after(False, 1.0) == 10
    assert after(True, 0.25) == round(0.75 * 10 + 0.25 * 201)
    assert next_background(Picture(new, None), jnp.asarray(True), 1.0) is None


# The first frame.


@pytest.fixture
def problem(rng):
    """Spectra of 7 and 3 frequencies with 4 and 3 raw channels."""
    draw = lambda *s: jnp.asarray(
        rng.normal(size=s) + 1j * rng.normal(size=s), jnp.complex64
    )
    raw = draw(7, 4, 4), draw(3, 2, 3)
    f = draw(7, 4, 2), draw(3, 2, 2)
    p = tuple(jnp.asarray(rng.normal(size=s), jnp.float32) for s in ((4, 2), (3, 2)))
    return raw, f, p, draw(7, 4)


def test_what_pulls_at_the_projections_is_the_gradient(problem):
    """Of the error over all columns but the zero one, for two resolutions."""
    raw, f, p, goal = problem

    def error(p):
        far = objective.response(objective.project(raw, p), f) - goal
        return (jnp.abs(far[:, :-1]) ** 2).sum(), far

    @jax.jit
    def both(p):
        gradient, far = jax.grad(error, has_aux=True)(p)
        crops = [objective.fourier.centre_crop(far, n) for n in (7, 3)]
        return objective._pull(raw, f, crops), gradient

    for got, want in zip(*both(p), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-3)


def test_coarse_and_fine_maps_answer_on_one_grid():
    """A low frequency of either is the same wave of the response."""
    coarse, fine = (jnp.zeros((n, n // 2 + 1, 1), jnp.complex64) for n in (5, 9))
    ones = tuple(jnp.ones_like(x) for x in (coarse, fine))
    by_coarse = objective.response((coarse.at[3, 1].set(2), fine), ones)
    by_fine = objective.response((coarse, fine.at[5, 3].set(2)), ones)
    np.testing.assert_array_equal(by_coarse, by_fine)


def test_the_state_is_a_scan_carry_with_the_background_in_it():
    tracker = eco(CONFIG, TINY, size=(14, 14))
    params = jax.eval_shape(TINY.net.init, KEY, jnp.zeros((1, 8, 8, 3)))
    frame = frame_of(np.zeros((60, 70, 1), np.uint8))
    before = jax.eval_shape(tracker.init, params, frame, jnp.ones(4), KEY)
    after, _ = jax.eval_shape(tracker.step, params, before, frame)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    assert jax.tree.leaves(before) == jax.tree.leaves(after)
    assert before.background.pixels.dtype == jnp.uint8


# The whole.


def clip(start, speed, frames=9):
    """A textured target on a flat moving ground."""
    rows, cols = np.mgrid[:64, :80]
    pixels, truth = [], []
    for t in range(frames):
        x, y = np.array(start) + t * np.array(speed)
        ground = 70 + 10 * np.sin(0.3 * cols + 0.1 * rows)
        u, v = cols - x, rows - y
        target = 160 + 60 * np.cos(0.7 * u) * np.sin(0.5 * v)
        inside = (np.abs(u) <= 7) & (np.abs(v) <= 7)
        pixels.append(np.where(inside, target, ground))
        truth.append([x - 6.5, y - 6.5, 14.0, 14.0])
    film = np.rint(np.stack(pixels)).astype(np.uint8)[..., None]
    size = np.tile(np.int32([64, 80]), (frames, 1))
    return Frame(jnp.asarray(film), jnp.asarray(size)), np.float32(truth)


@SLOW
def test_targets_are_followed_alone_and_in_a_batch():
    tracker = eco(CONFIG, TINY, size=(14, 14))
    params = TINY.net.init(KEY, jnp.zeros((1, 8, 8, 3)))
    made = [clip((25, 30), (1.5, 0.7)), clip((50, 28), (-1.2, 1.0))]
    run = jax.jit(track, static_argnums=0)
    alone = [run(tracker, params, film, truth[0], KEY) for film, truth in made]
    for (_, truth), said in zip(made, alone, strict=True):
        assert boxes.iou(said.box, jnp.asarray(truth[1:])).min() > 0.6
    films = jax.tree.map(lambda *x: jnp.stack(x), *(film for film, _ in made))
    starts = jnp.stack([truth[0] for _, truth in made])
    many = jax.jit(track_many, static_argnums=0)(
        tracker, params, films, starts, jnp.stack([KEY, KEY])
    )
    for i, said in enumerate(alone):
        np.testing.assert_allclose(many.box[i], said.box, atol=0.3)


@SLOW
def test_the_background_moves_on_training_frames_only():
    """Trained on frames 1, 4, 7: a gap of 2 means every third."""
    tracker = eco(CONFIG, TINY, size=(14, 14))
    params = TINY.net.init(KEY, jnp.zeros((1, 8, 8, 3)))
    film, truth = clip((25, 30), (1.5, 0.7), 8)
    at = lambda i: jax.tree.map(lambda x: x[i], film)
    state, step = tracker.init(params, at(0), truth[0], KEY), jax.jit(tracker.step)
    kept = 0
    for i in range(1, 8):
        state, _ = step(params, state, at(i))
        kept = i if i in (3, 6) else kept
        np.testing.assert_array_equal(state.background.pixels, film.pixels[kept])


@SLOW
def test_a_network_beside_hand_crafted_features_changes_nothing():
    """Blocks without depth never look at it."""
    config = dataclasses.replace(
        CONFIG, blocks=(Block("hog", 6, 5), Block("gray", 4, 1))
    )
    film, truth = clip((25, 30), (1.5, 0.7), 5)
    run = jax.jit(track, static_argnums=0)
    plain = run(eco(config, size=(14, 14)), (), film, truth[0], KEY)
    params = TINY.net.init(KEY, jnp.zeros((1, 8, 8, 3)))
    beside = run(eco(config, TINY, size=(14, 14)), params, film, truth[0], KEY)
    np.testing.assert_allclose(plain.box, beside.box, atol=1e-4)
