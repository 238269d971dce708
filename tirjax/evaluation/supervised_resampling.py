"""How sure VOT's scores are: bootstrap over the sequences of runs with restarts.

Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993 (section 13.3).
"""

from collections.abc import Sequence

import numpy as np

from tirjax.evaluation.expected_overlap import typical
from tirjax.evaluation.resampling import DRAWS, Interval, bounds, resamples
from tirjax.evaluation.supervised import Measured, Rules, parts


def resampled(
    measured: Sequence[Measured],
    rules: Rules,
    interval: tuple[int, int] | None,
    seed: int = 0,
    draws: int = DRAWS,
) -> dict[str, np.ndarray]:
    """The scores of other draws of the same sequences.

    Curves reach as far as that of all sequences, also in a draw without the longest.

    Args:
      measured: one a sequence, under the same rules.
      rules: whose.
      interval: lengths of the EAO; it does not change with the draw.
      seed: the same for two trackers with the same sequences draws the same ones.
      draws: number of resamples.

    Returns:
      ``[draws]`` by score: ``'accuracy'``, ``'failures'`` and, with an interval,
      ``'eao'``. NaN where a draw holds nothing to average.
    """
    counts = resamples(len(measured), seed, draws)
    found = parts(measured, rules)
    with np.errstate(invalid="ignore", divide="ignore"):
        made = {
            name: counts @ found[name][0] / (counts @ found[name][1])
            for name in ("accuracy", "failures")
        }
        if interval:
            within = typical(interval, rules.raster)
            totals, weights = (part[:, within] for part in found["curve"])
            curves = (counts @ totals) / (counts @ weights)
            known = np.isfinite(curves)
            made["eao"] = np.where(known, curves, 0).sum(1) / known.sum(1)
    return made


def intervals(
    measured: Sequence[Measured],
    rules: Rules,
    interval: tuple[int, int] | None,
    seed: int = 0,
    draws: int = DRAWS,
) -> dict[str, Interval]:
    """Percentile bootstrap interval of each score; arguments as for ``resampled``."""
    found = resampled(measured, rules, interval, seed, draws)
    if len(measured) < 2:
        return {name: Interval(float("nan"), float("nan")) for name in found}
    return {name: bounds(values) for name, values in found.items()}
