"""How sure a mean over sequences is: bootstrap intervals and paired tests.

A benchmark's score is a mean over its sequences, so the sequences are what is drawn
anew. Two trackers that ran on the same sequences are compared sequence by sequence,
which removes that some sequences are hard for everybody.

Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993 (sections 13.3, 15.2);
Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.evaluation.ope import Curves
from tirjax.evaluation.protocols import Protocol
from tirjax.evaluation.scores import _score

DRAWS = 10_000
LEVEL = 0.95
MOST_SIGNS = 13  # differences whose signs are tried in every combination


class Interval(NamedTuple):
    """Bounds of the middle 95 % of what other draws of the sequences would give."""

    low: float
    high: float


class Comparison(NamedTuple):
    """One tracker minus another over the sequences that both have.

    Attributes:
      difference: of the scores.
      interval: of the difference.
      p: two-sided probability of a difference as large if the two were alike.
      better: sequences with a higher score.
      equal: sequences with the same score.
      worse: sequences with a lower score.
    """

    difference: float
    interval: Interval
    p: float
    better: int
    equal: int
    worse: int


def by_sequence(
    curves: Mapping[str, Curves], protocol: Protocol, measure: str
) -> dict[str, tuple[float, float]]:
    """Score and weight of each sequence; their weighted mean is the overall score.

    Args:
      curves: by name of sequence.
      protocol: whose rules; a pooled one weighs sequences by their frames.
      measure: ``'success'``, ``'precision'`` or ``'norm_precision'``.

    Returns:
      Both by name of sequence; a sequence without a valid frame is left out.
    """
    read = getattr(protocol, measure)
    return {
        name: (
            _score(getattr(c, measure) / c.frames, read),
            float(c.frames) if protocol.pooled else 1.0,
        )
        for name, c in curves.items()
        if c.frames and read is not None
    }


def interval(
    values: np.ndarray, weights: np.ndarray, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """Percentile bootstrap interval of a weighted mean.

    Args:
      values: ``[n]`` score of each sequence; NaN everywhere below two sequences.
      weights: ``[n]`` their weights, positive.
      seed: of the draws; the same for two trackers draws the same sequences.
      draws: number of resamples.
    """
    if len(values) < 2:
        return Interval(float("nan"), float("nan"))
    counts = resamples(len(values), seed, draws)
    return bounds(counts @ (values * weights) / (counts @ weights))


def bounds(scores: np.ndarray) -> Interval:
    """The middle 95 % of scores; those that are NaN do not count."""
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def compare(
    a: Mapping[str, tuple[float, float]],
    b: Mapping[str, tuple[float, float]],
    seed: int = 0,
    draws: int = DRAWS,
) -> Comparison:
    """``a`` minus ``b``, paired by sequence.

    The test flips the signs of the differences, which are as likely one way as the
    other if the trackers are alike: all combinations of few, ``draws`` of many.

    Args:
      a: score and weight by name of sequence, as ``by_sequence`` gives them.
      b: the same of the other tracker.
      seed: of all draws.
      draws: number of resamples, and of flips.

    Raises:
      DataError: no sequence is in both.
    """
    shared = [name for name in a if name in b]
    if not shared:
        raise DataError("the two have no sequence in common; nothing to compare")
    weights = np.array([a[name][1] for name in shared])
    gaps = np.array([a[name][0] - b[name][0] for name in shared])
    # Below it a difference is rounding: scores of equal boxes are equal to the bit, and
    # one frame of the longest sequence moves a score by more.
    gaps[np.abs(gaps) < 1e-9] = 0.0
    return Comparison(
        difference=float(gaps @ weights / weights.sum()),
        interval=interval(gaps, weights, seed, draws),
        p=_flipped(gaps * weights, seed, draws),
        better=int((gaps > 0).sum()),
        equal=int((gaps == 0).sum()),
        worse=int((gaps < 0).sum()),
    )


def holm(p: Sequence[float]) -> list[float]:
    """P-values adjusted for being several, in the order given; never above 1."""
    adjusted = [1.0] * len(p)
    largest = 0.0
    for rank, i in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = largest
    return adjusted


def _flipped(gaps: np.ndarray, seed: int, draws: int) -> float:
    """Share of sign flips whose sum is as far from zero as the sum itself."""
    some = gaps[gaps != 0]
    if not len(some):
        return 1.0
    if len(some) <= MOST_SIGNS:
        combinations = np.arange(2 ** len(some))[:, None]
        signs, known = 1.0 - 2 * (combinations >> np.arange(len(some)) & 1), 0
        sums = np.abs(signs @ some)
    else:
        # What was found is one of the combinations: never 0.
        sums, known = np.abs(_signs(len(gaps), seed, draws) @ gaps), 1
    as_far = int((sums >= np.abs(gaps.sum()) * (1 - 1e-12)).sum())
    return (as_far + known) / (len(sums) + known)


# Trackers of one benchmark have the same number of sequences: drawn once for all.
@functools.lru_cache(maxsize=2)
def resamples(n: int, seed: int, draws: int) -> np.ndarray:
    """``[draws, n]``: how often each of n sequences is in each resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), draws).astype(np.float64)


@functools.lru_cache(maxsize=2)
def _signs(n: int, seed: int, draws: int) -> np.ndarray:
    """``[draws, n]`` of 1 and -1."""
    rng = np.random.default_rng(seed)
    return 1.0 - 2 * rng.integers(0, 2, (draws, n))
