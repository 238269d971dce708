"""A fixed number of training samples and their weights, for DiMP and ATOM.

The samples of the first frame are never replaced and never weigh less, together, than a
given share. An empty slot weighs nothing, so a solver may run over all of them.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019,
section 3.4, and its published settings.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.typing import Array, Bool, Float, Int, PyTree


class Memory(NamedTuple):
    """Samples and their weights.

    Attributes:
      samples: any pytree of ``[slots, ...]`` leaves.
      weights: ``[slots]``, sum 1; 0 marks an empty slot.
      latest: slot of the newest sample, -1 before the first.
    """

    samples: PyTree
    weights: Float[Array, " slots"]
    latest: Int[Array, ""]


def start(samples: PyTree, slots: int) -> Memory:
    """Memory of the equally weighted samples of the first frame.

    Args:
      samples: pytree of ``[first, ...]`` leaves.
      slots: capacity, more than ``first``. Static.
    """
    first = jax.tree.leaves(samples)[0].shape[0]
    grow = lambda x: jnp.zeros((slots, *x.shape[1:]), x.dtype).at[:first].set(x)
    # A plain number would leave the dtype weak, and the next step would compile anew.
    share = jnp.full((), 1 / first, jnp.result_type(float))
    weights = jnp.where(jnp.arange(slots) < first, share, 0)
    return Memory(jax.tree.map(grow, samples), weights, jnp.int32(-1))


def reweight(
    memory: Memory, rate: Float[Array, ""] | float, first: int, floor: float
) -> Memory:
    """Weights after a new sample took the lightest slot beyond the first ``first``.

    Args:
      memory: whose samples are left alone; ``latest`` becomes the slot to write.
      rate: weight of the new sample against all older ones, 0..1.
      first: number of samples of the first frame. Static.
      floor: least share of those, 0..1. Static.
    """
    old = memory.weights
    slot = first + old[first:].argmin().astype(jnp.int32)
    fresh = memory.latest < 0
    # Growing the newest by 1 / (1 - rate) spares shrinking all the others.
    value = jnp.where(fresh, rate, old[memory.latest] / (1 - rate))
    weights = jnp.where(fresh, old / (1 - rate), old).at[slot].set(value)
    weights = weights / weights.sum()
    share, rest = weights[:first].sum(), weights[first:].sum()
    lifted = (weights / (floor + rest)).at[:first].set(floor / first)
    return memory._replace(
        weights=jnp.where(share < floor, lifted, weights), latest=slot
    )


def store(
    memory: Memory,
    sample: PyTree,
    rate: Float[Array, ""] | float,
    *,
    first: int,
    floor: float,
    accept: Bool[Array, ""] | bool = True,
) -> Memory:
    """Writes a sample over the lightest one.

    Args:
      memory: to change.
      sample: one, without the slot axis.
      rate: as in ``reweight``, like ``first`` and ``floor``.
      first: number of samples of the first frame. Static.
      floor: least share of those. Static.
      accept: False leaves the memory as it is, still without copying it.
    """
    after = reweight(memory, rate, first, floor)
    slot = after.latest
    write = lambda slots, x: slots.at[slot].set(jnp.where(accept, x, slots[slot]))
    return Memory(
        jax.tree.map(write, memory.samples, sample),
        jnp.where(accept, after.weights, memory.weights),
        jnp.where(accept, slot, memory.latest),
    )
