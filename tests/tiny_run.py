"""A config that compiles in a second: where is the square in a noisy picture?

Everything a test of the training program wants to go wrong is a setting.
"""

import dataclasses
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from tirjax.data.sequence import DataError
from tirjax.tasks.base import Preview, supervised
from tirjax.tasks.run import Eval, Run
from tirjax.typing import Array

SIDE, SQUARE = 16, 4


class Pictures(NamedTuple):
    """``films``: ``[b, 1, s, s, 1]``, 0..255; ``corners``: ``[b, 2]``, pixels."""

    films: Array
    corners: Array


@dataclasses.dataclass(frozen=True)
class Squares:
    """A feed: examples are functions of their number and the key.

    Steps are counted from 1 here; 0 is never.
    """

    batch: int
    nan_at: int = 0
    bad_at: int = 0
    skip_at: int = 0
    delay: float = 0.0

    def read(self, step, part=slice(None)):
        time.sleep(self.delay)
        if step + 1 == self.bad_at:
            raise DataError(f"square {step}: is round")
        problems = ("square 7: is small",) if step + 1 >= self.skip_at > 0 else ()
        numbers = step * self.batch + np.arange(self.batch, dtype=np.uint32)
        return numbers[part], problems

    def describe(self):
        return "bright squares"

    def make(self, raw, key):
        def one(number):
            where, noise = jax.random.split(jax.random.fold_in(key, number))
            corner = jax.random.randint(where, (2,), 0, SIDE - SQUARE + 1)
            picture = jax.random.uniform(noise, (SIDE, SIDE), maxval=100.0)
            square = jnp.full((SQUARE, SQUARE), 255.0)
            picture = jax.lax.dynamic_update_slice(picture, square, corner)
            bad = number // self.batch + 1 == self.nan_at
            corner = jnp.where(bad, jnp.nan, corner)
            return Pictures(picture[None, ..., None], corner.astype(jnp.float32))

        return jax.vmap(one)(raw)


class Net(nn.Module):
    width: int = 4
    dtype: type | None = None

    @nn.compact
    def __call__(self, x):
        x = x[:, 0] / 255
        x = nn.relu(nn.Conv(self.width, (3, 3), 2, dtype=self.dtype)(x))
        x = nn.Dense(2, dtype=self.dtype)(x.reshape(len(x), -1))
        return x.astype(jnp.float32)


def squares_task(net, optimizer, **settings):
    def start(key):
        return net.init(key, jnp.zeros((1, 1, SIDE, SIDE, 1))) | {"batch_stats": {}}

    def objective(variables, batch):
        found = net.apply({"params": variables["params"]}, batch.films)
        error = ((found - batch.corners / SIDE) ** 2).mean()
        return error, ({"pixels": SIDE * jnp.sqrt(error)}, {})

    def preview(variables, batch):
        found = net.apply({"params": variables["params"]}, batch.films) * SIDE
        box = lambda corner: jnp.concatenate([corner, 0 * corner + SQUARE], -1)
        nothing = jnp.zeros((len(found), 0, 0))
        return Preview(batch.films[:, 0], box(batch.corners), box(found), nothing)

    return supervised(start, objective, optimizer, preview, **settings)


def total(variables):
    """A measurement."""
    leaves = jax.tree.leaves(variables["params"])
    return {"total": sum(float(np.abs(leaf).sum()) for leaf in leaves)}


def config(
    *,
    steps: int = 12,
    batch: int = 4,
    rate: float = 1e-2,
    width: int = 4,
    seed: int = 0,
    save_every: int = 4,
    eval_every: int = 0,
    show_every: int = 0,
    accumulate: int = 1,
    average: float = 0.5,
    nan_at: int = 0,
    bad_at: int = 0,
    skip_at: int = 0,
    delay: float = 0.0,
) -> Run:
    """Finds squares.

    Args:
      steps: how long.
      batch: pictures of a step.
      rate: learning rate.
      width: of the network, channels.
      seed: of parameters and data.
      save_every: steps between two checkpoints.
      eval_every: steps between two measurements; 0 makes none.
      show_every: steps between two pictures; 0 makes none.
      accumulate: parts of a batch.
      average: share of the old parameters kept.
      nan_at: step whose loss is not a number.
      bad_at: step whose data cannot be read.
      skip_at: step from which on the data has a problem.
      delay: of every reading, seconds.
    """
    task = squares_task(
        Net(width), optax.adam(rate), accumulate=accumulate, average=average
    )
    return Run(
        task=task,
        feed=Squares(batch, nan_at, bad_at, skip_at, delay),
        steps=steps,
        seed=seed,
        tracker="squares",
        evals={"check": Eval(eval_every, total)} if eval_every else {},
        best="check/total" if eval_every else None,
        save_every=save_every,
        log_every=1,
        show_every=show_every,
    )
