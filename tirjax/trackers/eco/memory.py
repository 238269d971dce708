"""ECO's sample memory: a mixture of a fixed number of samples.

A full memory makes room by merging: the new sample into its nearest neighbour or the
two closest stored samples into one, whichever loses less. Distances come from the Gram
matrix of the stored samples, so every decision is a linear combination of slots and the
Gram matrix follows by the same combination.

Source: Danelljan et al., ECO, CVPR 2017, section 3.3.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.ops.fourier import planes
from tirjax.typing import Array, Complex, Float, Int

Sample = tuple[Complex[Array, "n half c"], ...]


class Memory(NamedTuple):
    """Stored samples.

    Attributes:
      samples: a block each, ``[slots, n, half, 2 c]``, planes of their spectra.
      weights: ``[slots]``, summing to one over the used slots.
      gram: ``[slots, slots]``, inner products of the samples (half spectra).
      used: int32 number of filled slots.
    """

    samples: tuple[Float[Array, "slots n half c+c"], ...]
    weights: Float[Array, " slots"]
    gram: Float[Array, "slots slots"]
    used: Int[Array, ""]


class Change(NamedTuple):
    """What a new sample does to the memory.

    ``slot`` becomes ``keep * slot + (1 - keep) * other``, where ``other`` is the new
    sample or, in a merge of two stored ones, slot ``pair``; then ``pair`` takes the new
    sample.

    Attributes:
      slot: written first.
      keep: share of its old content, 0 for a plain replacement.
      pair: the second of two merged slots; equal to ``slot`` when there is none.
      merges_pair: whether two stored samples merge.
      weights: weights after the change.
    """

    slot: Int[Array, ""]
    keep: Float[Array, ""]
    pair: Int[Array, ""]
    merges_pair: Array
    weights: Float[Array, " slots"]


def _overlap(many, one) -> Array:
    """Inner products of samples with one, all in planes."""
    flat = lambda x: x.reshape(*x.shape[:-3], -1)
    products = [
        jnp.dot(flat(x), flat(y), precision="highest")
        for x, y in zip(many, one, strict=True)
    ]
    return 2 * jnp.stack(products).sum(0)


def start(sample: Sample, slots: int) -> Memory:
    """A memory of one sample with weight one."""
    empty = lambda x: jnp.zeros((slots, *x.shape), x.dtype).at[0].set(x)
    first = tuple(map(planes, sample))
    norm = _overlap(first, first)
    return Memory(
        samples=tuple(map(empty, first)),
        weights=jnp.zeros(slots, norm.dtype).at[0].set(1),
        gram=jnp.zeros((slots, slots), norm.dtype).at[0, 0].set(norm),
        used=jnp.int32(1),
    )


def _closest_pair(gram, norms):
    """The nearest two slots, the first in column order, and their distance."""
    distance = jnp.maximum(norms[:, None] + norms - 2 * gram, 0)
    distance = jnp.where(jnp.eye(len(norms), dtype=bool), jnp.inf, distance)
    col, row = jnp.unravel_index(distance.T.argmin(), distance.shape)
    return row, col, distance.min()


def _decide(memory: Memory, cross, norm, rate: float) -> Change:
    """Insert, replace, merge the new sample, or merge two old ones: F.11, in order."""
    w, norms = memory.weights, jnp.diagonal(memory.gram)
    slots = w.shape[0]
    forgotten = rate * (1 - rate) ** (2 * slots)
    full = memory.used >= slots
    decayed = (1 - rate) * w

    weakest = w.argmin()
    survivors = w.at[weakest].set(0)
    rest = survivors * ((1 - rate) / survivors.sum())
    replaced = rest.at[weakest].set(rate)
    inserted = decayed.at[memory.used].set(rate, mode="drop")

    to_new = jnp.maximum(norms + norm - 2 * cross, 0)
    nearest = to_new.argmin()
    joined = decayed.at[nearest].add(rate)

    a, b, closest = _closest_pair(memory.gram, norms)
    a, b = jnp.where(w[a] >= w[b], a, b), jnp.where(w[a] >= w[b], b, a)
    paired = decayed.at[a].add(decayed[b]).at[b].set(rate)

    case = jnp.select(
        [~full, w[weakest] < forgotten, to_new[nearest] < closest], [0, 1, 2], 3
    )
    pick = lambda *options: jnp.stack([jnp.asarray(o) for o in options])[case]
    zero = jnp.zeros((), w.dtype)
    slot = pick(memory.used, weakest.astype(jnp.int32), nearest, a).astype(jnp.int32)
    return Change(
        slot=slot,
        keep=pick(zero, zero, decayed[nearest] / joined[nearest], w[a] / (w[a] + w[b])),
        pair=jnp.where(case == 3, b, slot).astype(jnp.int32),
        merges_pair=case == 3,
        weights=pick(inserted, replaced, joined, paired),
    )


def _combine_gram(gram, cross, norm, change: Change):
    """Gram matrix after the change: ``M G M^T`` over the slots and the new sample."""
    slots = gram.shape[0]
    wide = jnp.block([[gram, cross[:, None]], [cross[None], norm[None, None]]])
    rows = jnp.arange(slots + 1)
    new = (rows == slots).astype(gram.dtype)
    other = jnp.where(change.merges_pair, (rows == change.pair).astype(gram.dtype), new)
    mixed = change.keep * (rows == change.slot) + (1 - change.keep) * other
    m = jnp.eye(slots, slots + 1, dtype=gram.dtype).at[change.slot].set(mixed)
    m = m.at[change.pair].set(jnp.where(change.merges_pair, new, mixed))
    return jnp.dot(jnp.dot(m, wide, precision="highest"), m.T, precision="highest")


def remember(memory: Memory, sample: Sample, rate: float) -> Memory:
    """Takes in a new sample with weight ``rate``; the others decay by ``1 - rate``."""
    newest = tuple(map(planes, sample))
    cross, norm = _overlap(memory.samples, newest), _overlap(newest, newest)
    change = _decide(memory, cross, norm, rate)

    # Both rows in one product, so that nothing is read after the first is written: the
    # memory is then changed in place.
    merges = change.merges_pair.astype(norm.dtype)
    keep, other = change.keep, 1 - change.keep
    mixed = jnp.stack([keep, other * merges, other * (1 - merges)])
    last = jnp.where(change.merges_pair, jnp.array([0, 0, 1], norm.dtype), mixed)

    def write(s, x):
        rows = jnp.stack([s[change.slot], s[change.pair], x])
        made = jnp.tensordot(jnp.stack([mixed, last]), rows, 1, precision="highest")
        put = jax.lax.dynamic_update_index_in_dim
        return put(put(s, made[0], change.slot, 0), made[1], change.pair, 0)

    return Memory(
        samples=jax.tree.map(write, memory.samples, newest),
        weights=change.weights,
        gram=_combine_gram(memory.gram, cross, norm, change),
        used=jnp.minimum(memory.used + 1, memory.weights.shape[0]),
    )
