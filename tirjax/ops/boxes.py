"""Axis-aligned boxes.

One convention holds everywhere in tirjax. A box is ``(x, y, w, h)`` in pixels,
zero-based, and *edge-based*: the first pixel of an image covers ``[0, 1)``, so the
centre is ``x + w / 2`` with no half-pixel correction. Readers convert on the way in
(``tirjax.data``), benchmark writers convert on the way out (``tirjax.evaluation``).
"""

import jax.numpy as jnp

from tirjax.typing import Array, Float


def iou(a: Float[Array, "*b 4"], b: Float[Array, "*b 4"]) -> Float[Array, "*b"]:
    """Intersection over union of paired boxes.

    Args:
      a: boxes ``(x, y, w, h)``, pixels.
      b: boxes ``(x, y, w, h)``, pixels, paired with ``a``.

    Returns:
      Overlap in [0, 1]. Boxes of zero or negative area overlap nothing (0, never
      NaN), so the result is safe inside ``grad`` and ``scan``.
    """
    top_left = jnp.maximum(a[..., :2], b[..., :2])
    bottom_right = jnp.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    inter = jnp.prod(jnp.maximum(bottom_right - top_left, 0.0), axis=-1)
    area = lambda box: jnp.prod(jnp.maximum(box[..., 2:], 0.0), axis=-1)
    union = area(a) + area(b) - inter
    return jnp.where(union > 0, inter / jnp.where(union > 0, union, 1.0), 0.0)


def centre(box: Float[Array, "*b 4"]) -> Float[Array, "*b 2"]:
    """Centre ``(x, y)``, pixels."""
    return box[..., :2] + box[..., 2:] / 2


def from_centre(
    point: Float[Array, "*b 2"], size: Float[Array, "*b 2"]
) -> Float[Array, "*b 4"]:
    """Box of ``size`` ``(w, h)`` around ``point`` ``(x, y)``, pixels."""
    return jnp.concatenate([point - size / 2, size], axis=-1)
