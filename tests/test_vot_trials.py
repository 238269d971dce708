"""Files of runs with restarts: read, written, and what is no such file."""

import numpy as np
import pytest

from tirjax.data import DataError
from tirjax.evaluation import trials
from tirjax.evaluation.trials import Trial, find_trials, read_trial, write_trial
from tirjax.trackers import supervised

LINES = ["1", "2.5,3,4,5", "2", "0", "0", "0", "0", "1", "1,1,5,1,5,6,1,6"]


@pytest.fixture
def file(tmp_path):
    def write(lines, name="birds_001.txt"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def test_codes_boxes_and_polygons_are_read(file):
    found = read_trial(file(LINES), 9)
    assert found.code.tolist() == [1, -1, 2, 0, 0, 0, 0, 1, -1]
    assert found.regions[1, :4].tolist() == [2.5, 3, 4, 5]
    assert found.regions[8].tolist() == [1, 1, 5, 1, 5, 6, 1, 6]
    assert np.isnan(found.regions[[0, 2, 3]]).all()
    assert np.isnan(found.seconds).all()


def test_what_is_written_reads_the_same(tmp_path, file):
    run = read_trial(file(LINES))._replace(seconds=np.arange(9) / 64)
    path = trials.trial_path(tmp_path / "results" / "mosse", "birds", 2)
    write_trial(path, run)
    assert path.parts[-4:] == ("mosse", "baseline", "birds", "birds_002.txt")
    assert (path.parent / "birds_002_time.value").is_file()
    again = read_trial(path, 9)
    for one, other in zip(run, again, strict=True):
        np.testing.assert_allclose(one, other)
    assert find_trials(tmp_path / "results" / "mosse") == {"birds": [path]}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (LINES[:-1], "has 8 lines for 9 frames"),
        ([*LINES[:8], "nan,1,2,3"], "line 9: a number is not finite"),
        ([*LINES[:8], "NaN"], "line 9: 'NaN'; expected 0, 1, 2, a box"),
        ([*LINES[:8], "1,2,3"], "line 9: '1,2,3'; expected 0, 1, 2, a box"),
        ([*LINES[:8], "<b>1</b>"], "line 9: could not convert string to float"),
        (["1,2,3,4"] * 9, "line 1: no result of a reset-based experiment"),
        (["1", "2", "1,2,3,4", *["1,2,3,4"] * 6], "line 3: no result of a reset"),
        ([], "has 0 lines for 9 frames"),
    ],
)
def test_what_is_no_run_is_said_with_file_and_line(file, lines, message):
    path = file(lines)
    with pytest.raises(DataError) as error:
        read_trial(path, 9)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_bytes_that_are_no_text_and_damaged_times(tmp_path, file):
    path = file(LINES)
    (tmp_path / "birds_001_time.value").write_text("0.1\n0.2\n")
    assert np.isnan(read_trial(path).seconds).all()
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot read"):
        read_trial(path)
    with pytest.raises(DataError, match="cannot read"):
        read_trial(tmp_path / "nowhere.txt")


def test_the_codes_of_tracker_and_files_are_the_same():
    for name in ("TRACKED", "SKIPPED", "STARTED", "FAILED"):
        assert getattr(trials, name) == getattr(supervised, name)


def test_a_run_without_regions_is_written(tmp_path):
    blank = np.full((2, 4), np.nan)
    run = Trial(np.array([1, 2]), blank, np.zeros(2))
    write_trial(tmp_path / "a_001.txt", run)
    assert (tmp_path / "a_001.txt").read_text() == "1\n2\n"
