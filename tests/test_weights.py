"""The networks that ship: they load, are small and track, and have a card."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.checkpoints import load_variables, read_about
from tirjax.data.synthetic import Synthetic, preset
from tirjax.tasks.tracking import on_clips
from tirjax.trackers import NETWORKS, TRACKERS
from tirjax.weights import SHIPPED

MOST_BYTES = 4_000_000


@pytest.fixture(params=SHIPPED)
def name(request):
    """A tracker whose network ships."""
    return request.param


def test_it_is_small(name):
    files = [file for file in SHIPPED[name].rglob("*") if file.is_file()]
    assert 10_000 < sum(file.stat().st_size for file in files) <= MOST_BYTES


def test_it_fits_its_network(name):
    images, boxes = jnp.zeros((1, 64, 64, 3)), jnp.ones((1, 4))
    like = jax.eval_shape(NETWORKS[name]().init, jax.random.key(0), images, boxes)
    loaded = load_variables(SHIPPED[name], like)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(loaded))


def test_its_record_and_its_card_say_where_it_comes_from(name):
    about = read_about(SHIPPED[name])
    assert about["architecture"] == name
    assert about["step"] > 0 and about["config"]["file"].endswith(".py")
    card = SHIPPED[name].with_suffix(".md").read_text()
    for word in ("Licence", "Data", "Limits", about["config"]["sha256"][:12]):
        assert word in card


@pytest.mark.slow
def test_it_follows_easy_targets(name):
    clips = Synthetic(preset("easy", rows=96, cols=128, frames=12), count=3, seed=77)
    score = on_clips(TRACKERS[name]((1, 1)), clips)(load_variables(SHIPPED[name]))
    assert score["success"] > 0.5
