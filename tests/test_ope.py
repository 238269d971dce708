"""One-pass evaluation, frame by frame: rules, edge cases, oracles and properties."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tirjax.data.sequence import DataError
from tirjax.evaluation import PROTOCOLS, by_attribute, curves, errors, scores

LSOTB, LASOT, GOT10K = (PROTOCOLS[name] for name in ("lsotb", "lasot", "got10k"))
KIT = {
    "matlab_lsotb": "lsotb",
    "pytracking_otb": "pytracking",
    "got10k": "got10k_lasot",
}
FIELD = {
    "overlap": "overlap",
    "iou": "overlap",
    "center_error": "centre",
    "norm_center_error": "norm",
    "valid": "valid",
}
NAN_ROW = [np.nan] * 4
ONE = np.array([1, 1, 0, 0])


def boxes(*rows):
    return np.array(rows, np.float64)


def still(n, box=(40.0, 40.0, 20.0, 20.0)):
    return np.tile(box, (n, 1))


def edge_cases(shared, kit):
    """(case, prediction, truth, toolkit's answer), zero-based."""
    path = shared / "goldens/eval/edge_cases.json"
    for case, known in json.loads(path.read_text()).items():
        prediction, truth = (np.array(known[k], float) - ONE for k in ("pred", "gt"))
        yield case, prediction, truth, known[kit]


@pytest.mark.parametrize("kit", KIT)
def test_errors_of_every_frame_equal_the_toolkits(shared, kit):
    compared = 0
    for case, prediction, truth, known in edge_cases(shared, kit):
        if "raises" in known:
            continue
        if (case, kit) == ("pred_partial_nan_xy_only", "matlab_lsotb"):
            # MATLAB's max skips NaN and grants this box a full overlap; we do not.
            assert known["overlap"][1] == 1.0
            known["overlap"][1] = np.nan
        result = errors(prediction, truth, PROTOCOLS[KIT[kit]])
        for key, values in known.items():
            found, expected = getattr(result, FIELD[key]), np.array(values, float)
            np.testing.assert_allclose(found, expected, rtol=1e-15, atol=1e-15)
            compared += 1
    assert compared >= 36


def test_predictions_that_pytracking_refuses_are_refused(shared):
    for case, prediction, truth, known in edge_cases(shared, "pytracking_otb"):
        if "raises" in known and case != "gt_absent_nan":
            with pytest.raises(
                DataError, match="frame 1: predicted box has NaN or a n"
            ):
                errors(prediction, truth, PROTOCOLS["pytracking"])


def test_annotation_of_nan_is_a_frame_without_one_where_pytracking_gives_up():
    truth = still(3)
    truth[1] = np.nan
    result = errors(still(3), truth, PROTOCOLS["pytracking"])
    assert np.array_equal(result.overlap, [1, -1, 1])
    assert np.array_equal(result.centre, [0, np.inf, 0])


def slow_lsotb(prediction, truth):
    """PTB-TIR's and LSOTB-TIR's counts, one frame after another."""
    rows = [list(row) for row in prediction + ONE]
    for t in range(1, len(rows)):
        x, y, w, h = rows[t]
        if w <= 0 or h <= 0 or all(np.isnan(v) for v in rows[t]):
            rows[t] = list(rows[t - 1])
    success, precision, norm = np.zeros(21, int), np.zeros(51, int), np.zeros(51, int)
    for t, goal in enumerate(truth + ONE):
        x, y, w, h = goal if t == 0 else rows[t]
        u, v, a, b = goal
        if min(goal) > 0:
            wide = max(0.0, min(x + w, u + a) - max(x, u))
            high = max(0.0, min(y + h, v + b) - max(y, v))
            overlap = wide * high / (w * h + a * b - wide * high)
            dx, dy = (x + w / 2) - (u + a / 2), (y + h / 2) - (v + b / 2)
            centre, scaled = np.hypot(dx, dy), np.hypot(dx / a, dy / b)
        else:
            overlap = centre = scaled = -1.0
        for k in range(21):
            success[k] += overlap > (k * 0.05 if k < 10 else 1 - (20 - k) * 0.05)
        for k in range(51):
            precision[k] += centre <= k
            norm[k] += scaled <= k / 100
    return success, precision, norm


def test_counts_equal_a_loop_over_frames(rng):
    truth = rng.uniform([-2, -2, 3, 3], 60, (200, 4))
    prediction = truth + rng.normal(0, 8, (200, 4))
    prediction[rng.random(200) < 0.1] = np.nan
    prediction[rng.random(200) < 0.1] = 0
    result = curves(prediction, truth, LSOTB)
    for got, slow in zip(
        (result.success, result.precision, result.norm_precision),
        slow_lsotb(prediction, truth),
        strict=True,
    ):
        assert np.array_equal(got, slow)


def test_perfect_tracker_scores_twenty_of_twenty_one():
    """The last threshold is 1 and the comparison is strict: 1.0 is out of reach."""
    result = scores([curves(still(10), still(10), LSOTB)], LSOTB)
    assert np.isclose(result.success, 20 / 21)
    assert result.precision == result.norm_precision == result.ao == 1


def test_object_that_touches_the_left_border_is_a_miss_and_a_hit():
    """File coordinate 0 is left of the first pixel, 1: MATLAB kits call it invalid."""
    touching = still(4)
    touching[2, 0] = -1
    result = scores([curves(touching, touching, LSOTB)], LSOTB)
    assert np.isclose(result.success, 0.75 * 20 / 21)
    assert result.precision == 1


def test_overlap_of_exactly_thirteen_twentieths_passes_in_matlab_only():
    part = still(2, (40.0, 40.0, 20.0, 13.0))
    assert curves(part, still(2), LSOTB).success[13] == 2
    assert curves(part, still(2), PROTOCOLS["pytracking"]).success[13] == 1


def test_a_repaired_row_repairs_the_next():
    lost = boxes([40, 40, 20, 20], [45, 40, 20, 20], NAN_ROW, [0, 0, 0, 5], NAN_ROW)
    assert np.array_equal(errors(lost, still(5), LSOTB).centre, [0, 5, 5, 5, 5])


def test_an_absent_row_of_nan_counts_as_the_row_of_zeros_it_was():
    prediction = boxes([40, 40, 20, 20], [0, 0, 0, 0], [0, 0, 0, 0], [41, 40, 20, 20])
    zeros, nans = still(4), still(4)
    zeros[1], nans[1] = (-1, -1, 0, 0), np.nan
    for name in ("ptb", "lsotb", "lasot", "lasher", "pytracking", "pysot"):
        one, other = (errors(prediction, t, PROTOCOLS[name]) for t in (zeros, nans))
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b), name


def test_absent_frames_leave_the_count_but_not_the_denominator_of_lasot():
    visible = np.array([True, True, False, True])
    result = curves(still(4), still(4), LASOT, visible=visible)
    assert (result.frames, result.precision[20], result.success[0]) == (4, 3, 3)


def test_short_run_is_padded_with_misses_where_the_kit_pads():
    pytracking = PROTOCOLS["pytracking"]
    result = curves(still(3), still(5), pytracking)
    assert (result.frames, result.success[0]) == (5, 3)
    assert curves(still(7), still(5), pytracking).success[0] == 5


def test_padding_is_the_empty_box_of_the_file_and_is_not_repaired():
    centre = errors(still(3), still(4), PROTOCOLS["pytracking"]).centre[3]
    assert np.isclose(centre, np.hypot(51, 51))  # from (50.5, 50.5) to (-0.5, -0.5)


def test_lasot_also_repairs_a_row_with_one_nan():
    prediction = still(3)
    prediction[1] = 45, 40, 20, 20
    prediction[2, 0] = np.nan
    assert np.array_equal(errors(prediction, still(3), LASOT).centre, [0, 5, 5])
    assert np.isnan(errors(prediction, still(3), LSOTB).centre[2])


def test_got10k_cuts_both_to_the_shorter():
    result = curves(still(3), still(5), PROTOCOLS["got10k_otb"])
    assert (result.frames, result.success[0]) == (3, 3)


@pytest.mark.parametrize("name", ["lsotb", "lasot", "pysot"])
def test_short_run_is_refused(name):
    with pytest.raises(DataError, match="3 predictions for 5 annotations"):
        curves(still(3), still(5), PROTOCOLS[name])


def test_columns_in_place_of_rows_are_refused():
    with pytest.raises(DataError, match=r"prediction has shape \(4, 9\)"):
        curves(still(9).T, still(9), LSOTB)


def test_visible_flags_of_another_length_are_refused():
    with pytest.raises(DataError, match="one flag a frame"):
        curves(still(9), still(9), LSOTB, visible=np.ones(8, bool))


def test_clipping_protocol_asks_for_the_size():
    with pytest.raises(DataError, match="give its size"):
        curves(still(9), still(9), GOT10K)


def test_sequence_without_annotation_is_refused():
    with pytest.raises(DataError, match="no frame to evaluate"):
        curves(still(3), np.full((3, 4), np.nan), LSOTB)


def test_no_sequences_have_no_scores():
    with pytest.raises(DataError, match="no sequence"):
        scores([], LSOTB)


def test_scores_the_kit_does_not_have_are_nan():
    result = scores([curves(still(3), still(3), PROTOCOLS["ptb"])], PROTOCOLS["ptb"])
    assert np.isnan(result.norm_precision)
    assert result.norm_precision_curve.size == 0


def test_sequences_weigh_the_same_and_pooled_frames_do_too():
    far = still(9, (400.0, 40.0, 20.0, 20.0))
    runs = [curves(still(3), still(3), LSOTB), curves(far, still(9), LSOTB)]
    assert np.isclose(scores(runs, LSOTB).ao, (1 + 1 / 9) / 2)
    pooled = dataclasses.replace(LSOTB, pooled=True)
    assert np.isclose(scores(runs, pooled).ao, (3 + 1) / 12)


def test_attributes_group_sequences_and_single_ones_are_left_out():
    near, far = still(2), still(2, (400.0, 40.0, 20.0, 20.0))
    runs = {
        n: curves(b, near, LSOTB) for n, b in zip("abc", (near, far, far), strict=True)
    }
    groups = {"a": ("occlusion",), "b": ("occlusion", "blur"), "c": ()}
    result = by_attribute(runs, groups, LSOTB)
    assert list(result) == ["occlusion"]
    assert np.isclose(result["occlusion"].precision, 0.75)


def test_sequence_of_unknown_attributes_is_named():
    with pytest.raises(DataError, match="'a'"):
        by_attribute({"a": curves(still(2), still(2), LSOTB)}, {}, LSOTB)


def test_inputs_are_left_as_they_were():
    prediction, truth = still(5, (-4.5, 30.0, 20.0, 20.0)), still(5)
    before = prediction.copy(), truth.copy()
    for protocol in PROTOCOLS.values():
        curves(prediction, truth, protocol, size=(50, 50))
    assert np.array_equal(before, (prediction, truth))


numbers = st.floats(-50, 50, width=16) | st.sampled_from([np.nan, np.inf, 0.0, -1.0])
frames = st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=2, max_size=6)


@settings(max_examples=60, deadline=None)
@given(frames, st.sampled_from(sorted(set(PROTOCOLS))))
def test_counts_of_any_run_are_monotonic_and_bounded(rows, name):
    protocol = PROTOCOLS[name]
    prediction = boxes(*rows)
    if protocol.repair == "strict":
        prediction = np.nan_to_num(np.abs(prediction), posinf=0.0)
    truth = still(len(rows), (20.0, 20.0, 8.0, 6.0))
    result = curves(prediction, truth, protocol, size=(60, 60))
    assert (np.diff(result.success) <= 0).all()
    for counts in (result.success, result.precision, result.norm_precision):
        assert ((counts >= 0) & (counts <= result.frames)).all()
    for counts in (result.precision, result.norm_precision):
        assert (np.diff(counts) >= 0).all()
    assert 0 <= result.overlap <= result.valid
