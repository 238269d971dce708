"""Patches against recorded ones, a written-out rule, and the geometry of boxes."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import AS_FOR_USERS

from tirjax.trackers.pytracking_crop import (
    Rule,
    View,
    corners,
    from_box,
    into_patch,
    out_of_patch,
    patch,
    to_box,
)
from tirjax.typing import Frame

SIDE = 288
RULES = {"torch2": Rule(true_division=True), "intdiv": Rule()}
cut = jax.jit(patch, static_argnums=(3, 4), compiler_options=AS_FOR_USERS)


def frame_of(pixels):
    return Frame(jnp.asarray(pixels), jnp.array(pixels.shape[:2], jnp.int32))


def blank(rows, cols):
    return frame_of(np.zeros((rows, cols, 1), np.uint8))


@pytest.mark.parametrize("name", RULES)
def test_patches_are_the_recorded_ones(shared, name):
    pixels = cv2.imread(str(shared / "data/tir_airplane/img/00000001.jpg"), 0)
    frame = frame_of(pixels[..., None])
    with np.load(shared / "goldens/dimp/layers.npz") as recorded:
        positions, sizes = recorded["patch/pos_yx"], recorded["patch/sample_sz"]
        for i, (position, size) in enumerate(zip(positions, sizes, strict=True)):
            at = (frame, jnp.asarray(position), jnp.float32(size[0] / SIDE))
            got, _ = cut(*at, SIDE, RULES[name])
            expected = recorded[f"patch/{name}/{i}/gray_every6"]
            np.testing.assert_allclose(got[::6, ::6, 0], expected, atol=1e-3)
            where = recorded[f"patch/{name}/{i}/coord"][0]
            np.testing.assert_array_equal(corners(*at, SIDE, RULES[name]), where)


# rule, position, scale, reported corners; image 480 x 640
REPORTED = [
    (Rule(true_division=True), (240, 320), 1.0, (96.5, 176.5, 385, 465)),
    (Rule(), (240, 320), 1.0, (97, 177, 385, 465)),
    (Rule(true_division=True), (240, 320), 1.0035, (96, 176, 385.5, 465.5)),
    (Rule(), (240, 320), 1.0035, (96, 176, 385, 465)),
    (Rule(true_division=True), (240, 320), 2.3, (-90, -10, 573, 653)),
    (Rule(), (240, 320), 2.3, (-90, -10, 572, 652)),
    (Rule("inside_major", 1.5, True), (100, 600), 2.0, (-48, 63.5, 528.5, 640)),
    (Rule("inside_major", 1.5), (100, 600), 2.0, (-48, 64, 528, 640)),
    # Both axes inside: the patch shrinks to the 480 rows and moves left.
    (Rule("inside", 1.5), (100, 600), 2.0, (0, 160, 480, 640)),
]


@pytest.mark.parametrize("rule, position, scale, expected", REPORTED)
def test_reported_corners_follow_the_rule(rule, position, scale, expected):
    at = (jnp.array(position, float), jnp.float32(scale))
    got = corners(blank(480, 640), *at, SIDE, rule)
    np.testing.assert_array_equal(got, expected)


def written_out(pixels, position, scale, side):
    """The integer rule of a replicated border on whole arrays; OpenCV resizes."""
    stride = max(int(scale - 0.1), 1)
    point = np.trunc(position).astype(int)
    offset = point % stride
    thin = pixels[offset[0] :: stride, offset[1] :: stride]
    point = (point - offset) // stride
    n = max(int(np.round(np.float32(scale * side) / stride)), 2)
    rows, cols = (
        np.clip(np.arange(p - (n - 1) // 2, p + n // 2 + 1), 0, length - 1)
        for p, length in zip(point, thin.shape, strict=True)
    )
    return cv2.resize(thin[rows][:, cols].astype(np.float32), (side, side))


@pytest.mark.parametrize("scale", [0.31, 1.0, 1.7, 2.4, 3.6])
def test_patches_equal_the_rule_written_out(rng, scale):
    pixels = rng.integers(0, 255, (50, 70), np.uint8)
    position = rng.uniform(-10, 70, 2).astype(np.float32)
    at = (jnp.asarray(position), jnp.float32(scale))
    got, _ = cut(frame_of(pixels[..., None]), *at, 24, Rule())
    expected = written_out(pixels, position, scale, 24)
    np.testing.assert_allclose(got[..., 0], expected, atol=2e-3)


@pytest.mark.parametrize("border", ["replicate", "inside", "inside_major"])
def test_padding_is_never_read(rng, border):
    pixels = rng.integers(0, 255, (40, 60, 1), np.uint8)
    padded = np.full((64, 64, 1), 255, np.uint8)
    padded[:40, :60] = pixels
    at = (jnp.array([35.0, 55.0]), jnp.float32(2.5), 24, Rule(border))
    alone, _ = cut(frame_of(pixels), *at)
    bucket, _ = cut(Frame(jnp.asarray(padded), jnp.array([40, 60], jnp.int32)), *at)
    np.testing.assert_array_equal(alone, bucket)


@pytest.mark.parametrize("position", [(-900.0, 5.0), (5.0, 900.0)])
def test_a_patch_far_outside_repeats_the_border(rng, position):
    pixels = rng.integers(0, 255, (40, 60, 1), np.uint8)
    got, _ = cut(frame_of(pixels), jnp.array(position), jnp.float32(3.3), 24, Rule())
    assert np.isfinite(got).all()
    axis = 0 if position[0] < 0 else 1
    assert (got == jnp.take(got, jnp.array([0]), axis=axis)).all()


def test_a_centred_target_has_its_continuous_centre_at_half_the_patch():
    view = View(jnp.array([50.0, 60.0]), jnp.float32(1.5))
    box = into_patch(view.position, jnp.array([30.0, 12.0]), view, SIDE)
    np.testing.assert_allclose(box[:2] + box[2:] / 2, [SIDE / 2] * 2)
    np.testing.assert_allclose(box[2:], [8.0, 20.0])


def test_a_box_returns_half_a_patch_pixel_further():
    view = View(jnp.array([50.0, 60.0]), jnp.float32(1.5))
    position, size = jnp.array([47.0, 63.0]), jnp.array([30.0, 12.0])
    back = out_of_patch(into_patch(position, size, view, SIDE), view, SIDE)
    np.testing.assert_allclose(back[0], position + 0.75, rtol=1e-6)
    np.testing.assert_allclose(back[1], size, rtol=1e-6)


def test_image_boxes_survive_the_door():
    box = jnp.array([10.0, 20.0, 31.0, 8.0])
    position, _ = from_box(box)
    np.testing.assert_array_equal(position, [23.5, 25.0])
    np.testing.assert_array_equal(to_box(*from_box(box)), box)
