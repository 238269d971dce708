"""Samples from the synthetic world."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.data.synthetic import preset
from tirjax.data.training.processing import Processing
from tirjax.data.training.rendered import Rendered, _shown, render_sample, sample_times
from tirjax.tasks.run import Blend

WORLD = preset("mixed", rows=48, cols=64, frames=30)
CROPS = Processing(side=32, stride=8, train_frames=2, label_sigma=0.5)
FEED = Rendered(WORLD, CROPS, batch=4, test_frames=1, gap=5, repeats=2)


@pytest.fixture(scope="module")
def make():
    """The feed's device part, compiled once."""
    return jax.jit(FEED.make)


def test_train_frames_come_before_test_frames_and_within_the_gap():
    draw = jax.vmap(lambda key: sample_times(key, (3, 2), 7, 40))
    times = np.asarray(draw(jax.random.split(jax.random.key(0), 500)))
    base, train, test = times[:, :1], times[:, :3], times[:, 3:]
    assert times.min() >= 0 and times.max() <= 39
    assert (train <= base).all() and (test > base).all()
    assert np.abs(times - base).max() == 7


def test_a_hidden_frame_gives_way_to_the_clearest_of_its_kind():
    clip = type("Clip", (), {"visible": jnp.array([0.0, 0.4, 0.9, 0.02, 0.3])})
    np.testing.assert_array_equal(_shown(clip, 3), [2, 1, 2, 4, 4])


def test_boxes_are_inside_the_image_and_hold_the_target():
    render = jax.jit(lambda key: render_sample(key, WORLD, (2, 1), 5))
    sample = render(jax.random.key(3))
    assert sample.pixels.shape == (3, 48, 64, 1) and sample.pixels.dtype == jnp.uint8
    assert (np.asarray(sample.sizes) == [48, 64]).all()
    low, size = sample.boxes[:, :2], sample.boxes[:, 2:]
    assert (low >= 0).all() and (size >= 1).all()
    assert ((low + size) <= np.array([64, 48])).all()


def test_an_example_depends_on_its_number_and_nothing_else(make):
    key = jax.random.key(1)
    whole, problems = FEED.read(2)
    np.testing.assert_array_equal(whole, [8, 9, 10, 11])
    assert problems == ()
    part = FEED.read(2, slice(2, 4))[0]
    np.testing.assert_array_equal(part, whole[2:])
    every = make(whole, key)
    turned = make(whole[[2, 3, 0, 1]], key)
    for a, b in zip(jax.tree.leaves(every), jax.tree.leaves(turned), strict=True):
        np.testing.assert_array_equal(a, np.asarray(b)[[2, 3, 0, 1]])
    # Two examples a scene, each cut and changed in its own way.
    assert not np.array_equal(every.train[0], every.train[1])
    assert not np.array_equal(every.train, make(whole, jax.random.key(2)).train)


def test_a_blend_gives_every_part_its_share_of_each_feed(make):
    other = Rendered(WORLD, CROPS, batch=2, test_frames=1, gap=5)
    blend = Blend((FEED, other))
    assert blend.batch == 6
    whole, _ = blend.read(1)
    np.testing.assert_array_equal(whole[0], [4, 5, 6, 7])
    np.testing.assert_array_equal(whole[1], [2, 3])
    halves = [blend.read(1, slice(i, i + 3))[0] for i in (0, 3)]
    for place in range(2):
        joined = np.concatenate([half[place] for half in halves])
        np.testing.assert_array_equal(joined, whole[place])
