"""Pix2pix against recorded losses and gradients, and what one update moves."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from gan_players import (
    BATCH,
    JUDGE,
    SIDE,
    UNET,
    WRITE_DOWN,
    assert_recorded,
    begin,
    norms,
    same,
    scenes,
    still,
)
from recorded_gan import FOLDER, image, translator

from tirjax.tasks.gan import Images, adam, first_player
from tirjax.tasks.gan_losses import absolute_error, adversarial
from tirjax.tasks.pix2pix import (
    PAPER,
    RELEASED,
    Pix2PixLosses,
    Pix2PixState,
    pix2pix_task,
)

KEY = jax.random.key(3)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["lsgan", "vanilla"])
def test_losses_and_gradients_are_the_recorded_ones(shared, mode):
    generator, painted = translator("unet_256_3to1_batch", "train")
    judge, judged = translator("basic_D_4ch_batch", "train")
    losses = Pix2PixLosses(mode)
    generator = generator.clone(dropout=0.0)
    task = pix2pix_task(generator, judge, WRITE_DOWN, 256, losses=losses)
    players = (first_player(r.variables, WRITE_DOWN) for r in (painted, judged))
    state = Pix2PixState(*players, jnp.int32(0))
    batch = Images(jnp.asarray(image(1, 3)), jnp.asarray(image(2, 1)))
    update = jax.jit(lambda state, batch: task.update(state, batch, KEY, same))
    after, metrics = update(state, batch)
    name = "pix2pix_bce" if mode == "vanilla" else "pix2pix_lsgan"
    recorded = json.loads((FOLDER / "train_losses.json").read_text())[name]
    for theirs, ours in {
        "loss_D_fake": "discriminator_fake",
        "loss_D_real": "discriminator_real",
        "loss_D": "discriminator",
        "loss_G_GAN": "generator_gan",
        "loss_G_L1_times_100": "generator_l1",
    }.items():
        np.testing.assert_allclose(metrics[ours], recorded[theirs], rtol=1e-5)
    # Of sums over 256 x 256 pixels in another order.
    for player, what, renamed in (
        (after.discriminator, "grad_norm_D", judged),
        (after.generator, "grad_norm_G", painted),
    ):
        assert_recorded(norms(player.optimizer, renamed), recorded[what], rtol=2e-3)


@pytest.fixture(scope="module")
def learning():
    task = pix2pix_task(UNET, JUDGE, adam(2e-3), SIDE, losses=PAPER)
    update = jax.jit(lambda state, batch, key: task.update(state, batch, key, same))
    return task, update, begin(task)


def test_an_update_moves_both_players_and_counts(learning):
    _, update, state = learning
    after, metrics = update(state, scenes(1), KEY)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert after.step == 1
    assert still(state.generator.params, after.generator.params) == []
    assert still(state.discriminator.params, after.discriminator.params) == []
    assert still(state.generator.stats, after.generator.stats) == []
    assert still(state.discriminator.stats, after.discriminator.stats) == []
    assert {m.shape for m in metrics.values()} == {()}
    total = metrics["generator_gan"] + metrics["generator_l1"]
    np.testing.assert_allclose(metrics["loss"], total, rtol=1e-6)


def test_variables_are_the_generators_alone(learning):
    task, _, state = learning
    made = jax.eval_shape(UNET.init, KEY, scenes(1).source)
    got = task.variables(state)
    describe = lambda tree: jax.tree.map(lambda x: x.shape, tree)
    assert describe(got) == describe(made)


def test_an_easy_mapping_is_learned(learning):
    _, update, state = learning
    first = None
    for key in jax.random.split(KEY, 40):
        state, metrics = update(state, scenes(1), key)
        first = first or float(metrics["generator_l1"])
    assert metrics["generator_l1"] < 0.6 * first


def test_the_preview_is_source_target_and_translation(learning):
    task, _, state = learning
    seen = jax.jit(task.preview)(task.variables(state), scenes(1)).pixels
    assert seen.shape == (2, 3, SIDE, SIDE, 3)
    assert seen.min() >= 0 and seen.max() <= 255
    for place, images in enumerate(scenes(1)):
        want = np.broadcast_to((images + 1) / 2 * 255, seen[:, place].shape)
        np.testing.assert_allclose(seen[:, place], want, atol=1e-3)


@pytest.mark.slow
def test_the_generator_moves_against_the_new_discriminator(learning):
    """A step written out: discriminator first, then the generator."""
    rate, losses, batch = 0.05, Pix2PixLosses("lsgan", 3.0), scenes(1)
    sgd = optax.sgd(rate)
    task = pix2pix_task(UNET, JUDGE, sgd, SIDE, losses=losses)
    players = (first_player(player.variables, sgd) for player in learning[2][:2])
    state = Pix2PixState(*players, jnp.int32(0))

    def outputs(g, d, target=None):
        fake, _ = UNET.apply(
            {"params": g, "batch_stats": state.generator.stats},
            batch.source,
            mutable=["batch_stats"],
        )
        shown = fake if target is None else target
        verdict, _ = JUDGE.apply(
            {"params": d, "batch_stats": state.discriminator.stats},
            jnp.concatenate([batch.source, shown], -1),
            mutable=["batch_stats"],
        )
        return fake, verdict

    def judge_loss(d, g):
        fake = adversarial(outputs(g, d)[1], False, "lsgan")
        real = adversarial(outputs(g, d, batch.target)[1], True, "lsgan")
        return 0.5 * (fake + real)

    def loss(g, d):
        fake, verdict = outputs(g, d)
        near = 3 * absolute_error(fake, batch.target)
        return adversarial(verdict, True, "lsgan") + near

    @jax.jit
    def by_hand(g, d):
        down = lambda old, slope: jax.tree.map(lambda a, b: a - rate * b, old, slope)
        d = down(d, jax.grad(judge_loss)(d, g))
        return down(g, jax.grad(loss)(g, d)), d

    want = by_hand(state.generator.params, state.discriminator.params)
    after, _ = jax.jit(lambda s: task.update(s, batch, KEY, same))(state)
    got = after.generator.params, after.discriminator.params
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)
    jax.tree.map(close, got, want)


def test_a_critic_learns_too():
    losses = Pix2PixLosses("wgangp")
    task = pix2pix_task(UNET, JUDGE, adam(), SIDE, losses=losses)
    update = jax.eval_shape(
        lambda key: task.update(task.init(key), scenes(1), key, same), KEY
    )
    assert update[1]["discriminator"].shape == ()


def test_the_released_command_gave_the_l1_loss_a_weight_of_ten():
    assert (PAPER.l1, RELEASED.l1) == (100, 10)
    assert PAPER.mode == RELEASED.mode == "vanilla"
    assert UNET.norm == BATCH
