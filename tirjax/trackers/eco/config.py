"""Settings of ECO, with the values of the published runs.

Source: Danelljan et al., ECO: Efficient Convolution Operators for Tracking, CVPR 2017;
Danelljan et al., Discriminative Scale Space Tracking, TPAMI 2017 (the scale filter).
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Block:
    """One kind of feature map.

    Attributes:
      kind: ``'hog'``, ``'intensity'``, ``'gray'``, ``'motion'`` or ``'deep'``.
      cell: side of a cell, pixels of the sample. Of a deep map a multiple of its
        stride, over which it is averaged.
      channels: kept after the projection; None keeps all and only turns them.
      layer: name of a deep map.
      weight: factor on the normalised map.
    """

    kind: str
    cell: int
    channels: int | None
    layer: str = ""
    weight: float = 1.0


@dataclasses.dataclass(frozen=True)
class ScaleFilter:
    """Settings of the one-dimensional scale filter (fDSST).

    Attributes:
      samples: number of scales the filter is trained on, odd.
      interpolated: number of scales it answers for, odd.
      step: ratio of neighbouring scales.
      sigma: width of the desired response over the number of interpolated scales.
      rate: share of the newest frame.
      ridge: regularisation of the denominator.
      area: largest area of the template, pixels.
      template: ``(rows, columns)`` of the template; None follows the target's first
        shape, as published, at the price of one compilation a shape.
    """

    samples: int = 17
    interpolated: int = 33
    step: float = 1.02
    sigma: float = 1 / 16
    rate: float = 0.025
    ridge: float = 1e-2
    area: int = 512
    template: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the tracker; defaults are the hand-crafted run on OTB.

    Attributes:
      blocks: features.
      search_scale: side of the search area over that of the target (geometric mean).
      min_area: smallest sample, pixels squared; smaller search areas are enlarged.
      max_area: largest sample, pixels squared; larger search areas are shrunk.
      label_sigma: width of the desired response over the size of the target.
      rate: weight of a new sample.
      memory: number of sample slots.
      train_gap: frames between two trainings of the filter.
      train_always: up to this frame the filter trains on every one.
      projection_ridge: regularisation of the projection in the first frame.
      cg_steps: solver steps at each training.
      first_cg_steps: solver steps on the first frame, spread over ``first_gn_steps``.
      first_gn_steps: Gauss-Newton steps on the first frame.
      forgetting: exponent of the solver's memory, ``(1 - rate) ** forgetting``.
      precondition: weights ``(data, regularisation, projection)`` of the
        preconditioner.
      window_min: regularisation at the centre of the target.
      window_edge: regularisation at the target's border scale.
      window_threshold: Fourier coefficients below this share of the largest drop out.
      scales: number of translation scales searched, odd; 1 with a scale filter.
      scale_step: ratio of neighbouring scales.
      newton_steps: iterations of the sub-cell peak search.
      scale_filter: None for scale search by the translation filter alone.
      fixed_size: one static sample size for every target (the largest), so one
        compilation serves all; False follows the published rule, which has five.
      keep_inside: hold the centre within the image. The original does not.
      round_box: round the reported box to whole pixels, as the original does.
      motion_threshold: share of the range by which a moving pixel differs.
      background_rate: share of the frame in the background, at each training.
    """

    blocks: tuple[Block, ...] = (Block("hog", 6, 10), Block("intensity", 4, 3))
    search_scale: float = 4.0
    min_area: float = 150.0**2
    max_area: float = 200.0**2
    label_sigma: float = 1 / 16
    rate: float = 0.009
    memory: int = 30
    train_gap: int = 5
    train_always: int = 10
    projection_ridge: float = 1e-7
    cg_steps: int = 5
    first_cg_steps: int = 150
    first_gn_steps: int = 10
    forgetting: float = 50.0
    precondition: tuple[float, float, float] = (0.75, 0.25, 40.0)
    window_min: float = 1e-4
    window_edge: float = 10e-3
    window_threshold: float = 0.05
    scales: int = 1
    scale_step: float = 1.02
    newton_steps: int = 5
    scale_filter: ScaleFilter | None = ScaleFilter()
    fixed_size: bool = False
    keep_inside: bool = False
    round_box: bool = False
    motion_threshold: float = 0.02
    background_rate: float = 1.0

    @property
    def deep(self) -> bool:
        """Whether any block needs a network."""
        return any(block.kind == "deep" for block in self.blocks)

    @property
    def moving(self) -> bool:
        """Whether any block needs a background."""
        return any(block.kind == "motion" for block in self.blocks)


OTB_HC = Config()
VOT2016_HC = dataclasses.replace(
    OTB_HC,
    rate=0.010,
    projection_ridge=5e-7,
    first_cg_steps=200,
    forgetting=60.0,
    precondition=(0.75, 0.2, 40.0),
    window_edge=4e-3,
    window_threshold=0.15,
)

# The published features and rates. One sample size and one template serve every target,
# so a benchmark is one compilation; the centre stays within the image.
TIR_HC = dataclasses.replace(
    OTB_HC,
    fixed_size=True,
    keep_inside=True,
    scale_filter=ScaleFilter(template=(16, 16)),
)
