"""The pyramid of crops against the published code's numbers and rules."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matlab_resize import imresize

from tirjax.ops import boxes
from tirjax.trackers.siamese import MMNET, pyramid
from tirjax.typing import Frame

SCALES = MMNET.scale_step ** np.arange(-1.0, 2.0)
exact, parity = (
    jax.jit(lambda *a, cut=cut: cut(*a, SCALES, 31))
    for cut in (pyramid.exact, pyramid.parity)
)


def test_the_geometry_is_that_of_the_published_code():
    """Box (420, 136, 53, 130) and the patch's corner (353, 108), counted from one."""
    box = jnp.float32([419, 135, 53, 130])
    side = jnp.sqrt((box[2:] + box[2:].sum() / 2).prod())
    np.testing.assert_allclose(side, 178.904304, rtol=1e-6)
    plan = pyramid.layout(boxes.centre(box), side, SCALES, 255)
    np.testing.assert_array_equal(plan.sides, [172, 179, 186])
    np.testing.assert_array_equal(plan.levels, [255, 265, 276])
    np.testing.assert_array_equal(plan.starts + 1, [11, 6, 0])
    np.testing.assert_array_equal(plan.start + 1, [353, 108])
    assert plan.patch == 538 - 353 + 1 and plan.search == 276


def by_matlab(image, colour, centre, side, scales, size):
    """The published pyramid step by step, counted from one."""

    def cut(image, centre, side):
        first = [c - (side + 1) / 2 for c in centre]
        first = [int(np.sign(x) * np.floor(abs(x) + 0.5)) for x in first]
        out = np.tile(colour, (side, side, 1))
        for i, j in np.ndindex(side, side):
            r, c = first[0] + i - 1, first[1] + j - 1
            if 0 <= r < image.shape[0] and 0 <= c < image.shape[1]:
                out[i, j] = image[r, c]
        return out

    sides = np.floor(side * scales + 0.5).astype(int)
    search = int(np.floor(size * sides.max() / sides.min() + 0.5))
    patch = imresize(cut(image, centre[::-1] + 1, sides.max()), (search, search))
    levels = np.floor(size * sides / sides.min() + 0.5).astype(int)
    middle = np.full(2, (1 + search) / 2)
    return np.stack([imresize(cut(patch, middle, n), (size, size)) for n in levels])


@pytest.mark.parametrize(
    ("centre", "side"),
    [((21.5, 17.0), 20.3), ((3.2, 30.7), 24.9), ((20.0, 20.0), 150.0), ((9, 9), 8.0)],
    ids=["inside", "at_the_edge", "larger_than_the_image", "smallest"],
)
def test_parity_cuts_as_matlab_does(rng, centre, side):
    image = rng.uniform(0, 255, (40, 46, 1))
    padded = np.pad(image, ((0, 5), (0, 2), (0, 0)), constant_values=9999.0)
    frame = Frame(jnp.float32(padded), jnp.int32([40, 46]))
    colour = pyramid.mean_colour(frame)
    np.testing.assert_allclose(colour, image.mean((0, 1)), rtol=1e-5)
    scales = SCALES if side < 100 else np.array([0.8, 1.0, 1.25])
    centre = np.float32(centre)
    got = jax.jit(lambda *a: pyramid.parity(*a, scales, 31))(
        frame, colour, centre, jnp.float32(side)
    )
    want = by_matlab(image, np.asarray(colour), centre, side, scales, 31)
    np.testing.assert_allclose(got, want, atol=0.02)


def ramps(rows=80, cols=96):
    """A picture whose value says where a pixel's centre is, edge coordinates."""
    y, x = np.mgrid[:rows, :cols] + 0.5
    frame = Frame(jnp.float32(np.stack([x, y], -1)), jnp.int32([rows, cols]))
    return frame, jnp.float32([-1.0, -1.0])


@pytest.mark.parametrize("side", [20.3, 41.7])
def test_exact_levels_sample_the_centre_and_side_they_say(side):
    frame, colour = ramps()
    centre = jnp.float32([44.3, 38.9])
    got = exact(frame, colour, centre, jnp.float32(side))
    for level, scale in zip(got, SCALES, strict=True):
        offset = ((np.arange(31) + 0.5) / 31 - 0.5) * side * scale
        np.testing.assert_allclose(level[15, :, 0], centre[0] + offset, atol=0.03)
        np.testing.assert_allclose(level[:, 15, 1], centre[1] + offset, atol=0.03)


def test_parity_looks_up_and_left_of_the_numbers_of_the_box():
    """Which, counted from one, lie half a pixel past the true centre."""
    frame, colour = ramps()
    centre = jnp.float32([44.0, 39.5])
    levels = parity(frame, colour, centre, jnp.float32(20))
    off = levels[1].mean((0, 1)) - (centre + 0.5)
    assert (off < -0.4).all() and (off > -1.7).all()


def test_pixels_outside_have_the_colour():
    frame, colour = ramps()
    for cut in (exact, parity):
        got = cut(frame, colour, jnp.float32([-60, 40]), jnp.float32(40))
        np.testing.assert_allclose(got, -1.0, atol=1e-5)
