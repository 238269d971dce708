"""The bootstrap of VOT's scores against scoring every draw by itself."""

import numpy as np
import pytest

from tirjax.evaluation.resampling import resamples
from tirjax.evaluation.supervised import RULES, Measured, parts, supervised_scores
from tirjax.evaluation.supervised_resampling import intervals, resampled
from tirjax.evaluation.trials import FAILED, SKIPPED, STARTED, TRACKED

WITHIN = 3, 7  # shorter than some fragment of every sequence


def sequence(rng, frames, runs=2):
    """Runs that fail now and then, as the experiment writes them."""
    code = np.full((runs, frames), TRACKED)
    code[:, 0] = STARTED
    for run in code:
        at = int(rng.integers(3, 15))
        while at < frames:
            run[at] = FAILED
            run[at + 1 : at + 5] = SKIPPED
            run[at + 5 : at + 6] = STARTED
            at += int(rng.integers(8, 30))
    overlap = rng.uniform(0.2, 1.0, code.shape)
    return Measured(np.where(code == TRACKED, overlap, np.nan), code, {})


@pytest.mark.parametrize("name", RULES)
def test_a_draw_scores_as_its_sequences_do(rng, name):
    rules = RULES[name]
    measured = [sequence(rng, frames) for frames in (25, 40, 31, 60, 28)]
    found = resampled(measured, rules, WITHIN, seed=3, draws=6)
    for draw, times in enumerate(resamples(5, 3, 6).astype(int)):
        drawn = [m for m, n in zip(measured, times, strict=True) for _ in range(n)]
        want = supervised_scores(drawn, rules, WITHIN)
        for kind in ("accuracy", "failures", "eao"):
            assert found[kind][draw] == pytest.approx(getattr(want, kind), abs=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_the_parts_of_all_sequences_make_the_scores(rng, name):
    measured = [sequence(rng, frames) for frames in (25, 40, 31)]
    scores = supervised_scores(measured, RULES[name], (8, 35))
    for kind, (above, below) in parts(measured, RULES[name]).items():
        np.testing.assert_allclose(
            above.sum(0) / below.sum(0), getattr(scores, kind), atol=1e-12
        )


def test_an_interval_holds_its_score_and_one_sequence_has_none(rng):
    rules = RULES["vot_legacy"]
    measured = [sequence(rng, 40) for _ in range(20)]
    scores = supervised_scores(measured, rules, WITHIN)
    for kind, (low, high) in intervals(measured, rules, WITHIN).items():
        assert low < getattr(scores, kind) < high
        assert high - low < 2 * abs(getattr(scores, kind))
    alone = intervals(measured[:1], rules, None)
    assert {*alone} == {"accuracy", "failures"} and np.isnan([*alone.values()]).all()
