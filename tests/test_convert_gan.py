"""Published generators and discriminators to variables, and back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torchfile
from recorded_gan import tables
from tirjax_train.__main__ import main
from torchfile import save_zip

from tirjax.checkpoints import load_variables, read_about
from tirjax.convert import gan
from tirjax.convert.gan_names import Network, shapes
from tirjax.convert.rename import COUNTER, leaves
from tirjax.data.sequence import DataError
from tirjax.translators import from_variables

KEY = jax.random.key(0)
RECORDED = {
    "unet_256_3to3_batch": "pix2pix_unet256",
    "unet_256_3to1_batch": "pix2pix_unet256",
    "unet_128_3to3_batch": "pix2pix_unet128",
    "unet_256_3to3_instance": "pix2pix_unet256",
    "resnet_9blocks_3to3_instance": "cyclegan_resnet9",
    "resnet_9blocks_3to3_instance_tracked": "cyclegan_resnet9_tracked",
    "resnet_9blocks_3to3_batch": "cyclegan_resnet9",
    "resnet_6blocks_3to3_instance": "cyclegan_resnet6",
    "basic_D_6ch_batch": "patch_gan3",
    "basic_D_4ch_batch": "patch_gan3",
    "basic_D_4ch_batch_sigmoid": "patch_gan3",
    "basic_D_3ch_instance": "patch_gan3",
}
SMALL = {
    "unet": Network("unet", 6, "batch", 3, 1, 2),
    "unet_bare": Network("unet", 5, "none", 3, 1, 2),
    "resnet": Network("resnet", 2, "instance", 3, 3, 2),
    "resnet_dropout": Network("resnet", 2, "batch", 3, 1, 2, dropout=True),
    "resnet_tracked": Network("resnet", 2, "instance_tracked", 3, 3, 2),
    "patch": Network("patch", 4, "batch", 4, 1, 2),
    "pixel": Network("pixel", 1, "batch", 4, 1, 2),
    "pixel_instance": Network("pixel", 1, "instance", 4, 1, 2),
}


def state_of(network, rng=None):
    """A state dict with counters; numbers are 1 unless drawn."""
    draw = rng.standard_normal if rng else lambda s: np.broadcast_to(1.0, s)
    state = {k: np.asarray(draw(s), np.float32) for k, s in shapes(network).items()}
    for key in [k for k in state if k.endswith("running_var")]:
        state[key.replace("running_var", COUNTER)] = np.zeros((), np.int64)
    return state


def describe(tree):
    return {path: leaf.shape for path, leaf in leaves(tree)}


@pytest.mark.parametrize("net", RECORDED)
def test_shapes_are_the_recorded_ones(shared, net):
    state = {k: np.broadcast_to(np.float32(1), s) for k, s in tables()[net].items()}
    _, network = gan._recognised(state)
    assert gan.name(network) == RECORDED[net]
    counted = {k: s for k, s in tables()[net].items() if not k.endswith(COUNTER)}
    assert shapes(network) == counted


def test_every_recorded_network_is_tested(shared):
    assert RECORDED.keys() == tables().keys()


@pytest.mark.parametrize("name", SMALL)
def test_there_and_back_is_the_same_state_dict(rng, name):
    state = state_of(SMALL[name], rng)
    got = gan.to_variables(state, tracked=True)
    assert got.network == SMALL[name]
    back = gan.to_state_dict(got.variables, got.network)
    assert back.keys() == state.keys()
    for key, value in state.items():
        np.testing.assert_array_equal(back[key], value)


@pytest.mark.parametrize("name", SMALL)
def test_converted_variables_are_those_of_our_network(name):
    got = gan.to_variables(state_of(SMALL[name]), tracked=True)
    side = 64 if got.network.family == "unet" else 32
    x = jnp.zeros((1, side, side, got.network.inputs))
    made = jax.eval_shape(from_variables(got.variables).init, KEY, x)
    assert describe(got.variables) == describe(made)


def test_layouts_are_exchanged(rng):
    state = state_of(SMALL["unet"], rng)
    params = gan.to_variables(state).variables["params"]
    inner = "model.model.1.model.3.model"
    down, up = state[f"{inner}.1.weight"], state[f"{inner}.5.weight"]
    assert params["down_2"]["kernel"][1, 2, 3, 4] == down[4, 3, 1, 2]
    assert params["up_2"]["kernel"][1, 2, 3, 4] == up[4, 3, 1, 2]


SPELLINGS = {
    "as they are": lambda k: k,
    "DataParallel": lambda k: f"module.{k}",
    "one model less": lambda k: k.removeprefix("model."),
    "one model more": lambda k: f"model.{k}",
    "module and less": lambda k: "module." + k.removeprefix("model."),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["unet", "resnet", "patch"])
def test_first_parts_of_names_may_be_missing_or_too_many(tmp_path, rng, name, spelling):
    state = state_of(SMALL[name], rng)
    other = {SPELLINGS[spelling](k): v for k, v in state.items()}
    path = save_zip(tmp_path / "net.pth", torchfile.tensors(other))
    want = gan.to_variables(state)
    assert gan.holds(path)
    got = gan.convert(path)
    assert got.report.unused == ()
    jax.tree.map(np.testing.assert_array_equal, got.variables, want.variables)


def test_a_wrapped_file_without_counters_is_read(tmp_path):
    state = {k: v for k, v in state_of(SMALL["patch"]).items() if COUNTER not in k}
    tree = {"state_dict": torchfile.tensors(state), "epoch": 25}
    got = gan.convert(save_zip(tmp_path / "net.pth", tree))
    assert got.architecture == "patch_gan4"
    assert "4 to 1 channels, norm batch" in got.reason


def test_tracked_statistics_of_instance_norms_are_dropped_unless_asked_for(tmp_path):
    state = state_of(SMALL["resnet_tracked"])
    path = save_zip(tmp_path / "net.pth", torchfile.tensors(state))
    dropped = gan.convert(path)
    assert dropped.architecture == "cyclegan_resnet2"
    assert dropped.variables["batch_stats"] == {}
    assert {k.rpartition(".")[2] for k in dropped.report.unused} == {
        "running_mean",
        "running_var",
    }
    kept = gan.convert(path, "cyclegan_resnet2_tracked")
    assert kept.report.unused == ()
    assert from_variables(kept.variables).kind == "instance_tracked"


BROKEN = {
    "missing": {"model.11.conv_block.5.weight": None},
    "of another shape": {"model.4.weight": np.zeros((4, 2, 5, 5), np.float32)},
    "too many": {"model.99.weight": np.zeros(1, np.float32)},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_network_that_does_not_fit_is_one_line(tmp_path, what):
    changed = state_of(SMALL["resnet"]) | BROKEN[what]
    state = {k: v for k, v in changed.items() if v is not None}
    path = save_zip(tmp_path / "a.pth", torchfile.tensors(state))
    with pytest.raises(DataError) as error:
        gan.convert(path)
    text = str(error.value)
    (key,) = BROKEN[what]
    assert all(word in text for word in (what, key, "cyclegan_resnet2", str(path)))
    assert "\n" not in text


def test_asking_for_another_network_names_what_is_there(tmp_path):
    state = torchfile.tensors(state_of(SMALL["resnet"]))
    path = save_zip(tmp_path / "a.pth", state)
    with pytest.raises(DataError, match="is a cyclegan_resnet2, not a pix2pix_unet256"):
        gan.convert(path, "pix2pix_unet256")


def test_other_networks_are_not_held(tmp_path):
    state = {"conv1.weight": np.zeros((2, 2, 1, 1), np.float32)}
    path = save_zip(tmp_path / "a.pth", torchfile.tensors(state))
    assert not gan.holds(path)
    with pytest.raises(DataError, match=r"not one of the translators.*conv1"):
        gan.convert(path)


def test_the_program_converts_and_the_checkpoint_runs(tmp_path, rng, capsys):
    state = state_of(SMALL["resnet"], rng)
    path = save_zip(tmp_path / "3_net_G_A.pth", torchfile.tensors(state))
    assert main(["convert", str(path), "--out", str(tmp_path / "net")]) == 0
    assert "cyclegan_resnet2" in capsys.readouterr().out
    assert read_about(tmp_path / "net")["architecture"] == "cyclegan_resnet2"
    want = gan.to_variables(state).variables
    got = load_variables(tmp_path / "net", want)
    jax.tree.map(np.testing.assert_array_equal, got["params"], want["params"])
