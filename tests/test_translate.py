"""Images through a generator, each by itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.backbones.norm import Norm
from tirjax.translators import ResNetGenerator, UNet
from tirjax.translators.translate import input_channels, side_multiple, translate

NET = UNet(depth=2, outputs=1, width=2, norm=Norm(batch=True))


@pytest.fixture(scope="module")
def variables():
    """Drawn by numpy: nothing is compiled."""
    rng = np.random.default_rng(4)
    like = jax.eval_shape(NET.init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    return jax.tree.map(lambda x: rng.normal(0, 0.3, x.shape).astype(x.dtype), like)


@pytest.mark.slow
def test_it_is_the_network_on_each_image_by_itself(variables, rng):
    images = rng.integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)

    def both(images):
        alone = NET.apply(variables, images[1:] / 127.5 - 1)
        return alone, translate(NET, variables, images)

    plain, found = jax.jit(both)(images)
    assert found.dtype == jnp.float32 and found.shape == (2, 8, 8, 1)
    np.testing.assert_allclose(found[1:], (plain + 1) * 127.5, atol=1e-3)
    assert float(jnp.ptp(found[0] - found[1])) > 1


def test_what_a_generator_takes():
    assert side_multiple(UNet(depth=8)) == 256 and side_multiple(UNet(depth=7)) == 128
    assert side_multiple(ResNetGenerator()) == 4
    for net in (NET, ResNetGenerator(blocks=1, width=2)):
        x = jnp.zeros((1, 16, 16, 2))
        made = jax.eval_shape(net.init, jax.random.key(0), x)
        assert input_channels(made) == 2
