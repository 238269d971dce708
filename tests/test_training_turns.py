"""Whose turn it is: permutations of the sequences, a function of seed and number."""

import numpy as np
import pytest

from tirjax.data.training.mixture import Mixture
from tirjax.data.training.turns import epoch_order, quotas, turns


class Listed(list):
    """A data set of which nothing is opened."""


def mixture(*lengths, weights=None):
    return Mixture([Listed(range(n)) for n in lengths], weights or lengths)


def firsts(mixed, numbers, seed=0):
    return [turns(mixed, seed, number)[0] for number in numbers]


def test_every_sequence_has_its_turn_once_an_epoch():
    mixed = mixture(3, 5)
    everything = [(d, s) for d, n in enumerate((3, 5)) for s in range(n)]
    orders = [firsts(mixed, range(8 * e, 8 * e + 8)) for e in range(4)]
    for order in orders:
        assert sorted(order) == everything
    assert len({tuple(order) for order in orders}) > 1


def test_a_turn_is_a_function_of_seed_and_number():
    mixed = mixture(7, 6)
    want = firsts(mixed, range(40))
    epoch_order.cache_clear()
    assert firsts(mixed, reversed(range(40))) == want[::-1]
    assert firsts(mixed, range(40), seed=1) != want


def test_the_other_sequence_is_another_and_near_examples_share_none():
    mixed = mixture(20)
    batch = [turns(mixed, 3, number) for number in range(20, 30)]
    both = [at for pair in batch for at in pair]
    assert len(set(both)) == 20
    assert turns(mixture(1), 0, 5) == ((0, 0), (0, 0))


def test_shares_other_than_those_of_the_lengths_are_kept():
    mixed = mixture(2, 10, weights=(1, 1))
    order = np.array(firsts(mixed, range(12)))
    assert (order[:, 0] == 0).sum() == 6
    assert np.bincount(order[order[:, 0] == 0, 1]).tolist() == [3, 3]
    assert len(set(order[order[:, 0] == 1, 1].tolist())) == 6
    assert {at[0] for at in firsts(mixture(2, 3, weights=(0, 1)), range(5))} == {1}


@pytest.mark.parametrize(
    ("total", "shares", "want"),
    [
        (10, (0.5, 0.5), [5, 5]),
        (10, (1 / 3, 2 / 3), [3, 7]),
        (3, (0.5, 0.5), [2, 1]),
        (7, (3 / 7, 4 / 7), [3, 4]),
        (4, (0.0, 1.0), [0, 4]),
    ],
)
def test_quotas_are_whole_and_sum_to_the_total(total, shares, want):
    assert quotas(total, shares) == want
