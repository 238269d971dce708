"""The published settings, held to table D.3 of the specification."""

import inspect
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from config_data import RUNS, VIDEOS, shape_of, write_sets

from tirjax.backbones.norm import Norm
from tirjax.convert.architectures import shapes as published_shapes
from tirjax.convert.rename import to_variables
from tirjax.data.training.jitter import Jitter
from tirjax.tasks import published as settings
from tirjax.tasks.dimp import Weights
from tirjax.tasks.optimizers import _labels
from tirjax.tasks.recipes import backbone_shapes, shapes
from train import configs

CLASSIFIER = {"classifier": 5e-5, "classifier/filter_optimizer": 5e-4}
LAST_STAGE = {f"backbone/layer3_{block}": 2e-5 for block in range(6)}
TABLE = {
    "dimp18": {
        "batch": 26,
        "epoch": 26_000,
        "weights": (0.25, 1, 1, 1),
        "sampling": ("causal", 3, 3, 30),
        "crop": (288, 5.0, "replicate", 0.9),
        "jitters": (Jitter(3.0, 0.25), Jitter(4.5, 0.5)),
        "proposals": ("perturbed", 8),
        "mirrors": (0.0, 0.0),
        "rates": CLASSIFIER | {"backbone": 2e-4, "iou_net": 1e-3},
        "losses": (100, 100, 400, 1, "overlap", 5),
        "net": (18, ()),
    },
    "dimp50": {
        "batch": 10,
        "epoch": 26_000,
        "weights": (0.25, 1, 1, 1),
        "sampling": ("causal", 3, 3, 30),
        "crop": (288, 5.0, "replicate", 0.9),
        "jitters": (Jitter(3.0, 0.25), Jitter(4.5, 0.5)),
        "proposals": ("perturbed", 8),
        "mirrors": (0.0, 0.0),
        "rates": CLASSIFIER | {"backbone": 2e-5, "iou_net": 2e-4},
        "losses": (100, 100, 400, 1, "overlap", 5),
        "net": (50, ()),
    },
    "super_dimp": {
        "batch": 20,
        "epoch": 40_000,
        "weights": (1, 1, 1, 1),
        "sampling": ("causal", 3, 3, 200),
        "crop": (352, 6.0, "inside_major", 22 / 24),
        "jitters": (Jitter(3.0, 0.25), Jitter(5.5, 0.5)),
        "proposals": ("gmm", 128),
        "mirrors": (0.5, 0.5),
        "rates": CLASSIFIER | LAST_STAGE | {"iou_net": 1e-3},
        "losses": (100, 100, 400, 0.01, "density", 5),
        "net": (50, ("conv1", "layer1", "layer2")),
    },
    "atom": {
        "batch": 64,
        "epoch": 64_000,
        "weights": (1, 1, 1, 1),
        "sampling": ("interval", 1, 1, 50),
        "crop": (288, 5.0, "replicate", None),
        "jitters": (Jitter(0.0, 0.0), Jitter(4.5, 0.5)),
        "proposals": ("perturbed", 16),
        "mirrors": (0.0, 0.0),
        "rates": {"iou_net": 1e-3},
        "losses": None,
        "net": (18, ()),
    },
}


@pytest.fixture(scope="module", params=TABLE)
def published(request, tmp_path_factory):
    """The run of all data sets as it is by default, and the calls that made it."""
    data, calls = write_sets(tmp_path_factory.mktemp("data")), {}

    def recorded(function):
        signature = inspect.signature(function)

        def call(*positional, **named):
            bound = signature.bind(*positional, **named)
            bound.apply_defaults()
            calls[function.__name__] = bound.arguments
            return function(*positional, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        makers = "dimp_task atom_task grouped step_decay dimp_net atom_net"
        for name in makers.split():
            patch.setattr(settings, name, recorded(getattr(settings, name)))
        flags = [x for name in VIDEOS for x in (f"--{name}", str(data / name))]
        path, chosen = RUNS[request.param]
        run, _ = configs.read(path, [*chosen, *flags])
    return SimpleNamespace(run=run, want=TABLE[request.param], **calls)


def test_data_batch_and_length(published):
    run, want = published.run, published.want
    steps = want["epoch"] // want["batch"]
    assert run.feed.batch == want["batch"] and run.steps == 50 * steps
    assert published.step_decay == {"every": 15 * steps, "factor": 0.2}
    mixture = run.feed.mixture
    weights = np.array(want["weights"], float)
    np.testing.assert_allclose(mixture.shares, weights / weights.sum())
    names = {data.name: len(data.names) for data in mixture.datasets}
    # Of each fabricated set, what the published split leaves.
    assert names == {"lasot": 1, "got10k": 1, "trackingnet": 1, "coco": 3}


def test_samples_crops_and_proposals(published):
    feed, want = published.run.feed, published.want
    sampling, how = feed.sampling, feed.processing
    found = (sampling.kind, sampling.train, sampling.test, sampling.gap)
    assert found == want["sampling"]
    side, scale, border, sigma = want["crop"]
    assert (how.side, how.search_scale, how.crop.border) == (side, scale, border)
    assert how.crop.max_shrink == 1.5 and how.stride == 16 and how.filter_size == 4
    assert sigma is None or how.label_sigma == pytest.approx(sigma)
    assert (how.train_jitter, how.test_jitter) == want["jitters"]
    assert (how.proposals, how.proposal_count) == want["proposals"]
    change = how.augmentation
    assert (change.grey, change.brightness) == (0.05, 0.2)
    assert (change.mirror_all, change.mirror_each) == want["mirrors"]
    # Search and jitter of the centre, at two deviations of the jitter of the size.
    reach = (scale + how.test_jitter.centre) * np.exp(2 * 0.5 / np.sqrt(2))
    assert feed.canvas.channels == 3 and feed.canvas.reach >= reach


def test_networks_and_losses(published):
    run, want = published.run, published.want
    depth, still = want["net"]
    if want["losses"] is None:
        net, task = published.atom_net, published.atom_task
        assert (net["depth"], net["norm"], net["dtype"]) == (18, Norm(batch=True), None)
    else:
        net, task = published.dimp_net, published.dimp_task
        assert (net["depth"], net["norm"], net["dtype"]) == (depth, Norm(True), None)
        assert net["frozen"] == still
        assert net["sigma"] == pytest.approx(run.feed.processing.label_sigma)
        assert task["weights"] == Weights(*want["losses"])
    assert task["side"] == run.feed.processing.side and task["average"] == 0


def test_rates_and_what_stands_still(published):
    run, want = published.run, published.want
    used = published.grouped
    assert used["rates"] == want["rates"]
    assert used["decay"] == 0 and used["clip"] is None
    params = shapes(run.task)["params"]
    labels = _labels(params, used["rates"])
    assert {*jax.tree.leaves(labels)} - {"(still)"} == set(want["rates"])
    moved = {
        part
        for part, label in labels["backbone"].items()
        if {*jax.tree.leaves(label)} != {"(still)"}
    }
    still = set(want["net"][1]) | ({"bn1"} if want["net"][1] else set())
    if "backbone" in want["rates"] or still:
        learned = {p for p in params["backbone"] if p.split("_")[0] not in still}
        assert moved == learned
    else:
        assert moved == set()
    others = {k: v for k, v in labels.items() if k != "backbone"}
    assert "(still)" not in jax.tree.leaves(others)


def test_a_converted_imagenet_network_fits(published):
    resnet = f"resnet{published.want['net'][0]}"
    arrays = {k: np.zeros(s, np.float32) for k, s in published_shapes(resnet).items()}
    variables, _ = to_variables(arrays, "resnet")
    assert shape_of(variables) == shape_of(backbone_shapes(published.run.task))
