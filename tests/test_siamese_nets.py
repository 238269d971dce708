"""SiamFC, CFNet, MLSSNet and MMNet: tables, branches, attention; on narrow copies."""

import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.backbones.alexnet import AlexNet
from tirjax.backbones.norm import Norm
from tirjax.heads.multilevel import MLSSNet, ensemble
from tirjax.heads.multitask import MMNet
from tirjax.heads.siamese import Adjust, CFNet, SiamFC, filter_template
from tirjax.heads.siamese_networks import (
    cfnet,
    mlssnet,
    mmnet,
    siamfc,
    siamfc_baseline,
)
from tirjax.solvers.correlation_filter import hann_window, wrapped_gaussian

WIDTHS = (2, 4, 4, 4, 8)
SIDE, MARGIN = 103, 3  # 11 and 15 cells, the fewest that the hourglass takes
BATCH = Norm(batch=True)


@pytest.mark.parametrize(
    ("net", "side", "templates", "score", "count"),
    [
        (siamfc(), 127, [(6, 6, 256)], 17, 2336322),
        (siamfc_baseline(), 127, [(17, 17, 32)], 33, 1949026),
        (cfnet(), 255, [(17, 17, 32)], 33, 1949026),
        (cfnet(2), 255, [(25, 25, 32)], 33, None),
        (cfnet(1), 255, [(30, 30, 32)], 33, None),
        (mlssnet(), 255, [(17, 17, 64), (21, 21, 64)], 33, 2081793),
        (mmnet(), 255, [(17, 17, 64), (21, 21, 64)], 33, 2106895),
    ],
)
def test_sizes_and_parameter_counts_equal_the_tables(
    net, side, templates, score, count
):
    z, x = (jax.ShapeDtypeStruct((2, s, s, 1), jnp.uint8) for s in (side, 255))
    variables = jax.eval_shape(net.init, jax.random.key(0), z, x)
    made = jax.eval_shape(lambda v, z: net.apply(v, z, method="exemplar"), variables, z)
    assert [t.shape for t in made] == [(2, *shape) for shape in templates]
    outputs = jax.eval_shape(net.apply, variables, z, x)
    levels = len(templates)
    assert outputs.raw.shape == outputs.adjusted.shape == (2, levels, score, score)
    if isinstance(net, MMNet):
        assert outputs.classes.shape == (2, 30)
    else:
        assert outputs.classes is None
    leaves = jax.tree.leaves(variables["params"])
    assert count in (None, sum(math.prod(leaf.shape) for leaf in leaves))


def test_siamfc_trains_on_regions_of_239_pixels():
    z, x = (jax.ShapeDtypeStruct((2, s, s, 1), jnp.uint8) for s in (127, 239))
    outputs, _ = jax.eval_shape(siamfc().init_with_output, jax.random.key(0), z, x)
    assert outputs.raw.shape == (2, 1, 15, 15)


NETS = {
    "baseline": lambda norm: SiamFC(AlexNet(WIDTHS, norm=norm), normed=True),
    "cfnet": lambda norm: CFNet(AlexNet(WIDTHS[:2], norm=norm), MARGIN),
    "mlssnet": lambda norm: MLSSNet(AlexNet(WIDTHS, norm=norm), MARGIN),
    "mmnet": lambda norm: MMNet(AlexNet(WIDTHS, norm=norm), MARGIN, classes=5),
}


WHOLE = ("baseline", "mlssnet", "mmnet")


def sides(name):
    """Exemplar and search region; without a filter the former is smaller."""
    return (87 if name == "baseline" else SIDE), SIDE


@cache
def images(name):
    rng = np.random.default_rng(0)
    draw = lambda s: jnp.asarray(rng.integers(0, 256, (2, s, s, 1)), jnp.uint8)
    return tuple(draw(s) for s in sides(name))


@cache
def variables_of(name):
    """Random values, drawn without compiling anything; they fit any ``norm``."""
    made = jax.eval_shape(NETS[name](Norm()).init, jax.random.key(1), *images(name))
    rng = np.random.default_rng(2)

    def draw(path, x):
        if path[-1].key == "kernel":
            value = rng.normal(0, np.sqrt(2 / np.prod(x.shape[:-1])), x.shape)
        else:
            positive = path[-1].key in ("scale", "var", "gain")
            value = rng.uniform(0.5, 1.5, x.shape) - (0 if positive else 1)
        return jnp.asarray(value, x.dtype)

    return jax.tree_util.tree_map_with_path(draw, made)


@cache
def train(name):
    """Loss, gradient, outputs and moved moments of one training call."""
    net, variables = NETS[name](BATCH), variables_of(name)

    @jax.jit
    def run(params, stats, z, x):
        def loss(params):
            both = {"params": params, "batch_stats": stats}
            outputs, moved = net.apply(both, z, x, mutable=["batch_stats"])
            logits = 0.0 if outputs.classes is None else outputs.classes
            return (outputs.adjusted**2).mean() + jnp.mean(logits**2), (outputs, moved)

        return jax.value_and_grad(loss, has_aux=True)(params)

    return run(variables["params"], variables["batch_stats"], *images(name))


@pytest.mark.parametrize("name", WHOLE)
def test_a_template_made_once_gives_the_responses_of_the_pair(name):
    net, variables, (z, x) = NETS[name](Norm()), variables_of(name), images(name)

    @jax.jit
    def apart(variables, z, x):
        template = net.apply(variables, z, method="exemplar")
        pairs = net.apply(variables, template, x, method="respond")
        return pairs, net.apply(variables, z, x)

    pairs, whole = apart(variables, z, x)
    assert pairs.classes is None
    for kind in ("raw", "adjusted"):
        a, b = (getattr(outputs, kind) for outputs in (pairs, whole))
        # Rounding of the transforms is of the size of the largest score.
        np.testing.assert_allclose(a, b, atol=1e-5 * float(jnp.abs(b).max()))


@pytest.mark.parametrize("name", WHOLE)
def test_gradients_are_finite_and_reach_the_trunk(name):
    (_, _), gradient = train(name)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert np.abs(gradient["backbone"]["conv1"]["kernel"]).max() > 0


@pytest.mark.parametrize("name", WHOLE)
def test_all_moments_move_when_training(name):
    (_, (_, moved)), _ = train(name)
    before = variables_of(name)["batch_stats"]
    changed = jax.tree.map(
        lambda a, b: bool((a != b).any()), before, moved["batch_stats"]
    )
    assert all(jax.tree.leaves(changed))


def test_moments_move_once_for_both_branches():
    """First layer: a share of 0.05 of the mean of what either branch sees alone."""
    (_, (_, moved)), _ = train("mmnet")
    variables = variables_of("mmnet")
    layer = variables["params"]["backbone"]["conv1"]
    numbers = ("NHWC", "HWIO", "NHWC")
    means = []
    for image in images("mmnet"):
        x = jnp.tile(image, (1, 1, 1, 3)).astype(jnp.float32)
        x = jax.lax.conv_general_dilated(
            x, layer["kernel"], (2, 2), "VALID", dimension_numbers=numbers
        )
        means.append((x + layer["bias"]).mean((0, 1, 2)))
    before = variables["batch_stats"]["backbone"]["bn1"]["mean"]
    want = 0.95 * before + 0.05 * (means[0] + means[1]) / 2
    got = moved["batch_stats"]["backbone"]["bn1"]["mean"]
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_templates_are_cropped_filters_of_windowed_features(rng):
    x = rng.normal(size=(1, 11, 11, 3))
    windowed = np.fft.fft2(x * hann_window(11)[..., None], axes=(1, 2))
    kernel = (np.abs(windowed) ** 2).sum(-1, keepdims=True) / 121 + 10
    target = np.fft.fft2(wrapped_gaussian(11, 2.0))[..., None]
    w = np.fft.ifft2((target / (121 * kernel)).conj() * windowed, axes=(1, 2)).real
    got = filter_template(jnp.asarray(x, jnp.float32), 3)
    np.testing.assert_allclose(got, w[:, 3:8, 3:8], atol=1e-7)


def test_initial_adjustments_are_those_of_the_papers():
    values = lambda module: jax.tree.map(
        float, module.init(jax.random.key(0), jnp.zeros((1, 3, 3)))["params"]
    )
    assert values(Adjust()) == {"gain": 1.0, "bias": -0.5}
    assert values(Adjust((1e-3, 0.0)))["gain"] == pytest.approx(1e-3)


def test_adjusted_maps_are_gain_times_raw_plus_bias():
    (_, (outputs, _)), _ = train("mlssnet")
    params = variables_of("mlssnet")["params"]
    for i, level in enumerate(("adjust5", "adjust3")):
        want = params[level]["gain"] * outputs.raw[:, i] + params[level]["bias"]
        np.testing.assert_allclose(outputs.adjusted[:, i], want, atol=1e-6)
    want = outputs.adjusted[:, 0] + outputs.adjusted[:, 1]
    np.testing.assert_allclose(ensemble(outputs.adjusted), want, rtol=1e-6)


@pytest.mark.parametrize("cells", [(0, 0), (2, -1)])
def test_the_peak_moves_a_cell_for_four_pixels_to_where_the_target_went(cells):
    rng = np.random.default_rng(3)
    frame = rng.integers(0, 256, (SIDE + 16, SIDE + 16, 1), np.uint8)
    cut = lambda row, col: frame[None, row : row + SIDE, col : col + SIDE]
    z, x = cut(8, 8), cut(8 - 4 * cells[0], 8 - 4 * cells[1])
    net, variables = NETS["cfnet"](Norm()), variables_of("cfnet")
    scores = np.asarray(jax.jit(net.apply)(variables, z, x).raw[0, 0])
    peak = np.unravel_index(scores.argmax(), scores.shape)
    assert peak == (MARGIN + cells[0], MARGIN + cells[1])
