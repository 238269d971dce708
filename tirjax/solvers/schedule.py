"""Work that is due on some frames only."""

from collections.abc import Callable
from typing import TypeVar

import jax

from tirjax.typing import Array, Bool

T = TypeVar("T")


def run_if(due: Bool[Array, ""], work: Callable[[T], T], value: T) -> T:
    """``work(value)`` when ``due``, else ``value``.

    A ``cond`` under ``vmap`` becomes a ``select``: a batch would pay for the work on
    every frame. A loop of zero or one turns stays a loop, so a batch pays only on
    frames where one of its members is due. Not reverse-differentiable, as any
    ``while_loop``.

    Args:
      due: whether to work.
      work: keeps structure, shapes and dtypes.
      value: any pytree.
    """
    _, value = jax.lax.while_loop(
        lambda carry: carry[0],
        lambda carry: (carry[0] & False, work(carry[1])),
        (due, value),
    )
    return value
