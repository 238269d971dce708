"""Weights on the command line: whose they are, and what is said when they are not."""

import jax
import numpy as np
import pytest
import recorded
from tirjax_track import weights
from tirjax_track.__main__ import main

from tirjax.backbones.conv import COLLECTION
from tirjax.checkpoints import save_variables
from tirjax.convert.rename import to_variables
from tirjax.data import DataError


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    if not recorded.GOLDENS.is_dir():
        pytest.skip(f"no reference data at {recorded.SHARED}; set TIRJAX_SHARED")
    path = tmp_path_factory.mktemp("weights") / "dimp18"
    variables, _ = to_variables(recorded.w1("dimp18"), "dimp")
    save_variables(path, variables, {"architecture": "dimp18", "sha256": "abc"})
    return path


@pytest.mark.parametrize("text", ["{}", "dimp18={}"])
def test_weights_reach_their_tracker(checkpoint, text):
    loaded = weights.load(["mosse", "dimp18"], [text.format(checkpoint)])
    assert loaded["mosse"] == ((), "")
    assert loaded["dimp18"].origin == "abc"
    kernel = loaded["dimp18"].params["params"]["backbone"]["conv1"]["kernel"]
    expected = recorded.w1("dimp18")["feature_extractor.conv1.weight"]
    np.testing.assert_array_equal(kernel, expected.transpose(2, 3, 1, 0))


def test_a_processor_gets_transformed_weights_and_a_file_plain_ones(checkpoint):
    fast = weights.load(["dimp18"], [str(checkpoint)])["dimp18"]
    plain = weights.load(["dimp18"], [str(checkpoint)], plain=True)["dimp18"]
    added = set(fast.params) - set(plain.params)
    assert added == ({COLLECTION} if jax.default_backend() == "cpu" else set())
    assert fast.origin == plain.origin


def test_weights_of_another_network_are_refused(checkpoint):
    with pytest.raises(DataError, match="holds another network"):
        weights.load(["dimp50"], [str(checkpoint)])


@pytest.mark.parametrize(
    ("names", "texts", "message"),
    [
        (["dimp18"], [], "dimp18 has a network: give --weights"),
        (["mosse"], ["somewhere"], "none of the trackers takes any"),
        (["dimp18"], ["atom=somewhere"], "--weights for atom"),
        (["dimp18"], ["nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(names, texts, message):
    with pytest.raises(DataError, match=message) as error:
        weights.load(names, texts)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_recorded_clip_is_followed_from_the_command_line(
    checkpoint, shared, tmp_path, capsys
):
    source = str(shared / "data" / "tir_horse")
    chosen = ["--tracker", "dimp18", "--weights", str(checkpoint)]
    assert main(["run", source, *chosen, "--out", str(tmp_path), "--no-cache"]) == 0
    assert "dimp18" in capsys.readouterr().out
    boxes = np.loadtxt(tmp_path / "dimp18.txt", delimiter=",")
    assert boxes.shape == (348, 4) and np.isfinite(boxes).all()
