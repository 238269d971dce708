"""``track eval --experiment supervised`` and its report, with a tracker that sleeps."""

import csv
import json
import shutil

import numpy as np
import pytest
from tirjax_track import trial_report
from tirjax_track.__main__ import main
from tirjax_track.report import has_one_pass
from vot_clips import CLIPS, LENGTHS, report, still, truth, write

from tirjax.evaluation.regions import overlaps
from tirjax.trackers import TRACKERS


@pytest.fixture(autouse=True)
def sleeper(monkeypatch):
    """The fake is a tracker; the programs' cache is the tests' own."""
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)
    monkeypatch.setitem(TRACKERS, "still", still)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("vot")
    write(root)
    return root


def run(data, out, *arguments, tracker="still"):
    where = "--data", str(data), "--out", str(out), "--tracker", tracker
    how = "--experiment", "supervised"
    return main(["eval", "folder", *where, *how, *arguments])


@pytest.fixture(scope="module")
def results(data, tmp_path_factory):
    """Results of the fake, made once."""
    out = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tirjax_shell.session.cache", lambda common: None)
        patch.setitem(TRACKERS, "still", still)
        assert run(data, out) == 0
    return out


@pytest.fixture
def copy(results, tmp_path):
    return shutil.copytree(results, tmp_path / "copy")


def lines(out, name, repetition=1, tracker="still"):
    folder = out / "folder" / tracker / "baseline" / name
    return (folder / f"{name}_{repetition:03d}.txt").read_text().splitlines()


def by_hand(name):
    """The experiment with a tracker that sleeps, written as a loop."""
    polygons, found, wait = truth(name).round(2), [], 0
    box = None
    for polygon in polygons:
        if wait:
            found.append("0")
            wait -= 1
        elif box is None:
            box = [*polygon[:2], 8, 9]
            found.append("1")
        elif overlaps(np.array([box]), polygon[None], "vot", (40, 60)) > 0:
            found.append(",".join(f"{v:.4f}" for v in box))
        else:
            found.append("2")
            box, wait = None, 4
    return found


@pytest.mark.parametrize("name", CLIPS)
def test_files_are_those_of_the_experiment_by_hand(results, name):
    assert lines(results, name) == by_hand(name)
    folder = results / "folder/still/baseline"
    times = (folder / name / f"{name}_001_time.value").read_text().split()
    assert len(times) == LENGTHS[name]
    assert json.loads((folder / "manifest.json").read_text())["experiment"] == (
        "supervised"
    )


def test_a_batch_gives_the_same_files(data, results, tmp_path):
    assert run(data, tmp_path, "--batch", "3") == 0
    for name in CLIPS:
        assert lines(tmp_path, name) == lines(results, name)


def test_it_continues_where_it_stopped_and_repeats_as_asked(data, copy, capsys):
    folder = copy / "folder/still/baseline"
    (folder / "fast/fast_001.txt").unlink()
    (folder / "slow/slow_001.txt").write_text("kept\n")
    (folder / "slow/slow_001_time.value").unlink()
    assert run(data, copy, "--sequences", "fast,calm", "--repetitions", "5") == 0
    assert lines(copy, "fast") == by_hand("fast")
    assert lines(copy, "slow") == ["kept"]
    assert lines(copy, "fast", 3) == by_hand("fast")
    # Three equal runs are enough.
    assert not (folder / "fast/fast_004.txt").exists()
    assert "2/2" in capsys.readouterr().out


def test_other_settings_or_unknown_results_are_refused(data, copy, capsys):
    assert run(data, copy, "--seed", "1") == 2
    assert "was made with seed 0 (now 1)" in capsys.readouterr().err
    (copy / "folder/still/baseline/manifest.json").unlink()
    assert run(data, copy) == 2
    assert "holds results without a manifest" in capsys.readouterr().err
    assert run(data, copy, "--repetitions", "0") == 2
    assert run(data, copy, "--protocol", "lsotb") == 2
    assert "no protocol 'lsotb'" in capsys.readouterr().err
    assert run(data, copy, "--overwrite") == 0
    assert lines(copy, "fast") == by_hand("fast")


def test_the_report_has_tables_plots_and_a_page(copy, capsys):
    shutil.copytree(copy / "folder/still", copy / "folder" / "<script>alert(1)<")
    assert main(["report", str(copy / "folder")]) == 0
    assert "robustness (failures)" in capsys.readouterr().out
    out = copy / "folder/report/supervised"
    made = {p.name for p in out.iterdir()}
    assert {"overall.csv", "overall.tex", "report.html", "report.md"} <= made
    assert {"ranking.png", "expected_overlap.png", "accuracy_reliability.png"} <= made
    assert {"challenges.png", "challenges_accuracy.csv", "challenges_eao.csv"} <= made
    page = (out / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in (out / "report.md").read_text()
    found = report(out)["trackers"]["still"]
    failures = sum(by_hand(n).count("2") for n in CLIPS)
    assert found["overall"]["failures_total"] == failures > 0
    assert found["failures"]["calm"] == 0
    rows = list(
        csv.DictReader((out / "challenges_failures.csv").read_text().split("\n"))
    )
    low, high = found["intervals"]["accuracy"]
    assert low < found["overall"]["accuracy"] < high
    assert "How sure the numbers are" in page and "EAO: pairs of trackers" in page
    # The two are one and the same tracker.
    (pair,) = csv.DictReader((out / "differences_eao.csv").read_text().split("\n"))
    assert float(pair["difference"]) == float(pair["low"]) == float(pair["high"]) == 0
    assert [row["challenge"] for row in rows] == [
        "occlusion",
        "empty",
        "mean by frames",
    ]
    assert sum(found["challenges"][c]["frames"] for c in ("occlusion", "empty")) == 68


def test_other_peoples_results_need_only_the_data_set(data, copy, tmp_path, capsys):
    theirs = tmp_path / "published" / "theirs"
    shutil.copytree(copy / "folder/still/baseline", theirs / "baseline")
    (theirs / "baseline/manifest.json").unlink()
    where = "--dataset", "folder", "--data", str(data), "--out", str(tmp_path / "out")
    assert (
        main(["report", str(theirs.parent), *where, "--protocol", "vot_toolkit"]) == 0
    )
    assert report(tmp_path / "out/supervised")["protocol"] == "vot_toolkit"
    assert main(["report", str(theirs)]) == 2
    assert "say --dataset NAME" in capsys.readouterr().err


def test_results_are_found_from_every_folder_above_them(copy):
    for place in (copy, copy / "folder", copy / "folder/still"):
        ((_, (entry,)),) = trial_report.find(place).items()
        assert entry.name == "still"
        assert not has_one_pass(place)
    (copy / "folder/other").mkdir()
    (copy / "folder/other/calm.txt").write_text("1,2,3,4\n")
    assert has_one_pass(copy / "folder")
    assert trial_report.find(copy / "folder/other") == {}


def swapped(text):
    numbers = text.split(",")
    return ",".join(numbers[::-1]) if len(numbers) == 4 else text


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda rows: rows[:-1], "has 11 lines for 12 frames"),
        (lambda rows: ["1", *map(swapped, rows[1:])], "x,y,w,h, the numbering"),
        (lambda rows: [*rows[:3], "nan,nan,nan,nan", *rows[4:]], "line 4: a number"),
    ],
)
def test_files_that_do_not_fit_are_named(copy, capsys, damage, message):
    path = copy / "folder/still/baseline/calm/calm_001.txt"
    path.write_text("\n".join(damage(path.read_text().splitlines())) + "\n")
    assert main(["report", str(copy / "folder")]) == 2
    error = capsys.readouterr().err
    assert "calm_001.txt" in error
    assert message in error


@pytest.mark.slow
@pytest.mark.parametrize("tracker", ["mosse", "kcf"])
def test_a_batch_of_a_real_tracker_gives_the_same_codes(data, tmp_path, tracker):
    assert run(data, tmp_path / "one", tracker=tracker) == 0
    assert run(data, tmp_path / "three", "--batch", "3", tracker=tracker) == 0
    for name in CLIPS:
        one, three = (
            lines(tmp_path / o, name, tracker=tracker) for o in ("one", "three")
        )
        for a, b in zip(one, three, strict=True):
            numbers = [[float(w) for w in text.split(",")] for text in (a, b)]
            # A batched transform may add up in another order.
            np.testing.assert_allclose(*numbers, atol=2e-3)
