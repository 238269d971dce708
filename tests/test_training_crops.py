"""Training crops against recorded ones and OpenCV; where boxes land in them."""

import math

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.data.training.crops import BORDERS, Rule, Window, cut, to_crop, window
from tirjax.typing import Frame

place = jax.jit(window, static_argnums=(2, 3, 4))
take = jax.jit(cut, static_argnums=2)
# Rounding to bytes after OpenCV's fixed-point weights.
GREY_LEVEL = 1.0


def frame_of(pixels):
    return Frame(jnp.asarray(pixels), jnp.array(pixels.shape[:2], jnp.int32))


def textured(rows, cols, seed=0):
    """Smooth enough that float32 positions do not matter."""
    coarse = np.random.default_rng(seed).integers(0, 256, (rows // 6, cols // 6, 3))
    return cv2.resize(coarse.astype(np.uint8), (cols, rows))


def first_and_length(box, shape, side, scale, rule):
    """The rules of A.5 of the specification, in plain Python."""
    x, y, w, h = box
    rows, cols = shape
    n = [max(math.ceil(math.sqrt(w * h) * scale), 1)] * 2
    if rule.border.startswith("inside"):
        ratio = n[0] / cols, n[1] / rows
        ratio = max(ratio) if rule.border == "inside" else min(ratio)
        ratio = min(max(1, ratio), rule.max_shrink)
        n = [math.floor(k / ratio + 1e-9) for k in n]
    first = [round(x + w / 2 - n[0] / 2), round(y + h / 2 - n[1] / 2)]
    if rule.border != "replicate":
        for axis, length in enumerate((cols, rows)):
            a = first[axis]
            a += max(0, -a) + min(0, length - (a + n[axis]))
            outside = (max(0, -a) + max(0, a + n[axis] - length)) // 2
            first[axis] = -outside if outside > 0 else a
    return first, n


def by_opencv(image, first, length, side):
    """Pads with the published off-by-one at the far border, cuts and resizes."""
    rows, cols = image.shape[:2]
    (x1, y1), (x2, y2) = first, (first[0] + length[0], first[1] + length[1])
    left, top = max(0, -x1), max(0, -y1)
    right, low = max(x2 - cols + 1, 0), max(y2 - rows + 1, 0)
    inner = image[y1 + top : y2 - low, x1 + left : x2 - right]
    whole = cv2.copyMakeBorder(inner, top, low, left, right, cv2.BORDER_REPLICATE)
    return cv2.resize(whole, (side, side))


@pytest.mark.parametrize("case", range(3))
def test_crops_are_the_recorded_ones(shared, case):
    pixels = cv2.imread(str(shared / "data/tir_airplane/img/00000001.jpg"), 0)
    frame = frame_of(pixels[..., None])
    with np.load(shared / "goldens/dimp/layers.npz") as recorded:
        get = lambda name: recorded[f"sample_target/{case}/{name}"]
        box, scale = jnp.asarray(get("box"), jnp.float32), float(get("factor"))
        at = place(box, frame.size, 288, scale, Rule())
        got = take(frame, at, 288)[::6, ::6, 0]
        expected, ratio = get("every6"), get("resize_factor")
    np.testing.assert_allclose(got, expected, atol=GREY_LEVEL)
    np.testing.assert_allclose(288 / at.length, ratio, rtol=1e-6)


BOXES = {
    "middle": (140.2, 90.7, 31.0, 22.0),
    "corner": (5.0, 8.0, 40.0, 40.0),
    "far corner": (271.0, 205.0, 30.0, 26.0),
    "ends at the border": (230.0, 110.0, 28.0, 28.0),
    "tiny": (50.0, 60.0, 0.6, 0.4),
    "larger than the image": (-40.0, -30.0, 400.0, 300.0),
}


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("name", BOXES)
def test_crops_are_those_of_the_written_rule(border, name):
    image, rule, side = textured(240, 300), Rule(border), 72
    box = jnp.array(BOXES[name], jnp.float32)
    frame = frame_of(image)
    at = place(box, frame.size, side, 5.0, rule)
    first, length = first_and_length(BOXES[name], image.shape[:2], side, 5.0, rule)
    np.testing.assert_array_equal(at.first, first)
    np.testing.assert_array_equal(at.length, length)
    got, want = take(frame, at, side), by_opencv(image, first, length, side)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, want, atol=GREY_LEVEL)


# The specification's example: a box near the left border of a 480 x 640 image.
@pytest.mark.parametrize("border, x", [("replicate", -75), ("shifted", 0)])
def test_only_the_shifted_window_moves_inside(border, x):
    box, size = jnp.array([5.0, 200.0, 40.0, 40.0]), jnp.array([480, 640])
    at = place(box, size, 288, 5.0, Rule(border))
    np.testing.assert_array_equal([*at.first, *at.length], [x, 120, 200, 200])


def test_the_last_row_and_column_are_never_read():
    image = np.full((30, 40, 1), 7, np.uint8)
    image[-1], image[:, -1] = 255, 255
    at = Window(jnp.array([20.0, 10.0]), jnp.array([20.0, 20.0]), jnp.zeros(2))
    np.testing.assert_array_equal(take(frame_of(image), at, 20), 7)


def bounds(mask):
    """Edges of a blurred rectangle: half of its mass per axis is its middle."""
    columns, rows = mask.max(0), mask.max(1)
    x, y = [(np.arange(len(a)) + 0.5) @ a / a.sum() for a in (columns, rows)]
    return np.array(
        [x - columns.sum() / 2, y - rows.sum() / 2, *map(sum, (columns, rows))]
    )


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("offset", [(0, 0), (7.3, -5.8)], ids=["centred", "moved"])
def test_a_painted_target_lands_in_its_mapped_box(border, offset):
    x, y, w, h = box = (60, 45, 24, 18)
    image = np.zeros((120, 160, 1), np.float32)
    image[y : y + h, x : x + w] = 1
    frame, side, rule = frame_of(image), 128, Rule(border)
    near = jnp.array([x + offset[0], y + offset[1], w, h], jnp.float32)
    at = place(near, frame.size, side, 4.0, rule)
    painted = bounds(np.asarray(take(frame, at, side))[..., 0])
    mapped = to_crop(jnp.array(box, jnp.float32), at, side)
    # Sums of point samples are not areas: 0.15. 'replicate' is half a crop pixel off
    # and ignores half an image pixel of rounding.
    off = 0.5 + 0.5 * side / at.length[0] if border == "replicate" else 0.0
    np.testing.assert_allclose(mapped, painted, atol=float(off) + 0.15)


def test_the_moved_box_is_in_the_middle_of_its_crop():
    box, size = jnp.array([60.3, 45.1, 24.0, 18.0]), jnp.array([120, 160])
    for border, middle, within in [("replicate", 63.5, 1e-3), ("shifted", 64.0, 1.0)]:
        rule = Rule(border)
        mapped = to_crop(box, place(box, size, 128, 4.0, rule), 128)
        np.testing.assert_allclose(mapped[:2] + mapped[2:] / 2, middle, atol=within)
        assert abs(rule.reach(128) / 2 - middle) < 1e-6


@pytest.mark.parametrize("border", BORDERS)
def test_one_compilation_serves_padded_images_and_batches(border):
    image, rule, side = textured(60, 72), Rule(border), 32
    padded = np.zeros((80, 90, 3), np.uint8)
    padded[:60, :72] = image
    size = jnp.array([60, 72], jnp.int32)
    boxes = jnp.array([BOXES["tiny"], BOXES["corner"], (40.0, 30, 20, 15)])

    @jax.jit
    def both(pixels, box):
        at = window(box, size, side, 5.0, rule)
        return cut(Frame(pixels, size), at, side), to_crop(box, at, side)

    batch = jax.jit(jax.vmap(both, in_axes=(None, 0)))(jnp.asarray(padded), boxes)
    for i, box in enumerate(boxes):
        crop, mapped = both(jnp.asarray(image), box)
        np.testing.assert_allclose(batch[0][i], crop, atol=1e-2)
        np.testing.assert_allclose(batch[1][i], mapped, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("box", [(9.0, 9, 0, 0), (-500.0, 900, 30, 20), (0.0, 0, 1, 1)])
def test_no_box_gives_anything_but_finite_numbers(border, box):
    frame, box = frame_of(textured(60, 72)), jnp.array(box)
    at = place(box, frame.size, 32, 5.0, Rule(border))
    assert np.isfinite(take(frame, at, 32)).all()
    assert np.isfinite(to_crop(box, at, 32)).all()


def test_an_unknown_border_is_refused():
    with pytest.raises(DataError, match="take one of replicate"):
        Rule("outside")
