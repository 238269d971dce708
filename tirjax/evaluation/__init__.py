"""Protocols of the benchmarks: boxes in, numbers out."""

from tirjax.evaluation.ope import Curves, Errors, curves, errors
from tirjax.evaluation.protocols import PROTOCOLS, Measure, Protocol
from tirjax.evaluation.results import read_results
from tirjax.evaluation.scores import Scores, by_attribute, scores
from tirjax.evaluation.supervised import (
    INTERVALS,
    RULES,
    Measured,
    SupervisedScores,
    by_tag,
    measure,
    supervised_scores,
)
from tirjax.evaluation.trials import Trial, find_trials, read_trial, write_trial

__all__ = [
    "INTERVALS",
    "PROTOCOLS",
    "RULES",
    "Curves",
    "Errors",
    "Measure",
    "Measured",
    "Protocol",
    "Scores",
    "SupervisedScores",
    "Trial",
    "by_attribute",
    "by_tag",
    "curves",
    "errors",
    "find_trials",
    "measure",
    "read_results",
    "read_trial",
    "scores",
    "supervised_scores",
    "write_trial",
]
