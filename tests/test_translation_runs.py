"""Runs of pix2pix and CycleGAN: settings, halves, starts, and a short training."""

import functools
import json

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from config_data import FILES, shape_of

from tirjax.checkpoints import load_variables, save_variables
from tirjax.data.sequence import DataError
from tirjax.data.training.image_sets import Aligned, Unaligned
from tirjax.tasks.cyclegan import one_way
from tirjax.tasks.translation import beginning_with, open_divided, pause
from tirjax.translators import ResNetGenerator, UNet, from_variables
from train import configs
from train.__main__ import main

SMALL = ["--side", "32", "--width", "4", "--generator", "resnet_6blocks"]
COUNT = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pairs whose thermal half is the negative of the visible one."""
    root, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(3)
    for half in ("visible", "infrared"):
        (root / half).mkdir()
    for i in range(COUNT):
        coarse = rng.integers(0, 256, (5, 6)).astype(np.uint8)
        image = cv2.resize(coarse, (48, 40))
        cv2.imwrite(str(root / f"visible/{i}.png"), image)
        cv2.imwrite(str(root / f"infrared/{i}.png"), 255 - image)
    return root


@pytest.fixture(scope="module")
def read(folder):
    def call(name, *flags):
        sets = ["--pairs", f"two_folders={folder}"]
        return configs.read(FILES[name], [*sets, *SMALL, *flags])[0]

    return call


def update_shapes(run):
    """State before and after an update, and its metrics; nothing is computed."""
    key = jax.random.key(0)
    state = jax.eval_shape(run.task.init, key)
    batch = jax.eval_shape(run.feed.make, run.feed.read(0)[0], key)
    update = functools.partial(run.task.update, mean=lambda tree: tree)
    return state, *jax.eval_shape(update, state, batch, key)


@pytest.mark.parametrize("preset", ["paper", "released"])
def test_pix2pix_of_a_preset(read, preset):
    run = read("pix2pix", "--preset", preset)
    state, after, metrics = update_shapes(run)
    assert shape_of(state) == shape_of(after) and "loss" in metrics
    released = preset == "released"
    assert run.feed.batch == (4 if released else 1)
    assert run.feed.channels == (3, 1 if released else 3)
    assert run.feed.preparing.last is not released and run.feed.preparing.load == 36
    assert isinstance(run.feed.images, Aligned) and len(run.feed.images) == 8
    assert run.steps == 200 * (2 if released else 8)
    assert run.best == "held_out/ssim" and run.evals["held_out"].every % 2 == 0


@pytest.mark.slow
def test_cyclegan_of_pairs_and_of_folders(read, folder):
    run = read("cyclegan", "--constant", "1", "--decay", "0")
    state, after, _ = update_shapes(run)
    assert shape_of(state) == shape_of(after)
    assert isinstance(run.feed.images, Unaligned) and run.steps == 8
    assert run.feed.batch == 1 and run.evals
    halves = [str(folder / half) for half in ("visible", "infrared")]
    flags = ["--source", halves[0], "--target", halves[1], *SMALL]
    run = configs.read(FILES["cyclegan"], flags)[0]
    assert len(run.feed.images) == COUNT and not run.evals and run.best is None
    with pytest.raises(DataError, match="1 folders and 0 sets"):
        configs.read(FILES["cyclegan"], flags[:2])


def test_thermal_to_visible(read):
    run = read("pix2pix", "--source", "thermal")
    assert run.feed.channels == (1, 3) and run.feed.images.source == "thermal"
    shapes = jax.eval_shape(run.task.init, jax.random.key(0)).generator.params
    assert shapes["stem"]["kernel"].shape == (7, 7, 1, 4)


def test_sides_that_the_generator_does_not_take(folder):
    flags = ["--pairs", f"two_folders={folder}", "--side", "96"]
    with pytest.raises(DataError, match="multiples of 256"):
        configs.read(FILES["pix2pix"], flags)


def test_what_is_held_out_is_the_same_for_all_runs(folder):
    sets = [f"two_folders={folder}"]
    learned, measured = open_divided(sets, 0.2, False, keep=100)
    assert len(learned) == 8 and len(measured) == 2
    assert not {*learned.names} & {*measured.names}
    assert open_divided(sets, 0.2, False, keep=0)[1].names == measured.names
    assert open_divided(sets, 0.0, False, keep=0)[1] is None
    assert pause(177, 0) == 531 and pause(1000, 0) == 1000 and pause(177, 9) == 9


def zeros(tree):
    return jax.tree.map(lambda x: jnp.full(x.shape, 0.5, x.dtype), tree)


@pytest.mark.parametrize(
    ("name", "player"), [("pix2pix", "generator"), ("cyclegan", "generators")]
)
def test_generators_from_a_checkpoint(read, tmp_path, name, player):
    task = read(name).task
    like = jax.eval_shape(lambda k: task.variables(task.init(k)), jax.random.key(0))
    save_variables(tmp_path / "run", zeros(like), {})
    starts = [[tmp_path / "run"]]
    if name == "cyclegan":
        for way in ("forward", "backward"):
            save_variables(tmp_path / way, zeros(one_way(like, way)), {})
        starts.append([tmp_path / "forward", tmp_path / "backward"])
    else:
        with pytest.raises(DataError, match="2 checkpoints"):
            beginning_with(task, player, starts[0] * 2)
    # Nothing is drawn in earnest: the first state only has to take what is given.
    blank = lambda key: zeros(jax.eval_shape(task.init, key))
    for start in starts:
        begun = beginning_with(task._replace(init=blank), player, start)
        variables = begun.variables(begun.init(jax.random.key(0)))
        assert shape_of(variables) == shape_of(like)
        assert all((x == 0.5).all() for x in jax.tree.leaves(variables))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
def test_a_short_training_shows_measures_and_can_go_on(folder, tmp_path, name):
    pairs = ["--pairs", f"two_folders={folder}", "--canvas", "48", "48"]
    flags = ["--batch", "2", "--constant", "1", "--every", "2", "--workdir"]
    command = ["fit", str(FILES[name]), *pairs, *SMALL, *flags]
    for decay, steps in (("0", 4), ("1", 8)):
        status = main([*command, str(tmp_path / "w"), "--decay", decay])
        assert status == 0
        told = (tmp_path / "w/metrics.jsonl").read_text().splitlines()
        last = json.loads(told[-1])
        assert last["step"] == steps
        found = {k for k in last if k.startswith("held_out/")}
        assert found == {f"held_out/{m}" for m in ("psnr", "ssim", "gradient_distance")}
    picture = cv2.imread(str(tmp_path / "w/images/8_examples.png"))
    columns = 3 if name == "pix2pix" else 6
    assert picture.shape == (2 * 34 - 2, columns * 34 - 2, 3)
    variables = load_variables(tmp_path / "w")
    if name == "cyclegan":
        variables = one_way(variables)
    assert isinstance(from_variables(variables), ResNetGenerator | UNet)
