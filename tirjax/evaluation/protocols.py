"""What each benchmark's own toolkit does with a box, a frame and a curve.

The same boxes score differently in different toolkits: in how they treat frames
without annotation, failed predictions, the first frame, exact ties and averages. A
``Protocol`` writes these rules down as data; ``tirjax.evaluation.ope`` applies them.

Source: the toolkits named in each entry of ``PROTOCOLS``. What cannot be checked
against a toolkit's own numbers is not here: RGBT234 (the better of two annotations in
every frame) and GTOT (frames pooled, 5 px).
"""

import dataclasses
from typing import Literal, NamedTuple

HIT, MISS = -1.0, float("inf")
"""Errors given to a frame that cannot be measured: within or beyond every threshold."""

EVEN = tuple(k * 0.05 for k in range(21))
TWO_ENDED = (*EVEN[:10], *(1 - (20 - k) * 0.05 for k in range(10, 21)))
"""MATLAB's ``0:0.05:1``, which is filled from both ends: element 13 lies just below
0.65 where ``EVEN`` has 0.65, so an overlap of exactly 13/20 passes."""

PIXELS = tuple(float(k) for k in range(51))
HUNDREDTHS = tuple(k / 100 for k in range(51))


class Measure(NamedTuple):
    """A curve and the number read off it.

    Attributes:
      at: thresholds, increasing.
      score: ``'mean'`` of the curve, its ``'trapezoid'`` area over the thresholds'
        range, or the threshold at which to read it.
    """

    at: tuple[float, ...]
    score: float | Literal["mean", "trapezoid"]


AUC, EVEN_AUC = Measure(TWO_ENDED, "mean"), Measure(EVEN, "mean")
AT_20_PIXELS = Measure(PIXELS, 20.0)
NORM_AUC, NORM_AT_FIFTH = Measure(HUNDREDTHS, "mean"), Measure(HUNDREDTHS, 0.2)


@dataclasses.dataclass(frozen=True)
class Protocol:
    """One toolkit's rules; the defaults are LSOTB-TIR's.

    Attributes:
      name: key in ``PROTOCOLS``; a report prints it beside every number.
      source: whose rules these are and what they were checked against.
      origin: coordinate of the first pixel in the toolkit's files. Added to boxes
        first, because toolkits judge, round and clip in file coordinates.
      lengths: what to do with more or fewer predictions than annotations. ``'equal'``
        refuses; ``'cut'`` cuts a longer run, refuses a shorter; ``'pad'`` also extends
        a shorter one with empty boxes; ``'shorter'`` cuts both.
      repair: which predictions are replaced by the last good one before them:
        ``'none'``, ``'empty'`` (width or height <= 0), ``'empty_or_nan_row'``,
        ``'empty_or_nan'`` (a NaN anywhere), or ``'strict'``: empty, while NaN and
        negative sizes are refused.
      first: the first prediction is replaced by the ``'truth'``, ``'kept'``, or
        ``'dropped'`` with its frame.
      rounded: which boxes are rounded to integers.
      clipped: clip all boxes to the image before overlaps.
      invalid: which annotations are invalid. ``'box'``: any of x, y, w, h <= 0 in file
        coordinates, *including objects that touch the left or top border*;
        ``'centre'``: the same for overlaps, and a centre coordinate <= 0 for errors.
        A row of NaN, no annotation, is always invalid, also under ``'none'``.
      invalid_errors: centre error and normalised error of an invalid frame; its
        overlap is -1, a miss. Not used under ``'none'``.
      absent_errors: the same for frames marked not visible; None ignores the marks.
      denominator: divide by the number of ``'all'`` frames or of ``'valid'`` and
        visible ones. Hits given to invalid frames are counted either way.
      norm_floor: smallest size that normalises an error, pixels.
      at_least: count overlaps equal to a threshold.
      single: overlaps are rounded to float32, so that some exact ties exceed theirs.
      success: share of frames whose overlap exceeds each threshold.
      precision: share with centre error within each threshold, pixels; or None.
      norm_precision: the same for errors in units of the target's size; or None.
      pooled: average over all frames instead of over sequences.
    """

    name: str
    source: str
    origin: int = 1
    lengths: Literal["equal", "cut", "pad", "shorter"] = "equal"
    repair: Literal["none", "empty", "empty_or_nan_row", "empty_or_nan", "strict"] = (
        "empty_or_nan_row"
    )
    first: Literal["truth", "kept", "dropped"] = "truth"
    rounded: Literal["none", "predictions", "all"] = "none"
    clipped: bool = False
    invalid: Literal["none", "box", "centre"] = "box"
    invalid_errors: tuple[float, float] = (HIT, HIT)
    absent_errors: tuple[float, float] | None = None
    denominator: Literal["all", "valid"] = "all"
    norm_floor: float = 0.0
    at_least: bool = False
    single: bool = False
    success: Measure = AUC
    precision: Measure | None = AT_20_PIXELS
    norm_precision: Measure | None = NORM_AUC
    pooled: bool = False


_LSOTB = Protocol(
    name="lsotb",
    source="LSOTB-TIR toolkit (MATLAB); normalised precision is the mean of its curve."
    " Equal counts on 120 + 11 sequences, equal scores for 37 published trackers.",
)
_PTB = dataclasses.replace(
    _LSOTB,
    name="ptb",
    source="PTB-TIR toolkit (MATLAB). Equal counts on 60 sequences.",
    norm_precision=None,
)
_PYTRACKING = Protocol(
    name="pytracking",
    source="PyTracking's analysis of OTB-like data; a touching border counts as invalid"
    " (many forks test only width and height). Equal counts on 191 sequences.",
    lengths="pad",
    repair="strict",
    invalid_errors=(MISS, HIT),
    absent_errors=(MISS, HIT),
    success=EVEN_AUC,
    norm_precision=NORM_AT_FIFTH,
)
_GOT10K_OTB = Protocol(
    name="got10k_otb",
    source="GOT-10k toolkit, ExperimentOTB. Equal counts on 191 sequences.",
    lengths="shorter",
    repair="none",
    invalid="none",
    success=EVEN_AUC,
    norm_precision=None,
)

_ALL = (
    _LSOTB,
    _PTB,
    dataclasses.replace(
        _PTB,
        name="otb",
        source="OTB toolkit v1.1 (MATLAB), on whose code PTB-TIR's is built; taken to"
        " be the same, not run.",
    ),
    Protocol(
        name="lasot",
        source="LaSOT toolkit (MATLAB). Absent frames are left out of the counts but"
        " not of the denominator. Equal counts on 11 sequences with absences.",
        lengths="cut",
        repair="empty_or_nan",
        absent_errors=(MISS, MISS),
        norm_precision=NORM_AT_FIFTH,
    ),
    Protocol(
        name="lasher",
        source="LasHeR toolkit (MATLAB). Equal curves of mfDiMP on 1224 sequences;"
        " normalised precision not checked.",
        lengths="cut",
        repair="empty",
        norm_precision=NORM_AT_FIFTH,
    ),
    Protocol(
        name="rgbt210",
        source="rgbt toolkit (Python) on RGBT210. Equal counts on 210 sequences;"
        " normalised precision not checked.",
        lengths="cut",
        repair="none",
        rounded="predictions",
        invalid="none",
        single=True,
        success=EVEN_AUC,
        norm_precision=NORM_AT_FIFTH,
    ),
    _PYTRACKING,
    dataclasses.replace(
        _PYTRACKING,
        name="pytracking_lasot",
        source="PyTracking on LaSOT: absent frames miss in every measure. Equal counts"
        " on 11 sequences with absences.",
        lengths="cut",
        absent_errors=(MISS, MISS),
    ),
    dataclasses.replace(
        _PYTRACKING,
        name="pytracking_uav",
        source="PyTracking on UAV123: frames without the target count as precise. Equal"
        " counts on 11 sequences with absences.",
        invalid_errors=(HIT, HIT),
        absent_errors=(HIT, HIT),
    ),
    Protocol(
        name="pysot",
        source="pysot-toolkit, OPEBenchmark. Equal counts on 191 sequences.",
        repair="none",
        first="kept",
        invalid="centre",
        absent_errors=(MISS, MISS),
        success=EVEN_AUC,
        norm_precision=NORM_AT_FIFTH,
    ),
    _GOT10K_OTB,
    dataclasses.replace(
        _GOT10K_OTB,
        name="got10k_lasot",
        source="GOT-10k toolkit, ExperimentLaSOT. Equal counts on 191 sequences.",
        denominator="valid",
        norm_floor=1.0,
        norm_precision=NORM_AUC,
    ),
    Protocol(
        name="got10k",
        source="GOT-10k toolkit, ExperimentGOT10k: AO is the mean overlap, SR the value"
        " at 0.5 and 0.75; visible means cover above 0; a repetition is one more curve."
        " Equal scores on 6 sequences.",
        origin=0,
        repair="none",
        first="dropped",
        clipped=True,
        invalid="none",
        absent_errors=(MISS, MISS),
        denominator="valid",
        success=Measure(tuple(k / 100 for k in range(101)), "mean"),
        precision=None,
        norm_precision=None,
        pooled=True,
    ),
    Protocol(
        name="trackingnet",
        source="TrackingNet devkit: every score is an area under a curve. Equal on 8"
        " sequences. The annotations of the test set live on its server only.",
        origin=0,
        repair="none",
        rounded="all",
        invalid="none",
        norm_floor=1.0,
        at_least=True,
        success=Measure(EVEN, "trapezoid"),
        precision=Measure(tuple(k * 2.5 for k in range(21)), "trapezoid"),
        norm_precision=Measure(tuple(k / 40 for k in range(21)), "trapezoid"),
    ),
)

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in _ALL}
