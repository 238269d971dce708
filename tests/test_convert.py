"""Checkpoints of PyTracking and torchvision to variables."""

import json

import numpy as np
import pytest
import torchfile
from recorded import w0
from torchfile import instance, save_stream, save_zip

from tirjax.convert.architectures import ARCHITECTURES, check, recognise, shapes
from tirjax.convert.pytorch import convert
from tirjax.convert.rename import to_variables
from tirjax.data.sequence import DataError

RECORDED = {"dimp18": "dimp18", "dimp50": "dimp50", "atom": "atom18"}


def constant(architecture):
    """A state dict that costs no space: every array is one number, repeated."""
    return {
        k: np.broadcast_to(np.float32(1), s) for k, s in shapes(architecture).items()
    }


def checkpoint(net, script="dimp18", **kwds):
    """What PyTracking puts around a network."""
    constructor = instance(
        "ltr.admin.model_constructor", "NetConstructor", fun_name="f", kwds=kwds
    )
    settings = instance("ltr.admin.settings", "Settings", script_name=script)
    return {
        "net": torchfile.tensors(net),
        "constructor": constructor,
        "settings": settings,
        "optimizer": {"state": {0: torchfile.Tensor(np.zeros(3))}},
    }


@pytest.mark.parametrize("architecture", RECORDED)
def test_shapes_are_the_published_ones(shared, architecture):
    name = f"{RECORDED[architecture]}_keys.json"
    table = json.loads((shared / "goldens" / "dimp" / name).read_text())
    run = {
        key: tuple(facts["shape"])
        for key, facts in table.items()
        if not key.startswith(("feature_extractor.layer4", "feature_extractor.fc"))
        and not key.endswith("num_batches_tracked")
    }
    assert shapes(architecture) == run


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_is_recognised(architecture):
    same_arrays = {"super_dimp": "dimp50"}
    state = constant(architecture)
    assert recognise(state) == same_arrays.get(architecture, architecture)
    check(state, architecture)


@pytest.mark.parametrize("save", [save_zip, save_stream])
def test_a_pytracking_file_becomes_the_same_variables(shared, tmp_path, save):
    net = w0(shared / "goldens" / "dimp" / "dimp18_keys.json")
    got = convert(save(tmp_path / "net.pth", checkpoint(net)))
    want, _ = to_variables(net, "dimp")
    assert got.architecture == "dimp18"
    assert got.beside == ("constructor", "settings", "optimizer")
    for part, name in (("backbone", "conv1"), ("iou_net", "iou_predictor")):
        np.testing.assert_array_equal(
            got.variables["params"][part][name]["kernel"],
            want["params"][part][name]["kernel"],
        )
    unused = {key.split(".")[1] for key in got.report.unused}
    assert unused == {"layer4", "fc"}


def resnet(tmp_path, name="resnet18.pth", **changes):
    state = {**constant("resnet18"), "fc.weight": np.zeros((5, 512), np.float32)}
    state = {k: v for k, v in (state | changes).items() if v is not None}
    return save_zip(tmp_path / name, torchfile.tensors(state))


def test_a_torchvision_resnet_is_a_backbone_alone(tmp_path):
    got = convert(resnet(tmp_path))
    assert got.architecture == "resnet18"
    assert got.variables["params"]["conv1"]["kernel"].shape == (7, 7, 3, 64)
    assert got.variables["batch_stats"]["layer3_1"]["bn2"]["var"].shape == (256,)
    assert got.report.unused == ("fc.weight",)


def test_a_network_of_a_data_parallel_run_loses_its_prefix(tmp_path):
    state = {f"module.{k}": v for k, v in constant("resnet18").items()}
    path = save_zip(tmp_path / "a.pth", {"state_dict": torchfile.tensors(state)})
    assert convert(path).architecture == "resnet18"


BROKEN = {
    "missing": {"layer2.0.conv1.weight": None},
    "another shape": {"layer2.0.conv1.weight": np.zeros((128, 64, 1, 1), np.float32)},
    "too many": {"layer3.2.conv1.weight": np.zeros((2, 2, 1, 1), np.float32)},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_network_that_does_not_fit_is_one_line(tmp_path, what):
    path = resnet(tmp_path, **BROKEN[what])
    with pytest.raises(DataError) as error:
        convert(path)
    text = str(error.value)
    key = next(iter(BROKEN[what]))
    assert all(word in text for word in (what, key, str(path), "--architecture"))
    assert "\n" not in text


def test_counters_of_batch_norms_may_be_missing_or_there(tmp_path):
    counter = {"bn1.num_batches_tracked": np.array(5)}
    got = convert(resnet(tmp_path, **counter))
    assert "bn1.num_batches_tracked" not in got.report.unused


@pytest.mark.parametrize(
    "facts, file, want",
    [
        ({"script": "super_dimp"}, "net.pth", "super_dimp"),
        ({"script": "dimp50"}, "super.pth", "dimp50"),
        ({"script": "mine", "init_gauss_sigma": 22 / 24}, "net.pth", "super_dimp"),
        ({"script": "mine", "init_gauss_sigma": 0.9}, "net.pth", "dimp50"),
        ({"script": "mine"}, "super_dimp.pth.tar", "super_dimp"),
        ({"script": "mine"}, "net.pth", "dimp50"),
    ],
)
def test_super_dimp_is_told_from_dimp50(tmp_path, monkeypatch, facts, file, want):
    # 170 MB of weights have no part in this.
    monkeypatch.setattr("tirjax.convert.architectures.check", lambda *_: None)
    few = ("feature_extractor.conv1.weight", "feature_extractor.layer1.0.conv3.weight")
    few += ("bb_regressor.iou_predictor.bias", "classifier.feature_extractor.0.weight")
    net = {key: np.zeros((1, 1, 1, 1), np.float32) for key in few}
    got = convert(save_zip(tmp_path / file, checkpoint(net, **facts)))
    assert got.architecture == want
    assert ("assumed" in got.reason) == (len(facts) == 1 and facts["script"] == "mine")


@pytest.mark.parametrize(
    "tree, word",
    [
        ([1, 2], "no state dict"),
        ({"epoch": 3}, "no state dict"),
        ({"net": instance("ltr.models", "DiMPnet", training=True)}, "whole module"),
        ({"update.0.weight": torchfile.Tensor(np.ones(2))}, "another network"),
    ],
)
def test_files_of_other_things_are_one_line(tmp_path, tree, word):
    path = save_zip(tmp_path / "a.pth", tree)
    with pytest.raises(DataError, match=word) as error:
        convert(path)
    assert str(path) in str(error.value)


def test_an_unknown_architecture_lists_the_known(tmp_path):
    with pytest.raises(DataError, match=r"prdimp.*super_dimp"):
        convert(tmp_path / "a.pth", "prdimp")


def test_asking_for_the_wrong_architecture_says_so(tmp_path):
    with pytest.raises(DataError, match="not resnet50"):
        convert(resnet(tmp_path), "resnet50")
