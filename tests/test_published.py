"""Counts and scores of the official toolkits and of published trackers, reproduced."""

import dataclasses
import functools
import json

import numpy as np
import pytest
import scipy.io

from tirjax.evaluation import PROTOCOLS, Curves, by_attribute, curves, scores
from tirjax.evaluation.protocols import EVEN

ANNOTATIONS = {"ptb": "ptb_tir", "lsotb": "lsotb_tir", "lsotb_lt11": "lsotb_tir_tnnls"}
ONE = np.array([1, 1, 0, 0])
COUNTS = ("success", "precision", "norm_precision")


@functools.cache
def load(path):
    return dict(np.load(path))


def load_json(shared, name):
    return json.loads((shared / "goldens/eval" / name).read_text())


@functools.cache
def truths(shared, data):
    """``[t, 4]`` boxes of every sequence, as in the files."""
    folder = shared / "data/annotations_tir_benchmarks" / ANNOTATIONS[data]
    names = load(shared / f"goldens/eval/tracks_{data}.npz")["sequences"]
    read = lambda name: (folder / f"{name}.txt").read_text().replace(",", " ").split()
    return {str(n): np.array(read(n), float).reshape(-1, 4) for n in names}


@functools.cache
def runs(shared, data):
    """Boxes of every synthetic tracker on every sequence, as in the files."""
    known = load(shared / f"goldens/eval/tracks_{data}.npz")
    ends = np.cumsum(known["lengths"])[:-1]
    split = lambda a: np.split(np.where(a == -32768, np.nan, a / known["scale"]), ends)
    return {k[6:]: split(v) for k, v in known.items() if k.startswith("track_")}


def evaluate(shared, data, tracker, protocol, *, flags=False):
    """Curves by sequence. ``flags`` marks annotations without a size as absent."""
    result = {}
    for (name, truth), run in zip(
        truths(shared, data).items(), runs(shared, data)[tracker], strict=True
    ):
        if protocol.repair == "strict":  # as the golden: refused rows became zeros
            bad = np.isnan(run).any(-1) | (run[:, 2:] < 0).any(-1)
            run = np.where(bad[:, None], 0, run)
        visible = truth[:, 2] > 0 if flags else None
        shift = protocol.origin * ONE
        result[name] = curves(run - shift, truth - shift, protocol, visible=visible)
    return result


def in_octave(protocol):
    """The protocol as GNU Octave runs the kit: thresholds filled from one end."""
    return dataclasses.replace(protocol, success=protocol.success._replace(at=EVEN))


@pytest.mark.parametrize("data", ANNOTATIONS)
def test_counts_equal_those_of_the_matlab_kits(shared, data):
    official = load(shared / f"goldens/eval/matlab_ope_{data}.npz")
    protocol = PROTOCOLS["ptb" if data == "ptb" else "lsotb"]
    for i, tracker in enumerate(official["trackers"]):
        result = evaluate(shared, data, tracker, in_octave(protocol)).values()
        for kind in COUNTS if protocol.norm_precision else COUNTS[:2]:
            counts = np.stack([getattr(c, kind) for c in result])
            assert np.array_equal(counts, official[f"count_{kind}"][i]), (tracker, kind)
        matlab = evaluate(shared, data, tracker, protocol).values()
        counts = np.stack([c.success for c in matlab])
        assert np.array_equal(
            counts, official["count_success_two_ended_thresholds"][i]
        ), tracker


def grouped(sequences, flags):
    """Attributes by sequence as the goldens name them: '0', '1', ..."""
    return {
        str(n): tuple(str(i) for i in np.flatnonzero(row))
        for n, row in zip(sequences, flags, strict=True)
    }


def assert_scores(found, expected, group):
    """Equal to a ``*_scores.json`` of the goldens: at a threshold and over all."""
    for kind, known in expected.items():
        curve = getattr(found, f"{kind}_curve")
        assert found.sequences == known[group]["n_sequences_used"]
        at = {"success": 10, "precision": 20, "norm_precision": 20}[kind]
        single = next(v for k, v in known[group].items() if k.startswith("at_"))
        assert abs(curve[at] - single) < 1e-14
        assert abs(curve.mean() - known[group]["mean_over_thresholds"]) < 1e-14


@pytest.mark.parametrize("data", ANNOTATIONS)
def test_scores_equal_those_of_the_matlab_kits(shared, data):
    official = load(shared / f"goldens/eval/matlab_ope_{data}.npz")
    expected = load_json(shared, f"matlab_ope_{data}_scores.json")
    protocol = in_octave(PROTOCOLS["ptb" if data == "ptb" else "lsotb"])
    for tracker in official["trackers"]:
        known = {kind: by[tracker] for kind, by in expected.items()}
        counted = evaluate(shared, data, tracker, protocol)
        assert_scores(scores(list(counted.values()), protocol), known, "ALL")
        if "attributes" not in official:
            continue
        groups = grouped(official["sequences"], official["attributes"])
        found = by_attribute(counted, groups, protocol)
        assert set(found) == set(known["success"]) - {"ALL"}
        for group, value in found.items():
            assert_scores(value, known, group)


def python_kits():
    kits = {
        "pytracking": ("pytracking", {}),
        "pysot": ("pysot", {}),
        "got10k-otb": ("got10k_otb", {}),
        "got10k-lasot": ("got10k_lasot", {}),
    }
    for data in ANNOTATIONS:
        for kit, rule in kits.items():
            yield f"{kit}|{data}|{'all' if kit == 'pytracking' else 'plain'}", *rule
        yield f"pytracking|{data}|excl", "pytracking", {"denominator": "valid"}
    for mode, name in (("otb", ""), ("lasot", "_lasot"), ("uav", "_uav")):
        yield f"pytracking|lsotb_lt11|visible-{mode}", f"pytracking{name}", {}
    yield "pysot|lsotb_lt11|absent", "pysot", {}
    yield "lasot-matlab|lsotb_lt11|absent", "lasot", {}


@pytest.mark.parametrize(("key", "name", "change"), list(python_kits()))
def test_counts_equal_those_of_the_other_kits(shared, key, name, change):
    kit, data, mode = key.split("|")
    official = load(shared / "goldens/eval/python_toolkits_ope.npz")
    protocol = dataclasses.replace(PROTOCOLS[name], **change)
    if kit == "lasot-matlab":  # the golden ran under GNU Octave
        protocol = in_octave(protocol)
    flags = mode.startswith("visible") or mode == "absent"
    for i, tracker in enumerate(runs(shared, data)):
        result = list(evaluate(shared, data, tracker, protocol, flags=flags).values())
        for kind in COUNTS:
            known = official.get(f"{key}|{kind}_count")
            counts = np.stack([getattr(c, kind) for c in result])
            assert (known is None) == (counts.size == 0)
            assert known is None or np.array_equal(counts, known[i]), (tracker, kind)
        overlaps = official.get(f"{key}|mean_iou")
        if overlaps is not None:
            found = [c.overlap / c.valid for c in result]
            np.testing.assert_allclose(found, overlaps[i], atol=1e-15, rtol=0)


@pytest.mark.parametrize("kit", ["matlab", "pytracking", "pysot", "got10k_lasot"])
def test_headline_scores_of_five_kits_side_by_side(shared, kit):
    checked = 0
    for key, row in load_json(shared, "toolkit_comparison.json").items():
        data, tracker = key.split("/")
        name = {"matlab": "ptb" if data == "ptb" else "lsotb"}.get(kit, kit)
        protocol = in_octave(PROTOCOLS[name])
        counted = evaluate(shared, data, tracker, protocol)
        found = scores(list(counted.values()), protocol)
        norm = found.norm_precision_curve
        values = {
            "success": found.success,
            "precision": found.precision,
            "norm_precision": norm[20] if norm.size else None,
            "norm_precision_auc": norm.mean() if norm.size else None,
        }
        for measure, value in values.items():
            expected = row.get(f"{kit.replace('_', '-')}.{measure}")
            if expected is not None:
                assert round(value, 5) == expected, (key, measure)
                checked += 1
    assert checked >= 22


def official37(shared):
    """Curves of the published trackers, by tracker and sequence."""
    known = load(shared / "goldens/eval/lsotb_official37.npz")
    return known, {
        str(tracker): {
            str(name): Curves(
                int(known["lengths"][s]),
                *(known[f"count_{kind}"][t, s].astype(int) for kind in COUNTS),
            )
            for s, name in enumerate(known["sequences"])
        }
        for t, tracker in enumerate(known["trackers"])
    }


def test_scores_of_37_published_trackers(shared):
    known, trackers = official37(shared)
    expected = load_json(shared, "lsotb_official37_scores.json")
    groups = grouped(known["sequences"], known["attributes"])
    protocol = PROTOCOLS["lsotb"]
    for tracker, counted in trackers.items():
        row = {kind: by[tracker] for kind, by in expected.items()}
        assert_scores(scores(list(counted.values()), protocol), row, "ALL")
        found = by_attribute(counted, groups, protocol)
        assert len(found) == 16
        for group, value in found.items():
            assert_scores(value, row, group)


def as_printed(curves, protocol):
    """Success, precision and normalised precision as a paper prints them."""
    value = scores(curves, protocol)
    three = (value.success, value.precision, value.norm_precision)
    return tuple(round(x, 3) for x in three)


def test_figure_of_the_lsotb_paper(shared):
    """Success, precision at 20 px and normalised precision as in the authors' plots."""
    figure = {
        "ECO-TIR": (0.631, 0.768, 0.695),
        "ECO-stir": (0.616, 0.750, 0.672),
        "MDNet": (0.601, 0.750, 0.686),
        "ATOM": (0.595, 0.729, 0.647),
        "SiamFC-TIR": (0.554, 0.700, 0.626),
        "SiamFC": (0.517, 0.651, 0.587),
        "CFNet-TIR": (0.478, 0.580, 0.540),
        "MLSSNet": (0.459, 0.596, 0.549),
        "HSSNet-TIR": (0.435, 0.566, 0.518),
        "MCFTS": (0.479, 0.635, 0.546),
    }
    _, trackers = official37(shared)
    found = {
        name: as_printed(list(trackers[name].values()), PROTOCOLS["lsotb"])
        for name in figure
    }
    assert found == figure


def test_cmd_compared_on_the_119_sequences_before_cat_d_001(shared):
    """Baselines of CMD-DiMP's table: the 120 without the one that was added later."""
    table = {
        "SiamRPN++": (0.603, 0.709, 0.648),
        "ATOM": (0.593, 0.727, 0.645),
        "MDNet": (0.600, 0.749, 0.685),
    }
    _, trackers = official37(shared)
    for name, expected in table.items():
        cut = [c for n, c in trackers[name].items() if n != "cat_D_001"]
        assert len(cut) == 119
        assert as_printed(cut, PROTOCOLS["lsotb"]) == expected


def test_curve_files_of_the_lsotb_authors(shared):
    """The published MATLAB files themselves: every value a count over the length."""
    folder = shared / "data/annotations_tir_benchmarks/lsotb_tir_perfmat"
    lengths = np.array([len(t) for t in truths(shared, "lsotb").values()])
    count = {}
    for kind, word in zip(COUNTS, ("overlap", "error", "norm_error"), strict=True):
        path = folder / f"aveSuccessRatePlot_37alg_{word}_OPE.mat"
        shares = scipy.io.loadmat(path)["aveSuccessRatePlot"] * lengths[:, None]
        count[kind] = np.rint(shares).astype(int)
        assert abs(shares - count[kind]).max() < 1e-12
    single = scipy.io.loadmat(folder / "overlap50andcentererror20_37.mat")
    assert np.array_equal(single["overlaps50"], count["success"][..., 10] / lengths)
    assert np.array_equal(
        single["center_error20"], count["precision"][..., 20] / lengths
    )
    names = scipy.io.loadmat(path, squeeze_me=True)["nameTrkAll"]
    _, trackers = official37(shared)
    for t, name in enumerate(names):
        rows = (count[kind][t] for kind in COUNTS)
        found = [Curves(*row) for row in zip(lengths, *rows, strict=True)]
        expected = list(trackers[name].values())
        protocol = PROTOCOLS["lsotb"]
        assert as_printed(found, protocol) == as_printed(expected, protocol)


def test_ao_and_sr_of_the_got10k_kit(shared):
    known = load_json(shared, "got10k_ao_sr.json")
    protocol = PROTOCOLS["got10k"]
    for tracker, expected in known["expected"].items():
        counted = {
            name: [
                curves(
                    np.array(run),
                    np.array(sequence["groundtruth"]),
                    protocol,
                    visible=np.array(sequence["cover"]) > 0,
                    size=tuple(sequence["resolution"][::-1]),
                )
                for run in sequence[tracker]
            ]
            for name, sequence in known["sequences"].items()
        }
        found = scores([c for cs in counted.values() for c in cs], protocol)
        three = (found.ao, found.op50, found.op75)
        names = ("ao", "sr50", "sr75")
        np.testing.assert_allclose(three, [expected[k] for k in names], atol=1e-12)
        np.testing.assert_allclose(
            found.success_curve, expected["succ_curve_101"], atol=1e-12
        )
        for name, repetitions in counted.items():
            alone, row = scores(repetitions, protocol), expected["seq"][name]
            np.testing.assert_allclose(
                (alone.ao, alone.op50), (row["ao"], row["sr"]), atol=1e-12
            )


def test_scores_of_the_trackingnet_devkit(shared):
    known = load_json(shared, "trackingnet_devkit.json")
    protocol = PROTOCOLS["trackingnet"]
    for tracker, expected in known["expected_percent"].items():
        by_name = evaluate(shared, "ptb", tracker, protocol)
        found = scores([by_name[n] for n in known["sequences"]], protocol)
        for kind in COUNTS:
            assert abs(100 * getattr(found, kind) - expected[kind]) < 1e-9


def lasher_curves(truth, run):
    counted = curves(run - ONE, truth - ONE, PROTOCOLS["lasher"])
    return counted.success / counted.frames, counted.precision / counted.frames


def test_lasher_curves_of_a_real_tracker(shared):
    """86 sequences, 36 of which show MATLAB's thresholds and 20 empty annotations."""
    known = load(shared / "goldens/eval/lasher_mfdimp_subset.npz")
    ends = np.cumsum(known["gt_lengths"])[:-1]
    pairs = (np.split(known[k].astype(float), ends) for k in ("groundtruth", "results"))
    for i, (truth, run) in enumerate(zip(*pairs, strict=True)):
        success, precision = lasher_curves(truth, run)
        assert abs(success - known["success_official"][i]).max() < 1e-7
        assert abs(precision - known["precision_official"][i]).max() < 1e-7


def test_all_1224_lasher_curves_of_mfdimp(shared):
    folder = shared / "data/results_lasher_rgbt"
    official = load(folder / "lasher_toolkit_curves_all1224.npz")
    with (
        np.load(folder / "lasher_groundtruth.npz") as truth,
        np.load(folder / "lasher_mfDiMP.npz") as run,
    ):
        found = [
            lasher_curves(truth[name].astype(float), run[name].astype(float))
            for name in official["sequences"]
        ]
    for kind, rows in zip(
        ("success", "precision"), zip(*found, strict=True), strict=True
    ):
        assert abs(np.stack(rows) - official[f"{kind}_mfDiMP"]).max() < 1e-7
        which = list(official["trackers"]).index("mfDiMP")
        mean = np.mean(rows, axis=0)
        assert abs(mean - official[f"{kind}_mean"][which]).max() < 1e-6


def test_rgbt210_counts_of_a_real_tracker(shared):
    known = load(shared / "goldens/eval/rgbt210_mfdimp_run.npz")
    expected = load_json(shared, "rgbt210_mfdimp_run_scores.json")
    protocol, ends = PROTOCOLS["rgbt210"], np.cumsum(known["gt_lengths"])[:-1]
    truth = np.split(known["groundtruth"] / 4.0, ends)
    run = np.split(known["mfdimp"].astype(float), ends)
    found = [
        curves(r - ONE, t - ONE, protocol) for r, t in zip(run, truth, strict=True)
    ]
    for kind in COUNTS[:2]:
        counts = np.stack([getattr(c, kind) for c in found])
        assert np.array_equal(counts, known[f"{kind}_count"])
    total = scores(found, protocol)
    assert abs(total.precision - expected["PR20"]) < 1e-9
    assert abs(total.success - expected["SR"]) < 1e-9
