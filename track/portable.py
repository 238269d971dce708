"""A tracker as two functions of plain arrays, and those as StableHLO.

    init(weights, pixels, size, box, key) -> state
    step(weights, state, pixels, size) -> (state, (box, score, status, overlap))

``weights`` and ``state`` are lists of arrays in a fixed order, random keys raw uint32:
whoever calls them needs no class of ours. In a batch everything but the weights has a
leading axis.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from tirjax.data import DataError, FixedWindow
from tirjax.ops import thermal
from tirjax.trackers import Prediction, Tracker
from tirjax.typing import Frame, PyTree

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
# Stated, because a key's raw numbers mean something in one generator only.
_GENERATOR = "threefry2x32"

Leaf = dict[str, Any]


class Shapes(NamedTuple):
    """What is static in an exported program.

    Attributes:
      frame: ``(rows, columns, channels)`` of the canvas that frames are laid on.
      window: counts that become 0..255; None for bytes, which are taken as they are.
      batch: clips that advance together; None for one without a leading axis.
    """

    frame: tuple[int, int, int]
    window: FixedWindow | None = None
    batch: int | None = None

    @property
    def dtype(self) -> str:
        """Type of the pixels."""
        return "uint8" if self.window is None else "uint16"


class Portable(NamedTuple):
    """A tracker to take elsewhere.

    Attributes:
      init: its first function, serialised.
      step: its second one.
      weights: name, shape and type of every array of the weights.
      state: of every array of the state.
      inputs: of the other arrays that go in.
      found: of those that come out beside the state.
      convention: version of the calling convention.
    """

    init: bytes
    step: bytes
    weights: list[Leaf]
    state: list[Leaf]
    inputs: list[Leaf]
    found: list[Leaf]
    convention: int


def convert(
    tracker: Tracker, params: PyTree, shapes: Shapes, platforms: tuple[str, ...]
) -> Portable:
    """Lowers a tracker for several platforms at once.

    Args:
      tracker: what to export.
      params: its weights, of which only shapes matter.
      shapes: what is static.
      platforms: some of ``PLATFORMS``.

    Raises:
      DataError: it cannot be lowered for a platform.
    """
    begin = _arguments(params, shapes)
    weights, pixels, size, *_ = begin
    init, step, names = _flat(tracker, params, shapes)
    if shapes.batch is not None:
        init = jax.vmap(init, in_axes=(None, 0, 0, 0, 0))
        step = jax.vmap(step, in_axes=(None, 0, 0, 0))
    state = jax.eval_shape(init, *begin)
    follow = weights, state, pixels, size
    found = jax.eval_shape(step, *follow)[1]
    made = [
        _lower("init", init, begin, platforms),
        _lower("step", step, follow, platforms),
    ]
    return Portable(
        *(bytes(exported.serialize()) for exported in made),
        weights=_leaves(_names(params), weights),
        state=_leaves(names, state),
        inputs=_leaves(["frame", "size", "box", "key"], begin[1:]),
        found=_leaves(Prediction._fields, found),
        convention=made[0].calling_convention_version,
    )


def arrays(params: PyTree) -> dict[str, np.ndarray]:
    """The weights by the names they have in ``Portable.weights``, in their order."""
    values = map(np.asarray, jax.tree.leaves(params))
    return dict(zip(_names(params), values, strict=True))


def _arguments(params: PyTree, shapes: Shapes) -> tuple:
    """Shapes of what ``init`` takes."""
    lead = () if shapes.batch is None else (shapes.batch,)
    of = lambda shape, dtype: jax.ShapeDtypeStruct((*lead, *shape), dtype)
    weights = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in jax.tree.leaves(params)]
    pixels, size = of(shapes.frame, shapes.dtype), of((2,), np.int32)
    return weights, pixels, size, of((4,), np.float32), of((2,), np.uint32)


def _flat(tracker: Tracker, params: PyTree, shapes: Shapes):
    """The functions of one clip on lists, and the names of what is in the state."""
    weights_tree, window = jax.tree.structure(params), shapes.window

    def picture(pixels: jax.Array, size):
        if window is None:
            return Frame(pixels, size)
        working = thermal.to_working(pixels, window.low, window.high)
        return Frame(jnp.asarray(working), size)

    def begin(weights, pixels, size, box, key):
        key = jax.random.wrap_key_data(key, impl=_GENERATOR)
        params = jax.tree.unflatten(weights_tree, weights)
        return tracker.init(params, picture(pixels, size), box, key)

    state = jax.eval_shape(begin, *_arguments(params, shapes._replace(batch=None)))
    state_tree = jax.tree.structure(state)
    is_key = [*map(_is_key, jax.tree.leaves(state))]

    def raw(state):
        leaves = jax.tree.leaves(state)
        return [jax.random.key_data(x) if _is_key(x) else x for x in leaves]

    def typed(leaves):
        wrap = lambda x: jax.random.wrap_key_data(x, impl=_GENERATOR)
        pairs = zip(leaves, is_key, strict=True)
        return jax.tree.unflatten(state_tree, [wrap(x) if k else x for x, k in pairs])

    def init(weights, pixels, size, box, key):
        return raw(begin(weights, pixels, size, box, key))

    def step(weights, state, pixels, size):
        params = jax.tree.unflatten(weights_tree, weights)
        state, found = tracker.step(params, typed(state), picture(pixels, size))
        return raw(state), tuple(map(jnp.asarray, found))

    return init, step, _names(state)


def _lower(
    name: str, function: Callable, arguments: tuple, platforms: tuple[str, ...]
) -> export.Exported:
    """One program for all platforms; says which of them is in the way."""
    lowered = lambda on: export.export(jax.jit(function), platforms=on)(*arguments)
    try:
        return lowered(platforms)
    except Exception as error:  # of JAX, whatever it is: a missing rule has no class
        failed = {p: why for p in platforms if (why := _failure(lowered, p))}
        if not failed:
            raise
        rest = ",".join(p for p in platforms if p not in failed)
        remedy = f"give --platforms {rest}" if rest else "it cannot be exported"
        raise DataError(
            f"{name} cannot be lowered for {', '.join(failed)} "
            f"({next(iter(failed.values()))}); {remedy}"
        ) from error


def _failure(lowered: Callable, platform: str) -> str:
    """Why it cannot be lowered for this platform alone; empty if it can."""
    try:
        lowered((platform,))
    except Exception as error:
        return " ".join(str(error).split())[:160] or type(error).__name__
    return ""


def _is_key(x) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def _names(tree: PyTree) -> list[str]:
    """Names of the leaves, such as ``memory.samples.0``."""
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(tree)[0]]
    return [jax.tree_util.keystr(p, simple=True, separator=".") for p in paths]


def _leaves(names, arrays) -> list[Leaf]:
    """Names, shapes and types, as JSON has them."""
    return [
        {"name": name, "shape": list(x.shape), "dtype": str(x.dtype)}
        for name, x in zip(names, arrays, strict=True)
    ]
