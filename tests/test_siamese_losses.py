"""Labels, weights and losses of Siamese networks, against sums written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.heads.siamese import Responses
from tirjax.tasks.siamese_losses import (
    MultiTaskWeights,
    balanced_logistic,
    classification,
    labels_and_weights,
    multi_task_loss,
    on_target,
    single_loss,
)

PAIRS = jnp.array([True, False])


@pytest.mark.parametrize(("side", "negatives"), [(15, 212), (17, 276), (33, 1076)])
def test_thirteen_cells_are_the_targets(side, negatives):
    target = on_target(side)
    assert target.sum() == 13
    assert (~target).sum() == negatives
    assert target[side // 2, side // 2 + 2] and not target[side // 2, side // 2 + 3]


def test_weights_are_those_of_the_table():
    labels, weights = labels_and_weights(PAIRS, 33)
    assert labels.dtype == weights.dtype == jnp.float32
    np.testing.assert_array_equal(labels[0] > 0, on_target(33))
    assert (labels[1] == -1).all()
    assert float(weights[0, 16, 16]) == pytest.approx(0.0384615, abs=5e-8)
    assert float(weights[0, 0, 0]) == pytest.approx(0.000464684, abs=5e-10)
    assert float(weights[1, 16, 16]) == pytest.approx(0.000459137, abs=5e-10)
    np.testing.assert_allclose(weights.sum((1, 2)), [1.0, 0.5], rtol=1e-5)


def test_offsets_move_the_labels_and_keep_their_weight():
    middle = labels_and_weights(PAIRS, 17)
    still = labels_and_weights(PAIRS, 17, offsets=jnp.zeros((2, 2)))
    for got, want in zip(still, middle, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)
    labels, weights = labels_and_weights(
        PAIRS, 17, offsets=jnp.array([[3.0, -2.0], [3.0, -2.0]])
    )
    want = np.roll(np.asarray(middle[0][0]), (-2, 3), (0, 1))  # rows are y
    np.testing.assert_array_equal(labels[0], want)
    assert (labels[1] == -1).all()
    # Between cells another number of them is near; both signs keep one half.
    for offset in (0.5, 7.3, 20.0):
        _, weights = labels_and_weights(PAIRS, 17, 1.0, jnp.full((2, 2), offset))
        assert float(weights[0].sum()) == pytest.approx(
            1.0 if offset < 9 else 0.5, rel=1e-5
        )


@pytest.fixture
def scores(rng):
    return jnp.asarray(rng.normal(size=(2, 33, 33)), jnp.float32)


def by_hand(scores, positive):
    total = 0.0
    for s, is_positive in zip(np.asarray(scores, np.float64), positive, strict=True):
        for i, j in np.ndindex(s.shape):
            near = is_positive and (i - 16) ** 2 + (j - 16) ** 2 <= 4
            weight = 0.5 / 13 if near else 0.5 / (1076 if is_positive else 1089)
            total += weight * np.log1p(np.exp(-s[i, j] if near else s[i, j]))
    return total / len(scores)


def test_loss_is_the_weighted_mean_over_pairs(scores):
    got = balanced_logistic(scores, PAIRS)
    assert float(got) == pytest.approx(by_hand(scores, PAIRS), rel=1e-5)


def test_loss_of_zero_scores_is_known(scores):
    got = balanced_logistic(0 * scores, PAIRS)
    assert float(got) == pytest.approx(0.75 * np.log(2), rel=1e-6)


def test_huge_scores_give_a_finite_loss_and_slope(scores):
    value, slope = jax.value_and_grad(balanced_logistic)(1e4 * scores, PAIRS)
    assert np.isfinite(value) and np.isfinite(slope).all()


def test_slope_pushes_scores_towards_their_signs(scores):
    slope = jax.jit(jax.grad(balanced_logistic))(scores, PAIRS)
    labels, _ = labels_and_weights(PAIRS, 33)
    assert (slope * labels < 0).all()


@pytest.fixture
def outputs(rng):
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape), jnp.float32)
    return Responses(draw(2, 2, 33, 33), draw(2, 2, 33, 33), draw(2, 30))


def test_mlssnet_learns_from_the_sum_of_both_adjusted_maps(outputs):
    got = single_loss(outputs, PAIRS)
    want = by_hand(outputs.adjusted[:, 0] + outputs.adjusted[:, 1], PAIRS)
    assert float(got) == pytest.approx(want, rel=1e-5)


def log_softmax(row):
    row = np.asarray(row, np.float64)
    return row - np.log(np.exp(row).sum())


def test_uncounted_exemplars_add_zero_but_divide(outputs):
    got = classification(outputs.classes, jnp.array([29, 99]), PAIRS)
    assert float(got) == pytest.approx(-log_softmax(outputs.classes[0])[29] / 2, 1e-5)


def test_mmnet_adds_three_losses(outputs):
    classes, known = jnp.array([4, 0]), jnp.array([True, True])
    weights = MultiTaskWeights(2.0, 3.0, 5.0)
    total, parts = jax.jit(multi_task_loss)(outputs, PAIRS, classes, known, weights)
    want = {
        "discriminative": by_hand(outputs.adjusted[:, 0], PAIRS),
        "fine_grained": by_hand(outputs.adjusted[:, 1], PAIRS),
        "classes": -sum(
            log_softmax(row)[c] for row, c in zip(outputs.classes, (4, 0), strict=True)
        )
        / 2,
    }
    assert {k: float(v) for k, v in parts.items()} == pytest.approx(want, rel=1e-5)
    scaled = sum(getattr(weights, name) * part for name, part in want.items())
    assert float(total) == pytest.approx(scaled, rel=1e-5)


def test_all_three_weigh_one():
    assert MultiTaskWeights() == (1.0, 1.0, 1.0)


def test_without_a_class_weight_the_classifier_does_not_learn(outputs):
    def loss(logits):
        answer = outputs._replace(classes=logits)
        known = jnp.array([True, True])
        weights = MultiTaskWeights(classes=0.0)
        return multi_task_loss(answer, PAIRS, jnp.array([1, 2]), known, weights)[0]

    assert not jax.grad(loss)(outputs.classes).any()


def test_released_labels_are_shifted_and_ignore_the_first_class(outputs):
    args = outputs, PAIRS, jnp.array([4, 0]), jnp.array([True, True])
    _, parts = multi_task_loss(*args, labelling="released")
    want = -log_softmax(outputs.classes[0])[3] / 2
    assert float(parts["classes"]) == pytest.approx(want, rel=1e-5)
