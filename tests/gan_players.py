"""Small translators to train, and an optimiser that only writes gradients down."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tirjax.backbones.norm import Norm
from tirjax.convert.gan import to_state_dict
from tirjax.tasks.gan import Images
from tirjax.translators import PatchGAN, ResNetGenerator, UNet

BATCH = Norm(batch=True)
SIDE = 16
UNET = UNet(depth=3, outputs=1, width=4, norm=BATCH)
RESNET = ResNetGenerator(blocks=1, width=4)
JUDGE = PatchGAN(layers=1, width=4, norm=BATCH)
WRITE_DOWN = optax.GradientTransformation(
    lambda params: jax.tree.map(jnp.zeros_like, params),
    lambda found, _, params=None: (jax.tree.map(jnp.zeros_like, found), found),
)


def same(tree):
    """The mean over one device."""
    return tree


def begin(task):
    """A state before training whose kernels numpy draws: nothing is compiled."""
    rng = np.random.default_rng(7)

    def fill(path, leaf):
        name = jax.tree_util.keystr(path)
        if ".params" in name and "kernel" in name:
            return jnp.asarray(rng.normal(0, 0.02, leaf.shape), leaf.dtype)
        ones = name.endswith(("['var']", "['scale']")) and ".optimizer" not in name
        return jnp.full(leaf.shape, 1 if ones else 0, leaf.dtype)

    like = jax.eval_shape(task.init, jax.random.key(0))
    return jax.tree_util.tree_map_with_path(fill, like)


def scenes(channels, count=2, side=SIDE):
    """Smooth images and their negatives: a mapping that is easily learned."""
    rng = np.random.default_rng(5)
    coarse = rng.uniform(-0.9, 0.9, (count, side // 8, side // 8, 3))
    source = coarse.repeat(8, 1).repeat(8, 2).astype(np.float32)
    target = -source if channels == 3 else -source.mean(-1, keepdims=True)
    return Images(jnp.asarray(source), jnp.asarray(target))


def still(before, after):
    """Paths of the leaves that have not moved."""
    pairs = jax.tree_util.tree_leaves_with_path(
        jax.tree.map(lambda a, b: bool((a == b).all()), before, after)
    )
    return [jax.tree_util.keystr(path) for path, equal in pairs if equal]


def norms(gradients, renamed):
    """Lengths of gradients by PyTorch's names."""
    untracked = {"batch_stats": renamed.variables["batch_stats"]}
    named = to_state_dict({"params": gradients} | untracked, renamed.network)
    return {key: np.linalg.norm(value.ravel()) for key, value in named.items()}


def assert_recorded(found, recorded, rtol):
    """Every recorded length of a gradient, relative to it."""
    for key, value in recorded.items():
        np.testing.assert_allclose(found[key], value, rtol=rtol, err_msg=key)
