"""The compiled programs: a tracker's first frame, and its loops over a chunk.

The loop runs over the frames that are there, not over the chunk: ``fori_loop`` with
their number as data, a ``scan`` with a traced end. A clip of 18 frames costs 17 steps
however long a chunk is, and every clip of a bucket shares the compilation. The state is
donated: the loop updates it in place.
"""

import functools
import logging
import time
from typing import Literal

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tirjax.trackers.base import Tracker
from tirjax.trackers.supervised import Goal, advance, attempt
from tirjax.typing import Frame

from .identity import Untold, identity
from .remembered import lowered

log = logging.getLogger(__name__)

# What advances together: one target, several targets of one clip, several clips.
Layout = Literal["one", "targets", "clips"]


def compiled(
    tracker: Tracker, layout: Layout, stage: str, arguments, mesh: Mesh | None = None
):
    """The program for arguments of these shapes; compiled once, then remembered.

    Args:
      tracker: what to run.
      layout: what advances together.
      stage: which program.
      arguments: of it.
      mesh: devices that a chunk's clips are spread over.
    """
    leaves, structure = jax.tree.flatten(arguments)
    shapes = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves)
    return _compile(tracker, layout, stage, structure, shapes, mesh)


@functools.lru_cache(maxsize=128)
def _compile(
    tracker: Tracker, layout: Layout, stage: str, structure, shapes, mesh: Mesh | None
):
    """Compiles ahead of time, so that the log can say what, when and how long."""
    hits = []
    listen = lambda event, **_: hits.append(event) if "cache_hit" in event else None
    jax.monitoring.register_event_listener(listen)
    started = time.perf_counter()
    try:
        arguments = jax.tree.unflatten(structure, shapes)
        program = _lower(tracker, layout, stage, arguments, mesh).compile()
    finally:
        jax.monitoring.unregister_event_listener(listen)
    frames = next(a for a in arguments if isinstance(a, Frame))
    log.info(
        "%s: compiled its %s for frames of %s in %.1f s%s",
        tracker.step.__module__.removeprefix("tirjax.trackers.").partition(".")[0],
        stage,
        "x".join(map(str, frames.pixels.shape)),
        time.perf_counter() - started,
        " (from the cache)" if hits else "",
    )
    return program


def _lower(tracker: Tracker, layout: Layout, stage: str, arguments, mesh: Mesh | None):
    """The program before XLA has seen it."""
    lifted = _lift(tracker, layout)
    functions = {
        "init": lifted.init,
        "chunk": functools.partial(_advance, lifted),
        "attempt": _batched(functools.partial(attempt, tracker), layout, (None, 0, 0)),
        "trial": functools.partial(_attempt_chunk, tracker, layout),
    }
    function = functions[stage]
    if mesh is not None:
        return _spread(function, mesh).lower(*arguments)
    donate = (1,) if stage in ("chunk", "trial") else ()
    return lowered(_told(tracker, layout, stage), function, arguments, donate)


def _told(tracker: Tracker, layout: Layout, stage: str) -> str:
    """Text that tells this program from others; empty for a tracker from elsewhere."""
    try:
        return f"{layout} {stage} {identity(tuple(tracker))}"
    except Untold:
        return ""


def _lift(tracker: Tracker, layout: Layout) -> Tracker:
    """The tracker over the batch axis of the layout."""
    if layout == "one":
        return tracker
    frame = 0 if layout == "clips" else None
    return Tracker(
        init=jax.vmap(tracker.init, in_axes=(None, frame, 0, 0)),
        step=jax.vmap(tracker.step, in_axes=(None, 0, frame)),
    )


def _batched(function, layout: Layout, axes: tuple):
    """The function over the batch axis of the layout."""
    return function if layout == "one" else jax.vmap(function, in_axes=axes)


def _spread(advance, mesh: Mesh):
    """``_advance`` with the clips shared out; each device loops on its own."""
    (axis,) = mesh.axis_names
    each, clips = P(axis), P(None, axis)
    into, out = (P(), each, clips, P()), (each, clips)
    shared = jax.shard_map(
        advance, mesh=mesh, in_specs=into, out_specs=out, check_vma=False
    )
    place = lambda specs: tuple(NamedSharding(mesh, spec) for spec in specs)
    return jax.jit(
        shared, donate_argnums=1, in_shardings=place(into), out_shardings=place(out)
    )


def _attempt_chunk(
    tracker: Tracker,
    layout: Layout,
    params,
    now,
    frames: Frame,
    goals: Goal,
    count,
    origin,
):
    """``_advance`` with restarts: what happened on each frame of a chunk."""
    each = functools.partial(advance, tracker)
    each = _batched(each, layout, (None, 0, 0, 0, 0))

    def step(fixed, now, inputs):
        (params, origin), (frame, goal) = fixed, inputs
        return each(params, now, frame, goal, origin)

    return _loop(step, (params, origin), now, (frames, goals), count)


def _advance(tracker: Tracker, params, state, frames: Frame, count):
    """``count`` steps over a chunk; predictions past it are zeros, to be dropped."""
    return _loop(tracker.step, params, state, frames, count)


def _loop(step, fixed, state, inputs, count):
    """``count`` times ``step(fixed, state, input)``, and what it found, stacked."""
    at = lambda i: jax.tree.map(lambda x: x[i], inputs)
    step = jax.jit(step)  # traced once, for the shapes and for the loop
    shapes = jax.eval_shape(step, fixed, state, at(0))[1]
    length = len(jax.tree.leaves(inputs)[0])
    blank = jax.tree.map(lambda x: jnp.zeros((length, *x.shape), x.dtype), shapes)

    def body(i, carry):
        state, found = carry
        state, one = step(fixed, state, at(i))
        return state, jax.tree.map(lambda a, o: a.at[i].set(o), found, one)

    return jax.lax.fori_loop(0, count, body, (state, blank))
