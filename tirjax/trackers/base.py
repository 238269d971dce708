"""What every tracker is.

A tracker is two pure functions over a state that keeps its structure, shapes and
dtypes, so one step is a ``scan`` body, many sequences are a ``vmap``, and a run is a
function of (weights, video, box, key).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from tirjax.typing import Array, Float, Frame, Int, Key, PyTree

FOUND, UNCERTAIN, LOST = 0, 1, 2


class Prediction(NamedTuple):
    """What a tracker says about one frame.

    Attributes:
      box: ``[4]`` float32, target ``(x, y, w, h)``, pixels of the frame; always finite.
      score: float32 scalar, confidence; larger is surer. Comparable within a tracker
        only.
      status: int32 scalar: ``FOUND``, ``UNCERTAIN`` or ``LOST``. A tracker that never
        judges says ``FOUND``.
      overlap: float32 scalar, predicted overlap of the box with the target, 0 to 1; NaN
        from a tracker that predicts none, and where the target is lost.
    """

    box: Float[Array, "*t 4"]
    score: Float[Array, "*t"]
    status: Int[Array, "*t"]
    overlap: Float[Array, "*t"] | np.float32 = np.float32("nan")


class Tracker(NamedTuple):
    """A pair of pure functions; all settings are already closed over.

    Attributes:
      init: ``(params, frame, box, key) -> state``. Learns the target on frame 0.
        Trackers without randomness ignore the key.
      step: ``(params, state, frame) -> (state, Prediction)``. The state keeps its
        structure, shapes and dtypes, so ``step`` is a ``scan`` body.
    """

    init: Callable[[PyTree, Frame, Float[Array, "4"], Key[Array, ""]], Any]
    step: Callable[[PyTree, Any, Frame], tuple[Any, Prediction]]


def track(
    tracker: Tracker,
    params: PyTree,
    frames: Frame,
    box: Float[Array, "4"],
    key: Key[Array, ""],
) -> Prediction:
    """Follows the target of the first frame through a clip.

    Args:
      tracker: what to run. Static under ``jit``.
      params: its weights; ``()`` for a tracker without any.
      frames: a clip, time leading: ``pixels [t, rows, columns, channels]``, ``size
        [t, 2]``.
      box: target on frame 0, pixels.
      key: source of every random draw.

    Returns:
      Predictions for frames 1 to t - 1, time leading.
    """
    first = jax.tree.map(lambda x: x[0], frames)
    rest = jax.tree.map(lambda x: x[1:], frames)
    state = tracker.init(params, first, box, key)
    return jax.lax.scan(lambda s, f: tracker.step(params, s, f), state, rest)[1]


def track_many(
    tracker: Tracker,
    params: PyTree,
    frames: Frame,
    boxes: Float[Array, "b 4"],
    keys: Key[Array, " b"],
) -> Prediction:
    """``track`` over a leading axis of equally long sequences with shared weights.

    To follow several targets of one clip, ``vmap`` over ``boxes`` and ``keys`` alone.
    """
    run = lambda f, b, k: track(tracker, params, f, b, k)
    return jax.vmap(run)(frames, boxes, keys)
