"""Generators from files, checkpoints and runs."""

import numpy as np
import pytest
import torchfile
from test_convert_gan import SMALL, state_of
from tirjax_train.generators import digest, open_generator

from tirjax.checkpoints import save_variables
from tirjax.convert import gan
from tirjax.data.sequence import DataError
from tirjax.translators import ResNetGenerator, UNet

STATES = ("unet", "resnet", "resnet_tracked")


@pytest.mark.parametrize("name", STATES)
def test_a_file_and_its_converted_checkpoint_are_the_same(tmp_path, rng, name):
    state = state_of(SMALL[name], rng)
    path = torchfile.save_zip(tmp_path / "net.pth", torchfile.tensors(state))
    got = gan.convert(path)
    save_variables(tmp_path / "net", got.variables, {"architecture": got.architecture})
    first, second = open_generator(path), open_generator(tmp_path / "net")
    assert first.about["sha256_of_variables"] == second.about["sha256_of_variables"]
    assert first.net == second.net and first.inputs == 3
    assert isinstance(first.net, UNet if name == "unet" else ResNetGenerator)
    assert second.about["origin"]["architecture"] == got.architecture


@pytest.mark.parametrize("running", [False, True])
def test_statistics_are_those_of_the_image_unless_asked(tmp_path, rng, running):
    state = state_of(SMALL["unet"], rng)
    path = torchfile.save_zip(tmp_path / "net.pth", torchfile.tensors(state))
    assert open_generator(path, None, running).net.norm.batch is not running


def test_a_run_of_cyclegan_has_two(tmp_path, rng):
    draws = {w: gan.to_variables(state_of(SMALL["resnet"], rng)) for w in "ab"}
    ways = dict(zip(("forward", "backward"), draws.values(), strict=True))
    both = {
        part: {way: got.variables[part] for way, got in ways.items()}
        for part in ("params", "batch_stats")
    }
    save_variables(tmp_path / "net", both, {"architecture": "cyclegan", "step": 7})
    for way, got in ways.items():
        found = open_generator(tmp_path / "net", way)
        assert found.about["sha256_of_variables"] == digest(got.variables)
        assert found.about["origin"]["step"] == 7
    default = open_generator(tmp_path / "net")
    assert default.about == open_generator(tmp_path / "net", "forward").about


def test_what_is_no_generator_is_one_line(tmp_path, rng):
    state = torchfile.tensors(state_of(SMALL["patch"], rng))
    path = torchfile.save_zip(tmp_path / "net.pth", state)
    with pytest.raises(DataError, match="holds patch_gan4, no generator"):
        open_generator(path)
    with pytest.raises(DataError, match="no checkpoint"):
        open_generator(tmp_path / "nowhere")
    state = torchfile.tensors(state_of(SMALL["unet"], rng))
    path = torchfile.save_zip(tmp_path / "u.pth", state)
    with pytest.raises(DataError, match=r"has one generator.*--direction"):
        open_generator(path, "backward")


def test_the_fingerprint_sees_values_and_names():
    one = {"params": {"a": np.zeros(3), "b": np.ones(3)}}
    other = {"params": {"a": np.ones(3), "b": np.zeros(3)}}
    renamed = {"params": {"c": np.zeros(3), "b": np.ones(3)}}
    again = {"params": {"b": np.ones(3), "a": np.zeros(3)}}
    assert len({digest(tree) for tree in (one, other, renamed)}) == 3
    assert digest(one) == digest(again)
