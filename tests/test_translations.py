"""Scores of translated images: known values, equality, errors."""

import sys

import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.evaluation.translations import psnr, ssim, translation_scores


def test_psnr_by_its_formula(rng):
    true = rng.integers(0, 256, (12, 14)).astype(np.uint8)
    found = np.clip(true.astype(float) + rng.normal(0, 9, true.shape), 0, 255)
    error = ((found - true) ** 2).mean()
    assert psnr(found, true) == pytest.approx(10 * np.log10(255**2 / error))
    assert psnr(true, true) == np.inf


def test_ssim_by_its_formula_on_constant_images():
    """Without any variance only the luminance term is left."""
    a, b, c1 = 90.0, 120.0, (0.01 * 255) ** 2
    want = (2 * a * b + c1) / (a * a + b * b + c1)
    flat = lambda value: np.full((16, 16, 1), value)
    assert ssim(flat(a), flat(b)) == pytest.approx(want)


def test_ssim_falls_with_noise_and_ignores_repeated_channels(rng):
    true = np.cumsum(rng.normal(0, 9, (32, 32)), 1).clip(-100, 100) + 120
    noisy = [true + rng.normal(0, s, true.shape) for s in (2, 10, 40)]
    values = [ssim(image, true) for image in [true, *noisy]]
    assert values[0] == pytest.approx(1) and values == sorted(values, reverse=True)
    colour = np.repeat(true[..., None], 3, -1)
    assert ssim(colour, true) == pytest.approx(1)


def test_scores_of_a_set(rng):
    true = rng.integers(0, 256, (3, 16, 16, 1)).astype(np.uint8)
    found = 255 - true
    scores = translation_scores(list(found), list(true))
    assert scores["gradient_distance"] == 0  # the negative is as steep
    each = [psnr(a, b) for a, b in zip(found, true, strict=True)]
    assert scores["psnr"] == pytest.approx(np.mean(each))
    with pytest.raises(DataError, match="no image"):
        translation_scores([], [])


def test_without_the_library_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    image = np.zeros((16, 16))
    with pytest.raises(DataError, match=r"tirjax\[translate\]"):
        ssim(image, image)
