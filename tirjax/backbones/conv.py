"""A convolution that takes its weights transformed, where variables have them so.

On a CPU the 3x3 convolutions of a large network are up to two and a half times as fast
with transformed weights. Making them costs about as much as a frame, so it is done
once, before tracking: ``tracker.step(transformed(params), state, frame)``. Training,
whose weights change, and GPUs, whose libraries choose for themselves, take plain ones.
"""

from typing import Any

import jax
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict

from tirjax.ops import winograd
from tirjax.typing import Array, Num, PyTree

COLLECTION = "winograd"
# Of a kernel that is worth it: with fewer channels the sums around the products cost
# what the products save.
LEAST_CHANNELS = 64


class Conv(nn.Conv):
    """``nn.Conv``, and fast where there are transformed weights for it."""

    def __call__(self, x: Num[Array, "n h w c"]) -> Num[Array, "n oh ow d"]:
        if not (self._suited() and self.has_variable(COLLECTION, "kernel")):
            return super().__call__(x)
        weights = self.get_variable(COLLECTION, "kernel")
        bias = self.get_variable("params", "bias") if self.use_bias else None
        given: Any = self.promote_dtype(x, bias, weights[0], dtype=self.dtype)
        images, bias, first = given
        found = winograd.convolve(
            images,
            tuple(w.astype(first.dtype) for w in weights),
            padding=self._margin(),
            groups=self.feature_group_count,
            precision=self.precision,
        )
        return found if bias is None else found + bias

    def _suited(self) -> bool:
        return self.strides in (1, (1, 1)) and self._margin() is not None

    def _margin(self) -> Any:
        """Zeros on every side; None where sides differ."""
        given: Any = 0 if self.padding == "VALID" else self.padding
        return given if isinstance(given, int) else None


def transformed(variables: PyTree) -> PyTree:
    """Variables with the transformed weights of their 3x3 convolutions beside them.

    Any network of ``Conv`` takes them; the others, and ``Conv`` with a stride, go by
    the plain weights, which stay. A network that cannot gain keeps what it has.

    Args:
      variables: of a network; ``()`` of a tracker without one.
    """
    if not variables:
        return variables
    leaves: dict[Any, Any] = flatten_dict(variables["params"])
    kernels = {
        path: leaf
        for path, leaf in leaves.items()
        if path[-1] == "kernel" and _pays(leaf.shape)
    }
    if not kernels:
        return variables
    return variables | {COLLECTION: unflatten_dict(_transform_all(kernels))}


@jax.jit
def _transform_all(kernels):
    return {path: winograd.transform(leaf) for path, leaf in kernels.items()}


def _pays(shape: tuple[int, ...]) -> bool:
    return shape[:2] == (3, 3) and min(shape[2:]) >= LEAST_CHANNELS
