"""PyTorch's names and layouts to Flax's."""

import hashlib
import json

import numpy as np
import pytest
from recorded import GOLDENS, w0, w1

from tirjax.convert.rename import to_state_dict, to_variables

NETS = ["dimp18", "dimp50", "atom18"]


@pytest.mark.parametrize("net", NETS)
def test_rebuilt_weights_have_the_recorded_hashes(shared, net):
    weights = w0(shared / "goldens" / "dimp" / f"{net}_keys.json")
    check = json.loads(
        (shared / "goldens" / "dimp" / f"{net}_weight_check.json").read_text()
    )
    assert len(check) > 150
    for key, facts in check.items():
        digest = hashlib.sha256(weights[key].tobytes()).hexdigest()
        assert digest[:16] == facts["sha256_16"], key


def test_w1_changes_only_what_the_override_names(shared):
    before, after = w0(GOLDENS / "dimp" / "dimp18_keys.json"), w1("dimp18")
    changed = {k for k in before if not np.array_equal(before[k], after[k])}
    with np.load(GOLDENS / "tracker" / "w1_override_dimp18.npz") as override:
        assert changed == set(override.files)


@pytest.mark.parametrize("net", NETS)
def test_a_state_dict_survives_there_and_back(shared, net):
    before = w0(shared / "goldens" / "dimp" / f"{net}_keys.json")
    family = "atom" if net == "atom18" else "dimp"
    variables, report = to_variables(before, family)
    after = to_state_dict(variables, family)
    counters = {k for k in before if k.endswith("num_batches_tracked")}
    counters -= {k for k in counters if ".layer4." in k}
    assert set(after) == set(report.mapped) | counters
    for key, value in after.items():
        np.testing.assert_array_equal(value, before[key], err_msg=key)
        assert value.dtype == before[key].dtype


def test_what_is_never_run_is_reported_as_unused(shared):
    weights = w0(shared / "goldens" / "dimp" / "dimp18_keys.json")
    _, report = to_variables(weights, "dimp")
    assert {k.split(".")[1] for k in report.unused} == {"layer4", "fc"}
    assert not set(report.unused) & set(report.mapped)


def test_numbers_are_glued_to_the_name_before_them():
    weight = np.zeros((8, 4, 3, 3), np.float32)
    norm = np.ones(8, np.float32)
    variables, _ = to_variables(
        {
            "feature_extractor.layer1.0.downsample.0.weight": weight,
            "feature_extractor.layer1.0.downsample.1.weight": norm,
            "feature_extractor.layer1.0.downsample.1.running_mean": norm,
            "bb_regressor.conv3_1r.0.bias": norm,
        },
        "dimp",
    )
    block = variables["params"]["backbone"]["layer1_0"]
    assert block["downsample_0"]["kernel"].shape == (3, 3, 4, 8)
    assert list(block["downsample_1"]) == ["scale"]
    assert list(variables["params"]["iou_net"]) == ["conv3_1r_0"]
    mean = variables["batch_stats"]["backbone"]["layer1_0"]["downsample_1"]
    assert list(mean) == ["mean"]


def test_a_pooled_linear_layer_gives_the_same_sum_with_channels_last(rng):
    weight = rng.standard_normal((7, 4 * 5 * 5)).astype(np.float32)
    features = rng.standard_normal((4, 5, 5)).astype(np.float32)
    key = "bb_regressor.fc3_rt.linear.weight"
    variables, _ = to_variables({key: weight}, "dimp")
    kernel = variables["params"]["iou_net"]["fc3_rt"]["linear"]["kernel"]
    got = features.transpose(1, 2, 0).ravel() @ kernel
    np.testing.assert_allclose(got, weight @ features.ravel(), atol=1e-5)


def test_a_bare_backbone_has_no_prefix():
    weight = np.zeros((64, 3, 7, 7), np.float32)
    variables, report = to_variables(
        {"conv1.weight": weight, "fc.bias": weight}, "resnet"
    )
    assert variables["params"]["conv1"]["kernel"].shape == (7, 7, 3, 64)
    assert report.unused == ("fc.bias",)
