"""First-frame augmentation against recorded patches."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.trackers.augment import (
    Augmentation,
    drop_channels,
    patches,
    shifts,
    wide_side,
)
from tirjax.trackers.pytracking_crop import Rule, patch
from tirjax.typing import Frame

SIDE = 288
NONE = Augmentation((), False, (), (), (0, 0.0))
RECORDED = {
    "fliplr_10_-7": {"flip": True},
    "blur_3_1": {"blurs": ((3, 1),)},
    "blur_2_0.2_shift": {"blurs": ((2, 0.2),)},
    "rot10": {"rotations": (10,)},
    "rot-45_shift": {"rotations": (-45,)},
}


@pytest.fixture(scope="module")
def recorded(shared):
    with np.load(shared / "goldens/dimp/layers.npz") as arrays:
        yield {k: arrays[k] for k in arrays.files if k.startswith("aug/")}


@pytest.fixture(scope="module")
def wide(shared):
    """The wide patch of the recorded run's first frame."""
    pixels = cv2.imread(str(shared / "data/tir_airplane/img/00000001.jpg"), 0)
    frame = Frame(jnp.asarray(pixels)[..., None], jnp.array(pixels.shape, jnp.int32))
    at = (jnp.array([200.0, 446.0]), jnp.float32(1.4410768747))
    return patch(frame, *at, wide_side(NONE, SIDE), Rule(true_division=True))[0]


def test_the_wide_patch_is_the_recorded_one(wide, recorded):
    expected = recorded["aug/in_every12"]
    np.testing.assert_allclose(wide[::12, ::12, 0], expected, atol=1e-3)


@pytest.mark.parametrize("name", RECORDED)
def test_a_transform_is_the_recorded_one(wide, recorded, name):
    by = jnp.array([[0, 0], recorded[f"aug/{name}/shift"]], jnp.int32)
    settings = Augmentation((), False, (), (), (0, 0.0))
    settings = type(settings)(**{**vars(settings), **RECORDED[name]})
    got = patches(settings, wide, by, SIDE)[1, ..., 0]
    # The recorded rotation interpolates with slightly rounded weights.
    np.testing.assert_allclose(got[::6, ::6], recorded[f"aug/{name}/every6"], atol=5e-3)


@pytest.mark.parametrize("name", ["identity", "shift_86_-86", "shift_40_20_plus_3_-5"])
def test_a_shift_is_the_recorded_one(wide, recorded, name):
    by = jnp.asarray(recorded[f"aug/{name}/shift"], jnp.int32)[None]
    got = patches(NONE, wide, by, SIDE)[0, ..., 0]
    np.testing.assert_allclose(got[::6, ::6], recorded[f"aug/{name}/every6"], atol=1e-3)


def test_shifts_are_fixed_ones_then_random_ones():
    uniform = np.full((8, 2), 0.5, np.float32)
    uniform[0] = 0.17312687635421753, 0.8412525653839111
    uniform[-1] = 0.5172436833381653, 0.22489947080612183
    got = shifts(Augmentation(), jnp.asarray(uniform), SIDE)
    expected = np.zeros((13, 2), int)
    expected[1:5] = [[86, 86], [-86, 86], [86, -86], [-86, -86]]
    expected[5], expected[-1] = (-31, 32), (1, -26)
    np.testing.assert_array_equal(got, expected)


def test_dimp_trains_on_fifteen_samples():
    assert Augmentation().samples == 15


def test_the_wide_patch_leaves_an_even_margin():
    assert [wide_side(NONE, s) for s in (288, 352, 33)] == [576, 704, 67]


def test_surviving_channels_keep_the_expected_sum(rng):
    features = jnp.asarray(rng.normal(size=(2, 3, 5)), jnp.float32)
    kept = jnp.array([[True, True, False, True, True]])
    got = drop_channels(features, kept, 0.2)[0]
    np.testing.assert_allclose(got[..., 2], 0)
    np.testing.assert_allclose(got[..., :2], features[..., :2] * 1.25, rtol=1e-6)


def test_random_shifts_of_a_batch_need_one_program(rng):
    """Shifts are data: ``vmap`` over them equals each alone."""
    wide = jnp.asarray(rng.uniform(0, 255, (32, 32, 1)), jnp.float32)
    by = jnp.asarray(rng.integers(-3, 4, (2, 13, 2)), jnp.int32)
    many = jax.vmap(lambda b: patches(Augmentation(), wide, b, 16))(by)
    np.testing.assert_allclose(
        many[1], patches(Augmentation(), wide, by[1], 16), atol=1e-3
    )
