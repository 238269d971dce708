"""Whose turn it is: sequences without repetition within an epoch.

An epoch has as many turns as there are sequences. Which sequence has which is a
function of the seed, the epoch and nothing else, so that any step can be drawn alone.

Source: the published training code of CFNet, MLSSNet and MMNet.
"""

import functools

import numpy as np

from tirjax.data.training.mixture import Mixture

_SALT = 1  # examples are drawn from generators of (seed, number)


def turns(
    mixture: Mixture, seed: int, number: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Data set and sequence that an example is made of, and another to go with it.

    Args:
      mixture: data sets; of shares other than those of their lengths, sequences of a
        small one come again in an epoch once all others of it have.
      seed: of the run.
      number: of the example in the whole run.

    Returns:
      Numbers for ``Mixture.open``. The other one is half an epoch away: nearby examples
      share no sequence. It is the same if there is only one.
    """
    lengths = tuple(len(dataset) for dataset in mixture.datasets)
    epoch, place = divmod(number, sum(lengths))
    order = epoch_order(lengths, tuple(mixture.shares), seed, epoch)
    other = (place + len(order) // 2) % len(order)
    first, second = order[[place, other]].tolist()
    return (first[0], first[1]), (second[0], second[1])


@functools.lru_cache(maxsize=2)
def epoch_order(
    lengths: tuple[int, ...], shares: tuple[float, ...], seed: int, epoch: int
) -> np.ndarray:
    """``[n, 2]`` data set and sequence of every turn of an epoch.

    Args:
      lengths: sequences of each data set, at least 1; ``n`` is their sum.
      shares: of the turns, they sum to 1.
      seed: of the run.
      epoch: from 0.
    """
    rng = np.random.default_rng((seed, _SALT, epoch))
    parts = []
    for index, count in enumerate(quotas(sum(lengths), shares)):
        rounds = -(-count // lengths[index])
        shuffled = [rng.permutation(lengths[index]) for _ in range(rounds)]
        some = np.concatenate(shuffled)[:count] if shuffled else np.zeros(0, np.int64)
        parts.append(np.stack([np.full(count, index), some], 1))
    return rng.permutation(np.concatenate(parts))


def quotas(total: int, shares: tuple[float, ...]) -> list[int]:
    """Whole numbers that sum to ``total``, nearest to its shares."""
    exact = total * np.asarray(shares)
    counts = np.floor(exact + 1e-9).astype(int)
    left = np.argsort(counts - exact, kind="stable")[: total - counts.sum()]
    counts[left] += 1
    return counts.tolist()
