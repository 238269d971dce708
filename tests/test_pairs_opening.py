"""Several sets of pairs as one."""

import dataclasses

import cv2
import numpy as np
import pytest

from tirjax.data.pairs import rendered
from tirjax.data.pairs.opening import open_all
from tirjax.data.sequence import DataError


@pytest.fixture
def sets(tmp_path):
    """Two sets of two and three pairs; the level tells which is which."""
    for number, count in enumerate((2, 3)):
        for half, extra in (("vis", 0), ("ir", 100)):
            folder = tmp_path / str(number) / half
            folder.mkdir(parents=True)
            for i in range(count):
                level = 10 * number + i + extra
                cv2.imwrite(str(folder / f"{i}.png"), np.full((8, 8), level, np.uint8))
    return [f"two_folders={tmp_path / str(number)}" for number in (0, 1)]


def test_one_set_is_itself(sets):
    assert open_all(sets[:1]).names == ("0", "1")


def test_several_are_joined_in_order_under_names_of_their_own(sets):
    pairs = open_all(sets)
    assert len(pairs) == 5 and len(set(pairs.names)) == 5
    assert pairs.dataset == "two_folders+two_folders"
    levels = [int(pairs[i].thermal[0, 0, 0]) for i in range(5)]
    assert levels == [100, 101, 110, 111, 112]
    assert pairs.files(3)[1].read_bytes() and pairs.files(3)[0].parent.name == "vis"


def test_the_same_set_may_come_twice(sets):
    assert len(set(open_all([sets[0], sets[0]]).names)) == 4


@pytest.mark.parametrize("text", ["llvip", "=x", "llvip="])
def test_what_is_not_a_name_and_a_folder_is_an_error(text):
    with pytest.raises(DataError, match="write NAME=FOLDER"):
        open_all([text])


def test_pairs_are_rendered_by_number():
    two, three = open_all(["synthetic=2"]), open_all(["synthetic=3"])
    assert two.names == three.names[:2] and len(set(three.names)) == 3
    small = dataclasses.replace(rendered.WORLD, rows=64, cols=64, frames=8)
    pair, other = (rendered.rendered_pair(number, small) for number in (0, 1))
    again = rendered.rendered_pairs(2, small)[0]
    np.testing.assert_array_equal(again.visible, pair.visible)
    np.testing.assert_array_equal(again.thermal, pair.thermal)
    assert pair.visible.shape == (64, 64, 3) and pair.thermal.shape == (64, 64, 1)
    assert (pair.thermal != other.thermal).mean() > 0.5


@pytest.mark.parametrize("count", ["1", "-3", "many"])
def test_pairs_that_cannot_be_counted_are_an_error(count):
    with pytest.raises(DataError, match="a number of pairs"):
        open_all([f"synthetic={count}"])


def test_nothing_is_an_error():
    with pytest.raises(DataError, match="no set of pairs"):
        open_all([])
