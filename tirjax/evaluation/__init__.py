"""Protocols of the benchmarks: boxes in, numbers out."""

from tirjax.evaluation.ope import Curves, Errors, curves, errors
from tirjax.evaluation.protocols import PROTOCOLS, Measure, Protocol
from tirjax.evaluation.results import read_results
from tirjax.evaluation.scores import Scores, by_attribute, scores

__all__ = [
    "PROTOCOLS",
    "Curves",
    "Errors",
    "Measure",
    "Protocol",
    "Scores",
    "by_attribute",
    "curves",
    "errors",
    "read_results",
    "scores",
]
