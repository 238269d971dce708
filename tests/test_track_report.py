"""``track report``: numbers, files and the page, from fabricated results."""

import csv
import json
import re

import numpy as np
import pytest
from result_folders import LENGTHS, about, fabricate, write_data
from tirjax_track import page, scoring, tables
from tirjax_track.__main__ import main

TABLES = ("overall", "intervals", "differences_success", "differences_precision")
TABLES = (*TABLES, "hardest", "sequences_success", "sequences_precision")
HOSTILE = "<script>alert(1)<"


pytestmark = pytest.mark.usefixtures("no_cache")


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """Plots take longest and are looked at in one test only."""
    if "every_kind_of_file" not in request.node.name:
        monkeypatch.setattr("tirjax_track.plots.png", lambda figure: b"")


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data")


@pytest.fixture
def results(tmp_path, data):
    """A perfect tracker with a manifest, and one 4 pixels beside with another's."""
    fabricate(tmp_path / "results/otb", "perfect", 0, manifest=about(data))
    fabricate(tmp_path / "results/otb", "beside", 4, manifest=about(data))
    return tmp_path / "results"


def report(results, *arguments):
    return main(["report", str(results), *map(str, arguments)])


def test_a_perfect_tracker_scores_twenty_of_twenty_one_and_comes_first(results, capsys):
    assert report(results) == 0
    rows = list(
        csv.DictReader((results / "report/overall.csv").read_text().splitlines())
    )
    assert [row["tracker"] for row in rows] == ["perfect", "beside"]
    assert np.isclose(float(rows[0]["success"]), 20 / 21)
    assert np.isclose(float(rows[0]["precision"]), 1)
    # 12 of 20 columns overlap: IoU 0.6, strictly above 12 of the 21 thresholds. The
    # first frame is replaced by the truth.
    mean = np.mean([(20 / 21 + (n - 1) * 12 / 21) / n for n in LENGTHS.values()])
    assert np.isclose(float(rows[1]["success"]), mean)
    assert "perfect" in capsys.readouterr().out


def test_every_kind_of_file_is_written(results):
    assert report(results) == 0
    made = {path.name for path in (results / "report").iterdir()}
    assert made == {
        *(f"{name}.{kind}" for name in TABLES for kind in ("csv", "tex")),
        *("success.png", "precision.png", "report.md", "report.json", "report.html"),
    }
    assert r"\toprule" in (results / "report/overall.tex").read_text()


def test_the_json_has_each_sequence(results):
    assert report(results) == 0
    content = json.loads((results / "report/report.json").read_text())
    assert content["protocol"] == "otb"
    found = content["trackers"]["perfect"]["sequences"]
    assert found.keys() == LENGTHS.keys()
    assert found["car"]["success"] == pytest.approx(20 / 21, abs=1e-6)


def test_plain_folders_of_other_people_are_baselines(results, tmp_path):
    fabricate(tmp_path / "published", "theirs", 8)
    assert report(results, "--baselines", tmp_path / "published") == 0
    rows = (results / "report/overall.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["perfect", "beside", "theirs"]


def test_a_plain_folder_alone_needs_the_name_of_the_data_set(tmp_path, data, capsys):
    fabricate(tmp_path / "published", "theirs", 8)
    assert report(tmp_path / "published") == 2
    assert "--dataset NAME and --data DIR" in capsys.readouterr().err
    where = "--dataset", "otb", "--data", data
    assert report(tmp_path / "published", *where) == 0
    assert (tmp_path / "published/report/report.html").is_file()


def test_two_trackers_of_one_name_stay_apart(results, tmp_path):
    fabricate(tmp_path / "published", "perfect", 8)
    assert report(results, "--baselines", tmp_path / "published") == 0
    rows = (results / "report/overall.csv").read_text().splitlines()[1:]
    names = [row.split(",")[0] for row in rows]
    assert names == ["perfect", "beside", "perfect (published)"]


def test_missing_sequences_are_counted_and_said(results, tmp_path):
    fabricate(tmp_path / "published", "half", 0, sequences=("birds",))
    assert report(results, "--baselines", tmp_path / "published") == 0
    assert re.search(r"\| half .*1/3 \|", (results / "report/report.md").read_text())
    html = (results / "report/report.html").read_text()
    assert "Not every tracker has every sequence" in html


def test_the_page_needs_nothing_from_elsewhere(results, tmp_path):
    fabricate(tmp_path / "published", "theirs", 8)
    assert report(results, "--baselines", tmp_path / "published") == 0
    html = (results / "report/report.html").read_text()
    links = re.findall(r"""(?:src|href|url|action)\s*[=(]\s*["']?([^"'\s>)]+)""", html)
    assert links and all(link.startswith("data:image/") for link in links)
    assert not re.search(r"https?:", html)
    assert "<script" not in html
    assert 'name="viewport"' in html


def test_a_hostile_name_stays_a_name(results, tmp_path):
    fabricate(tmp_path / "published", HOSTILE, 2)
    assert report(results, "--baselines", tmp_path / "published") == 0
    html = (results / "report/report.html").read_text()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;" in html
    assert "<script" not in (results / "report/report.md").read_text()


def test_the_page_shows_the_worst_frames_of_the_best_tracker(results):
    assert report(results) == 0
    html = (results / "report/report.html").read_text()
    # And the frames in which it and the other are farthest apart.
    assert html.count("data:image/jpeg") == 2 * len(LENGTHS)
    assert "Where the trackers part" in html
    assert "Where perfect does worst" in html


def test_attributes_become_tables(tmp_path, data, capsys):
    """VOT folders carry attributes: a tag file a challenge."""
    for name in LENGTHS:
        folder = tmp_path / "data" / name
        (folder / "groundtruth_rect.txt").rename(folder / "groundtruth.txt")
        flags = np.ones(LENGTHS[name])
        np.savetxt(folder / "occlusion.tag", flags, fmt="%d")
        np.savetxt(folder / "size.tag", flags * (name != "car"), fmt="%d")
    fabricate(tmp_path / "boxes", "perfect", -1)  # written from 1, read from 0
    where = "--dataset", "folder", "--data", data
    assert report(tmp_path / "boxes", *where) == 0
    table = (tmp_path / "boxes/report/attributes_success.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in table[1:]] == [
        ["occlusion", "3"],
        ["size_change", "2"],
    ]


def test_results_of_two_data_sets_get_a_report_each(results, tmp_path, data):
    other = {"dataset": "folder", "cut": None, "data": str(data), "protocol": "lsotb"}
    fabricate(results / "folder", "perfect", 0, manifest=other)
    assert report(results) == 0
    assert (results / "report/otb/report.html").is_file()
    assert (results / "report/folder/report.html").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / "car.txt").write_text("1,2\n"), "car.txt line 1"),
        (lambda d: (d / "car.txt").write_text("1,2,3,4\n"), "car.txt: 1 predictions"),
        (lambda d: (d / "manifest.json").write_text("[]"), "manifest.json is no man"),
        (
            lambda d: (d / "manifest.json").write_text('{"dataset": "ptb_tir"}'),
            "different datasets",
        ),
    ],
)
def test_damaged_results_name_the_file(results, capsys, change, message):
    change(results / "otb" / "beside")
    assert report(results) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_results_says_what_was_expected(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert report(tmp_path / "empty") == 2
    assert "TRACKER/SEQUENCE.txt" in capsys.readouterr().err
    assert report(tmp_path / "nowhere") == 2
    assert "no such folder" in capsys.readouterr().err


def test_worst_frames_keep_apart():
    values = np.ones(100)
    values[40:44] = [0.1, 0.0, 0.1, 0.2]
    values[80] = 0.3
    values[5] = np.nan
    assert scoring.worst(values, 2) == [41, 80]
    assert scoring.worst(np.full(5, np.nan), 2) == []


def test_overlap_is_that_of_the_core(rng):
    import jax.numpy as jnp

    from tirjax.ops.boxes import iou

    a, b = rng.uniform(0, 20, size=(2, 50, 4)) + np.array([0, 0, 1, 1])
    want = iou(jnp.asarray(a, jnp.float32), jnp.asarray(b, jnp.float32))
    np.testing.assert_allclose(scoring.overlaps(a, b), want, atol=1e-5)


def test_a_table_escapes_for_markdown_and_marks_the_best():
    table = tables.Table(["tracker", "a|b"], [["x<y|z", 0.5], ["w", float("nan")]])
    assert r"x&lt;y\|z" in table.markdown() and r"a\|b" in table.markdown()
    assert "nan" not in table.markdown() + table.csv() + table.latex()
    assert table.best() == set()
    rows = [["m", 0.5, 0.25], ["n", 0.75, 0.25]]
    assert tables.Table(["tracker", "s", "p"], rows).best() == {(1, 1), (0, 2), (1, 2)}
    assert tables.Table(["sequence", "m", "n"], rows).best() == {(0, 1), (1, 1)}


def test_a_heading_is_words():
    assert page.heading("overall") == "Overall"
    assert page.heading("attributes_success") == "Success by attribute"
