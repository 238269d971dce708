"""Crops for correlation filters, and which frames they are made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.synthetic import preset
from tirjax.data.training.filter_feed import (
    FilterFeed,
    RenderedFilterPairs,
    draw_ahead,
)
from tirjax.data.training.filter_pairs import Stretch, make_filter_pair, stretched
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.samples import Sample
from tirjax.typing import Frame

HOW = Stretch(side=9, padding=2.0)
CUT = jax.jit(stretched, static_argnums=2)


def sampled(pixels, size, box, how):
    """The crop pixel by pixel: bilinear, zero wherever the image is not."""
    x, y, w, h = box
    steps = np.linspace(-0.5, 0.5, how.side)
    rows = y + h / 2 - 0.5 + (1 + how.padding) * h * steps
    cols = x + w / 2 - 0.5 + (1 + how.padding) * w * steps
    out = np.zeros((how.side, how.side))
    for i, r in enumerate(rows):
        for j, c in enumerate(cols):
            for a in (int(np.floor(r)), int(np.floor(r)) + 1):
                for b in (int(np.floor(c)), int(np.floor(c)) + 1):
                    if 0 <= a < size[0] and 0 <= b < size[1]:
                        out[i, j] += (1 - abs(r - a)) * (1 - abs(c - b)) * pixels[a, b]
    return out


@pytest.mark.parametrize(
    "box", [(8, 7, 5, 3), (-2, 3, 8, 4), (12, 10, 9.5, 2.25), (30, 30, 4, 4)]
)
def test_a_crop_is_bilinear_stretched_and_zero_outside(rng, box):
    """One is partly outside, one entirely; the padding of the array is never read."""
    pixels, size = rng.uniform(0, 255, (20, 24)), (16, 19)
    frame = Frame(jnp.float32(pixels)[..., None], jnp.int32(size))
    got = CUT(frame, jnp.float32(box), HOW)[..., 0]
    want = sampled(pixels, size, box, HOW)
    np.testing.assert_allclose(got, want, atol=1e-3)


def test_the_target_is_in_the_middle_of_both_crops():
    """A bright box on black: a third of the crop, whatever its shape.

    The samples on the window's edges and the bilinear border leave a cell to doubt.
    """
    pixels = np.zeros((2, 60, 60, 1), np.uint8)
    pixels[0, 20:30, 10:30], pixels[1, 30:40, 25:45] = 200, 200
    boxes = jnp.float32([[10, 20, 20, 10], [25, 30, 20, 10]])
    sample = Sample(jnp.asarray(pixels), jnp.full((2, 2), 60), boxes)
    pair = jax.jit(make_filter_pair, static_argnums=1)(sample, Stretch(side=31))
    for crop in pair:
        lit = np.argwhere(np.asarray(crop[..., 0]) > 100)
        np.testing.assert_allclose(lit.mean(0), [15, 15], atol=0.5)
        np.testing.assert_allclose(np.ptp(lit, 0) + 1, [10, 10], atol=1.1)


@given(st.lists(st.booleans(), min_size=2, max_size=30), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_the_searched_frame_is_a_visible_later_one_within_the_gap(shown, gap):
    shown = np.array(shown)
    if shown.sum() < 2:
        return
    places = np.cumsum(shown) - 1
    rng = np.random.default_rng(len(shown))
    for _ in range(5):
        first, second = draw_ahead(shown, gap, rng)
        assert shown[first] and shown[second]
        assert 1 <= places[second] - places[first] <= gap


def videos(count=2, frames=6):
    shown = np.arange(frames * 20 * 30, dtype=np.uint8).reshape(frames, 20, 30, 1)
    boxes = np.tile([5.0, 6.0, 8.0, 4.0], (frames, 1))
    visible = np.arange(frames) != 2
    return [
        Sequence(f"s{i}", ArrayFrames(shown + i), boxes, visible, (), "tir")
        for i in range(count)
    ]


def test_pairs_of_data_sets_are_a_function_of_seed_and_number():
    feed = FilterFeed(Mixture([videos()]), HOW, batch=4, seed=3)
    raw, problems = feed.read(1)
    assert problems == ()
    part, _ = feed.read(1, slice(2, 4))
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[2:], b), raw, part)
    made = jax.eval_shape(feed.make, raw, jax.random.key(0))
    assert made.target.shape == made.search.shape == (4, 9, 9, 1)
    assert feed.describe()["mixture"][0]["sequences"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["tir", "rgb"])
def test_rendered_pairs_have_one_channel_in_both_spectra(modality):
    world = preset("mixed", rows=96, cols=128)
    feed = RenderedFilterPairs(world, HOW, batch=2, modality=modality)
    made = jax.eval_shape(feed.make, feed.read(0)[0], jax.random.key(0))
    assert made.search.shape == (2, 9, 9, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stretch(side=4), "at least 8 pixels"),
        (lambda: Stretch(padding=-1), "no negative padding"),
        (lambda: FilterFeed(Mixture([videos()]), gap=0), "gap 0"),
        (lambda: FilterFeed(Mixture([videos()]), on_error="no"), "'skip' or 'stop'"),
        (lambda: RenderedFilterPairs(preset("mixed"), batch=0), "batch 0"),
        (
            lambda: FilterFeed(Mixture([videos(1, 1)]), batch=1).read(0),
            "no sequence shows its target on 2 frames",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()
