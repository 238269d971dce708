"""Values that a CPU works out once.

What XLA can merge into the loop that reads it, it works out again for every element
that is read: which pixels a row of a crop needs, for each of them; a crop, for every
feature taken from it. It drops ``optimization_barrier`` before it merges. Into a loop
of one turn it does not look.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from tirjax.typing import Array, Bool

T = TypeVar("T")


@jax.custom_jvp
def stored(value: T, always: Bool[Array, ""]) -> T:
    """The value, written to memory on a CPU; elsewhere the compiler decides.

    Args:
      value: any pytree of arrays.
      always: true, and nothing that the compiler could know.
    """
    return lax.platform_dependent(value, always, cpu=_written, default=_as_it_is)


@stored.defjvp
def _stored_jvp(given, slopes):
    return stored(*given), slopes[0]


def _written(value, always):
    blank = jax.tree.map(jnp.zeros_like, value)
    turn = lambda carry: (carry[0] & False, value)
    return lax.while_loop(lambda carry: carry[0], turn, (always, blank))[1]


def _as_it_is(value, always):
    del always
    return value
