"""Where a target is, and that place refined by predicted overlap, for DiMP and ATOM."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.trackers.pytracking_crop import View, into_patch, out_of_patch
from tirjax.trackers.refine import Predict, Refinement, choose, propose, refine
from tirjax.typing import Array, Bool, Float, Frame

# A refined box this many times the image comes from a diverged climb.
_LARGEST = 10.0


class Pose(NamedTuple):
    """Where the target is.

    Attributes:
      position: its centre ``(row, col)``, index coordinates.
      size: ``(rows, cols)``, pixels.
      scale: image pixels per patch pixel of its search patch.
    """

    position: Float[Array, "2"]
    size: Float[Array, "2"]
    scale: Float[Array, ""]


class Refined(NamedTuple):
    """A better place and size.

    Attributes:
      position: centre ``(row, col)``, index coordinates.
      size: ``(rows, cols)``, pixels.
      overlap: predicted with the target, 0 to 1; NaN where refinement failed.
    """

    position: Float[Array, "2"]
    size: Float[Array, "2"]
    overlap: Float[Array, ""]


def refine_pose(
    predict: Predict,
    pose: Pose,
    view: View,
    uniform: Float[Array, "n 4"],
    frame: Frame,
    settings: Refinement,
    side: int,
) -> Refined:
    """Size and position by predicted overlap; the pose itself if that fails.

    Args:
      predict: scores of boxes in the patch; trained towards ``2 IoU - 1``.
      pose: where the classifier puts the target.
      view: where the patch was taken.
      uniform: draws in [0, 1) for the proposals.
      frame: the picture; only its size is read.
      settings: of the refinement. Static.
      side: of the patch, pixels. Static.
    """
    box = into_patch(pose.position, pose.size, view, side)
    boxes, scores = refine(predict, propose(box, uniform, settings.jitter), settings)
    chosen = choose(boxes, scores, settings)
    position, size = out_of_patch(chosen.box, view, side)
    good = chosen.good & (size < _LARGEST * frame.size).all()
    return Refined(
        jnp.where(good, position, pose.position),
        jnp.where(good, size, pose.size),
        jnp.where(good, jnp.clip((chosen.score + 1) / 2, 0.0, 1.0), jnp.nan),
    )


def new_pose(
    old: Pose,
    better: Refined,
    base: Float[Array, "2"],
    seen: Bool[Array, ""],
    size_rate: float = 1.0,
) -> Pose:
    """The refined pose of a target that was seen, else the old one.

    Args:
      old: pose before this frame.
      better: place and size now.
      base: ``(rows, cols)`` of the target at scale one.
      seen: whether the target was found at all.
      size_rate: share of the change of size that is taken, 0 to 1, of its logarithm;
        1 is as published. Static.
    """
    size = better.size
    if size_rate != 1.0:
        size = old.size * (size / old.size) ** size_rate
    scale = jnp.sqrt(size.prod() / base.prod())
    new = Pose(better.position, size, scale)
    return jax.tree.map(lambda a, b: jnp.where(seen, a, b), new, old)
