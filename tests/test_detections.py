"""Files of detections, and which of them are kept."""

import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.data.training.detection_files import DetectionFiles, combine
from tirjax.data.training.detections import (
    NOTHING,
    Detections,
    box_file,
    cmd_yolo,
    fairmot,
    yolo,
)


@pytest.fixture
def write(tmp_path):
    def to(text, name="a.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return to


def detections(*rows):
    """From ``x, y, w, h, score, person`` rows."""
    rows = np.array(rows, float).reshape(-1, 6)
    return Detections(rows[:, :4], rows[:, 4], rows[:, 5] > 0)


def test_cmd_files_hold_class_confidence_and_corners(write):
    found = cmd_yolo(write("0 0.9 10 20 40 80\n\n2.0 0.25 5.5,6,7,8\n"))
    np.testing.assert_array_equal(found.boxes, [[10, 20, 30, 60], [5.5, 6, 1.5, 2]])
    np.testing.assert_array_equal(found.scores, [0.9, 0.25])
    np.testing.assert_array_equal(found.people, [True, False])


def test_yolo_files_hold_shares_of_the_image(write):
    found = yolo(write("0 0.5 0.5 0.25 0.5 0.8\n7 0.1 0.2 0.1 0.2\n"), (512, 640))
    want = [[240, 128, 160, 256], [32, 51.2, 64, 102.4]]
    np.testing.assert_allclose(found.boxes, want)
    np.testing.assert_array_equal(found.scores, [0.8, 1.0])
    np.testing.assert_array_equal(found.people, [True, False])


def test_box_files_may_have_scores(write):
    found = box_file(write("1,2,3,4\n5 6 7 8 0.5\n9\t9\t9\t9\t0\n"))
    np.testing.assert_array_equal(found.boxes, [[1, 2, 3, 4], [5, 6, 7, 8]])
    np.testing.assert_array_equal(found.scores, [1.0, 0.5])


def test_fairmot_files_hold_both_halves(write):
    text = "0 0 10 20 0.7 person\n5 5 9 9 0.6 tcar\n1 1 4 4 0.5 tperson\n"
    visible, thermal = fairmot(write(text))
    np.testing.assert_array_equal(visible.boxes, [[0, 0, 10, 20]])
    np.testing.assert_array_equal(thermal.boxes, [[5, 5, 4, 4], [1, 1, 3, 3]])
    np.testing.assert_array_equal(thermal.people, [False, True])


def test_an_empty_file_holds_nothing(write):
    for read in (cmd_yolo, box_file):
        assert len(read(write("\n")).boxes) == 0


@pytest.mark.parametrize(
    ("read", "line", "message"),
    [
        (cmd_yolo, "0 0.9 1 2 3", "5 numbers; expected class confidence"),
        (cmd_yolo, "0 0.9 1 2 x 4", "expected numbers"),
        (cmd_yolo, "0 0.9 1 2 nan 4", "not finite"),
        (cmd_yolo, "0 0.9 5 2 3 4", "top left one first"),
        (cmd_yolo, "0 -0.1 1 2 3 4", "negative"),
        (lambda path: yolo(path, (10, 10)), "0 320 200 50 60", "no share"),
        (box_file, "1 2 0 4", "0 wide, 4 high"),
        (fairmot, "1 2 3 4 0.5 dog", "person, car"),
        (fairmot, "1 2 3 4 0.5", "label"),
    ],
)
def test_bad_lines_are_named(write, read, line, message):
    good = {
        fairmot: "1 2 3 4 0.5 car",
        cmd_yolo: "0 1 1 2 3 4",
        box_file: "1 2 3 4",
    }.get(read, "0 0.5 0.5 0.1 0.1")
    path = write(f"{good}\n{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert f"{path} line 2" in str(caught.value)


def test_of_duplicates_across_the_pair_the_weaker_goes():
    visible = detections((0, 0, 10, 10, 0.6, 1), (50, 0, 10, 10, 0.9, 1))
    thermal = detections((0, 0, 10, 10.5, 0.7, 1), (50, 1, 10, 10, 0.2, 1))
    kept = combine(visible, thermal)
    np.testing.assert_array_equal(kept[:, 4], [0.9, 0.7])
    np.testing.assert_array_equal(kept[1, :4], [0, 0, 10, 10.5])
    # Of one picture's own boxes none goes.
    twice = detections((0, 0, 10, 10, 0.6, 1), (0, 0, 10, 10, 0.5, 1))
    assert len(combine(twice, NOTHING)) == 2
    # Overlap of 0.7 is not enough.
    assert len(combine(visible, detections((0, 0, 10, 7, 0.9, 1)))) == 3


def test_two_others_stay_and_persons_fill_up():
    others = detections(*((i * 20, 0, 5, 5, 0.9 - i / 100, 0) for i in range(4)))
    people = detections(*((i * 20, 40, 5, 9, 0.95 - i / 10, 1) for i in range(6)))
    kept = combine(others, people)
    np.testing.assert_allclose(kept[:, 4], [0.95, 0.9, 0.89, 0.85, 0.75])
    assert len(combine(others, NOTHING)) == 2
    assert len(combine(NOTHING, people)) == 5
    assert combine(NOTHING, NOTHING).shape == (0, 5)


def test_files_are_found_by_the_names_of_the_pictures(write, tmp_path):
    write("0 0.9 10 20 40 80", "rgb/1v.txt")
    write("0 0.8 100 20 140 80", "t/1i.txt")
    files = DetectionFiles(tmp_path / "rgb", tmp_path / "t")
    read = lambda *names: files.read(tuple(tmp_path / n for n in names), (512, 640))
    found = read("x/1v.jpg", "y/1i.png")
    want = [[10, 20, 30, 60, 0.9], [100, 20, 40, 60, 0.8]]
    np.testing.assert_array_equal(found, want)
    np.testing.assert_array_equal(read("1v.jpg", "2i.jpg"), want[:1])
    assert len(read("2v.jpg", "2i.jpg")) == 0


def test_one_file_may_have_both_halves(write, tmp_path):
    write("0 0 10 20 0.7 person\n5 5 9 9 0.6 tperson\n", "both/1.txt")
    files = DetectionFiles(tmp_path / "both", kind="fairmot")
    assert len(files.read((tmp_path / "1.png",) * 2, (512, 640))) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", None, "coco"), "'coco'"),
        ((None,), "no folder of detections"),
        ((None, "x", "fairmot"), "no folder of detections"),
        (("missing",), "no folder missing"),
    ],
)
def test_folders_and_kinds_are_checked(arguments, message):
    with pytest.raises(DataError, match=message):
        DetectionFiles(*arguments)
