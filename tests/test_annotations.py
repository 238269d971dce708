"""Text files of boxes and flags."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tirjax.data import read_boxes, write_boxes
from tirjax.data.annotations import polygon_box, read_flags
from tirjax.data.sequence import DataError


def write(path, text):
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "2,3,10,20\n4,5,11,21\n",
        "2\t3\t10\t20\r\n4\t5\t11\t21\r\n",
        "2 3 10 20\n 4  5 11 21",
        "2;3;10;20\n4, 5; 11\t21,\n\n\n",
        "\ufeff2,3,10,20\n4.0,5e0,11,21\n",
    ],
)
def test_every_separator_reads_the_same(tmp_path, text):
    got = read_boxes(write(tmp_path / "a.txt", text), origin=1)
    np.testing.assert_array_equal(got, [[1, 2, 10, 20], [3, 4, 11, 21]])
    assert got.dtype == np.float64


def test_origin_zero_changes_nothing(tmp_path):
    got = read_boxes(write(tmp_path / "a.txt", "2,3,10,20"), origin=0)
    np.testing.assert_array_equal(got, [[2, 3, 10, 20]])


def test_nan_rows_stay_nan(tmp_path):
    got = read_boxes(write(tmp_path / "a.txt", "1,1,2,2\nNaN,nan,NaN,NaN"), origin=1)
    assert np.isnan(got[1]).all() and not np.isnan(got[0]).any()


def test_row_of_zeros_keeps_its_raw_value(tmp_path):
    """Evaluation tests raw coordinates: zero-based plus one gives the zeros back."""
    got = read_boxes(write(tmp_path / "a.txt", "0,0,0,0"), origin=1)
    np.testing.assert_array_equal(got, [[-1, -1, 0, 0]])


def test_polygon_row_becomes_its_bounding_box(tmp_path):
    file = write(tmp_path / "a.txt", "5,3,9,3,9,11,5,11\n5,3,7,1,9,3\n")
    got = read_boxes(file, origin=1)
    np.testing.assert_array_equal(got, [[4, 2, 4, 8], [4, 0, 4, 2]])


def test_area_box_of_an_upright_rectangle_is_one_pixel_larger():
    corners = np.array([[5, 3], [9, 3], [9, 11], [5, 11.0]])
    np.testing.assert_allclose(polygon_box(corners, "area"), [5, 3, 5, 9])


def test_area_box_keeps_the_area_and_centre_of_a_turned_rectangle():
    """The formula of the specification, written out with 1-based pixel centres."""
    angle = 0.6
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-20, -10], [20, -10], [20, 10], [-20, 10]]) @ turn.T + [70, 50]
    x, y, w, h = polygon_box(corners, "area")
    np.testing.assert_allclose((w - 1) * (h - 1), 40 * 20)
    np.testing.assert_allclose([x + (w - 1) / 2, y + (h - 1) / 2], [70, 50])


@pytest.mark.parametrize(
    "line,problem",
    [
        ("1,2,3", "3 numbers"),
        ("1,2,3,4,5", "5 numbers"),
        ("1,2,3,4,5,6,7", "7 numbers"),
        ("1,2,x,4", "could not convert"),
        ("", "0 numbers"),
        ("1,2,inf,4", "infinite"),
    ],
)
def test_bad_line_is_named(tmp_path, line, problem):
    file = write(tmp_path / "truth.txt", f"1,2,3,4\n{line}\n1,2,3,4\n")
    with pytest.raises(DataError, match=rf"truth\.txt line 2: .*{problem}"):
        read_boxes(file, origin=1)


def test_empty_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"truth\.txt holds no boxes"):
        read_boxes(write(tmp_path / "truth.txt", "\n\n"), origin=1)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*truth\.txt"):
        read_boxes(tmp_path / "truth.txt", origin=1)


def test_binary_file_is_refused(tmp_path):
    (tmp_path / "truth.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="no text file"):
        read_boxes(tmp_path / "truth.txt", origin=1)


finite = st.floats(-1e4, 1e4)


@given(
    st.lists(st.tuples(finite, finite, finite, finite), min_size=1),
    st.sampled_from([0, 1]),
)
def test_written_boxes_read_back_to_three_decimals(tmp_path_factory, rows, origin):
    file = tmp_path_factory.mktemp("boxes") / "a.txt"
    write_boxes(file, np.array(rows), origin=origin)
    np.testing.assert_allclose(read_boxes(file, origin=origin), rows, atol=5.01e-4)


def test_written_file_is_comma_separated_in_the_given_origin(tmp_path):
    boxes = np.array([[0, 1.5, 10, 20], [np.nan] * 4])
    write_boxes(tmp_path / "a.txt", boxes, origin=1)
    want = "1.000,2.500,10.000,20.000\nnan,nan,nan,nan\n"
    assert (tmp_path / "a.txt").read_text() == want


def test_writing_replaces_and_leaves_nothing_else_behind(tmp_path):
    for boxes in (np.zeros((3, 4)), np.ones((2, 4))):
        write_boxes(tmp_path / "a.txt", boxes, origin=0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    np.testing.assert_array_equal(read_boxes(tmp_path / "a.txt", origin=0), 1)


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    write_boxes(tmp_path / "a.txt", np.zeros((3, 4)), origin=0)

    def full_disk(file, *args, **kwargs):
        file.write_text("1.0")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savetxt", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_boxes(tmp_path / "a.txt", np.ones((3, 4)), origin=0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    np.testing.assert_array_equal(read_boxes(tmp_path / "a.txt", origin=0), 0)


def test_flags_read_by_line_or_by_comma(tmp_path):
    for text in ("0\n1\n0\n", "0,1,0", "0 1 0 "):
        got = read_flags(write(tmp_path / "a.label", text))
        np.testing.assert_array_equal(got, [0, 1, 0])


def test_bad_flag_names_the_file(tmp_path):
    with pytest.raises(DataError, match=r"a\.label: could not convert"):
        read_flags(write(tmp_path / "a.label", "0\nyes\n"))


@pytest.mark.parametrize(
    "folder,files,frames", [("ptb_tir", 60, 30029), ("lsotb_tir", 120, 82133)]
)
def test_published_annotations_parse(shared, folder, files, frames):
    paths = sorted((shared / "data/annotations_tir_benchmarks" / folder).glob("*.txt"))
    boxes = [read_boxes(path, origin=1) for path in paths]
    assert len(boxes) == files and sum(map(len, boxes)) == frames
    assert all((b[:, 2:] > 0).all() for b in boxes)


def test_ptb_road2_has_109_rows_that_its_toolkit_calls_invalid(shared):
    file = shared / "data/annotations_tir_benchmarks/ptb_tir/road2.txt"
    boxes = read_boxes(file, origin=1)
    raw = boxes + np.array([1, 1, 0, 0])
    assert len(boxes) == 1792 and (raw <= 0).any(1).sum() == 109
