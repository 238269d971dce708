"""Settings of DiMP, with the values of the published runs.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019;
Danelljan et al., Probabilistic Regression for Visual Tracking, CVPR 2020 (the search
region and box refinement of SuperDiMP).
"""

import dataclasses
from typing import Any

from tirjax.trackers.augment import Augmentation
from tirjax.trackers.localize import Trust
from tirjax.trackers.pytracking_crop import Rule
from tirjax.trackers.refine import Refinement


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the tracker; defaults are DiMP-18's.

    Attributes:
      depth: of the backbone, 10, 18 or 50.
      label_sigma: width of the label the filter was trained with, cells.
      dtype: of the backbone's computation; None follows the parameters.
      side: side of the search patch, pixels; a multiple of the network's stride.
      search_scale: side of the search region over that of the target (geometric mean).
      crop: how patches are cut after the first frame.
      augmentation: of the first frame.
      trust: thresholds of localisation.
      refinement: of the box.
      size_rate: share of a refined change of size that is taken, 0 to 1.
      inside: share of the target that its search keeps within the image.
      slots: capacity of the sample memory.
      first_share: least weight of the first frame's samples together.
      rate: weight of a new sample.
      hard_negative_rate: the same when a distractor was seen.
      train_gap: frames between two trainings of the filter.
      first_steps: solver steps on the first frame.
      steps: solver steps of a regular training.
      hard_negative_steps: solver steps when a distractor was seen.
      reversible: whether a step can be differentiated in reverse. A batch then pays for
        training on every frame.
    """

    depth: int = 18
    label_sigma: float = 0.9
    dtype: Any = None
    side: int = 288
    search_scale: float = 5.0
    crop: Rule = dataclasses.field(default_factory=Rule)
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    trust: Trust = dataclasses.field(default_factory=Trust)
    refinement: Refinement = dataclasses.field(default_factory=Refinement)
    size_rate: float = 1.0
    inside: float = 0.2
    slots: int = 50
    first_share: float = 0.25
    rate: float = 0.01
    hard_negative_rate: float = 0.02
    train_gap: int = 20
    first_steps: int = 10
    steps: int = 2
    hard_negative_steps: int = 1
    reversible: bool = False


DIMP18 = Config()
# Half the pixels at half the stride, so half the step in pixels of the patch. The rest
# was chosen on synthetic clips of their own.
DIMP10 = dataclasses.replace(
    DIMP18,
    depth=10,
    label_sigma=0.25 / 4.5 * 16,
    side=128,
    search_scale=4.0,
    refinement=Refinement(rates=(0.5, 0.5)),
    rate=0.02,
    hard_negative_rate=0.04,
    first_steps=20,
)
# Chosen on synthetic clips of their own, too.
DIMP_SQUEEZENET = dataclasses.replace(DIMP10, search_scale=4.5, size_rate=0.4)
DIMP50 = dataclasses.replace(DIMP18, depth=50)
SUPER_DIMP = dataclasses.replace(
    DIMP50,
    label_sigma=0.25 / 6 * 22,
    side=352,
    search_scale=6.0,
    crop=Rule("inside_major", max_shrink=1.5),
    refinement=Refinement(relative=True, steps=10, rates=(2.5e-3, 2.5e-3)),
)
