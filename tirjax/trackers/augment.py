"""First-frame augmentation of DiMP and ATOM: one wide patch gives many training ones.

Every transform acts on a patch wider than needed and ends with a crop of its centre,
moved by a whole-pixel shift; a shift moves the content down and right. Angles are
visually counter-clockwise.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
section 3.3, and the published settings.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.ops.crop import taps
from tirjax.typing import Array, Bool, Float, Int


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Settings; defaults are those of DiMP.

    The patches come in this order: identity, shifts, flip, blurs, rotations. All but
    the first two kinds also shift at random.

    Attributes:
      shifts: ``(row, col)``, over half the side of the patch.
      flip: whether to mirror left and right.
      blurs: Gaussian widths ``(vertical, horizontal)``, pixels.
      rotations: degrees.
      dropout: how many copies of the first patch's features lose channels, and which
        share of them.
      expansion: side of the wide patch over that of the patch.
      random_shift: range of the random shifts over the side of the patch.
    """

    shifts: tuple[tuple[float, float], ...] = (
        (0.6, 0.6),
        (-0.6, 0.6),
        (0.6, -0.6),
        (-0.6, -0.6),
    )
    flip: bool = True
    blurs: tuple[tuple[float, float], ...] = ((3, 1), (1, 3), (2, 2))
    rotations: tuple[float, ...] = (10, -10, 45, -45)
    dropout: tuple[int, float] = (2, 0.2)
    expansion: float = 2.0
    random_shift: float = 1 / 3

    @property
    def draws(self) -> int:
        """Number of random shifts."""
        return self.flip + len(self.blurs) + len(self.rotations)

    @property
    def samples(self) -> int:
        """Number of training samples, dropout included."""
        return 1 + len(self.shifts) + self.draws + self.dropout[0]


def wide_side(settings: Augmentation, side: int) -> int:
    """Side of the wide patch: larger by an even number of pixels."""
    wide = int(settings.expansion * side)
    return wide + (wide - side) % 2


def shifts(
    settings: Augmentation, uniform: Float[Array, "draws 2"], side: int
) -> Int[Array, "patches 2"]:
    """Shift ``(row, col)`` of every patch, pixels.

    Args:
      settings: which patches. Static.
      uniform: draws in [0, 1), one row a random shift.
      side: side of the patch. Static.
    """
    fixed = [(0, 0), *(tuple(int(s * side / 2) for s in p) for p in settings.shifts)]
    moved = jnp.trunc((uniform - 0.5) * side * settings.random_shift)
    return jnp.concatenate([jnp.array(fixed, jnp.int32), moved.astype(jnp.int32)])


def _blur(image, widths):
    """Separable Gaussian over two standard deviations, zero outside the image."""
    x = jnp.moveaxis(image, -1, 0)[..., None]
    for axis, sigma in enumerate(widths):
        reach = math.ceil(2 * sigma)
        weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
        shape = (-1, 1, 1, 1) if axis == 0 else (1, -1, 1, 1)
        x = jax.lax.conv_general_dilated(
            x,
            jnp.asarray((weights / weights.sum()).reshape(shape), x.dtype),
            window_strides=(1, 1),
            padding=[(reach, reach), (0, 0)] if axis == 0 else [(0, 0), (reach, reach)],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision=jax.lax.Precision.HIGHEST,
        )
    return jnp.moveaxis(x[..., 0], 0, -1)


def _rotate(image, rows, cols, degrees: float):
    """Pixels at ``rows`` and ``cols`` of the rotated image; its border repeats."""
    middle = (image.shape[0] - 1) / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    down, right = (rows - middle)[:, None], (cols - middle)[None, :]
    size = jnp.int32(image.shape[0])
    index = lambda x: taps((middle + x).astype(image.dtype).ravel(), size)
    y, x = index(sin * right + cos * down), index(cos * right - sin * down)
    fy, fx = y.fraction[:, None], x.fraction[:, None]
    top = image[y.lower, x.lower] * (1 - fx) + image[y.lower, x.upper] * fx
    low = image[y.upper, x.lower] * (1 - fx) + image[y.upper, x.upper] * fx
    return (top + fy * (low - top)).reshape(len(rows), len(cols), -1)


def patches(
    settings: Augmentation,
    wide: Float[Array, "e e c"],
    by: Int[Array, "patches 2"],
    side: int,
) -> Float[Array, "patches {side} {side} c"]:
    """All transformed patches.

    Args:
      settings: which ones. Static.
      wide: patch of side ``wide_side(settings, side)``.
      by: their shifts.
      side: side of the result. Static.
    """
    end = wide.shape[0] - 1

    def place(i):
        at = jnp.arange(side) + (wide.shape[0] - side) // 2
        return jnp.clip(at - by[i, 0], 0, end), jnp.clip(at - by[i, 1], 0, end)

    views = [lambda r, c: wide[r][:, c]] * (1 + len(settings.shifts))
    views += [lambda r, c: wide[r][:, end - c]] * settings.flip
    views += [lambda r, c, s=s: _blur(wide, s)[r][:, c] for s in settings.blurs]
    views += [lambda r, c, a=a: _rotate(wide, r, c, a) for a in settings.rotations]
    return jnp.stack([view(*place(i)) for i, view in enumerate(views)])


def see_each(
    see: Callable[[Array], Any], patches: Float[Array, "patches s s c"]
) -> Any:
    """``see(patches)``, one patch after the other.

    What a deep network holds of all of them at once is hundreds of megabytes, which a
    process that has just started waits for. Sequences in a batch, under ``vmap``, still
    go through it together.

    Args:
      see: from patches to arrays, patches leading.
      patches: of one target.
    """
    one = lambda patch: jax.tree.map(lambda x: x[0], see(patch[None]))
    return jax.lax.map(one, patches)


def drop_channels(
    features: Float[Array, "h w c"], kept: Bool[Array, "n c"], share: float
) -> Float[Array, "n h w c"]:
    """Copies without the channels that are not ``kept``, the others scaled up.

    Args:
      features: of one patch.
      kept: one row a copy.
      share: probability with which a channel was dropped, in [0, 1).
    """
    return jnp.where(kept[:, None, None, :], features / (1 - share), 0.0)
