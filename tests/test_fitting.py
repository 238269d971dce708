"""Pictures at a translator's size, and back."""

import numpy as np
import pytest
from PIL import Image

from tirjax.data.fitting import Fit, resize
from tirjax.data.sequence import DataError

SIZES = [(24, 32), (33, 20), (7, 7), (1, 9)]


def keys_matrix(size, target):
    """Bicubic weights with a = -0.5, widened when shrinking, cut off at the border."""
    scale = max(size / target, 1.0)
    at = (np.arange(target) + 0.5) * size / target - 0.5
    x = np.abs(at[:, None] - np.arange(size)) / scale
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    weights = np.where(x <= 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("target", [(16, 16), (50, 40), (10, 60)])
def test_resampling_is_bicubic_of_keys(rng, target):
    picture = rng.uniform(0, 255, (24, 32, 2)).astype(np.float32)
    rows, columns = (keys_matrix(*pair) for pair in zip((24, 32), target, strict=True))
    want = np.einsum("ir,jc,rcx->ijx", rows, columns, picture)
    np.testing.assert_allclose(resize(picture, target), want, atol=2e-3)
    eight = (80 + picture / 4).astype(np.uint8)
    want = np.einsum("ir,jc,rcx->ijx", rows, columns, eight)
    # Pillow rounds (and would clip) after each axis.
    assert np.abs(resize(eight, target) - want).max() <= 1.6


@pytest.mark.parametrize("channels", [1, 3])
def test_eight_bits_are_resized_as_pillow_does_it(rng, channels):
    picture = rng.integers(0, 256, (24, 32, channels)).astype(np.uint8)
    image = Image.fromarray(picture if channels == 3 else picture[..., 0])
    want = np.array(image.resize((20, 40), Image.Resampling.BICUBIC))
    assert resize(picture, (40, 20)).dtype == np.uint8
    np.testing.assert_array_equal(resize(picture, (40, 20)).squeeze(), want)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["squash", "keep", "full"])
def test_both_sides_are_multiples_and_the_size_returns(rng, mode, size):
    fit = Fit(mode, 16, 8)
    picture = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    there = fit.there(picture)
    assert there.shape[0] % 8 == 0 == there.shape[1] % 8
    assert fit.back(there, size).shape == picture.shape


@pytest.mark.parametrize("size", SIZES)
def test_full_size_loses_nothing(rng, size):
    fit = Fit("full", 16, 32)
    picture = rng.integers(0, 65536, (*size, 1)).astype(np.uint16)
    np.testing.assert_array_equal(fit.back(fit.there(picture), size), picture)


def test_a_place_keeps_its_share_of_the_picture():
    """The target stays inside its box: corners go to corners in each mode."""
    ramp = np.broadcast_to(np.arange(40.0)[:, None, None], (40, 60, 1))
    for mode in ("squash", "keep", "full"):
        fit = Fit(mode, 32, 4)
        back = fit.back(fit.there(ramp.astype(np.float32)), (40, 60))
        # Away from the border resampling a ramp is exact; there it is one-sided.
        np.testing.assert_allclose(back[6:-6], ramp[6:-6], atol=0.05)


def test_keep_makes_the_longer_side_the_working_size():
    fit = Fit("keep", 64, 16)
    assert fit.inner((30, 40)) == (48, 64)
    assert fit.there(np.zeros((45, 40, 3), np.uint8)).shape == (64, 64, 3)


@pytest.mark.parametrize("fit", [Fit("squash", 200, 256), Fit("squash", 0, 4)])
def test_a_size_that_does_not_fit_the_network_is_named(fit):
    with pytest.raises(DataError, match=f"working size of {fit.size}.*such as"):
        fit.check()
    Fit("keep", 200, 256).check()
