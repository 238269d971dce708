"""Alignment: known displacements are found across modalities, strangers are told."""

import cv2
import numpy as np
import pytest

from tirjax.data.pairs import Pair, open_pairs, shift
from tirjax.data.pairs.alignment import CLEAR, cross_spectrum, locate

SIZE = (192, 256)


def scene(rng, size=SIZE):
    """Blocks of many sizes, smoothed a little, 0..255."""
    picture = np.zeros(size, np.float32)
    for _ in range(60):
        y, x = rng.integers(0, size[0]), rng.integers(0, size[1])
        h, w = rng.integers(6, 60, 2)
        picture[y : y + h, x : x + w] = rng.uniform(0, 255)
    return cv2.GaussianBlur(picture, (0, 0), 0.8)


def moved(picture, dx, dy):
    """The picture with its content ``dx`` to the right and ``dy`` lower."""
    by = np.float32([[1, 0, dx], [0, 1, dy]])
    return cv2.warpAffine(
        picture, by, picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT
    )


def pair(visible, thermal):
    visible, thermal = (np.rint(p).astype(np.uint8) for p in (visible, thermal))
    return Pair(np.repeat(visible[..., None], 3, 2), thermal[..., None])


def displaced(rng, dx, dy, size=SIZE):
    """Warm is dark here, contrast is bent, and both halves are noisy."""
    visible = scene(rng, size)
    thermal = 255 - 255 * (moved(visible, dx, dy) / 255) ** 2
    noise = rng.normal(0, 4, (2, *size))
    return pair(*np.clip(np.stack([visible, thermal]) + noise, 0, 255))


@pytest.mark.parametrize("by", [(0, 0), (5, 0), (0, -7), (-9, 6), (2.5, 1.5)])
def test_a_known_displacement_is_found_in_one_pair(rng, by):
    found = shift(displaced(rng, *by))
    # Half a pixel: the thermal curve moves soft edges by itself.
    np.testing.assert_allclose(found[:2], by, atol=0.5)
    assert found.strength > CLEAR


def test_a_displacement_is_in_pixels_of_the_picture(rng):
    found = shift(displaced(rng, 12, -10, (384, 640)))
    np.testing.assert_allclose(found[:2], (12, -10), atol=0.7)


def test_a_set_shows_what_its_pairs_have_in_common(rng):
    """One pair of strangers in four does not matter."""
    pairs = [displaced(rng, -6, 4) for _ in range(6)]
    pairs += [pair(scene(rng), scene(rng)) for _ in range(2)]
    found = shift(iter(pairs))
    np.testing.assert_allclose(found[:2], (-6, 4), atol=0.5)
    assert found.strength > 2 * CLEAR


def test_strangers_are_weaker_than_pairs(rng):
    scenes = [scene(rng) for _ in range(8)]
    own = [shift(pair(s, 255 - s)).strength for s in scenes]
    other = [
        shift(pair(s, 255 - t)).strength
        for s, t in zip(scenes, scenes[1:] + scenes[:1], strict=True)
    ]
    assert min(own) > CLEAR and min(own) > 2 * max(other)


def test_inverting_or_dimming_a_half_changes_nothing(rng):
    visible, thermal = displaced(rng, 3, 2)
    before = shift(Pair(visible, thermal))
    np.testing.assert_allclose(shift(Pair(visible, 255 - thermal)), before, rtol=1e-3)
    dim = shift(Pair(visible, thermal // 4))
    # Rounded to 64 levels.
    np.testing.assert_allclose(dim[:2], before[:2], atol=0.2)


def test_swapping_the_halves_turns_the_displacement(rng):
    visible, thermal = displaced(rng, 6, -5)
    back = shift(Pair(np.repeat(thermal, 3, 2), visible[..., :1]))
    np.testing.assert_allclose(back[:2], (-6, 5), atol=0.5)


def test_a_displacement_beyond_reach_is_not_found_but_weak_or_near(rng):
    far = displaced(rng, 60, 0)
    found = shift(far)
    assert abs(found.dx) <= 0.1 * SIZE[1] + 1
    np.testing.assert_allclose(shift(far, reach=0.3)[:2], (60, 0), atol=1)


@pytest.mark.parametrize("level", [0, 128])
def test_without_edges_there_is_no_displacement(rng, level):
    flat = np.full(SIZE, level)
    for one in (pair(flat, flat), pair(scene(rng), flat)):
        assert shift(one) == (0, 0, 0)
        assert np.isfinite(cross_spectrum(one)).all()


def test_every_pair_counts_alike(rng):
    energy = [np.linalg.norm(cross_spectrum(displaced(rng, i, 0))) for i in range(3)]
    np.testing.assert_allclose(energy, 1, rtol=1e-5)


def test_tiny_pictures_are_no_error(rng):
    small = pair(rng.uniform(0, 255, (7, 9)), rng.uniform(0, 255, (7, 9)))
    assert np.isfinite(shift(small)).all()


@pytest.fixture(scope="module")
def roadscene(shared):
    """Every seventh of 221 pairs."""
    found = open_pairs("roadscene", shared / "data" / "pairs_roadscene")
    return [found[i] for i in range(0, len(found), 7)]


def stranger(one, other):
    """The visible half of one, the thermal half of another in its size."""
    size = one.visible.shape[1::-1]
    return Pair(one.visible, cv2.resize(other.thermal[..., 0], size)[..., None])


def strength(spectrum):
    return locate(spectrum, SIZE).strength


def test_real_pairs_stand_out_of_shuffled_ones(roadscene):
    turned = roadscene[10:] + roadscene[:10]
    other = [stranger(a, b) for a, b in zip(roadscene, turned, strict=True)]
    spectra = [[cross_spectrum(p) for p in half] for half in (roadscene, other)]
    own, weak = (np.array([strength(s) for s in half]) for half in spectra)
    # All 221: 220 above their own stranger, 219 clear, 7 strangers clear.
    assert (own > weak).mean() >= 0.95
    assert (own > CLEAR).mean() >= 0.95 and (weak > CLEAR).mean() <= 0.1
    true, shuffled = (strength(sum(half)) for half in spectra)
    assert shuffled < CLEAR < true / 3


@pytest.fixture(scope="module")
def resting(roadscene):
    return shift(roadscene[::2])


@pytest.mark.parametrize("by", [(4, 0), (-8, 5), (12, -12)])
def test_a_displacement_of_a_real_set_is_recovered(roadscene, resting, by):
    away = (Pair(p.visible, moved(p.thermal, *by)[..., None]) for p in roadscene[::2])
    # Pairs of many sizes are measured at one: 12 pixels are not the same for all.
    np.testing.assert_allclose(np.subtract(shift(away)[:2], resting[:2]), by, atol=0.7)


def test_llvip_lies_within_three_pixels(shared):
    found = open_pairs("llvip", shared / "data" / "pairs_llvip")
    measured = shift(found[i] for i in range(0, len(found), 4))
    assert max(abs(measured.dx), abs(measured.dy)) < 3.5
    assert measured.strength > 2 * CLEAR
