"""Losses of generators and discriminators against sums written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.tasks.gan import linear_decay
from tirjax.tasks.gan_losses import absolute_error, adversarial, gradient_penalty

KEY = jax.random.key(0)


@pytest.fixture
def logits(rng):
    return jnp.asarray(rng.normal(size=(2, 3, 3, 1)), jnp.float32)


@pytest.mark.parametrize("real", [True, False])
def test_adversarial_losses_are_those_of_the_papers(logits, real):
    x = np.asarray(logits, np.float64)
    share = 1 / (1 + np.exp(-x))
    want = {
        "lsgan": ((x - real) ** 2).mean(),
        "vanilla": -np.log(share if real else 1 - share).mean(),
        "wgangp": (-x if real else x).mean(),
    }
    for mode, value in want.items():
        got = adversarial(logits, real, mode)
        assert got.dtype == jnp.float32
        np.testing.assert_allclose(got, value, rtol=1e-5)


def test_sure_and_wrong_judgements_have_finite_slopes():
    slope = jax.grad(lambda x: adversarial(x, True, "vanilla"))(jnp.float32([-1e4]))
    np.testing.assert_allclose(slope, -1)


def test_the_absolute_error_is_a_mean(rng):
    a, b = rng.normal(size=(2, 2, 3, 4, 1)).astype(np.float32)
    np.testing.assert_allclose(absolute_error(a, b), np.abs(a - b).mean(), rtol=1e-5)


def test_the_penalty_of_a_linear_critic_is_known(rng):
    w, real, fake = rng.normal(size=(3, 2, 4, 4, 1)).astype(np.float32)
    judge = lambda x: (x * w[:1]).sum((1, 2, 3)).reshape(-1, 1, 1, 1)
    want = (np.linalg.norm(w[0]) - 1) ** 2
    got = gradient_penalty(judge, jnp.asarray(real), jnp.asarray(fake), KEY)
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_the_penalty_is_taken_between_the_images():
    real, fake = jnp.ones((64, 2, 2, 1)), jnp.zeros((64, 2, 2, 1))
    seen = []

    def judge(x):
        jax.debug.callback(lambda x: seen.append(np.asarray(x)), x)
        return x

    gradient_penalty(judge, real, fake, KEY)
    jax.effects_barrier()
    shares = seen[0][:, 0, 0, 0]
    assert (seen[0] == shares[:, None, None, None]).all()
    assert 0 <= shares.min() < 0.2 and 0.8 < shares.max() <= 1


@pytest.mark.parametrize(("version", "full"), [("paper", 100), ("released", 99)])
def test_the_rate_stays_and_then_falls(version, full):
    rate = linear_decay(7, version=version)
    of = lambda epoch: float(rate(7 * epoch + 3)) / 2e-4
    assert of(0) == of(full - 1) == pytest.approx(1)
    assert of(full) == pytest.approx(1 - 1 / 101, abs=1e-6)
    assert of(199) == pytest.approx(1 - (200 - full) / 101, abs=1e-6)
    assert of(10_000) == 0
