"""A training set that is rendered, and sets whose folder is not said."""

import pytest

from tirjax.data.sequence import DataError
from tirjax.data.training.sets import RENDERED, RENDERED_COUNT, open_training_set


def test_colour_clips_are_rendered_by_number():
    two, three = (open_training_set(RENDERED, None, cut) for cut in ("2", "3"))
    assert two.names == three.names[:2] and len(set(three.names)) == 3
    assert len(open_training_set(RENDERED, None)) == RENDERED_COUNT
    for cut in ("0", "many"):
        with pytest.raises(DataError, match="a number of sequences"):
            open_training_set(RENDERED, None, cut)


def test_a_set_without_its_folder_is_an_error():
    with pytest.raises(DataError, match="where is got10k"):
        open_training_set("got10k", None)
