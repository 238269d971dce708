"""Random examples of one reference and one test frame, for small networks."""

import jax
import jax.numpy as jnp

from tirjax.data.training.samples import Examples

SIDE, CELLS, PROPOSALS = 64, 9, 4


def examples(key, count=2):
    """Noise with a bright square at the box; everything else is made to fit."""
    pixels, place = jax.random.split(key)
    at = jax.random.randint(place, (count, 2), 16, 32).astype(jnp.float32)
    boxes = jnp.concatenate([at, jnp.full((count, 2), 16.0)], -1)
    films = jax.random.uniform(pixels, (count, 2, SIDE, SIDE, 3), maxval=255.0)
    cells = jnp.stack(jnp.meshgrid(*[jnp.arange(CELLS) * 8.0] * 2), -1)
    far = ((cells - (at[:, None, None] + 8)) ** 2).sum(-1)
    shifts = jnp.linspace(0.0, 6.0, PROPOSALS)[:, None] * jnp.eye(4)[:1]
    proposals = boxes[:, None] + shifts
    overlap = (16 - shifts[:, 0]) / (16 + shifts[:, 0])
    spread = lambda x: jnp.broadcast_to(x, (count, 1, PROPOSALS))
    return Examples(
        train=films[:, :1],
        train_boxes=boxes[:, None],
        test=films[:, 1:],
        test_boxes=boxes[:, None],
        labels=jnp.exp(-far / 200)[:, None],
        proposals=proposals[:, None],
        overlaps=spread(overlap),
        log_density=spread(jnp.zeros(PROPOSALS)),
        target_density=spread(jnp.exp(-shifts[:, 0])),
    )
