"""The data term of ECO's training: what its samples make of a filter.

``sum_k w_k conj(s_k) (s_k . h)`` is a real symmetric matrix at every frequency once
spectra are planes (``tirjax.ops.fourier.planes``). Where these matrices are no larger
than the samples they are made, once a training, and an iteration reads them alone.

Source: Danelljan et al., ECO, CVPR 2017, equation 8.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from tirjax.ops import fourier
from tirjax.typing import Array, Float

Planes = tuple[Float[Array, "n half c"], ...]
Samples = Sequence[Float[Array, "slots n half c"]]


def data_term(
    samples: Samples, weights: Float[Array, " slots"]
) -> Callable[[Planes], Planes]:
    """A linear map on filters, all in planes.

    Args:
      samples: a block each.
      weights: of the samples.
    """
    few = sum(x.shape[-1] for x in samples) <= len(weights)
    return (_by_matrices if few else _by_samples)(samples, weights)


def _matrices(x, y, weights):
    """Of two blocks at the frequencies of both, ``[n, half, rows, columns]``."""
    n = min(x.shape[1], y.shape[1])
    x, y = (jax.vmap(lambda s: fourier.centre_crop(s, n))(a) for a in (x, y))
    x = weights[:, None, None, None] * x
    (xr, xi), (yr, yi) = (jnp.split(a, 2, -1) for a in (x, y))
    # A CPU is slower at as many small products of matrices.
    total = lambda f: functools.reduce(jnp.add, map(f, range(len(weights))))
    outer = lambda a, b: a[..., :, None] * b[..., None, :]
    same = total(lambda k: outer(xr[k], yr[k]) + outer(xi[k], yi[k]))
    turned = total(lambda k: outer(xr[k], yi[k]) - outer(xi[k], yr[k]))
    # Written, not joined: XLA would sum all of it for every part of a joint array.
    rows, cols = same.shape[-2:]
    made = jnp.zeros((*same.shape[:-2], 2 * rows, 2 * cols), same.dtype)
    made = made.at[..., :rows, :cols].set(same).at[..., rows:, cols:].set(same)
    return made.at[..., :rows, cols:].set(-turned).at[..., rows:, :cols].set(turned)


def _by_matrices(samples, weights):
    blocks = range(len(samples))
    pairs = [(i, j) for i in blocks for j in blocks[i:]]
    made = [(i, j, _matrices(samples[i], samples[j], weights)) for i, j in pairs]

    def times(equation, matrices, h, n):
        near = fourier.centre_crop(h, matrices.shape[0])
        return fourier.pad(jnp.einsum(equation, matrices, near), n)

    def apply(h: Planes) -> Planes:
        sizes, parts = [x.shape[0] for x in h], [[] for _ in h]
        for i, j, m in made:
            parts[i].append(times("pqcd,pqd->pqc", m, h[j], sizes[i]))
            if i != j:
                parts[j].append(times("pqcd,pqc->pqd", m, h[i], sizes[j]))
        return tuple(functools.reduce(jnp.add, part) for part in parts)

    return apply


def _by_samples(samples, weights):
    def scores(x, h, n):
        real, imaginary = jnp.split(h, 2, -1)
        other = jnp.concatenate([imaginary, real], -1)
        parts = (x * fourier.conjugate(h)).sum(-1), (x * other).sum(-1)
        return [jax.vmap(lambda s: fourier.pad(s, n))(part) for part in parts]

    def fit(x, total):
        cut = jax.vmap(lambda s: fourier.centre_crop(s, x.shape[1]))
        by_real, by_imaginary = ((x * cut(s)[..., None]).sum(0) for s in total)
        (rr, ir), (ri, ii) = (jnp.split(y, 2, -1) for y in (by_real, by_imaginary))
        return jnp.concatenate([rr + ii, ri - ir], -1)

    def apply(h: Planes) -> Planes:
        n = max(x.shape[0] for x in h)
        every = [scores(x, a, n) for x, a in zip(samples, h, strict=True)]
        total = [
            weights[:, None, None] * sum(parts) for parts in zip(*every, strict=True)
        ]
        return tuple(fit(x, total) for x in samples)

    return apply
