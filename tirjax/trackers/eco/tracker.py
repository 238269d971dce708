"""ECO: continuous filters on features of several resolutions, and a compact memory.

Positions inside are ``(row, col)`` in index coordinates (pixel ``i`` sits at ``i``);
boxes at the door follow the convention of ``tirjax.ops.boxes``.

Source: Danelljan et al., ECO: Efficient Convolution Operators for Tracking, CVPR 2017.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from tirjax.backbones.trunk import Trunk
from tirjax.ops import fourier
from tirjax.solvers.conjugate_gradient import Momentum, forget
from tirjax.solvers.schedule import run_if
from tirjax.trackers.base import FOUND, Prediction, Tracker
from tirjax.trackers.eco import memory, objective, regularize, scale
from tirjax.trackers.eco.config import Config
from tirjax.trackers.eco.features import Extractor, Picture, next_background
from tirjax.trackers.eco.layout import layout, sample_scale
from tirjax.trackers.eco.localize import peak
from tirjax.trackers.eco.sample import whole
from tirjax.typing import Array, Float, Frame, Int, PyTree


class Learned(NamedTuple):
    """What training changes.

    Attributes:
      filter: half spectra, a block each.
      energy: running mean of ``|sample|^2``, for the preconditioner.
      momentum: of the solver.
      age: frames since the last training.
    """

    filter: objective.Filter
    energy: objective.Filter
    momentum: Momentum
    age: Int[Array, ""]


class State(NamedTuple):
    """Everything a step needs.

    Attributes:
      position: centre of the target, index coordinates ``(row, col)``.
      scale: image pixels per sample pixel.
      target: ``(rows, cols)`` of the target at scale one.
      frame: number of frames seen.
      problem: labels and window.
      projection: of every block.
      memory: samples.
      learned: filter and solver.
      scale_filter: a ``scale.State``, or None without one.
      background: the frame last trained on, or None where no feature is of motion.
    """

    position: Float[Array, "2"]
    scale: Float[Array, ""]
    target: Float[Array, "2"]
    frame: Int[Array, ""]
    problem: objective.Problem
    projection: objective.Projection
    memory: memory.Memory
    learned: Learned
    scale_filter: Any
    background: Frame | None = None


def _recentre(x, position, sample_position, sample_scale, support: int):
    """Moves a sample's origin from its whole-pixel centre to the target's."""
    by = 2 * jnp.pi * (position - sample_position) / (sample_scale * support)
    return tuple(fourier.shift(a, by) for a in x)


def _clamp_scale(config: Config, state_scale, target, support: int, size):
    """Keeps the sample above five pixels and the target below the image."""
    step = jnp.log(config.scale_step)
    low = jnp.ceil(jnp.log(5 / support) / step)
    high = jnp.floor(jnp.log((size / target).min()) / step)
    return jnp.clip(state_scale, jnp.exp(low * step), jnp.exp(high * step))


def _initialise(extract: Extractor, params: PyTree, frame: Frame, box):
    config, sizes = extract.config, extract.sizes
    background = frame if config.moving else None
    size = box[2:][::-1].astype(float)
    position = (box[:2] + box[2:] / 2)[::-1].astype(float) - 0.5
    scale_now = sample_scale(config, size)
    target = size / scale_now
    problem = objective.Problem(
        objective.labels(config, target, sizes.support, sizes.filters),
        regularize.window(config, target, sizes.support),
    )
    centre = whole(position)
    maps = extract(params, Picture(frame, background), centre, scale_now)
    projection = tuple(
        objective.principal_axes(x, block.channels)
        for x, block in zip(maps, config.blocks, strict=True)
    )
    raw = tuple(fourier.series(x) for x in maps)
    raw = _recentre(raw, position, centre, scale_now, sizes.support)
    f, projection, energy, momentum = objective.train_first(
        config, problem, raw, projection
    )
    stored = memory.start(objective.project(raw, projection), config.memory)
    small = None
    if config.scale_filter is not None:
        small = scale.init(config.scale_filter, sizes.template, frame, position, size)
    learned = Learned(f, energy, momentum, jnp.int32(0))
    return State(
        position=position,
        scale=scale_now,
        target=target,
        frame=jnp.int32(1),
        problem=problem,
        projection=projection,
        memory=stored,
        learned=learned,
        scale_filter=small,
        background=background,
    )


class Detection(NamedTuple):
    """A sample, where it was taken, and where the target is in it."""

    sample: objective.Filter
    centre: Float[Array, "2"]
    scale: Float[Array, ""]
    position: Float[Array, "2"]
    score: Float[Array, ""]
    factor: Float[Array, ""]


def _detect(
    extract: Extractor, params: PyTree, state: State, frame: Frame
) -> Detection:
    """Samples every search scale and keeps the one whose response peaks highest."""
    config, sizes = extract.config, extract.sizes
    centre, picture = whole(state.position), Picture(frame, state.background)

    def at(factor):
        here = state.scale * factor
        maps = extract(params, picture, centre, here)
        sample = tuple(
            fourier.series(x) for x in objective.project(maps, state.projection)
        )
        found = peak(
            objective.response(sample, state.learned.filter), config.newton_steps
        )
        moved = centre + found.offset * (sizes.support / sizes.output) * here
        return Detection(sample, centre, here, moved, found.score, factor)

    first = -(config.scales - 1) // 2
    factors = config.scale_step ** (jnp.arange(config.scales) + float(first))
    if config.scales == 1:
        return at(factors[0])
    every = jax.vmap(at)(factors)
    return jax.tree.map(lambda x: x[every.score.argmax()], every)


def _learn(config: Config, problem, stored: memory.Memory, sample, learned: Learned):
    rate = config.rate
    energy = tuple(
        (1 - rate) * e + rate * jnp.abs(x) ** 2
        for e, x in zip(learned.energy, sample, strict=True)
    )
    momentum = forget(learned.momentum, (1 - rate) ** config.forgetting)
    f, momentum = objective.train(
        config, problem, stored, energy, learned.filter, momentum
    )
    return Learned(f, energy, momentum, jnp.zeros_like(learned.age))


def _box(config: Config, state: State) -> Float[Array, "4"]:
    size = state.target * state.scale
    corner = state.position + 0.5 - size / 2
    if config.round_box:
        corner, size = jnp.round(corner), jnp.round(size)
    return jnp.concatenate([corner[::-1], size[::-1]]).astype(jnp.float32)


def _step(extract: Extractor, params: PyTree, state: State, frame: Frame):
    config, sizes = extract.config, extract.sizes
    found = _detect(extract, params, state, frame)
    position, image = found.position, frame.size.astype(float)
    if config.keep_inside:
        position = jnp.clip(position, 0.0, image - 1)
    clamp = lambda s: _clamp_scale(config, s, state.target, sizes.support, image)
    now = clamp(state.scale * found.factor)
    small, settings = state.scale_filter, config.scale_filter
    look = (sizes.template, small, frame, position)
    if settings is not None:
        now = clamp(now * scale.estimate(settings, *look, state.target * now))
    sample = _recentre(found.sample, position, found.centre, found.scale, sizes.support)
    stored = memory.remember(state.memory, sample, config.rate)
    number = state.frame + 1
    learned = state.learned._replace(age=state.learned.age + 1)
    due = (number < config.train_always) | (learned.age > config.train_gap)
    work = functools.partial(_learn, config, state.problem, stored, sample)
    learned = run_if(due, work, learned)
    if settings is not None:
        small = scale.update(settings, *look, state.target * now)
    picture = Picture(frame, state.background)
    state = state._replace(
        position=position,
        scale=now,
        frame=number,
        memory=stored,
        learned=learned,
        scale_filter=small,
        background=next_background(picture, due, config.background_rate),
    )
    score = found.score.astype(jnp.float32)
    return state, Prediction(_box(config, state), score, jnp.int32(FOUND))


@functools.cache
def _build(extract: Extractor) -> Tracker:
    def init(params, frame, box, key):
        del key
        return _initialise(extract, params, frame, box)

    def step(params, state, frame):
        return _step(extract, params, state, frame)

    return Tracker(init, step)


def eco(
    config: Config = Config(),
    trunk: Trunk | None = None,
    *,
    size: tuple[float, float],
) -> Tracker:
    """Builds the tracker. ``params`` are the network's variables, without one ``()``.

    Args:
      config: settings.
      trunk: network of its deep blocks, if it has any.
      size: ``(w, h)`` of the target on the first frame, pixels; it chooses the array
        sizes. Equal sizes give the same object.

    Raises:
      ValueError: deep blocks without a network, or that it does not have.
    """
    return _build(Extractor(config, layout(config, size, trunk), trunk))
