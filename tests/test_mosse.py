"""MOSSE's filter against its closed form, and its box at the image's border."""

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.trackers.mosse import mosse
from tirjax.typing import Frame

TRACKER = mosse()
KEY = jax.random.key(0)
init, step = jax.jit(TRACKER.init), jax.jit(TRACKER.step)


def frame_of(pixels):
    return Frame(jnp.asarray(pixels)[..., None], jnp.array(pixels.shape, jnp.int32))


def speckle(rng):
    return rng.uniform(40, 200, (72, 80)).astype(np.float32)


def test_the_filter_answers_its_own_picture_with_the_desired_peak(rng):
    """``goal conj(x) x / (x conj(x))`` is the goal wherever there is power."""
    frame = frame_of(speckle(rng))
    state = init((), frame, jnp.array([24.0, 20.0, 32.0, 32.0]), KEY)
    _, prediction = step((), state, frame)
    np.testing.assert_allclose(prediction.score, 1.0, atol=0.02)
    np.testing.assert_allclose(prediction.box, state.box, atol=1e-4)


def test_a_step_of_whole_pixels_is_found_exactly(rng):
    """The window is twice the target, 64 pixels on 64 samples: one pixel each."""
    picture = speckle(rng)
    box = jnp.array([24.0, 20.0, 32.0, 32.0])
    state = init((), frame_of(picture), box, KEY)
    moved = np.roll(picture, (-2, 3), (0, 1))
    _, prediction = step((), state, frame_of(moved))
    np.testing.assert_allclose(prediction.box, [27.0, 18.0, 32.0, 32.0], atol=1e-3)


def test_the_centre_stays_inside_the_image(rng):
    picture = speckle(rng)
    state = init((), frame_of(picture), jnp.array([-10.0, 20.0, 24.0, 24.0]), KEY)
    for shift in (-4, -8, -12):
        state, prediction = step((), state, frame_of(np.roll(picture, shift, 1)))
        assert prediction.box[0] + 12 >= 0
