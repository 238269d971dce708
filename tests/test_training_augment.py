"""Changes of appearance: their ranges, what they leave alone, whose decision it is."""

import dataclasses
from functools import cache

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.training import augment as lib
from tirjax.data.training.augment import RGB, THERMAL, Augmentation, augment

KEY = jax.random.key(1)
gain = jax.jit(lib.auto_gain, static_argnums=3)
blurred = jax.jit(lib.blur, static_argnums=2)
CHANGES = {
    "grey": lambda x, k: lib.grey(x, k, 0.5),
    "brightness": lambda x, k: lib.brightness(x, k, 0.2),
    "blur": lambda x, k: lib.blur(x, k, 1.5),
    "auto_gain": lambda x, k: lib.auto_gain(x, k, 0.5, (1.5, 4.0)),
    "polarity": lambda x, k: lib.polarity(x, k, 0.5),
    "contrast": lambda x, k: lib.contrast(x, k, 0.3, 20.0, 0.2),
    "noise": lambda x, k: lib.noise(x, k, 5.0, 3.0),
}


def picture(n=3, rows=16, cols=20, channels=3, low=60.0, high=190.0):
    shape = (n, rows, cols, channels)
    drawn = np.random.default_rng(0).uniform(low, high, shape)
    return jnp.asarray(drawn, jnp.float32)


@cache
def compiled(change):
    return jax.jit(jax.vmap(change, (None, 0)))


def each(change, pixels, count):
    """The change under ``count`` keys."""
    return np.asarray(compiled(change)(pixels, jax.random.split(KEY, count)))


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_stays_in_range_and_follows_its_key(name):
    change = CHANGES[name]
    for low, high in [(0.0, 255.0), (255.0, 255.0), (0.0, 0.0)]:
        pixels = picture(low=low, high=high)
        got = each(change, pixels, 4)
        assert got.dtype == np.float32 and got.shape == (4, *pixels.shape)
        assert np.isfinite(got).all() and got.min() >= 0 and got.max() <= 255.001
    np.testing.assert_array_equal(
        each(change, picture(), 4), each(change, picture(), 4)
    )


def test_grey_is_one_decision_and_opencv_grey():
    pixels = picture()
    got = each(lambda x, k: lib.grey(x, k, 0.3), pixels, 400)
    happened = (got != np.asarray(pixels)).any((2, 3, 4))
    assert (happened.all(1) == happened.any(1)).all()
    assert abs(happened[:, 0].mean() - 0.3) < 0.08
    done = got[happened[:, 0]][0]
    for frame, source in zip(done, np.asarray(pixels), strict=True):
        want = cv2.cvtColor(source, cv2.COLOR_RGB2GRAY)
        np.testing.assert_allclose(frame, np.stack([want] * 3, -1), atol=1e-2)


def test_one_channel_has_no_colour_to_lose():
    pixels = picture(channels=1)
    np.testing.assert_array_equal(lib.grey(pixels, KEY, 1.0), pixels)


def test_brightness_is_a_factor_of_each_frame():
    pixels = picture(high=200.0)
    ratio = each(lambda x, k: lib.brightness(x, k, 0.2), pixels, 200) / pixels
    factors = ratio[:, :, 0, 0, 0]
    want = np.broadcast_to(factors[:, :, None, None, None], ratio.shape)
    np.testing.assert_allclose(ratio, want, rtol=1e-5)
    assert factors.min() >= 0.8 - 1e-5 and factors.max() <= 1.2 + 1e-5
    assert abs(factors.mean() - 1) < 0.02 and factors.std() > 0.1
    assert (factors[:, 0] != factors[:, 1]).all()


def test_blur_is_a_gaussian_that_keeps_flat_frames():
    pixels = picture()
    got = np.asarray(blurred(pixels, KEY, 1.5))
    widths = np.asarray(jax.random.uniform(KEY, (3, 1, 1, 1), maxval=1.5)).ravel()
    for frame, source, width in zip(got, np.asarray(pixels), widths, strict=True):
        want = cv2.GaussianBlur(
            source, (7, 7), float(width), borderType=cv2.BORDER_REPLICATE
        )
        np.testing.assert_allclose(frame, want, atol=1e-2)
    flat = jnp.full((2, 9, 9, 1), 77.0)
    np.testing.assert_allclose(blurred(flat, KEY, 1.5), flat, rtol=1e-5)


def test_auto_gain_spreads_and_clips_around_the_mean():
    pixels = picture(rows=32, cols=32, channels=1, low=100, high=140)
    got = np.asarray(gain(pixels, KEY, 1.0, (1.0, 1.0)))
    x = np.asarray(pixels)
    mean, deviation = x.mean((1, 2, 3), keepdims=True), x.std((1, 2, 3), keepdims=True)
    want = np.clip((x - mean + deviation) / (2 * deviation), 0, 1) * 255
    np.testing.assert_allclose(got, want, atol=0.1)


def test_auto_gain_leaves_a_flat_frame_flat():
    got = np.asarray(gain(jnp.full((2, 8, 8, 1), 9.0), KEY, 1.0, (1.5, 4.0)))
    assert np.ptp(got) == 0


def test_polarity_is_one_decision():
    pixels = picture()
    got = each(lambda x, k: lib.polarity(x, k, 0.25), pixels, 400)
    swapped = np.isclose(got, 255 - np.asarray(pixels)).all((2, 3, 4))
    same = (got == np.asarray(pixels)).all((2, 3, 4))
    assert (swapped.all(1) ^ same.all(1)).all()
    assert abs(swapped[:, 0].mean() - 0.25) < 0.08


def test_contrast_turns_around_the_mean_and_drifts_little_within_a_sequence():
    pixels = picture(low=100, high=150)
    got = each(lambda x, k: lib.contrast(x, k, 0.3, 20.0, 0.1), pixels, 200)
    over = (2, 3, 4)
    gain = np.log(got.std(over) / np.asarray(pixels).std((1, 2, 3)))
    moved = got.mean(over) - np.asarray(pixels).mean((1, 2, 3))
    # Both ranges hold the sequence's draw and a tenth more for the frame's.
    for draws, reach in [(gain, 0.3), (moved, 20.0)]:
        assert np.abs(draws).max() <= 1.1 * reach + 1e-3
        assert np.abs(draws).max() > 0.8 * reach and abs(draws.mean()) < 0.12 * reach
        within = np.ptp(draws, axis=1)
        assert 0 < within.max() <= 0.2 * reach + 1e-3


def test_noise_is_the_same_in_all_channels_and_as_strong_as_drawn():
    pixels = jnp.full((2, 64, 64, 3), 128.0)
    got = each(lambda x, k: lib.noise(x, k, 6.0, 0.0), pixels, 40) - 128
    np.testing.assert_array_equal(got[..., 0], got[..., 2])
    assert abs(got.mean()) < 0.1
    deviations = got.std((1, 2, 3, 4))
    assert deviations.max() <= 6.2 and 2 < deviations.mean() < 4
    assert (got[:, 0] != got[:, 1]).any()


def test_column_noise_is_fixed_along_columns_but_not_in_time():
    pixels = jnp.full((2, 8, 64, 1), 128.0)
    got = np.asarray(lib.noise(pixels, KEY, 0.0, 6.0))[..., 0]
    assert np.ptp(got, axis=1).max() == 0
    assert (got[0] != got[1]).any() and got.std() > 0


def test_mirroring_is_joint_single_or_both():
    draw = lambda all_, each_: np.asarray(
        jax.jit(jax.vmap(lambda k: lib.mirrors(k, 4, Augmentation(all_, each_))))(
            jax.random.split(KEY, 500)
        )
    )
    joint = draw(0.4, 0.0)
    assert (joint.all(1) == joint.any(1)).all() and abs(joint.mean() - 0.4) < 0.07
    single = draw(0.0, 0.4)
    assert abs(single.mean() - 0.4) < 0.07
    assert abs(np.corrcoef(single[:, 0], single[:, 1])[0, 1]) < 0.12
    assert abs(draw(0.5, 0.5).mean() - 0.5) < 0.05
    assert not draw(0.0, 0.0).any()


def test_mirrored_boxes_show_what_they_showed():
    pixels, which = picture(2, 10, 20, 1), jnp.array([True, False])
    boxes = jnp.array([[3.0, 2, 5, 4], [3.0, 2, 5, 4]])
    turned = lib.mirror_pixels(pixels, which)
    moved = np.asarray(lib.mirror_boxes(boxes, which, 20)).astype(int)
    np.testing.assert_array_equal(moved, [[12, 2, 5, 4], [3, 2, 5, 4]])
    x, y, w, h = moved[0]
    there = np.asarray(turned)[0, y : y + h, x : x + w]
    np.testing.assert_array_equal(there[:, ::-1], pixels[0, 2:6, 3:8])
    np.testing.assert_array_equal(turned[1], pixels[1])


def test_settings_of_zero_change_nothing():
    pixels = picture()
    assert augment(pixels, KEY, Augmentation()) is pixels


@pytest.mark.parametrize("settings", [RGB, THERMAL], ids=["rgb", "thermal"])
def test_all_changes_together_follow_the_key_and_batches_equal_singles(settings):
    pixels, keys = picture(2), jax.random.split(KEY, 3)
    single = jax.jit(lambda x, k: augment(x, k, settings))
    batch = jax.jit(jax.vmap(single, (None, 0)))(pixels, keys)
    assert batch.dtype == jnp.float32
    assert (batch[0] != batch[1]).any()
    for got, key in zip(batch, keys, strict=True):
        np.testing.assert_allclose(got, single(pixels, key), atol=0.05)
    assert batch.min() >= 0 and batch.max() <= 255.001


def test_switching_one_change_off_leaves_the_draws_of_the_others():
    some = Augmentation(invert=0.5, brightness=0.2)
    alone = dataclasses.replace(some, invert=0.0)
    pixels = picture()
    got, want = augment(pixels, KEY, some), augment(pixels, KEY, alone)
    same = np.allclose(got, want) or np.allclose(255 - got, want, atol=1e-3)
    assert same
