"""Reading the raw results of others."""

import numpy as np
import pytest

from tirjax.data.sequence import DataError
from tirjax.evaluation import PROTOCOLS, curves, read_results


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "crowd.txt").write_text("11,21,5,6\n12,21,5,6\n")
    (tmp_path / "bird.txt").write_text("1.5\t2.5\t3\t4\nNaN NaN NaN NaN\n")
    return tmp_path


def test_every_text_file_is_a_sequence(folder):
    found = read_results(folder, origin=1)
    assert list(found) == ["bird", "crowd"]
    np.testing.assert_array_equal(found["crowd"], [[10, 20, 5, 6], [11, 20, 5, 6]])
    np.testing.assert_array_equal(found["bird"][0], [0.5, 1.5, 3, 4])


def test_chosen_sequences_come_in_the_order_asked(folder):
    assert list(read_results(folder, ["crowd", "bird"], origin=0)) == ["crowd", "bird"]


def test_results_can_be_scored(folder):
    run = read_results(folder, ["crowd"], origin=1)["crowd"]
    truth = np.array([[10.0, 20, 5, 6], [10, 20, 5, 6]])
    assert curves(run, truth, PROTOCOLS["lsotb"]).precision[0] == 1


def test_missing_sequence_is_named(folder):
    with pytest.raises(DataError, match=r"lacks 1 of 2 sequences, such as car\.txt"):
        read_results(folder, ["bird", "car"], origin=1)


def test_folder_without_results_is_refused(tmp_path):
    with pytest.raises(DataError, match="lacks result files"):
        read_results(tmp_path, origin=1)
