"""From the curves of many sequences to the numbers a paper prints."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.evaluation.ope import Curves
from tirjax.evaluation.protocols import Measure, Protocol


@dataclasses.dataclass(frozen=True)
class Scores:
    """What a table and a plot need; NaN or empty where the protocol has no such thing.

    Attributes:
      protocol: whose rules; it holds the thresholds of the curves.
      sequences: how many were averaged.
      success: usually called AUC.
      precision: usually at 20 pixels.
      norm_precision: normalised precision, by the protocol's own definition.
      op50: success curve at 0.5; GOT-10k's SR 0.5.
      op75: success curve at 0.75; GOT-10k's SR 0.75.
      ao: average overlap of the valid frames.
      success_curve: mean curve over ``protocol.success.at``.
      precision_curve: mean curve over ``protocol.precision.at``.
      norm_precision_curve: mean curve over ``protocol.norm_precision.at``.
    """

    protocol: Protocol
    sequences: int
    success: float
    precision: float
    norm_precision: float
    op50: float
    op75: float
    ao: float
    success_curve: np.ndarray
    precision_curve: np.ndarray
    norm_precision_curve: np.ndarray


def scores(curves: Sequence[Curves], protocol: Protocol) -> Scores:
    """Averages curves, every sequence weighing the same, and reads the scores off them.

    Args:
      curves: one a sequence, counted under the same protocol; for a pooled protocol one
        a run, so that repetitions count as further sequences.
      protocol: whose rules.

    Raises:
      DataError: there is nothing to average.
    """
    if not curves:
        raise DataError("no sequence to average; evaluate at least one")
    mean = lambda counts, of: _mean(np.array(counts), np.array(of), protocol.pooled)
    frames = [c.frames for c in curves]
    success = mean([c.success for c in curves], frames)
    precision = mean([c.precision for c in curves], frames)
    norm = mean([c.norm_precision for c in curves], frames)
    overlap = mean([[c.overlap] for c in curves], [c.valid for c in curves])
    at = protocol.success.at
    return Scores(
        protocol=protocol,
        sequences=len(curves),
        success=_score(success, protocol.success),
        precision=_score(precision, protocol.precision),
        norm_precision=_score(norm, protocol.norm_precision),
        op50=_score(success, Measure(at, 0.5)),
        op75=_score(success, Measure(at, 0.75)),
        ao=float(overlap[0]),
        success_curve=success,
        precision_curve=precision,
        norm_precision_curve=norm,
    )


def by_attribute(
    curves: Mapping[str, Curves],
    attributes: Mapping[str, Sequence[str]],
    protocol: Protocol,
) -> dict[str, Scores]:
    """Scores of the sequences that share an attribute, in order of first appearance.

    An attribute of a single sequence is left out, as the toolkits do.

    Args:
      curves: by name of sequence.
      attributes: those of each sequence, by its name.
      protocol: whose rules.

    Raises:
      DataError: the attributes of an evaluated sequence are unknown.
    """
    unknown = [name for name in curves if name not in attributes]
    if unknown:
        raise DataError(
            f"no attributes for sequence {unknown[0]!r}; give them for every sequence"
        )
    groups: dict[str, list[Curves]] = {}
    for name, counted in curves.items():
        for attribute in attributes[name]:
            groups.setdefault(attribute, []).append(counted)
    return {a: scores(group, protocol) for a, group in groups.items() if len(group) > 1}


def _mean(counts: np.ndarray, frames: np.ndarray, pooled: bool) -> np.ndarray:
    """Mean of ``counts / frames``; counts ``[sequences, thresholds]``."""
    if pooled:
        return counts.sum(0) / frames.sum()
    known = frames > 0
    if not known.any():
        return np.full(counts.shape[1:], np.nan)
    return (counts[known] / frames[known, None]).mean(0)


def _score(curve: np.ndarray, measure: Measure | None) -> float:
    """One number of one curve; NaN without a curve."""
    if measure is None:
        return float("nan")
    at = np.array(measure.at)
    if measure.score == "mean":
        return float(curve.mean())
    if measure.score == "trapezoid":
        return float(np.trapezoid(curve, at) / (at[-1] - at[0]))
    return float(curve[np.abs(at - measure.score).argmin()])
