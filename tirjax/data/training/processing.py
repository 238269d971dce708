"""One sequence's frames to training examples: place, cut, change, label.

Everything is made on the device, for one sequence; a batch is a ``vmap``. Mirroring
happens after the crop, also the joint one, which the published code does before it.

Source: the published training settings of ATOM, DiMP and SuperDiMP.
"""

import dataclasses

import jax
import jax.numpy as jnp

from tirjax.data.sequence import DataError
from tirjax.data.training.augment import (
    RGB,
    Augmentation,
    augment,
    mirror_boxes,
    mirror_pixels,
    mirrors,
)
from tirjax.data.training.crops import Rule, Window, cut, to_crop, window
from tirjax.data.training.jitter import Jitter, jittered
from tirjax.data.training.labels import label_side, score_label
from tirjax.data.training.proposals import Proposals, mixture, perturbed
from tirjax.data.training.samples import Examples, Sample
from tirjax.typing import Array, Float, Frame, Key

KINDS = {"perturbed": perturbed, "gmm": mixture}
TRAIN_JITTER, TEST_JITTER = Jitter(3.0, 0.25), Jitter(4.5, 0.5)
REPLICATE = Rule()


@dataclasses.dataclass(frozen=True)
class Processing:
    """Settings; defaults are those of DiMP-18 and DiMP-50.

    Attributes:
      side: side of the crops, pixels, a multiple of ``stride``.
      stride: crop pixels per cell of the score map.
      search_scale: side of the window over the root of the target's area.
      filter_size: side of the target filter, cells.
      label_sigma: width of the label, cells.
      train_frames: how many frames of a sample are there to learn the target from.
      train_jitter: how far their crops are off.
      test_jitter: how far the other frames' crops are off.
      crop: how windows are placed.
      proposals: ``'perturbed'`` or ``'gmm'``.
      proposal_count: boxes a test frame.
      augmentation: changes of appearance, and mirroring.

    Raises:
      DataError: ``proposals`` is another word or ``side`` no multiple of ``stride``.
    """

    side: int = 288
    stride: int = 16
    search_scale: float = 5.0
    filter_size: int = 4
    label_sigma: float = 0.9
    train_frames: int = 3
    train_jitter: Jitter = TRAIN_JITTER
    test_jitter: Jitter = TEST_JITTER
    crop: Rule = REPLICATE
    proposals: str = "perturbed"
    proposal_count: int = 8
    augmentation: Augmentation = RGB

    def __post_init__(self):
        if self.proposals not in KINDS:
            raise DataError(
                f"proposals are {self.proposals!r}; take one of {', '.join(KINDS)}"
            )
        if self.side % self.stride:
            raise DataError(
                f"side {self.side} is no multiple of stride {self.stride}; "
                f"take {self.side - self.side % self.stride}"
            )

    @property
    def label_side(self) -> int:
        """Side of the score map, cells."""
        return label_side(self.side, self.stride, self.filter_size)


DIMP = Processing()
SUPER_DIMP = Processing(
    side=352,
    search_scale=6.0,
    label_sigma=22 * 0.25 / 6,
    test_jitter=Jitter(5.5, 0.5),
    crop=Rule("inside_major", 1.5),
    proposals="gmm",
    proposal_count=128,
    augmentation=dataclasses.replace(RGB, mirror_all=0.5, mirror_each=0.5),
)
ATOM = Processing(
    train_frames=1,
    train_jitter=Jitter(),
    proposal_count=16,
)


def place(sample: Sample, key: Key[Array, ""], settings: Processing) -> Window:
    """Random windows around the targets, one a frame.

    Args:
      sample: frames of one sequence.
      key: randomness.
      settings: static.
    """
    n, keys = settings.train_frames, jax.random.split(key, len(sample.boxes))
    near = lambda part, reach: jax.vmap(lambda box, k: jittered(box, k, reach))(
        sample.boxes[part], keys[part]
    )
    train = near(slice(n), settings.train_jitter)
    test = near(slice(n, None), settings.test_jitter)
    at = lambda box, size: window(
        box, size, settings.side, settings.search_scale, settings.crop
    )
    return jax.vmap(at)(jnp.concatenate([train, test]), sample.sizes)


def cut_all(
    sample: Sample, at: Window, settings: Processing
) -> tuple[Float[Array, "n s s c"], Float[Array, "n 4"]]:
    """Crops of all frames, and the targets in them.

    Args:
      sample: frames of one sequence.
      at: windows, one a frame.
      settings: static.

    Returns:
      Pixels 0..255 and boxes in crop pixels.
    """
    side = settings.side
    pixels = jax.vmap(lambda p, size, w: cut(Frame(p, size), w, side))(
        sample.pixels, sample.sizes, at
    )
    return pixels, jax.vmap(lambda box, w: to_crop(box, w, side))(sample.boxes, at)


def change(
    pixels: Float[Array, "n s s c"],
    boxes: Float[Array, "n 4"],
    key: Key[Array, ""],
    settings: Processing,
) -> tuple[Float[Array, "n s s c"], Float[Array, "n 4"]]:
    """The crops mirrored and with another appearance; the boxes mirrored with them."""
    for_mirror, for_look = jax.random.split(key)
    how = settings.augmentation
    if how.mirror_all or how.mirror_each:
        which = mirrors(for_mirror, len(boxes), how)
        pixels = mirror_pixels(pixels, which)
        boxes = mirror_boxes(boxes, which, settings.crop.reach(settings.side))
    return augment(pixels, for_look, how), boxes


def propose(
    boxes: Float[Array, "m 4"], key: Key[Array, ""], settings: Processing
) -> Proposals:
    """Proposals around every box, with one leading axis more than for one.

    Args:
      boxes: targets, crop pixels.
      key: randomness.
      settings: which kind, and how many. Static.
    """
    kind = KINDS[settings.proposals]
    draw = lambda box, k: kind(box, k, settings.proposal_count)
    return jax.vmap(draw)(boxes, jax.random.split(key, len(boxes)))


def process(sample: Sample, key: Key[Array, ""], settings: Processing) -> Examples:
    """What a task learns from, made of one sequence's frames.

    Args:
      sample: at least one frame more than ``settings.train_frames``.
      key: randomness; the same key gives the same examples.
      settings: static.
    """
    for_place, for_change, for_proposals = jax.random.split(key, 3)
    pixels, boxes = cut_all(sample, place(sample, for_place, settings), settings)
    pixels, boxes = change(pixels, boxes, for_change, settings)
    train, test = slice(settings.train_frames), slice(settings.train_frames, None)
    label = lambda box: score_label(
        box, settings.side, settings.stride, settings.filter_size, settings.label_sigma
    )
    near = propose(boxes[test], for_proposals, settings)
    return Examples(
        train=pixels[train],
        train_boxes=boxes[train],
        test=pixels[test],
        test_boxes=boxes[test],
        labels=jax.vmap(label)(boxes[test]),
        proposals=near.boxes,
        overlaps=near.overlaps,
        log_density=near.log_density,
        target_density=near.target_density,
    )
