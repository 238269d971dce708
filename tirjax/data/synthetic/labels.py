"""Names the challenges a clip has, from what was measured in its frames.

The twelve are LSOTB-TIR's (Liu et al., ACM MM 2020). The thresholds on size, speed and
aspect are the benchmark's (twice the size or aspect, 20 pixels a frame, 800 pixels of
area), lengths as shares of ``sqrt(rows * cols)`` of its median picture, 490 x 800.
"""

import numpy as np

from tirjax.data.synthetic.clips import Clip
from tirjax.data.synthetic.plan import FAST, SMALL
from tirjax.data.synthetic.settings import CHALLENGES

BENT = 0.025  # parts displaced from rest by this many sizes, on average
HIDDEN = 0.1  # share of what is in the image that something covers
CLOSE = 2.0  # sizes between the target and something that looks like it
BUSY = 0.45  # spread of the surroundings over the contrast of the target
OUTSIDE = 0.1  # share of the target beyond the border
CHANGED = 2.0  # largest over smallest size
TURNED = 2.3  # largest over smallest aspect ratio; a stride alone reaches 2
SMEARED = 0.12  # blur over size, in one frame of twenty
SUNK = 0.2  # low contrast over usual contrast
DRIFTED = 40.0  # grey levels by which the same temperature changes


def attributes(clip: Clip) -> tuple[str, ...]:
    """Challenges of a clip in the benchmark's words and order.

    Args:
      clip: all frames of a clip, in order, on the host or a device.
    """
    boxes = np.asarray(clip.boxes, float)
    visible = np.asarray(clip.visible, float)
    facts = {
        name: np.asarray(leaf, float) for name, leaf in clip.facts._asdict().items()
    }
    span = float(np.prod(clip.tir.shape[1:3])) ** 0.5
    sides = boxes[:, 2:]
    size, aspect = np.sqrt(sides.prod(1)), sides[:, 0] / sides[:, 1]
    step = np.linalg.norm(np.diff(boxes[:, :2] + sides / 2, axis=0), axis=1)
    inside = facts["inside"]
    seen = visible > 0.5
    contrast = facts["contrast"][seen] if seen.any() else np.zeros(1)
    clutter = facts["clutter"][seen] if seen.any() else np.zeros(1)
    usual = max(float(np.quantile(contrast, 0.9)), 1.0)
    ratio = lambda values: values.max() / values.min()
    has = {
        "deformation": facts["bend"].max() > BENT,
        "occlusion": ((inside - visible) > HIDDEN * inside).any(),
        "distractor": facts["rival"].min() < CLOSE,
        "background_clutter": np.median(clutter) > BUSY * np.median(contrast),
        "out_of_view": inside.min() < 1.0 - OUTSIDE,
        "scale_variation": ratio(size) > CHANGED,
        "fast_motion": step.max(initial=0.0) > FAST * span,
        "motion_blur": np.quantile(facts["smear"] / size, 0.95) > SMEARED,
        "thermal_crossover": np.quantile(contrast, 0.05) < SUNK * usual,
        "intensity_variation": np.ptp(facts["level"]) > DRIFTED,
        "low_resolution": np.median(facts["sensed"]) < SMALL * span,
        "aspect_ratio_variation": ratio(aspect) > TURNED,
    }
    return tuple(name.replace("_", " ") for name in CHALLENGES if has[name])
