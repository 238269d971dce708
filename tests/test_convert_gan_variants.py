"""Old and unusual files of generators and discriminators; published sizes by names."""

import jax
import numpy as np
import pytest
import torchfile
from test_convert_gan import state_of

from tirjax.convert import gan
from tirjax.convert.gan_names import Network, shapes
from tirjax.convert.rename import COUNTER, STATISTICS
from tirjax.data.sequence import DataError
from tirjax.translators import from_variables

PUBLISHED = {
    Network("unet", 8, "batch", 3, 1, 64): 54_409_857,
    Network("unet", 8, "batch", 3, 3, 64): 54_413_955,
    Network("unet", 7, "batch", 3, 3, 64): 41_828_995,
    Network("unet", 7, "batch", 3, 1, 64): 41_824_897,
    Network("unet", 8, "instance", 3, 1, 64): 54_405_505,
    Network("resnet", 9, "instance", 3, 3, 64): 11_378_179,
    Network("resnet", 6, "instance", 3, 3, 64): 7_837_699,
    Network("resnet", 9, "batch", 3, 3, 64): 11_383_427,
    Network("resnet", 9, "instance", 3, 1, 64): 11_371_905,
    Network("patch", 3, "batch", 4, 1, 64): 2_766_657,
    Network("patch", 3, "batch", 6, 1, 64): 2_768_705,
    Network("patch", 3, "instance", 3, 1, 64): 2_764_737,
    Network("patch", 3, "instance", 1, 1, 64): 2_762_689,
}
OLD = {
    "unet": Network("unet", 6, "instance", 3, 3, 2),
    "resnet": Network("resnet", 2, "instance", 3, 3, 2),
    "resnet_dropout": Network("resnet", 2, "instance", 3, 3, 2, dropout=True),
    "patch": Network("patch", 3, "instance", 3, 1, 2),
    "pixel": Network("pixel", 1, "instance", 3, 1, 2),
}


def tracked(network):
    return network._replace(norm="instance_tracked")


@pytest.mark.parametrize("network", PUBLISHED, ids=gan.name)
def test_files_hold_as_many_parameters_as_published(network):
    learned = {
        key: shape
        for key, shape in shapes(network).items()
        if key.rpartition(".")[2] not in STATISTICS
    }
    assert sum(int(np.prod(shape)) for shape in learned.values()) == PUBLISHED[network]


@pytest.mark.parametrize("name", OLD)
def test_tracked_instance_norms_go_there_and_back(rng, name):
    """Files of early 2018 hold running statistics of norms without weights."""
    state = state_of(tracked(OLD[name]), rng)
    kept = gan.to_variables(state, tracked=True)
    assert kept.network == tracked(OLD[name]) and kept.report.unused == ()
    assert from_variables(kept.variables).kind == "instance_tracked"
    back = gan.to_state_dict(kept.variables, kept.network)
    assert back.keys() == state.keys()
    jax.tree.map(np.testing.assert_array_equal, back, state)


@pytest.mark.parametrize("name", OLD)
def test_without_them_it_is_the_file_of_today(rng, name):
    state = state_of(tracked(OLD[name]), rng)
    dropped = gan.to_variables(state)
    assert dropped.network == OLD[name]
    today = gan.to_state_dict(dropped.variables, dropped.network)
    assert today.keys() == shapes(OLD[name]).keys()
    for key, value in today.items():
        np.testing.assert_array_equal(value, state[key])
    assert len(dropped.report.unused) == len(state) - len(today) - sum(
        key.endswith(COUNTER) for key in state
    )


@pytest.mark.parametrize("name", [*OLD, "unet_batch", "resnet_batch"])
def test_counters_may_be_missing(rng, name):
    """They came with PyTorch 0.4.1."""
    network = OLD[name.removesuffix("_batch")]
    network = network._replace(norm="batch") if "batch" in name else tracked(network)
    state = state_of(network, rng)
    bare = {key: value for key, value in state.items() if not key.endswith(COUNTER)}
    want, got = (gan.to_variables(s, tracked=True) for s in (state, bare))
    assert got.network == want.network == network
    jax.tree.map(np.testing.assert_array_equal, got.variables, want.variables)


@pytest.mark.parametrize("name", OLD)
def test_all_variants_at_once(tmp_path, rng, name):
    """DataParallel, a wrapper, tracked statistics, no counters."""
    state = state_of(tracked(OLD[name]), rng)
    bare = {f"module.{k}": v for k, v in state.items() if not k.endswith(COUNTER)}
    tree = {"state_dict": torchfile.tensors(bare), "epoch": 3}
    path = torchfile.save_zip(tmp_path / "3_net_G_A.pth", tree)
    got = gan.convert(path)
    want = gan.to_variables(state)
    assert got.architecture == gan.name(OLD[name])
    jax.tree.map(np.testing.assert_array_equal, got.variables, want.variables)


def test_one_channel_is_read_off_the_released_shape(rng):
    """``model.model.3.weight`` is [128, 1, 4, 4] there; users expected 3 channels."""
    state = state_of(Network("unet", 6, "batch", 3, 1, 4), rng)
    assert state["model.model.3.weight"].shape == (8, 1, 4, 4)
    assert gan.to_variables(state).network.outputs == 1


def test_another_family_is_named(tmp_path, rng):
    state = state_of(OLD["resnet"], rng)
    path = torchfile.save_zip(tmp_path / "a.pth", torchfile.tensors(state))
    with pytest.raises(DataError, match="is a cyclegan_resnet2, not a pix2pix_unet"):
        gan.convert(path, "pix2pix_unet256")
