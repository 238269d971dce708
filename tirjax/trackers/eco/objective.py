"""ECO's least-squares problem on half spectra: operators, right-hand sides, solvers.

Minimises over the filters ``f`` and, on the first frame, the projections ``P``

    sum_j w_j | sum_d (P_d^T x_jd) * f_d - y |^2 + sum_d | window f_d |^2 + ridge |P|^2

Source: Danelljan et al., ECO, CVPR 2017, equations 5 to 9.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.ops import fourier
from tirjax.solvers.conjugate_gradient import Momentum, conjugate_gradient, no_momentum
from tirjax.trackers.eco import regularize
from tirjax.trackers.eco.config import Config
from tirjax.trackers.eco.memory import Memory
from tirjax.trackers.eco.normal import data_term
from tirjax.typing import Array, Complex, Float

Filter = tuple[Complex[Array, "n half c"], ...]
Projection = tuple[Float[Array, "raw c"], ...]


class Problem(NamedTuple):
    """What stays the same while a target is tracked.

    Attributes:
      labels: half spectra of the desired response, a block each.
      window: spatial regularisation.
    """

    labels: tuple[Float[Array, "n half"], ...]
    window: regularize.Cross


def labels(
    config: Config, target: Float[Array, "2"], support: int, filters: tuple[int, ...]
) -> tuple[Float[Array, "n half"], ...]:
    """Fourier coefficients of a Gaussian peak at the target's centre.

    Args:
      config: relative width of the peak.
      target: ``(rows, cols)`` of the target in the sample, pixels.
      support: side of the sample, pixels.
      filters: odd filter sizes; the largest sets the unit of the width.
    """
    n = max(filters)
    area = jnp.prod(jnp.floor(target))
    sigma = jnp.sqrt(area) * config.label_sigma * n / support

    def one(size):
        k = fourier.frequencies(size)
        y = (
            jnp.sqrt(2 * jnp.pi)
            * sigma
            / n
            * jnp.exp(-2 * (jnp.pi * sigma * k / n) ** 2)
        )
        return y[:, None] * y[: size // 2 + 1]

    return tuple(one(size) for size in filters)


def project(x: Filter, p: Projection) -> Filter:
    """Applies the projection of every block to its channels."""
    return tuple(
        jnp.einsum("...c,cd->...d", a, b.astype(a.dtype))
        for a, b in zip(x, p, strict=True)
    )


def response(x: Filter, f: Filter) -> Complex[Array, "n half"]:
    """Score spectrum: products summed over channels and, aligned, over blocks."""
    parts = [(a * b).sum(-1) for a, b in zip(x, f, strict=True)]
    n = max(part.shape[0] for part in parts)
    return jnp.stack([fourier.pad(part, n) for part in parts]).sum(0)


def inner(a: Filter, b: Filter) -> Float[Array, ""]:
    """Inner product of two filters."""
    parts = [fourier.inner(x, y) for x, y in zip(a, b, strict=True)]
    return jnp.stack(parts).sum()


def _bands(problem: Problem):
    sizes = [label.shape[0] for label in problem.labels]
    return [regularize.bands(problem.window, n) for n in sizes]


def diagonal(config: Config, problem: Problem, energy) -> Filter:
    """Diagonal preconditioner of the filter part."""
    data, reg, _ = config.precondition
    mix = lambda e: data * e + (1 - data) * e.mean(-1, keepdims=True)
    return tuple((1 - reg) * mix(e) + reg * problem.window.energy for e in energy)


def _divide(r, m):
    return tuple(a / b for a, b in zip(r, m, strict=True))


def train(
    config: Config,
    problem: Problem,
    memory: Memory,
    energy: Filter,
    f: Filter,
    momentum: Momentum,
) -> tuple[Filter, Momentum]:
    """A few conjugate-gradient steps from the current filter.

    Args:
      config: solver settings.
      problem: labels and window.
      memory: samples and weights.
      energy: running mean of ``|sample|^2``, for the preconditioner.
      f: current filter.
      momentum: of the previous training, in planes.
    """
    weights, samples, bands = memory.weights, memory.samples, _bands(problem)
    data = data_term(samples, weights)

    def operator(h):
        return tuple(
            x + regularize.regularise(b, a, fourier.conjugate)
            for x, a, b in zip(data(h), h, bands, strict=True)
        )

    def wanted(x, label):
        mean = jnp.einsum("k,kpqc->pqc", weights, x)
        return fourier.conjugate(mean) * label[..., None]

    m = [jnp.concatenate([x, x], -1) for x in diagonal(config, problem, energy)]
    found, momentum = conjugate_gradient(
        operator,
        tuple(map(wanted, samples, problem.labels)),
        tuple(map(fourier.planes, f)),
        iterations=config.cg_steps,
        inner=inner,
        precondition=lambda r: _divide(r, m),
        momentum=momentum,
    )
    return tuple(map(fourier.from_planes, found)), momentum


def _pull(raw: Filter, f: Filter, score_parts) -> Projection:
    """Transpose of projection step to scores; the zero column is left out."""

    def one(x, h, o):
        left = slice(None, -1)
        return (
            2
            * jnp.einsum(
                "pqc,pqd,pq->cd", x[:, left].conj(), h[:, left].conj(), o[:, left]
            ).real
        )

    return tuple(one(x, h, o) for x, h, o in zip(raw, f, score_parts, strict=True))


def _gauss_newton(config: Config, problem: Problem, raw: Filter, m, f, p):
    """One linearisation in filter and projection, solved by conjugate gradient."""
    sizes = [label.shape[0] for label in problem.labels]
    ridge, bands, x, f0 = config.projection_ridge, _bands(problem), project(raw, p), f

    def split(scores):
        return [fourier.centre_crop(scores, n) for n in sizes]

    def operator(v):
        h, dp = v
        parts = split(response(x, h) + response(project(raw, dp), f0))
        fitted = tuple(
            a.conj() * o[..., None] + regularize.regularise(b, c)
            for a, o, b, c in zip(x, parts, bands, h, strict=True)
        )
        pulled = _pull(raw, f0, parts)
        return fitted, tuple(a + ridge * b for a, b in zip(pulled, dp, strict=True))

    wanted = tuple(
        a.conj() * y[..., None] for a, y in zip(x, problem.labels, strict=True)
    )
    pulled = _pull(raw, f0, problem.labels)
    rhs = wanted, tuple(a - ridge * b for a, b in zip(pulled, p, strict=True))

    def both(a, b):
        return inner(a[0], b[0]) + sum(
            jnp.vdot(u, v) for u, v in zip(a[1], b[1], strict=True)
        )

    (f, dp), _ = conjugate_gradient(
        operator,
        rhs,
        (f, jax.tree.map(jnp.zeros_like, p)),
        iterations=-(-config.first_cg_steps // config.first_gn_steps),
        inner=both,
        precondition=lambda r: (_divide(r[0], m[0]), _divide(r[1], m[1])),
        polak_ribiere=False,
    )
    f = tuple(map(fourier.symmetrise, f))
    return f, tuple(a + b for a, b in zip(p, dp, strict=True))


def train_first(
    config: Config, problem: Problem, raw: Filter, p: Projection
) -> tuple[Filter, Projection, Filter, Momentum]:
    """Learns filter and projection together from the first sample.

    Args:
      config: solver settings.
      problem: labels and window.
      raw: first sample before the projection.
      p: initial projections.

    Returns:
      Filter, projection, energy of the first sample (by the initial projection, as the
      preconditioner keeps using it), and a fresh momentum.
    """
    energy = tuple(jnp.abs(x) ** 2 for x in project(raw, p))
    total = sum(x.shape[-1] for x in raw)
    ridge, weight = config.projection_ridge, config.precondition[2]
    flat = [weight * (2 * (y**2).sum() / total + ridge) for y in problem.labels]
    m = diagonal(config, problem, energy), tuple(flat)
    zero = tuple(jnp.zeros_like(x) for x in project(raw, p))

    def body(carry, _):
        return _gauss_newton(config, problem, raw, m, *carry), None

    (f, p), _ = jax.lax.scan(body, (zero, p), length=config.first_gn_steps)
    return f, p, energy, no_momentum(tuple(map(fourier.planes, f)))


def principal_axes(
    x: Float[Array, "m m raw"], channels: int | None
) -> Float[Array, "raw c"]:
    """Initial projection: directions of largest variance of a feature map.

    Args:
      x: the map.
      channels: how many directions; None takes all, which only turns the channels.
    """
    flat = x.reshape(-1, x.shape[-1])
    flat = flat - flat.mean(0)
    cov = jnp.dot(flat.T, flat, precision="highest")
    return jnp.linalg.eigh(cov)[1][:, ::-1][:, :channels]
