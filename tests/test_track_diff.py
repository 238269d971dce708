"""``track diff``: what changed between folders of results, and its exit status."""

import json

import numpy as np
import pytest
from result_folders import LENGTHS, about, fabricate, write_data
from tirjax_track.__main__ import main


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr("tirjax_shell.session.cache", lambda common: None)


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data")


@pytest.fixture
def before(tmp_path, data):
    return fabricate(tmp_path / "before", "kcf", 0, manifest=about(data))


@pytest.fixture
def after(tmp_path, data):
    return fabricate(tmp_path / "after", "kcf", 0, manifest=about(data))


def diff(*arguments):
    return main(["diff", *map(str, arguments)])


def move(folder, name, frame, pixels):
    boxes = np.loadtxt(folder / f"{name}.txt", delimiter=",")
    boxes[frame:, 0] += pixels
    np.savetxt(folder / f"{name}.txt", boxes, fmt="%.3f", delimiter=",")


def test_equal_folders_are_equal(before, after, capsys):
    assert diff(before, after) == 0
    said = capsys.readouterr().out
    assert "0 of 3 sequences differ" in said
    assert "p 1.0000; 0 better, 3 equal, 0 worse" in said


def test_a_moved_box_is_found_with_its_frame_and_its_cost(
    before, after, tmp_path, capsys
):
    move(after, "car", 12, 8)
    out = tmp_path / "made/changes.json"
    assert diff(before, after, "--out", out) == 1
    said = capsys.readouterr().out
    assert "1 of 3 sequences differ" in said and "0 better, 2 equal, 1 worse" in said
    (found,) = json.loads(out.read_text())
    car = next(s for s in found["sequences"] if s["sequence"] == "car")
    assert (car["differ"], car["first"]) == (8, 12)
    # 8 of 16 columns overlap in 8 of 20 frames: IoU 1/3, above 7 of 21 thresholds.
    assert car["overlap"] == pytest.approx((12 + 8 / 3) / 20, abs=1e-6)
    loss = 8 / 20 * (20 - 7) / 21
    assert car["success"] == pytest.approx([20 / 21, 20 / 21 - loss], abs=1e-6)
    assert found["difference"] == pytest.approx(-loss / 3, abs=1e-6)
    assert not found["same"]


def test_what_stays_within_the_tolerance_is_the_same(before, after):
    move(after, "car", 3, 0.4)
    assert diff(before, after) == 1
    assert diff(before, after, "--tolerance", 0.5) == 0


def test_only_a_loss_matters_where_one_asks_for_it(before, after):
    move(before, "car", 12, 8)
    assert diff(before, after, "--worse", 0.0) == 0
    assert diff(after, before, "--worse", 0.01) == 1
    assert diff(after, before, "--worse", 0.5) == 0
    (after / "horse.txt").unlink()
    assert diff(before, after, "--worse", 0.5) == 1


def test_missing_sequences_and_lengths_are_changes(before, after, capsys):
    (after / "horse.txt").unlink()
    assert diff(before, after) == 1
    assert "only in the first: 1 (horse)" in capsys.readouterr().out
    (before / "horse.txt").unlink()
    text = (after / "car.txt").read_text().splitlines()
    (after / "car.txt").write_text("\n".join(text[:-2]))
    (before / "manifest.json").unlink()
    (after / "manifest.json").unlink()
    assert diff(before, after) == 1
    assert "20 -> 18" in capsys.readouterr().out


def test_other_settings_are_told_and_are_no_change(before, after, data, capsys):
    other = about(data) | {"seed": 7, "made_with": [made("0.9")]}
    (after / "manifest.json").write_text(json.dumps(other))
    (before / "manifest.json").write_text(
        json.dumps(about(data) | {"seed": 3, "made_with": [made("0.8")]})
    )
    assert diff(before, after) == 0
    said = capsys.readouterr().out
    assert "seed: 3 -> 7" in said and "jax: 0.8 -> 0.9" in said


def made(version):
    return {"versions": {"jax": version}, "device": "cpu", "date": "today"}


def test_boxes_compare_where_nobody_knows_the_truth(before, after, tmp_path, capsys):
    for folder in (before, after):
        (folder / "manifest.json").unlink()
    move(after, "birds", 5, 3)
    assert diff(before, after) == 1
    assert "success" not in capsys.readouterr().out.splitlines()[1]
    assert diff(before, after, "--worse", 0.1) == 2
    assert "say --dataset NAME" in capsys.readouterr().err
    truth = tmp_path / "truth"
    truth.mkdir()
    for name in LENGTHS:
        kept = tmp_path / f"data/{name}/groundtruth_rect.txt"
        (truth / f"{name}.txt").write_text(kept.read_text())
    assert diff(before, after, "--dataset", "otb", "--truth", truth) == 1
    assert "1 worse" in capsys.readouterr().out


def test_whole_folders_are_compared_tracker_by_tracker(before, after, capsys):
    for root, names in ((before.parent, ("dsst", "mosse")), (after.parent, ("dsst",))):
        for name in names:
            fabricate(root, name, 2)
    assert diff(before.parent, after.parent) == 1
    said = capsys.readouterr().out
    assert "dsst: 0 of 3" in said and "kcf: 0 of 3" in said
    assert f"only in {before.parent}: mosse" in said


def test_absent_boxes_equal_absent_boxes(before, after):
    for folder in (before, after):
        boxes = np.loadtxt(folder / "car.txt", delimiter=",")
        boxes[4] = np.nan
        np.savetxt(folder / "car.txt", boxes, fmt="%.3f", delimiter=",")
    assert diff(before, after) == 0


@pytest.mark.parametrize("wrong", ["nowhere", "empty"])
def test_folders_without_results_cannot_be_compared(before, tmp_path, capsys, wrong):
    (tmp_path / "empty").mkdir()
    assert diff(before, tmp_path / wrong) == 2
    assert wrong in capsys.readouterr().err


def test_trackers_without_their_like_cannot_be_compared(tmp_path, capsys):
    for root, names in (("a", ("x", "y")), ("b", ("v", "w"))):
        for name in names:
            fabricate(tmp_path / root, name, 0)
    assert diff(tmp_path / "a", tmp_path / "b") == 2
    assert "nothing to pair" in capsys.readouterr().err
