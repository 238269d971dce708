"""Examples for translators against Pillow's resizing, cropping and mirroring."""

import jax
import numpy as np
import pytest
from PIL import Image

from tirjax.data.training.image_crops import (
    Placement,
    Preparing,
    draw_placement,
    prepare,
)

cut = jax.jit(prepare, static_argnums=(3, 4))
LUMA = np.array([0.299, 0.587, 0.114])


def picture(rng, rows=30, cols=44, channels=3):
    return rng.integers(70, 180, (rows, cols, channels)).astype(np.uint8)


def prepared(pixels, preparing, offset=(0.0, 0.0), mirrored=False, channels=3):
    """On a larger canvas, whose rest is never read."""
    rows, cols, depth = pixels.shape
    canvas = np.full((40, 60, depth), 255, np.uint8)
    canvas[:rows, :cols] = pixels
    place = Placement(np.float32(offset), np.bool_(mirrored))
    size = np.array([rows, cols], np.int32)
    return np.asarray(cut(canvas, size, place, preparing, channels))


def pillow(pixels, cols, rows):
    resized = Image.fromarray(pixels).resize((cols, rows), Image.Resampling.BICUBIC)
    return np.asarray(resized) / 127.5 - 1


# Pillow rounds and clips after either axis; pictures here need no clipping.
ROUNDING = 2.1 / 127.5


def test_resized_cropped_and_mirrored_like_pillow(rng):
    pixels = picture(rng)
    want = pillow(pixels, 20, 20)
    preparing = Preparing(16, 20)
    # Five places: 0.7 of them is the fourth.
    found = prepared(pixels, preparing, (0.7, 0.99), mirrored=True)
    np.testing.assert_allclose(found, want[3:19, 4:20][:, ::-1], atol=ROUNDING)


@pytest.mark.parametrize(("last", "far"), [(True, 4), (False, 3)])
def test_the_released_loader_never_reaches_the_far_border(rng, last, far):
    pixels = picture(rng, 20, 20)
    found = prepared(pixels, Preparing(16, 20, last=last), (0.999, 0.999))
    want = pixels[far : far + 16, far : far + 16] / 127.5 - 1
    np.testing.assert_allclose(found, want, atol=1e-5)


def test_resized_to_a_width_or_not_at_all(rng):
    pixels = picture(rng)
    wide = Preparing(8, 22, "width")
    want = pillow(pixels, 22, 15)[:8, :8]
    np.testing.assert_allclose(prepared(pixels, wide), want, atol=ROUNDING)
    whole = prepared(pixels, Preparing(8, resize="none"), (0.999, 0.0))
    np.testing.assert_allclose(whole, pixels[22:30, :8] / 127.5 - 1, atol=1e-5)


def test_channels_become_what_is_asked_for(rng):
    pixels = picture(rng, 16, 16)
    preparing = Preparing(16, 16)
    grey = prepared(pixels, preparing, channels=1)
    want = (pixels @ LUMA)[..., None] / 127.5 - 1
    np.testing.assert_allclose(grey, want, atol=1e-5)
    one = picture(rng, 16, 16, 1)
    three = prepared(one, preparing, channels=3)
    assert three.shape == (16, 16, 3) and (three == three[..., :1]).all()


def test_half_of_the_placements_are_mirrored_or_none():
    keys = jax.random.split(jax.random.key(0), 200)
    settings = (Preparing(flip=True), Preparing(flip=False))
    draw = jax.vmap(lambda key: [draw_placement(key, s) for s in settings])
    some, none = jax.device_get(jax.jit(draw)(keys))
    assert 70 < some.mirrored.sum() < 130 and not none.mirrored.any()
    assert some.offset.min() >= 0 and some.offset.max() < 1
