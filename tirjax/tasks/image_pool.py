"""A store of earlier translations, so that a discriminator does not forget them.

Source: Shrivastava et al., Learning from Simulated and Unsupervised Images through
Adversarial Training, CVPR 2017; Zhu et al., ICCV 2017, section 4.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Float, Key


class ImagePool(NamedTuple):
    """Stored images.

    Attributes:
      images: ``[size, h, w, c]``; those from ``count`` on were never set.
      count: how many are stored.
    """

    images: Array
    count: Array


def empty_pool(size: int, shape: tuple[int, ...]) -> ImagePool:
    """A pool without images.

    Args:
      size: how many it can hold; 0 lets everything through.
      shape: of an image, ``(h, w, c)``.
    """
    return ImagePool(jnp.zeros((size, *shape)), jnp.int32(0))


def exchange(
    pool: ImagePool, images: Float[Array, "n h w c"], key: Key[Array, ""]
) -> tuple[Float[Array, "n h w c"], ImagePool]:
    """Gives new images in, takes as many out, one after the other.

    Until the pool is full an image is stored and comes out again. Then, half of the
    time, a stored one comes out and the new one takes its place; otherwise the new one
    comes out and is not stored.

    Args:
      pool: before.
      images: new ones.
      key: of the draws.

    Returns:
      What came out and the pool after.
    """
    size = len(pool.images)
    if size == 0:
        return images, pool

    def one(pool, item):
        image, key = item
        coin, place = jax.random.split(key)
        full = pool.count == size
        swap = full & jax.random.bernoulli(coin)
        slot = jnp.where(full, jax.random.randint(place, (), 0, size), pool.count)
        out = jnp.where(swap, pool.images[slot], image)
        stored = jnp.where(swap | ~full, image, pool.images[slot])
        count = jnp.minimum(pool.count + 1, size)
        return ImagePool(pool.images.at[slot].set(stored), count), out

    keys = jax.random.split(key, len(images))
    pool, out = jax.lax.scan(one, pool, (images, keys))
    return out, pool
