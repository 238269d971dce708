"""A tracker with restarts: it fails where it shares no pixel with the truth.

VOT's reset-based experiment as one step of a scan, so that sequences advance together
although each restarts on a frame of its own: the tracker is initialised on the device,
and a batch pays for that only on frames where one of its members starts.

Source: Kristan et al., The Visual Object Tracking VOT2013 Challenge Results, ICCVW
2013: a restart five frames after a failure.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from tirjax.solvers.schedule import run_if
from tirjax.trackers.base import Prediction, Tracker
from tirjax.typing import Array, Bool, Float, Frame, Int, Key, PyTree

SKIPPED, STARTED, FAILED, TRACKED = 0, 1, 2, -1
RESTART = 5  # frames from a failure to the next start
_RUNNING = -1


class Goal(NamedTuple):
    """The truth of one frame.

    Attributes:
      box: ``[4]`` float32, ``(x, y, w, h)``, pixels: what a start is given.
      spans: ``[rows, 2]`` int16, first and last column of the region in each row of
        pixels, in the numbering of the benchmark's files; the last is below the first
        in a row without any.
      known: bool scalar, False without an annotation: no start and no failure there.
      present: bool scalar, False after the end of the sequence: nothing happens there.
    """

    box: Float[Array, "*t 4"]
    spans: Int[Array, "*t r 2"]
    known: Bool[Array, "*t"]
    present: Bool[Array, "*t"]


class Attempt(NamedTuple):
    """State between frames.

    Attributes:
      state: the tracker's own.
      wait: int32 scalar, frames until the next start; -1 while it runs.
      starts: int32 scalar, how many there were.
      key: source of every random draw.
    """

    state: Any
    wait: Int[Array, ""]
    starts: Int[Array, ""]
    key: Key[Array, ""]


class Outcome(NamedTuple):
    """What happened on one frame.

    Attributes:
      code: int32 scalar: ``STARTED``, ``FAILED``, ``SKIPPED`` or ``TRACKED``.
      prediction: of a frame that was tracked or failed; zeros elsewhere.
    """

    code: Int[Array, "*t"]
    prediction: Prediction


def attempt(
    tracker: Tracker, params: PyTree, frame: Frame, key: Key[Array, ""]
) -> Attempt:
    """The state before the first frame; no work is done.

    Args:
      tracker: what to run. Static under ``jit``.
      params: its weights.
      frame: any of the sequence, for its shape.
      key: source of every random draw.
    """
    box = jnp.zeros(4, jnp.float32)
    shapes = jax.eval_shape(tracker.init, params, frame, box, key)
    zero = jnp.zeros((), jnp.int32)
    return Attempt(jax.tree.map(_blank, shapes), zero, zero, key)


def advance(
    tracker: Tracker,
    params: PyTree,
    now: Attempt,
    frame: Frame,
    goal: Goal,
    origin: Float[Array, ""] | float,
) -> tuple[Attempt, Outcome]:
    """One frame: a start, a step, or a pause.

    Args:
      tracker: what to run. Static under ``jit``.
      params: its weights.
      now: state before the frame.
      frame: the picture.
      goal: its truth.
      origin: coordinate of the first pixel in the benchmark's files; boxes are rounded
        to pixels there.

    Returns:
      State after the frame and what happened on it.
    """
    begins = goal.present & goal.known & (now.wait == 0)
    goes = goal.present & (now.wait == _RUNNING)
    key = jax.random.fold_in(now.key, now.starts)
    start = lambda _: tracker.init(params, frame, goal.box, key)
    state = run_if(begins, start, now.state)
    shapes = jax.eval_shape(tracker.step, params, state, frame)[1]
    step = lambda carry: tracker.step(params, carry[0], frame)
    state, found = run_if(goes, step, (state, jax.tree.map(_blank, shapes)))
    fails = goes & goal.known & ~_touches(found.box, goal.spans, origin)
    wait = jnp.where(now.wait > 0, now.wait - goal.present, now.wait)
    wait = jnp.where(begins, _RUNNING, jnp.where(fails, RESTART - 1, wait))
    code = jnp.where(goes, jnp.where(fails, FAILED, TRACKED), SKIPPED)
    code = jnp.where(begins, STARTED, code).astype(jnp.int32)
    after = Attempt(state, wait.astype(jnp.int32), now.starts + begins, now.key)
    return after, Outcome(code, found)


def _touches(box, spans, origin):
    """Whether a box has a pixel in the region, by vot-toolkit's rule."""
    low = jnp.round(box[:2] + origin)
    high = low + jnp.round(box[2:]) - 1
    rows = jnp.arange(spans.shape[0])
    left, right = spans[:, 0], spans[:, 1]
    inside = (low[1] <= rows) & (rows <= high[1]) & (left <= right)
    shared = jnp.minimum(right, high[0]) >= jnp.maximum(left, low[0])
    return jnp.any(inside & shared)


def _blank(shape: jax.ShapeDtypeStruct) -> Array:
    """Zeros, or a key where there is one."""
    if jnp.issubdtype(shape.dtype, jax.dtypes.prng_key):
        return jnp.broadcast_to(jax.random.key(0), shape.shape)
    return jnp.zeros(shape.shape, shape.dtype)
