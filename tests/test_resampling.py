"""Bootstrap and paired tests against SciPy's and against what is known."""

import numpy as np
import pytest
import scipy.stats

from tirjax.data import DataError
from tirjax.evaluation import PROTOCOLS, curves, resampling, scores


def named(values, weights=None):
    weights = np.ones(len(values)) if weights is None else weights
    pairs = zip(values, weights, strict=True)
    return {f"s{i}": (float(v), float(w)) for i, (v, w) in enumerate(pairs)}


def test_the_interval_is_scipy_s(rng):
    values = rng.beta(4, 2, 60)
    ours = resampling.interval(values, np.ones(60))
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, rng=rng
    ).confidence_interval
    # Two draws of 10 000 agree about a quantile to a few hundredths of the width.
    np.testing.assert_allclose(ours, theirs, atol=0.05 * (theirs[1] - theirs[0]))


def test_the_interval_covers_the_truth_about_as_often_as_it_says(rng):
    held = 0
    for seed in range(200):
        values = rng.normal(0.6, 0.2, 40)
        low, high = resampling.interval(values, np.ones(40), seed, draws=500)
        held += low <= 0.6 <= high
    # 190 expected; the percentile method falls a little short, and chance takes 3 s.d.
    assert 175 <= held <= 199


def test_the_paired_test_is_scipy_s_for_few_sequences_exactly(rng):
    for n in (5, 9):
        a, b = rng.uniform(size=(2, n))
        theirs = scipy.stats.permutation_test(
            (a, b), lambda x, y: np.mean(x - y), permutation_type="samples"
        )
        ours = resampling.compare(named(a), named(b))
        assert ours.p == pytest.approx(theirs.pvalue)
        assert ours.difference == pytest.approx(np.mean(a - b))


def test_the_paired_test_of_many_sequences_agrees_with_wilcoxon(rng):
    base = rng.uniform(0.2, 0.8, 120)
    for gain in (0.0, 0.01, 0.03):
        other = base + gain + rng.normal(0, 0.05, 120)
        ours = resampling.compare(named(other), named(base))
        theirs = scipy.stats.wilcoxon(other, base).pvalue
        assert (ours.p < 0.05) == (theirs < 0.05)
        assert 0 < ours.p <= 1


def test_pairing_sees_what_two_intervals_hide(rng):
    base = rng.uniform(0.1, 0.9, 60)
    better = base + rng.normal(0.02, 0.01, 60)
    alone = [resampling.interval(v, np.ones(60)) for v in (base, better)]
    assert alone[0].high > alone[1].low
    both = resampling.compare(named(better), named(base))
    assert both.interval.low > 0 and both.p < 0.001


def test_equal_trackers_do_not_differ():
    same = resampling.compare(named([0.2, 0.5, 0.9]), named([0.2, 0.5, 0.9]))
    assert same == (0.0, (0.0, 0.0), 1.0, 0, 3, 0)


def test_only_sequences_of_both_are_compared():
    found = resampling.compare(named([0.5, 0.5, 0.5]), named([0.25, 0.75]))
    assert (found.better, found.worse) == (1, 1) and found.difference == 0
    with pytest.raises(DataError, match="no sequence in common"):
        resampling.compare({"a": (1, 1)}, {"b": (1, 1)})


def test_one_sequence_has_no_interval():
    assert np.isnan(resampling.interval(np.array([0.5]), np.ones(1))).all()


def test_the_same_seed_gives_the_same_numbers(rng):
    a, b = named(rng.uniform(size=30)), named(rng.uniform(size=30))
    assert resampling.compare(a, b, 3) == resampling.compare(a, b, 3)
    assert resampling.compare(a, b, 3).interval != resampling.compare(a, b, 4).interval


def test_holm_is_the_textbook_s():
    assert resampling.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert resampling.holm([0.6, 0.7]) == [1.0, 1.0]
    assert resampling.holm([]) == []


@pytest.mark.parametrize("name", ["lsotb", "ptb", "got10k", "trackingnet", "pysot"])
def test_the_weighted_mean_over_sequences_is_the_score(rng, name):
    protocol = PROTOCOLS[name]
    counted = {}
    for i, length in enumerate((12, 30, 55)):
        truth = rng.uniform(20, 40, size=(length, 4))
        boxes = truth + rng.normal(0, 6, size=truth.shape)
        counted[f"s{i}"] = curves(boxes, truth, protocol, size=(200, 200))
    overall = scores(list(counted.values()), protocol)
    for measure in ("success", "precision", "norm_precision"):
        if getattr(protocol, measure) is None:
            continue
        pairs = resampling.by_sequence(counted, protocol, measure).values()
        values, weights = np.array(list(pairs)).T
        mean = (values * weights).sum() / weights.sum()
        assert mean == pytest.approx(getattr(overall, measure), abs=1e-12)
