"""Training sets as published or prepared, alone and mixed."""

import numpy as np
import pytest
from fabricated import fabricate

from tirjax.data.sequence import DataError
from tirjax.data.training import tfds
from tirjax.data.training.opening import Part, mixture, open_any
from tirjax.data.training.prepared import Prepared
from tirjax.data.training.sets import open_training_set


@pytest.fixture
def raw(tmp_path):
    fabricate("trackingnet", tmp_path / "raw")
    return tmp_path / "raw"


@pytest.fixture
def prepared(raw, tmp_path):
    """Only the first part of the set."""
    pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("array_record")
    data = open_training_set("trackingnet", raw, "0-3")
    about = {"dataset": "trackingnet", "cut": "0-3"}
    tfds.write(data, tmp_path / "out", "trackingnet", "0-3", about=about)
    return tmp_path / "out"


@pytest.mark.parametrize("inside", [".", "tirjax_*", "tirjax_*/1.0.0"])
def test_a_prepared_folder_stands_for_the_raw_one(raw, prepared, inside):
    (place,) = prepared.glob(inside) if inside != "." else [prepared]
    got = open_any("trackingnet", place, "0-3")
    want = open_any("trackingnet", str(raw), "0-3")
    assert isinstance(got, Prepared) and not isinstance(want, Prepared)
    assert got.names == want.names == ("abc-_0",)
    np.testing.assert_array_equal(got[0].boxes, want[0].boxes)
    np.testing.assert_array_equal(got[0].frames[7], want[0].frames[7])


def test_any_part_that_was_prepared_will_do_where_none_is_asked_for(prepared):
    assert len(open_any("trackingnet", prepared)) == 1


def test_what_was_prepared_otherwise_is_refused(prepared):
    with pytest.raises(DataError, match="prepared from trackingnet, not from lasot"):
        open_any("lasot", prepared)
    with pytest.raises(DataError, match=r"with cut 0-3; prepare .* --cut 0-11"):
        open_any("trackingnet", prepared, "0-11")


def test_a_folder_of_neither_kind_is_told_as_a_raw_one(tmp_path):
    with pytest.raises(DataError, match=r"nothing of coco in .*instances_train2017"):
        open_any("coco", tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        open_any("coco", tmp_path / "nowhere")


def test_a_mixture_has_the_sets_that_are_given(raw, tmp_path):
    fabricate("coco", tmp_path / "coco")
    parts = {
        "lasot": Part(None, 5.0),
        "trackingnet": Part(raw, 0.25, "0-3"),
        "coco": Part(tmp_path / "coco"),
    }
    mixed = mixture(parts)
    assert [data.name for data in mixed.datasets] == ["trackingnet", "coco"]
    assert mixed.shares == (0.2, 0.8)
    assert mixed.datasets[0].names == ("abc-_0",)


def test_a_mixture_of_nothing_names_the_flags():
    parts = {"lasot": Part(None), "hit_uav": Part(None)}
    with pytest.raises(DataError, match="one of --lasot DIR, --hit-uav DIR") as raised:
        mixture(parts)
    assert "\n" not in str(raised.value)
