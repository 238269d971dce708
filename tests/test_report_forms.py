"""``track report`` as papers report: published rows, attributes, intervals, misuse."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from result_folders import LENGTHS, about, fabricate, write_data
from tirjax_track import attributes, citing, compare, plots, trial_report
from tirjax_track.__main__ import main
from tirjax_track.report import Board
from tirjax_track.scoring import Scored

from tirjax.data import write_boxes
from tirjax.data.listed import LSOTB_ATTRIBUTES, PTB_ATTRIBUTES
from tirjax.evaluation import PROTOCOLS, Curves, by_attribute, scores
from tirjax.evaluation.supervised import RULES

HOSTILE = "<img src=x onerror=alert(1)>"
NAMES = ("airplane", "birds", "campus1", "crossing", "hiding", "jacket")
FRAMES = 12


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No cache of the user's, and no plots but where a test draws them."""
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)
    monkeypatch.setattr("tirjax_track.plots.png", lambda figure: b"")


def box(shift):
    return np.tile([30.0 + shift, 40, 20, 16], (FRAMES, 1))


@pytest.fixture
def ptb(tmp_path):
    """Annotations of six sequences as the toolkit ships them, and two trackers."""
    (tmp_path / "anno/att").mkdir(parents=True)
    for i, name in enumerate(NAMES):
        write_boxes(tmp_path / f"anno/{name}.txt", box(0), origin=1)
        # Deformation everywhere; then two to four sequences each; the last has none.
        flags = [1, *(i in (k % 6, (k + 1) % 6, (k * k) % 6) for k in range(8)), 0]
        text = ",".join(str(int(f)) for f in flags)
        (tmp_path / f"anno/att/{name}.txt").write_text(text)
        for tracker, step in {"near": 1, "far": 2}.items():
            folder = tmp_path / "runs" / tracker
            folder.mkdir(parents=True, exist_ok=True)
            boxes = box(step * (i + 1))
            boxes[0] = box(0)[0]
            write_boxes(folder / f"{name}.txt", boxes, origin=1)
    return tmp_path


def report(root, *arguments):
    where = "--dataset", "ptb_tir", "--truth", root / "anno", "--cut", ",".join(NAMES)
    return main(["report", *map(str, [root / "runs", *where, *arguments])])


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_published_rows_take_their_places_and_say_where_they_are_from(ptb, capsys):
    chosen = "--published", "ptb_tir:ECO,KCF", "--published", "cmd_figure4:DiMP"
    assert report(ptb, *chosen) == 0
    made = ptb / "runs/report"
    table = {row["tracker"]: row for row in rows(made / "overall.csv")}
    assert table["ECO [ptb_tir]"]["success"] == "0.633"
    assert table["ECO [ptb_tir]"]["precision"] == "0.838"
    assert table["DiMP [cmd_figure4]"]["from"] == "published, Figure 4"
    assert table["near"]["from"] == "run"
    found = [float(row["success"]) for row in rows(made / "overall.csv")]
    assert len(found) == 5 and found == sorted(found, reverse=True)
    for file in ("report.md", "report.html", "overall.tex", "report.json"):
        assert "ECO [ptb\\_tir]" in (text := (made / file).read_text()) or (
            "ECO [ptb_tir]" in text
        )
    for file in ("report.md", "report.html", "report.json"):
        assert "TMM 2020" in (made / file).read_text()
    assert "cmd_figure4 averages over cut 60" in (made / "report.html").read_text()
    assert "published, Figure 4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("nothing", "no published table 'nothing'; there are cmd_table1"),
        ("cmd_table1", "cmd_table1 is about lsotb_tir, the results are of ptb_tir"),
        ("ptb_tir:ECHO", "ptb_tir has no row 'ECHO'; it has ECO, DeepSTRCF"),
    ],
)
def test_what_is_not_published_is_refused(ptb, capsys, chosen, message):
    assert report(ptb, "--published", chosen) == 2
    assert message in capsys.readouterr().err


def test_vot_numbers_keep_their_own_table():
    found = citing.cited(["mmnet_table3:MMNet,SRDCF"], "vot_tir2016")
    table = citing.vot_table(found)
    assert table.rows[0][:5] == ["MMNet [mmnet_table3]", 0.320, 0.58, "2.91", "18.9"]
    assert len(table.rows) == 2
    assert citing.vot_table(citing.cited(["ptb_tir"], "ptb_tir")) is None


def test_published_vot_rows_stand_among_runs_with_restarts():
    cited = citing.cited(["mmnet_table3"], "vot_tir2015")
    rules = RULES["vot_legacy"]
    board = trial_report.Board("ltir", 20, rules, (82, 546), [], {}, cited)
    table = trial_report.tables(board)["overall"]
    assert len(table.rows) == 14 and table.rows[0][0] == "MMNet [mmnet_table3]"
    cells = dict(zip(table.headers, table.rows[0], strict=True))
    assert (cells["EAO"], cells["robustness (failures)"]) == (0.344, "2.09")
    # Of failures the most are not the best: never bold.
    column = table.headers.index("robustness (failures)")
    assert not any(c == column for _, c in table.best())


def test_attributes_are_in_the_benchmark_s_order(ptb):
    assert report(ptb, "--published", "ptb_tir:ECO") == 0
    made = ptb / "runs/report"
    found = [row["attribute"] for row in rows(made / "attributes_success.csv")]
    assert found == list(PTB_ATTRIBUTES[: len(found)]) and len(found) == 9
    first = rows(made / "attributes.csv")[0]
    overall = {row["tracker"]: row for row in rows(made / "overall.csv")}
    number = f"{100 * float(overall['near']['success']):.1f}"
    assert first["near"].startswith(f"{number} / ")
    assert {"attributes_success.png", "attributes_precision.png"} <= {
        path.name for path in made.iterdir()
    }


def test_without_pictures_everything_but_the_frames_is_there(ptb):
    assert report(ptb) == 0
    html = (ptb / "runs/report/report.html").read_text()
    assert "data:image/jpeg" not in html and "Where the trackers part" not in html
    hard = rows(ptb / "runs/report/hardest.csv")
    assert [row["sequence"] for row in hard] == list(NAMES[::-1])
    assert hard[0]["best"].startswith("near ") and hard[0]["worst"].startswith("far ")


def test_annotations_that_are_not_there_are_named(ptb, capsys):
    (ptb / "anno/campus1.txt").unlink()
    assert report(ptb) == 2
    assert "lacks the annotations of 1 sequences, such as campus1" in (
        capsys.readouterr().err
    )


def test_intervals_and_pairs_are_in_every_form(ptb):
    assert report(ptb) == 0
    made = ptb / "runs/report"
    (pair,) = rows(made / "differences_success.csv")
    assert (pair["tracker"], pair["against"]) == ("near", "far")
    assert (pair["wins"], pair["ties"], pair["losses"]) == ("6", "0", "0")
    assert 0 < float(pair["low"]) < float(pair["difference"]) < float(pair["high"])
    # All six differences have one sign: 2 of the 64 combinations are as extreme.
    assert float(pair["p"]) == 2 / 64
    kept = json.loads((made / "report.json").read_text())
    assert kept["pairs"]["success"][0]["p"] == 2 / 64
    low, high = kept["trackers"]["near"]["intervals"]["success"]
    assert low < kept["trackers"]["near"]["overall"]["success"] < high
    for file in ("report.md", "report.html"):
        assert "percentile bootstrap over sequences" in (made / file).read_text()


@pytest.fixture
def official(shared):
    """The 37 published trackers on LSOTB-TIR, by their curves alone."""
    known = dict(np.load(shared / "goldens/eval/lsotb_official37.npz"))
    protocol = PROTOCOLS["lsotb"]
    flags = {
        str(n): tuple(np.array(LSOTB_ATTRIBUTES)[row > 0])
        for n, row in zip(known["sequences"], known["attributes"], strict=True)
    }
    kinds = "success", "precision", "norm_precision"
    scored = []
    for i, name in enumerate(known["trackers"]):
        counted = {
            n: Curves(int(length), *(known[f"count_{k}"][i, j] for k in kinds))
            for j, (n, length) in enumerate(zip(flags, known["lengths"], strict=True))
        }
        overall = scores([*counted.values()], protocol)
        groups = by_attribute(counted, flags, protocol)
        scored.append(Scored(str(name), {}, counted, overall, groups, float("nan")))
    scored.sort(key=lambda s: -s.overall.success)
    return Board("lsotb_tir", 120, protocol, scored, dict.fromkeys(flags), {})


def test_the_attribute_table_of_37_trackers_is_the_kit_s(official, shared):
    file = shared / "goldens/eval/lsotb_official37_scores.json"
    want = json.loads(file.read_text())
    made = attributes.tables(official)
    for kind, trackers in want.items():
        at = "at_20px" if kind == "precision" else "mean_over_thresholds"
        table = made[f"attributes_{kind}"]
        assert [row[0] for row in table.rows] == list(LSOTB_ATTRIBUTES)
        for i, (_, count, *found) in enumerate(table.rows):
            for name, value in zip(table.headers[2:], found, strict=True):
                group = trackers[name][str(i)]
                assert count == group["n_sequences_used"]
                assert value == pytest.approx(group[at], abs=1e-12)


def test_of_many_trackers_each_is_compared_with_the_best(official):
    pairs = compare.pairs(official, "success")
    assert len(pairs) == 36 and {p.first for p in pairs} == {"ECO-TIR"}
    by_name = {p.second: p for p in pairs}
    # A step of .015 over 120 sequences may be chance; one of .31 is not.
    assert by_name["ECO-stir"].adjusted > by_name["ECO-stir"].found.p > 0.05
    assert by_name["KCF"].adjusted < 0.01
    assert all(p.adjusted >= p.found.p for p in pairs)


def test_a_published_table_agrees_with_the_curves_it_is_from(official):
    found = citing.cited(["lsotb_tir"], "lsotb_tir")
    ours = {f"{s.name} [lsotb_tir]": s.overall for s in official.scored}
    assert len(found) == 37
    for one in found:
        for kind in ("success", "precision", "norm_precision"):
            gap = one.overall(kind) - getattr(ours[one.name], kind)
            assert abs(gap) < 5.01e-4


def test_a_radar_has_an_axis_for_every_attribute_but_those_of_all(official, ptb):
    figure = attributes.radar(official, "success")
    (axes,) = figure.axes
    assert len(axes.get_xticks()) == 16
    assert len(axes.lines) == attributes.MOST
    bare = dataclasses.replace(official.scored[0], attributes={})
    assert (
        attributes.radar(dataclasses.replace(official, scored=[bare]), "success")
        is None
    )


def test_a_legend_is_ranked_and_marks_what_is_published(official):
    ranked = [(s.name, s.overall) for s in official.scored[:3]]
    given = [("X [paper]", 0.999), ("Y [paper]", 0.001)]
    for kind in ("success", "precision"):
        (axes,) = plots.curves(kind, ranked, "lsotb_tir", given).axes
        texts = [text.get_text() for text in axes.get_legend().get_texts()]
        assert texts[0] == "0.999  X [paper]" and texts[-1] == "0.001  Y [paper]"
        assert texts[1:-1] == sorted(texts[1:-1], reverse=True)
    points = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert [point.get_xdata()[0] for point in points] == [20, 20]


@pytest.fixture
def otb(tmp_path):
    data = write_data(tmp_path / "data")
    fabricate(tmp_path / "runs", "perfect", 0, manifest=about(data))
    return tmp_path / "runs"


def test_a_tag_for_a_name_is_text_in_every_file(otb):
    fabricate(otb, HOSTILE, 2)
    assert main(["report", str(otb)]) == 0
    for path in (otb / "report").iterdir():
        if path.suffix in (".html", ".md"):
            assert "<img src=x" not in path.read_text()
            assert "&lt;img src=x onerror=alert(1)" in path.read_text()
        if path.suffix == ".tex":
            assert "<img" not in path.read_text()


@pytest.mark.parametrize(
    ("form", "change"),
    [
        ("corners x1,y1,x2,y2", lambda b: [*b[:2], b[0] + b[2], b[1] + b[3]]),
        ("centres x,y", lambda b: [b[0] + b[2] / 2, b[1] + b[3] / 2, *b[2:]]),
        ("y,x,h,w", lambda b: [b[1], b[0], b[3], b[2]]),
        ("w,h,x,y", lambda b: [*b[2:], *b[:2]]),
    ],
)
def test_mixed_up_columns_are_named(otb, capsys, form, change):
    folder = fabricate(otb, "theirs", 0)
    boxes = np.tile([70.0, 20, 30, 10], (LENGTHS["car"], 1))
    where = otb.parent / "data/car/groundtruth_rect.txt"
    write_boxes(where, boxes, origin=1)
    for tracker in (otb / "perfect", folder):
        write_boxes(tracker / "car.txt", boxes, origin=1)
    mixed = np.array([change(b) for b in boxes + np.array([1, 1, 0, 0])])
    np.savetxt(folder / "car.txt", mixed, fmt="%.2f", delimiter=",")
    assert main(["report", str(otb)]) == 2
    said = capsys.readouterr().err
    assert "theirs/car.txt seems to hold" in said and form in said


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("nan,nan,nan,nan", "car.txt holds no box at all"),
        ("inf,1,2,3", "car.txt line 1: infinite value"),
    ],
)
def test_files_without_boxes_are_named(otb, capsys, row, message):
    folder = fabricate(otb, "theirs", 0)
    text = (folder / "car.txt").read_text().splitlines()
    if "nan" in row:
        text = [row] * len(text)
    text[0] = row
    (folder / "car.txt").write_text("\n".join(text))
    assert main(["report", str(otb)]) == 2
    assert message in capsys.readouterr().err


def test_gaps_and_lengths_that_a_protocol_allows_are_told(otb):
    folder = fabricate(otb, "theirs", 0)
    text = (folder / "car.txt").read_text().splitlines()
    text[3] = text[4] = "nan,nan,nan,nan"
    (folder / "car.txt").write_text("\n".join([*text, "1,2,3,4"]))
    assert main(["report", str(otb), "--protocol", "lasot"]) == 0
    remarks = json.loads((otb / "report/report.json").read_text())["remarks"]
    assert "theirs: no box in 2 frames of 1 sequences, first car" in remarks[0]
    assert "car with 21 for 20; protocol lasot allows it" in remarks[1]
    assert remarks[0] in (otb / "report/report.html").read_text()


@pytest.mark.parametrize(
    "wrong", [{"made_with": "me"}, {"made_with": [{"versions": 3}]}, {"cut": [1]}]
)
def test_a_manifest_of_another_shape_is_refused(otb, capsys, wrong):
    path = otb / "perfect/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    assert main(["report", str(otb)]) == 2
    assert "manifest.json: " in capsys.readouterr().err


def test_trackers_part_where_their_overlaps_differ_most(otb):
    folder = fabricate(otb, "theirs", 0)
    boxes = np.loadtxt(folder / "birds.txt", delimiter=",")
    boxes[6, 0] += 12
    np.savetxt(folder / "birds.txt", boxes, fmt="%.2f", delimiter=",")
    assert main(["report", str(otb)]) == 0
    html = (otb / "report/report.html").read_text()
    assert "birds, frame 6: perfect overlaps 1.00, theirs 0.14" in html


def test_every_table_of_the_page_scrolls_in_its_own_box(otb):
    fabricate(otb, "a_name_" + "x" * 80, 2)
    assert main(["report", str(otb)]) == 0
    html = (otb / "report/report.html").read_text()
    assert html.count("<table>") == html.count('<div class="scroll"><table>') > 3
    assert "prefers-color-scheme: dark" in html
