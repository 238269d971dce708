"""Frames of any size on canvases of one size."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.training.canvas import Canvas, place, read_sample
from tirjax.ops.crop import crop
from tirjax.typing import Frame

SMALL = Canvas((24, 32), 1, 4.0)


def smooth(rows, cols, channels=1):
    """A picture that shrinks without aliasing, different in each direction."""
    y, x = np.mgrid[:rows, :cols] + 0.5
    picture = 128 + 60 * np.sin(x / 40) + 60 * np.cos(y / 30)
    return np.repeat(picture[..., None], channels, axis=2).round().astype(np.uint8)


def crop_around(pixels, size, box):
    """Square crop around a box, by the crop that training uses on the device."""
    length = 3 * np.sqrt(box[2] * box[3])
    centre = box[:2] + box[2:] / 2
    region = jnp.array([*(centre - length / 2), length, length], jnp.float32)
    frame = Frame(jnp.asarray(pixels), jnp.asarray(size, jnp.int32))
    return np.asarray(jax.jit(crop, static_argnums=2)(frame, region, (40, 40)))


def on_canvas(frame, box, canvas):
    part, moved = place(frame, np.asarray(box, float), canvas)
    pixels = np.zeros((*canvas.size, canvas.channels), np.uint8)
    pixels[: part.shape[0], : part.shape[1]] = part
    return pixels, part.shape[:2], moved


def test_a_frame_that_fits_is_left_alone(rng):
    frame = rng.integers(0, 256, (20, 30, 1), dtype=np.uint8)
    part, box = place(frame, np.array([1.5, 2, 3, 4]), SMALL)
    np.testing.assert_array_equal(part, frame)
    assert box.tolist() == [1.5, 2, 3, 4] and box.dtype == np.float32


@pytest.mark.parametrize(
    "box",
    [[300, 200, 30, 20], [-9, -9, 25, 25], [480, 380, 30, 30], [600, 240, 20, 20]],
)
def test_a_crop_of_the_part_kept_is_the_crop_of_the_frame(rng, box):
    """Inside, over the image's border, and with the target beyond it."""
    frame = rng.integers(0, 256, (400, 500, 1), dtype=np.uint8)
    pixels, size, moved = on_canvas(frame, box, Canvas((100, 120), 1, 3.0))
    want = crop_around(frame, frame.shape[:2], np.array(box))
    # Coordinates of the frame are larger, so float32 resolves its taps less finely.
    np.testing.assert_allclose(crop_around(pixels, size, moved), want, atol=0.02)


@pytest.mark.parametrize(
    ("box", "close"), [([100, 120, 80, 60], 1.5), ([5, 5, 90, 70], 3)]
)
def test_a_shrunk_frame_gives_nearly_the_same_crop(box, close):
    """Within grey levels; the border that is repeated is the mean of three pixels."""
    frame = smooth(400, 500)
    pixels, size, moved = on_canvas(frame, box, Canvas((100, 120), 1, 4.0))
    assert size[0] == 100 or size[1] == 120
    want = crop_around(frame, frame.shape[:2], np.array(box))
    np.testing.assert_allclose(crop_around(pixels, size, moved), want, atol=close)


def test_the_whole_canvas_is_used_around_a_small_target():
    part, _ = place(smooth(400, 500), np.array([499.0, 0, 4, 4]), Canvas((100, 120), 1))
    assert part.shape == (100, 120, 1)


def test_grey_becomes_colour_and_colour_grey_as_opencv_does(rng):
    colour = rng.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    box = np.array([1.0, 1, 2, 2])
    grey, _ = place(colour, box, Canvas((8, 9), 1))
    want = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(grey[..., 0], want)
    back, _ = place(grey, box, Canvas((8, 9), 3))
    np.testing.assert_array_equal(back, np.repeat(grey, 3, axis=2))


def test_counts_in_float_are_rounded_into_bytes():
    frame = np.array([[[-3.0], [0.4], [0.6], [300.0]]], np.float32)
    part, _ = place(frame, np.array([0.0, 0, 1, 1]), Canvas((4, 4), 1))
    assert part.dtype == np.uint8 and part.ravel().tolist() == [0, 0, 1, 255]


@pytest.mark.parametrize("change", [{"size": (0, 9)}, {"channels": 2}, {"reach": 0.0}])
def test_a_canvas_that_makes_no_sense_is_named(change):
    with pytest.raises(DataError, match="channels 1 or 3"):
        Canvas(**change)


def test_a_repeated_frame_is_decoded_once_and_laid_down_twice(rng):
    decoded = []

    class Frames(ArrayFrames):
        def __getitem__(self, index):
            decoded.append(int(index))
            return super().__getitem__(index)

    frames = Frames(rng.integers(0, 256, (3, 20, 30, 1), dtype=np.uint8))
    boxes = np.array([[1.0, 2, 3, 4]] * 3)
    clip = Sequence("a", frames, boxes, np.ones(3, bool))
    sample = read_sample(clip, np.array([2, 0, 2]), SMALL)
    assert decoded == [0, 2] and (sample.sizes == [20, 30]).all()
    np.testing.assert_array_equal(sample.pixels[0], sample.pixels[2])
    np.testing.assert_array_equal(sample.pixels[1, :20, :30], frames[0])
    assert not sample.pixels[:, 20:].any() and not sample.pixels[:, :, 30:].any()
