"""CycleGAN against recorded losses and gradients, and what one update moves."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gan_players import (
    JUDGE,
    RESNET,
    SIDE,
    WRITE_DOWN,
    assert_recorded,
    begin,
    norms,
    same,
    scenes,
    still,
)
from recorded_gan import FOLDER, image, translator

from tirjax.data.sequence import DataError
from tirjax.tasks.cyclegan import (
    WAYS,
    CycleGANLosses,
    CycleGANState,
    cyclegan_task,
    one_way,
)
from tirjax.tasks.gan import Images, adam, first_player
from tirjax.tasks.image_pool import empty_pool

KEY = jax.random.key(3)


@pytest.mark.slow
def test_losses_and_gradients_are_the_recorded_ones(shared):
    generator, painted = translator("resnet_6blocks_3to3_instance", "train")
    judge, judged = translator("basic_D_3ch_instance", "train")
    task = cyclegan_task(generator, judge, WRITE_DOWN, 256, pool=0)
    pair = lambda tree: {"forward": tree, "backward": jax.tree.map(weaker, tree)}
    weaker = lambda x: np.float32(0.9 * x.astype(np.float64))
    generators = {k: pair(v) for k, v in painted.variables.items()}
    judges = pair(judged.variables)
    state = CycleGANState(
        first_player(generators, WRITE_DOWN),
        {way: first_player(judges[way], WRITE_DOWN) for way in WAYS},
        {way: empty_pool(0, (256, 256, 3)) for way in WAYS},
        jnp.int32(0),
    )
    batch = Images(jnp.asarray(image(1, 3)), jnp.asarray(image(2, 3)))
    update = jax.jit(lambda state, batch: task.update(state, batch, KEY, same))
    after, metrics = update(state, batch)
    recorded = json.loads((FOLDER / "train_losses.json").read_text())
    recorded = recorded["cyclegan_resnet6"]
    for theirs, ours in {
        "loss_idt_A": "generator_identity_target",
        "loss_idt_B": "generator_identity_source",
        "loss_G_A": "generator_gan_forward",
        "loss_G_B": "generator_gan_backward",
        "loss_cycle_A": "generator_cycle_source",
        "loss_cycle_B": "generator_cycle_target",
        "loss_G_total": "loss",
        "loss_D_A": "discriminator_forward",
        "loss_D_B": "discriminator_backward",
    }.items():
        np.testing.assert_allclose(metrics[ours], recorded[theirs], rtol=1e-5)
    # Biases before an instance norm have no slope but noise.
    significant = lambda slopes: {k: v for k, v in slopes.items() if v > 1e-2}
    for way, what in (("forward", "grad_norm_G_A"), ("backward", "grad_norm_G_B")):
        found = norms(after.generators.optimizer[way], painted)
        assert_recorded(found, significant(recorded[what]), rtol=2e-3)


@pytest.fixture(scope="module")
def learning():
    losses = CycleGANLosses()
    task = cyclegan_task(RESNET, JUDGE, adam(2e-3), SIDE, losses=losses, pool=3)
    update = jax.jit(lambda state, batch, key: task.update(state, batch, key, same))
    return task, update, begin(task)


def test_an_update_moves_all_four_networks_and_counts(learning):
    _, update, state = learning
    after, metrics = update(state, scenes(3), KEY)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert after.step == 1
    # Biases before an instance norm have no slope but noise.
    quiet = still(state.generators.params, after.generators.params)
    assert [name for name in quiet if "kernel" in name] == []
    for way in WAYS:
        before, moved = state.judges[way], after.judges[way]
        assert still(before.params, moved.params) == []
        assert still(before.stats, moved.stats) == []
        assert after.pools[way].count == 2
    assert {m.shape for m in metrics.values()} == {()}
    terms = [v for k, v in metrics.items() if k.startswith("generator_")]
    assert len(terms) == 6
    np.testing.assert_allclose(metrics["loss"], sum(terms), rtol=1e-5)


def test_variables_are_those_of_both_generators(learning):
    task, _, state = learning
    both = task.variables(state)
    made = jax.eval_shape(RESNET.init, KEY, scenes(3).source)
    describe = lambda tree: jax.tree.map(lambda x: x.shape, tree)
    for way in WAYS:
        assert describe(one_way(both, way)["params"]) == describe(made["params"])
    a, b = (one_way(both, way)["params"]["stem"]["kernel"] for way in WAYS)
    assert not np.allclose(a, b)


def test_an_easy_mapping_is_learned(learning):
    _, update, state = learning
    first = None
    for key in jax.random.split(KEY, 30):
        state, metrics = update(state, scenes(3), key)
        first = first or float(metrics["generator_cycle_source"])
    assert metrics["generator_cycle_source"] < 0.7 * first
    assert state.pools["forward"].count == 3


def test_the_preview_shows_both_ways(learning):
    task, _, state = learning
    seen = jax.jit(task.preview)(task.variables(state), scenes(3)).pixels
    assert seen.shape == (2, 6, SIDE, SIDE, 3)
    for place, images in zip((0, 3), scenes(3), strict=True):
        want = (images + 1) / 2 * 255
        np.testing.assert_allclose(seen[:, place], want, atol=1e-3)


def test_domains_of_other_channels_have_no_identity_loss():
    grey = RESNET.clone(outputs=1)
    with pytest.raises(DataError, match="identity"):
        cyclegan_task(grey, JUDGE, adam(), SIDE)
    losses = CycleGANLosses(identity=0.0)
    task = cyclegan_task(grey, JUDGE, adam(), SIDE, losses=losses)
    _, metrics = jax.eval_shape(
        lambda key: task.update(task.init(key), scenes(1), key, same), KEY
    )
    assert not [name for name in metrics if "identity" in name]


@pytest.mark.slow
def test_a_critic_learns_too():
    losses = CycleGANLosses("wgangp")
    task = cyclegan_task(RESNET, JUDGE, adam(), SIDE, losses=losses)
    _, metrics = jax.eval_shape(
        lambda key: task.update(task.init(key), scenes(3), key, same), KEY
    )
    assert metrics["discriminator_forward"].shape == ()
