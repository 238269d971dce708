"""Which frames become an example, and from which sequence they come."""

import pickle

import numpy as np
import pytest

from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.sampler import Sampling, draw_frames, is_usable

DIMP, ATOM = Sampling("causal", 3, 3, 30), Sampling("interval", 1, 1, 50)


def clip(length=30, name="a", hidden=(), boxes=None):
    pixels = np.zeros((length, 4, 5, 1), np.uint8)
    if boxes is None:
        boxes = np.tile([1.0, 1.0, 2.0, 2.0], (length, 1))
    visible = np.ones(len(boxes), bool)
    visible[list(hidden)] = False
    return Sequence(name, ArrayFrames(pixels), boxes, visible)


class Counted(list):
    """A data set that counts how often a sequence is opened."""

    opened = 0
    name = "counted"

    def __getitem__(self, index):
        self.opened += 1
        return super().__getitem__(index)


@pytest.mark.parametrize(
    ("length", "visible", "usable"),
    [(1, 1, True), (1, 0, False), (19, 19, False), (20, 13, True), (20, 12, False)],
)
def test_short_and_hidden_sequences_are_left_out(length, visible, usable):
    assert is_usable(np.arange(length) < visible, DIMP) == usable


def test_causal_frames_stand_on_either_side_of_the_base(rng):
    visible = rng.random(400) < 0.7
    bases = set()
    for _ in range(300):
        base, *rest = draw_frames(visible, DIMP, rng)
        before, after = np.array(rest[:2]), np.array(rest[2:])
        assert visible[[base, *rest]].all() and 2 <= base < 397
        assert ((base - 30 <= before) & (before < base)).all()
        assert ((base < after) & (after < base + 30)).all()
        bases.add(int(base))
    assert min(bases) < 40 and max(bases) > 360


def test_interval_frames_lie_within_the_gap_on_both_sides(rng):
    visible = np.ones(300, bool)
    drawn = np.array([draw_frames(visible, ATOM, rng) for _ in range(2000)])
    assert drawn.shape == (2000, 2)
    inside = drawn[(drawn[:, 0] >= 50) & (drawn[:, 0] < 250)]
    offset = inside[:, 1] - inside[:, 0]
    assert offset.min() == -50 and offset.max() == 49
    assert abs(offset.mean() + 0.5) < 3  # three standard errors of a uniform one


def test_every_frame_is_as_likely_a_base(rng):
    """3000 draws on 20 frames: 150 each, standard deviation 12."""
    draws = [draw_frames(np.ones(20, bool), ATOM, rng)[0] for _ in range(3000)]
    counts = np.bincount(draws, minlength=20)
    assert counts.min() > 100 and counts.max() < 200


def test_the_gap_grows_only_where_the_target_is_hidden_longer(rng):
    visible = np.zeros(300, bool)
    visible[::40] = True
    for sampling in (Sampling("causal", 2, 1, 10), Sampling("causal", 1, 2, 1)):
        base, *rest = draw_frames(visible, sampling, rng)
        assert visible[[base, *rest]].all()
        assert all(0 < abs(base - other) <= 80 for other in rest)


def test_an_image_is_repeated(rng):
    for sampling, count in ((DIMP, 6), (ATOM, 2)):
        assert draw_frames(np.array([True]), sampling, rng).tolist() == [0] * count


def test_the_same_generator_draws_the_same_frames():
    visible = np.ones(100, bool)
    first, again, other = (
        draw_frames(visible, DIMP, np.random.default_rng(s)) for s in (1, 1, 2)
    )
    assert first.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize("change", [{"kind": "random"}, {"test": 0}, {"gap": 0}])
def test_sampling_that_makes_no_sense_is_named(change):
    with pytest.raises(DataError, match=r"choose 'causal'|at least 1"):
        Sampling(**change)


def test_data_sets_come_by_weight_and_sequences_uniformly(rng):
    """4000 draws: standard deviation of a share below 0.008."""
    mixture = Mixture([[clip()] * 2, [clip()] * 4, [clip()]], [0.5, 1.5, 0])
    drawn = np.array([mixture.draw(rng) for _ in range(4000)])
    shares = np.bincount(drawn[:, 0], minlength=3) / 4000
    np.testing.assert_allclose(shares, [0.25, 0.75, 0], atol=0.03)
    inside = np.bincount(drawn[drawn[:, 0] == 1, 1]) / (drawn[:, 0] == 1).sum()
    np.testing.assert_allclose(inside, 0.25, atol=0.04)


def test_usable_sequences_stay_equally_likely_beside_unusable_ones(rng):
    names = [clip(5, "short"), clip(name="a"), clip(5, "short"), clip(name="b")]
    mixture = Mixture([names])
    drawn = [mixture.draw_usable(DIMP, rng).name for _ in range(600)]
    assert set(drawn) == {"a", "b"} and abs(drawn.count("a") - 300) < 60


def test_repeated_draws_open_a_sequence_once(rng):
    dataset = Counted([clip(name="a"), clip(name="b")])
    mixture = Mixture([dataset])
    for _ in range(50):
        mixture.draw_usable(ATOM, rng)
    assert dataset.opened == 2


def test_the_sequence_not_used_for_longest_is_dropped():
    dataset = Counted([clip(), clip(), clip()])
    mixture = Mixture([dataset], keep=2)
    for index in (0, 1, 0, 2, 0):
        mixture.open(0, index)
    assert dataset.opened == 3
    mixture.open(0, 1)
    assert dataset.opened == 4


def test_a_pickled_mixture_forgets_what_it_opened():
    mixture = Mixture([[clip()]], keep=7)
    mixture.open(0, 0)
    copy = pickle.loads(pickle.dumps(mixture))
    assert copy.open(0, 0).name == "a" and copy.open(0, 0) is not mixture.open(0, 0)


def test_only_frames_with_a_real_box_are_trained_on():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 0, 2], [0, 0, 2, -1], [0, np.inf, 2, 2]])
    boxes = np.vstack([boxes, np.full((1, 4), np.nan), [[1, 1, 2, 2]] * 2])
    opened = Mixture([[clip(7, boxes=boxes, hidden=[6])]]).open(0, 0)
    assert opened.visible.tolist() == [True, *[False] * 4, True, False]


def test_a_box_on_the_first_frame_only_is_no_sequence_to_train_on(rng):
    mixture = Mixture([[clip(40, boxes=np.ones((1, 4)))]])
    assert mixture.open(0, 0).visible.sum() == 1
    with pytest.raises(NothingUsable):
        mixture.draw_usable(ATOM, rng)


def test_a_data_set_of_which_nothing_can_be_used_is_named(rng):
    mixture = Mixture([Counted([clip(19), clip(30, hidden=range(20))])])
    with pytest.raises(NothingUsable, match=r"data set 0 \(counted\): none of its 2"):
        mixture.draw_usable(DIMP, rng)


def test_no_and_empty_data_sets_are_named():
    with pytest.raises(DataError, match="no data set to train on"):
        Mixture([])
    with pytest.raises(DataError, match=r"data set 1 \(counted\) has no sequences"):
        Mixture([[clip()], Counted()])


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, np.nan]])
def test_weights_that_do_not_fit_are_named(weights):
    with pytest.raises(DataError, match="for 2 data sets: give one a data set"):
        Mixture([[clip()], [clip()]], weights)
