"""Settings of ATOM, with the values of the published runs.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019,
and its published settings.
"""

import dataclasses
from typing import Any

from tirjax.trackers.augment import Augmentation
from tirjax.trackers.localize import Trust
from tirjax.trackers.pytracking_crop import Rule
from tirjax.trackers.refine import Refinement

STRIDE = 16
# Of the stride-16 features, by depth of the backbone.
CHANNELS = {18: 256, 50: 1024}

AUGMENTATION = Augmentation(
    blurs=((2, 0.2), (0.2, 2), (3, 1), (1, 3), (2, 2)),
    rotations=(5, -5, 10, -10, 20, -20, 30, -30, 45, -45, -60, 60),
    dropout=(7, 0.2),
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the tracker; defaults are the published ones.

    Attributes:
      depth: of the backbone; published weights have 18.
      dtype: of the backbone's computation; None follows the parameters.
      side: side of the search patch, pixels; an even number of cells.
      search_scale: side of the search region over that of the target (geometric mean).
      crop: how patches are cut.
      augmentation: of the first frame.
      trust: thresholds of localisation.
      refinement: of the box.
      inside: share of the target that its search keeps within the image.
      channels: of the features after the projection.
      filter_size: side of the filter, cells; even.
      response_floor: lower bound of the activated scores, sign left out.
      label_sigma: width of the desired scores over the side of the target.
      filter_ridge: weight of the filter in the objective.
      projection_ridge: weight of the projection in the objective.
      first_steps: linearisations on the first frame.
      first_cg_steps: solver steps after each.
      steps: solver steps of a later training.
      train_gap: frames between two trainings; a distractor brings one forward.
      slots: capacity of the sample memory.
      first_share: least weight of the first frame's samples together.
      rate: weight of a new sample.
      hard_negative_rate: the same when a distractor was seen.
    """

    depth: int = 18
    dtype: Any = None
    side: int = 18 * STRIDE
    search_scale: float = 5.0
    crop: Rule = dataclasses.field(default_factory=Rule)
    augmentation: Augmentation = AUGMENTATION
    trust: Trust = dataclasses.field(default_factory=Trust)
    refinement: Refinement = dataclasses.field(default_factory=Refinement)
    inside: float = 0.2
    channels: int = 64
    filter_size: int = 4
    response_floor: float = 0.05
    label_sigma: float = 0.25
    filter_ridge: float = 0.1
    projection_ridge: float = 1e-4
    first_steps: int = 6
    first_cg_steps: int = 10
    steps: int = 5
    train_gap: int = 10
    slots: int = 250
    first_share: float = 0.25
    rate: float = 0.01
    hard_negative_rate: float = 0.02

    @property
    def cells(self) -> int:
        """Side of the feature map."""
        return self.side // STRIDE


ATOM = Config()
