"""KCF against its closed form, and what a target's motion does to the box."""

import dataclasses

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tirjax.data import open_sequence
from tirjax.ops import boxes
from tirjax.trackers import FOUND, LOST, track
from tirjax.trackers.kcf import Config, kcf, kernel, peak, top
from tirjax.typing import Frame

SMALL = Config(cells=16)
FIXED = kcf(dataclasses.replace(SMALL, scale_step=0.0))
SCALED = kcf(SMALL)
run = jax.jit(track, static_argnums=0)
KEY = jax.random.key(0)
BOX = np.array([36.0, 30.0, 24.0, 20.0], np.float32)


def clip_of(pictures):
    pixels = np.stack(pictures).astype(np.float32)[..., None]
    size = np.tile(np.int32(pixels.shape[1:3]), (len(pixels), 1))
    return Frame(jnp.asarray(pixels), jnp.asarray(size))


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


def all_shifts(x):
    """Every cyclic shift of ``x [n, n, c]``, flattened: ``[n * n, n * n * c]``."""
    n = len(x)
    rolled = [np.roll(x, (i, j), (0, 1)) for i in range(n) for j in range(n)]
    return np.stack(rolled).reshape(n * n, -1)


def gram(x, z, sigma):
    """Kernel of ``x`` with every shift of ``z``, by definition, as a map."""
    difference = all_shifts(z) - x.ravel()
    flat = all_shifts(z) @ x.ravel() / x.size
    if sigma is not None:
        flat = np.exp(-(difference**2).sum(1) / (x.size * sigma**2))
    return flat.reshape(len(x), len(x))


@pytest.mark.parametrize("sigma", [0.5, None], ids=["gaussian", "linear"])
def test_the_kernel_is_that_of_every_cyclic_shift(rng, sigma):
    x, z = rng.uniform(size=(2, 6, 6, 5)).astype(np.float32)
    transform = lambda f: jnp.fft.rfft2(f, axes=(0, 1))
    got = jnp.fft.irfft2(kernel(transform(x), transform(z), sigma), (6, 6))
    np.testing.assert_allclose(got, gram(x, z, sigma), atol=1e-5)


def test_training_in_the_fourier_domain_is_ridge_regression(rng):
    """``alpha = (K + ridge I)^-1 y`` with the full kernel matrix, equation 16."""
    x = rng.uniform(size=(6, 6, 5)).astype(np.float32)
    goal = rng.uniform(size=(6, 6))
    matrix = np.stack([gram(s.reshape(x.shape), x, 0.5).ravel() for s in all_shifts(x)])
    want = np.linalg.solve(matrix + 0.1 * np.eye(36), goal.ravel()).reshape(6, 6)
    spectrum = jnp.fft.rfft2(x, axes=(0, 1))
    alpha = jnp.fft.rfft2(goal) / (kernel(spectrum, spectrum, 0.5) + 0.1)
    np.testing.assert_allclose(jnp.fft.irfft2(alpha, (6, 6)), want, atol=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.floats(-0.9, 0.9), st.floats(0.1, 5.0))
def test_the_top_of_a_parabola_is_found(at, bend):
    values = -bend * (np.arange(-1, 2) - at) ** 2
    np.testing.assert_allclose(top(jnp.asarray(values), 1.0), at, atol=1e-4)


@pytest.mark.parametrize(
    ("values", "want"),
    [((1, 2, 4), 1.0), ((3, 1, 2), -1.0), ((2, 2, 2), 0.0)],
    ids=["rising", "hollow", "flat"],
)
def test_a_parabola_without_a_top_points_to_its_higher_end(values, want):
    assert top(jnp.float32(values), 1.0) == want


@settings(max_examples=50, deadline=None)
@given(st.floats(-7.4, 7.4), st.floats(-7.4, 7.4))
def test_the_peak_of_a_cyclic_map_is_found_within_a_tenth_of_a_cell(x, y):
    away = lambda at: (np.arange(16) - at + 8) % 16 - 8
    response = np.exp(-(away(y)[:, None] ** 2 + away(x) ** 2) / 4)
    np.testing.assert_allclose(peak(jnp.float32(response)), [x, y], atol=0.1)


def test_a_moving_target_is_followed_to_part_of_a_pixel(texture):
    shifts = np.arange(8)[:, None] * [1.7, -0.9]
    frames = clip_of([warp(texture, s) for s in shifts])
    out = run(FIXED, (), frames, BOX, KEY)
    centre = boxes.centre(BOX) + shifts[1:]
    assert np.abs(boxes.centre(out.box) - centre).max() < 0.8
    assert (out.status == FOUND).all()


def test_without_a_scale_step_the_size_stays(texture):
    frames = clip_of([warp(texture, zoom=1 + 0.02 * t) for t in range(8)])
    out = run(FIXED, (), frames, BOX, KEY)
    np.testing.assert_allclose(out.box[:, 2:], np.tile(BOX[2:], (7, 1)), rtol=1e-5)


@pytest.mark.parametrize("growth", [1.015, 1 / 1.015], ids=["grows", "shrinks"])
def test_a_target_that_changes_its_size_is_followed(texture, growth):
    zoom = growth ** np.arange(16)
    frames = clip_of([warp(texture, zoom=z) for z in zoom])
    out = run(SCALED, (), frames, BOX, KEY)
    np.testing.assert_allclose(out.box[-1, 2:] / BOX[2:], zoom[-1], rtol=0.06)


def test_a_picture_twice_as_large_gives_boxes_twice_as_large(texture):
    small = [warp(texture, s) for s in np.arange(5)[:, None] * [1.5, 1.0]]
    large = [cv2.resize(p, None, fx=2, fy=2) for p in small]
    there = run(FIXED, (), clip_of(small), BOX, KEY)
    twice = run(FIXED, (), clip_of(large), 2 * BOX, KEY)
    np.testing.assert_allclose(twice.box, 2 * there.box, atol=0.5)


def test_a_blank_frame_is_lost_and_teaches_nothing(texture):
    pictures = [texture, np.full_like(texture, 90.0)]
    first, blank = (
        jax.tree.map(lambda x, i=i: x[i], clip_of(pictures)) for i in (0, 1)
    )
    before = jax.jit(SCALED.init)((), first, BOX, KEY)
    after, prediction = jax.jit(SCALED.step)((), before, blank)
    assert prediction.status == LOST
    np.testing.assert_array_equal(after.alpha, before.alpha)
    np.testing.assert_array_equal(after.template, before.template)


def test_the_linear_kernel_follows_as_well(texture):
    linear = kcf(dataclasses.replace(SMALL, sigma=None, scale_step=0.0))
    shifts = np.arange(8)[:, None] * [1.7, -0.9]
    frames = clip_of([warp(texture, s) for s in shifts])
    out = run(linear, (), frames, BOX, KEY)
    assert np.abs(boxes.centre(out.box) - boxes.centre(BOX) - shifts[1:]).max() < 0.8


def test_the_horse_is_followed_to_its_last_frame(shared):
    """Real thermal frames under a panning camera; measured: mean overlap 0.75."""
    sequence = open_sequence(shared / "data" / "tir_horse")
    frames = clip_of([f[..., 0] for f in sequence.frames])
    out = run(kcf(), (), frames, jnp.float32(sequence.boxes[0]), KEY)
    overlap = boxes.iou(out.box, jnp.float32(sequence.boxes[1:]))
    assert overlap.mean() > 0.6
