"""Settings of the Siamese trackers, with the values of the published runs.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops (SiamFC); Valmadre et al., End-to-end Representation Learning for
Correlation Filter Based Tracking, CVPR 2017 (baseline, CFNet); Liu et al., Learning
Deep Multi-Level Similarity for Thermal Infrared Object Tracking, TMM 2020 (MLSSNet);
Liu et al., Multi-Task Driven Feature Models for Thermal Infrared Tracking, AAAI 2020
(MMNet); and the settings published with their code.
"""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the tracker; defaults are those of MMNet.

    Attributes:
      exemplar: side of the exemplar's crop, pixels after resampling.
      search: side of the search region's crop, at the same pixels per pixel.
      stride: of the network, pixels of the crop per cell of the response.
      context: margin around the target, over the sum of its width and height.
      scales: sizes tried, odd.
      scale_step: ratio of neighbouring sizes.
      scale_penalty: factor on the peak of every size but the last one. Where peaks are
        negative it favours a change, as in the published code.
      scale_rate: share of the best size in the new one.
      window: share of the cosine window in the response that is searched for its peak.
      rate: share of the newest frame in the template; 0 keeps the first one.
      response_up: factor by which the response is enlarged before the search.
      response: which maps are summed over levels, before or after gain and bias.
      least: least side of the region, over the first one.
      most: largest side of the region, over the first one.
      parity: whether crops are cut with the whole-pixel rules of the published code and
        boxes may leave the image. Otherwise crops are exact and the centre of the box
        stays inside the image.
      first_code: with ``parity``, what is particular to the code of SiamFC: the middle
        of an even response is half a cell up and left, and motion is measured in whole
        pixels of the region's side.
    """

    exemplar: int = 255
    search: int = 255
    stride: int = 4
    context: float = 0.5
    scales: int = 3
    scale_step: float = 1.0375
    scale_penalty: float = 0.9745
    scale_rate: float = 0.59
    window: float = 0.2625
    rate: float = 0.005
    response_up: int = 8
    response: Literal["raw", "adjusted"] = "raw"
    least: float = 0.2
    most: float = 5.0
    parity: bool = False
    first_code: bool = False


MMNET = Config()
# For the published weights, which were trained with attention to all places alike.
MMNET_RELEASED = dataclasses.replace(MMNET, parity=True)
MLSSNET = dataclasses.replace(MMNET, response="adjusted")
SIAMFC_3S = dataclasses.replace(
    MLSSNET,
    exemplar=127,
    stride=8,
    window=0.176,
    rate=0.0,
    response_up=16,
    first_code=True,
)
SIAMFC_5S = dataclasses.replace(
    SIAMFC_3S,
    scales=5,
    scale_step=1.0255,
    scale_penalty=0.962,
    scale_rate=0.34,
    window=0.168,
)
BASELINE_CONV5 = Config(
    exemplar=127,
    scale_step=1.0470,
    scale_penalty=0.9825,
    scale_rate=0.68,
    window=0.175,
    rate=0.0102,
    response="adjusted",
)
CFNET_CONV1 = Config(
    scale_step=1.0355, scale_penalty=0.9825, scale_rate=0.70, window=0.2375, rate=0.0058
)
CFNET_CONV2 = Config(
    scale_step=1.0575, scale_penalty=0.9780, scale_rate=0.52, window=0.2625, rate=0.005
)
# Published for three convolutions; no run with five has settings of its own.
CFNET_CONV5 = Config(
    scale_step=1.034, scale_penalty=0.9820, scale_rate=0.66, window=0.27, rate=0.008
)
