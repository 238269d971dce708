"""Pairs of an exemplar and a search region that Siamese networks learn from.

A positive pair is of one target; of a negative one the search region shows another
target (easy), or the exemplar is a corner of the target's own surroundings (hard). The
target of every crop but such a corner is in its middle. What lies outside an image is
filled with its mean. Colour is taken away: what is learned of it would not help on
thermal pictures.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops, section 3.2; the published training code of MLSSNet and MMNet.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.data.sequence import DataError
from tirjax.data.training.samples import Sample
from tirjax.ops import bicubic
from tirjax.ops.boxes import centre
from tirjax.typing import Array, Bool, Float, Frame, Int, Key

POSITIVE, EASY, HARD = range(3)
UNKNOWN = -1  # class of an object of which none is known
MOST = 4.0  # longest window over the longer side of an image; the rest is mean
CURATED = 255 / 127  # window of the published crops over what the trackers crop
_LUMA = (0.298936, 0.587043, 0.114021)


class Pairs(NamedTuple):
    """Pairs with their labels; a batch has one leading axis more.

    Attributes:
      exemplar: ``[z, z, 1]``, 0..255.
      search: ``[x, x, 1]``, 0..255.
      positive: whether the search region shows the exemplar's target, in its middle.
      class_id: of the object in the exemplar, from 0; anything where not ``known``.
      known: whether the classification loss counts the exemplar.
      offset: ``(x, y)`` of the target in a positive pair's search region, from its
        middle, pixels of the crop; None is the middle of all.
    """

    exemplar: Float[Array, "z z 1"]
    search: Float[Array, "x x 1"]
    positive: Bool[Array, ""]
    class_id: Int[Array, ""]
    known: Bool[Array, ""]
    offset: Float[Array, "2"] | None = None


class Drawn(NamedTuple):
    """What a pair is made of.

    Attributes:
      sample: two frames, the exemplar's and that of the search region, which is of
        another target if the pair is an easy negative.
      kind: ``POSITIVE``, ``EASY`` or ``HARD``.
      class_id: of the object in the first frame, or ``UNKNOWN``.
    """

    sample: Sample
    kind: Int[Array, ""]
    class_id: Int[Array, ""]


class Changes(NamedTuple):
    """Random changes of crops, each on its own; as it stands, none.

    Attributes:
      offsets: standard deviations of what is added to all pixels of an exemplar and of
        a search region, grey levels.
      stretch: windows are up to this share longer or shorter, on each axis.
      shift: windows are up to this far off the target on each axis, pixels of the crop.
      wander: the same of search regions alone; labels know of it.
    """

    offsets: tuple[float, float] = (0.0, 0.0)
    stretch: float = 0.0
    shift: float = 0.0
    wander: float = 0.0


UNCHANGED = Changes()
# A tenth of the deviation of thermal exemplars and search regions. The published code
# adds another number to every colour, of which grey pictures have one.
OFFSETS = Changes((5.69, 5.20))
SIAMFC_CHANGES = Changes((5.69, 5.20), 0.05, 4.0)


@dataclasses.dataclass(frozen=True)
class Cropping:
    """What crops are; defaults are those of CFNet, MLSSNet and MMNet.

    Attributes:
      exemplar: side of exemplars, pixels.
      search: side of search regions, pixels; at the exemplar's scale.
      context: side of the exemplar's window over that of ``context_side``. 1 is what
        the trackers crop. ``CURATED`` is what the published code has learned from: its
        targets are half as large as those it meets when tracking.
      corners_count: whether the classification loss counts corners of a target's
        surroundings as showing it, as in the published code.
      changes: made at random.

    Raises:
      DataError: a side below 8 pixels, no context, or changes that leave no window.
    """

    exemplar: int = 255
    search: int = 255
    context: float = 1.0
    corners_count: bool = False
    changes: Changes = UNCHANGED

    def __post_init__(self):
        if min(self.exemplar, self.search) < 8 or not self.context > 0:
            raise DataError(
                f"crops of {self.exemplar} and {self.search} pixels, context "
                f"{self.context}: sides must be at least 8, context above 0"
            )
        least = min(*self.changes.offsets, *self.changes[1:])
        if not (least >= 0 and self.changes.stretch < 1):
            raise DataError(
                f"{self.changes}: none may be negative, stretch must be below 1"
            )


def context_side(box: Float[Array, "*b 4"]) -> Float[Array, "*b"]:
    """Side of the square around a target and its surroundings, pixels.

    Its area is that of the box with half its half-perimeter added on each axis.
    """
    size = box[..., 2:]
    return jnp.sqrt(jnp.prod(size + size.mean(-1, keepdims=True), -1))


def grey(pixels: Float[Array, "*b c"]) -> Float[Array, "*b 1"]:
    """Luma of colours; one channel stays as it is."""
    if pixels.shape[-1] == 1:
        return pixels
    return (pixels * jnp.asarray(_LUMA, pixels.dtype)).sum(-1, keepdims=True)


def crop_window(
    frame: Frame, middle: Float[Array, "2"], length: Float[Array, "*axes"], side: int
) -> Float[Array, "{side} {side} c"]:
    """Bicubic crop of a window as a square, antialiased, filled with the image's mean.

    Args:
      frame: source; nothing beyond ``frame.size`` is read.
      middle: of the window, ``(x, y)``, pixels.
      length: of the window, ``(w, h)`` or of both sides, pixels, above 0; at most
        ``MOST`` times that of the frame's array, the longer one.
      side: of the crop. Static.

    Returns:
      float32 pixels, 0..255; bicubic overshoots are clipped.
    """
    pixels = frame.pixels.astype(jnp.float32)
    shape = pixels.shape[:2]
    rows, cols = (
        jnp.arange(n) < size for n, size in zip(shape, frame.size, strict=True)
    )
    mask = (rows[:, None] & cols)[..., None]
    mean = jnp.where(mask, pixels, 0.0).sum((0, 1)) / jnp.prod(frame.size)
    lengths = jnp.broadcast_to(jnp.minimum(length, MOST * max(shape)), (2,))
    steps = jnp.arange(side) - (side - 1) / 2
    down, across = (
        bicubic.sampling(
            m + steps * spacing - 0.5, spacing, n, MOST * max(shape) / side
        )
        for m, spacing, n in zip(middle[::-1], lengths[::-1] / side, shape, strict=True)
    )
    cut = bicubic.apply(down, across, jnp.where(mask, pixels - mean, 0.0))
    return jnp.clip(cut + mean, 0.0, 255.0)


def corner(crop: Float[Array, "s s c"], which: Int[Array, ""]) -> Float[Array, "s s c"]:
    """A quadrant of a crop, enlarged to the size of the crop.

    Args:
      crop: a target in its surroundings.
      which: 0 to 3: top left, top right, bottom left, bottom right.
    """
    side = len(crop)
    half = side // 2
    first = side - half
    quadrants = [
        crop[row : row + half, col : col + half]
        for row in (0, first)
        for col in (0, first)
    ]
    enlarged = bicubic.resize(jnp.stack(quadrants)[which], (side, side))
    return jnp.clip(enlarged, 0.0, 255.0)


def changed_crop(
    frame: Frame,
    middle: Float[Array, "2"],
    length: Float[Array, ""],
    side: int,
    offset: float,
    changes: Changes,
    key: Key[Array, ""],
) -> Float[Array, "{side} {side} c"]:
    """``crop_window`` of a square, changed at random.

    Args:
      frame: as for ``crop_window``.
      middle: as for ``crop_window``.
      length: as for ``crop_window``.
      side: as for ``crop_window``.
      offset: standard deviation of what is added to the crop. Static.
      changes: the others. Static.
      key: randomness.
    """
    if changes._replace(wander=0.0) == UNCHANGED:
        return crop_window(frame, middle, length, side)
    for_offset, for_stretch, for_shift = jax.random.split(key, 3)
    any_of = lambda k: jax.random.uniform(k, (2,), minval=-1.0, maxval=1.0)
    lengths = length * (1 + changes.stretch * any_of(for_stretch))
    shifted = middle + changes.shift / side * lengths * any_of(for_shift)
    crop = crop_window(frame, shifted, lengths, side)
    return jnp.clip(crop + offset * jax.random.normal(for_offset), 0.0, 255.0)


def make_pair(drawn: Drawn, key: Key[Array, ""], settings: Cropping) -> Pairs:
    """Crops and labels of one pair.

    Args:
      drawn: frames, kind and class.
      key: which corner a hard negative is, and changes.
      settings: static.
    """
    sample, is_hard = drawn.sample, drawn.kind == HARD
    pixels = grey(sample.pixels.astype(jnp.float32))
    lengths = settings.context * context_side(sample.boxes)
    for_away = jax.random.fold_in(key, 2)
    away = settings.changes.wander * jax.random.uniform(for_away, (2,), minval=-1.0)
    seen = centre(sample.boxes).at[1].add(-away * lengths[1] / settings.exemplar)
    sides = settings.exemplar, settings.search
    exemplar, search = (
        changed_crop(
            Frame(pixels[i], sample.sizes[i]),
            seen[i],
            lengths[i] * side / settings.exemplar,
            side,
            settings.changes.offsets[i],
            settings.changes,
            jax.random.fold_in(key, i),
        )
        for i, side in enumerate(sides)
    )
    which = jax.random.randint(key, (), 0, 4)
    counts = drawn.class_id >= 0
    return Pairs(
        exemplar=jnp.where(is_hard, corner(exemplar, which), exemplar),
        search=search,
        positive=drawn.kind == POSITIVE,
        class_id=drawn.class_id,
        known=counts if settings.corners_count else counts & ~is_hard,
        offset=away,
    )
