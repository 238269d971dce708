"""Losses, gradients and running statistics against a recorded step of the original.

In float64: with batch statistics the original's own float32 and float64 gradients
differ by up to a hundredth.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import AS_FOR_USERS
from recorded import GOLDENS
from recorded_nets import load, variables

from tirjax.backbones.norm import FROZEN, Norm
from tirjax.convert.rename import to_state_dict
from tirjax.data.training.samples import Examples
from tirjax.heads.networks import atom_net, dimp_net
from tirjax.tasks import atom, dimp, losses

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SLOW = pytest.mark.slow  # a minute each
CASES = [
    pytest.param(("dimp18", "eval"), marks=SLOW),
    ("dimp18", "train"),
    pytest.param(("dimp50", "eval"), marks=SLOW),
    pytest.param(("dimp50", "train"), marks=SLOW),
    ("atom18", "eval"),
    ("atom18", "train"),
]


def batch_of(net, recorded):
    """Input rule B, sequences first; images as pixels before normalisation."""
    train, test = (1, 1) if net == "atom18" else (3, 3)
    rng = np.random.default_rng(0)
    count = 2 * (train + test)
    coarse = rng.standard_normal((count, 3, 36, 36))
    fine = rng.standard_normal((count, 3, 288, 288))
    images = (coarse.repeat(8, -1).repeat(8, -2) + 0.25 * fine).astype(np.float32)
    pixels = (np.moveaxis(images, 1, -1) * STD + MEAN) * 255
    pixels = pixels.reshape(-1, 2, *pixels.shape[1:])
    given = lambda name: recorded[f"in/{name}"].astype(np.float64)
    nothing = np.zeros_like(given("proposal_iou"))
    frames_first = Examples(
        train=pixels[:train],
        train_boxes=given("train_anno"),
        test=pixels[train:],
        test_boxes=given("test_anno"),
        labels=given("test_label"),
        proposals=given("test_proposals"),
        overlaps=(given("proposal_iou") + 1) / 2,
        log_density=nothing,
        target_density=nothing,
    )
    return jax.tree.map(lambda x: np.swapaxes(x, 0, 1), frames_first)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case))
def step(request):
    """``(recorded arrays, recorded facts, loss, parts, gradients, statistics)``."""
    net, mode = request.param
    recorded = load(f"{net}_train_{mode}")
    facts = json.loads((GOLDENS / "dimp/train_meta.json").read_text())[f"{net}_{mode}"]
    norm = Norm(batch=True) if mode == "train" else FROZEN

    def objective(params, stats, batch):
        tree = {"params": params, "batch_stats": stats}
        if net == "atom18":
            overlaps, moved = atom.forward(atom_net(norm=norm), tree, batch)
            error = losses.overlap_error(overlaps, batch.overlaps)
            return error, ({"loss_boxes": error}, moved)
        outputs = dimp.forward(dimp_net(int(net[4:]), norm=norm), tree, batch, 5)
        value, parts = dimp.loss(outputs, batch)
        return value, (parts, outputs.stats)

    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), variables(net))
        run = jax.jit(
            jax.value_and_grad(objective, has_aux=True), compiler_options=AS_FOR_USERS
        )
        (value, (parts, stats)), gradients = run(
            wide["params"], wide["batch_stats"], batch_of(net, recorded)
        )
        state = {"params": gradients, "batch_stats": stats}
        named = to_state_dict(jax.device_get(state), net.rstrip("0123456789"))
    return recorded, facts, float(value), jax.device_get(parts), named


def test_losses_equal_the_recorded_ones(step):
    _, facts, value, parts, _ = step
    expected = facts["stats_f64"]
    names = {
        "loss_boxes": "Loss/iou",
        "loss_final": "Loss/target_clf",
        "loss_first": "Loss/test_init_clf",
        "loss_between": "Loss/test_iter_clf",
    }
    assert value == pytest.approx(expected["Loss/total"], rel=1e-6)
    for ours, part in parts.items():
        assert part == pytest.approx(expected[names[ours]], rel=1e-5)


def test_gradient_norms_equal_the_recorded_ones(step):
    _, facts, _, _, named = step
    norms = {k: v for k, v in facts["grad_norms"].items() if k in named}
    assert len(norms) > 90
    for key, expected in norms.items():
        got = np.linalg.norm(named[key])
        # What the record calls zero is small beside the others, and not always nothing.
        if expected is None or expected < 1e-6:
            assert got < 1e-6, key
        else:
            assert got == pytest.approx(expected, rel=1e-4), key


def test_gradients_equal_the_recorded_slices(step):
    recorded, facts, _, _, named = step
    slices = [k for k in recorded if k.startswith("grad/")]
    assert slices
    # The slices are float32, which costs as much as it does the norms.
    noise = {
        k: abs(v / facts["grad_norms"][k] - 1) if facts["grad_norms"][k] else 0
        for k, v in facts["grad_norms_f32"].items()
        if v is not None
    }
    for name in slices:
        key, expected = name.removeprefix("grad/"), recorded[name]
        got = named[key].reshape(named[key].shape)
        got = got[tuple(slice(n) for n in expected.shape)].reshape(expected.shape)
        if key not in facts["zero_grad_keys"]:
            allowed = (1e-3 + 30 * noise.get(key, 0)) * np.abs(expected).max()
            np.testing.assert_allclose(got, expected, rtol=0, atol=allowed)


def test_running_statistics_move_as_recorded(step):
    recorded, facts, _, _, named = step
    # Recorded in single precision, which costs DiMP-50 four times what it costs others.
    norms, single = facts["grad_norms"], facts["grad_norms_f32"]
    large = [k for k, v in norms.items() if v is not None and v > 1e-6]
    cost = max(abs(single[k] / norms[k] - 1) for k in large)
    near = 2e-5 * max(1, cost / 0.003)
    for name in (k for k in recorded if k.startswith("after/")):
        got = named[name.removeprefix("after/")]
        np.testing.assert_allclose(got, recorded[name], rtol=near, atol=near)
