"""DiMP online: a target filter that keeps learning, and boxes by predicted overlap.

Positions inside are ``(row, col)`` in index coordinates (pixel ``i`` sits at ``i``);
boxes at the door follow the convention of ``tirjax.ops.boxes``.

Source: Bhat et al., Learning Discriminative Model Prediction for Tracking, ICCV 2019,
section 3.4.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from tirjax.heads.networks import dimp_net
from tirjax.ops.target_filter import score_map
from tirjax.solvers.schedule import run_if
from tirjax.trackers import augment
from tirjax.trackers.base import Prediction, Tracker
from tirjax.trackers.dimp import network
from tirjax.trackers.dimp.config import Config
from tirjax.trackers.dimp.network import Maps, Modulation
from tirjax.trackers.localize import (
    HARD_NEGATIVE,
    NORMAL,
    NOT_FOUND,
    localize,
    status,
)
from tirjax.trackers.pose import Pose, new_pose, refine_pose
from tirjax.trackers.pytracking_crop import (
    Rule,
    View,
    from_box,
    into_patch,
    patch,
    to_box,
)
from tirjax.trackers.sample_memory import Memory, start, store
from tirjax.typing import Array, Bool, Float, Frame, Int, Key


class State(NamedTuple):
    """Everything a step needs.

    Attributes:
      pose: of the target.
      base: ``(rows, cols)`` of the target at scale one.
      filter: ``[f, f, c]``.
      memory: of ``(features [h, w, c], box [4])``.
      reference: modulation of the IoU-Net.
      frame: number of frames seen.
      flag: decision on the last frame, of ``tirjax.trackers.localize``.
      key: of the frames to come.
    """

    pose: Pose
    base: Float[Array, "2"]
    filter: Float[Array, "f f c"]
    memory: Memory
    reference: Modulation
    frame: Int[Array, ""]
    flag: Int[Array, ""]
    key: Key[Array, ""]


class FirstDraws(NamedTuple):
    """Randomness of the first frame.

    Attributes:
      shifts: ``[patches, 2]`` in [0, 1), for the random shifts.
      kept: ``[copies, c]``, which channels dropout keeps.
    """

    shifts: Float[Array, "patches 2"]
    kept: Bool[Array, "copies c"]


def first_draws(config: Config, channels: int, key: Key[Array, ""]) -> FirstDraws:
    """Draws for ``initialise``; ``channels`` is the depth of the filter."""
    shifts, kept = jax.random.split(key)
    copies, share = config.augmentation.dropout
    return FirstDraws(
        jax.random.uniform(shifts, (config.augmentation.draws, 2)),
        jax.random.bernoulli(kept, 1 - share, (copies, channels)),
    )


def jitter(config: Config, key: Key[Array, ""]) -> Float[Array, "n 4"]:
    """Draws for ``advance``: the proposals of one frame."""
    return jax.random.uniform(key, (config.refinement.proposals, 4))


def initialise(
    config: Config,
    net: nn.Module,
    params,
    frame: Frame,
    box: Float[Array, "4"],
    draws: FirstDraws,
    key: Key[Array, ""],
) -> State:
    """Learns the target; ``draws`` are this frame's, ``key`` is for later ones."""
    side, settings = config.side, config.augmentation
    position, size = from_box(box)
    scale = jnp.sqrt((size * config.search_scale).prod()) / side
    # The first patch leaves the image even where later ones must not.
    rule = Rule(true_division=config.crop.true_division)
    view = View(jnp.round(position), scale)
    wide = augment.wide_side(settings, side)
    pixels, _ = patch(frame, view.position, scale, wide, rule)
    by = augment.shifts(settings, draws.shifts, side)
    see = functools.partial(network.see, net, params)
    maps = augment.see_each(see, augment.patches(settings, pixels, by, side))

    first = into_patch(position, size, view, side)
    lost = augment.drop_channels(maps.target[0], draws.kept, settings.dropout[1])
    features = jnp.concatenate([maps.target, lost])
    moved = jnp.concatenate([by, jnp.zeros((len(lost), 2), by.dtype)])[:, ::-1]
    targets = first + jnp.pad(moved, ((0, 0), (0, 2))).astype(first.dtype)
    return State(
        pose=Pose(position, size, scale),
        base=size / scale,
        filter=network.first_filter(net, params, features, targets, config.first_steps),
        memory=start((features, targets), config.slots),
        reference=network.modulation(net, params, maps, first),
        frame=jnp.int32(1),
        flag=jnp.int32(NORMAL),
        key=key,
    )


def _search(config: Config, state: State, maps: Maps, view: View, frame: Frame):
    """The classifier's decision, and where it puts the target's centre."""
    scores = score_map(maps.target, state.filter)[0]
    rows, cols = scores.shape
    # An even filter's scores lie on cell edges, first and last on the patch's own.
    cell = config.side / (rows - (state.filter.shape[0] + 1) % 2) * view.scale
    pose = state.pose
    found = localize(
        scores,
        ((rows - 1) / 2, (cols - 1) / 2),
        pose.size / cell,
        (pose.position - view.position) / cell,
        config.trust,
    )
    margin = (0.5 - config.inside) * pose.size
    position = view.position + found.offset * cell
    return found, jnp.clip(position, -margin, frame.size + margin)


def _train(config: Config, net, params, samples, filter, count):
    """``count`` steps of the optimiser."""
    most = max(config.steps, config.hard_negative_steps)
    steps = functools.partial(network.better_filter, net, params, *samples)
    if config.reversible:
        some = lambda n: lambda f: steps(f, count=None, most=n) if n else f
        return jax.lax.switch(count, [some(n) for n in range(most + 1)], filter)
    return run_if(count > 0, lambda f: steps(f, count=count, most=most), filter)


def _learn(config: Config, net, params, state: State, maps: Maps, view: View):
    """Stores the sample of a trusted frame; trains when it is due."""
    hard = state.flag == HARD_NEGATIVE
    trusted = hard | (state.flag == NORMAL)
    pose = state.pose
    target = into_patch(pose.position, pose.size, view, config.side)
    memory = store(
        state.memory,
        (maps.target[0], target),
        jnp.where(hard, config.hard_negative_rate, config.rate),
        first=config.augmentation.samples,
        floor=config.first_share,
        accept=trusted,
    )
    regular = jnp.where((state.frame - 1) % config.train_gap == 0, config.steps, 0)
    count = jnp.where(hard, config.hard_negative_steps, regular)
    samples = (memory.samples, memory.weights)
    count = jnp.where(trusted, count, 0)
    filter = _train(config, net, params, samples, state.filter, count)
    return state._replace(memory=memory, filter=filter)


def advance(
    config: Config,
    net: nn.Module,
    params,
    state: State,
    frame: Frame,
    uniform: Float[Array, "n 4"],
) -> tuple[State, Prediction]:
    """Follows the target; ``uniform`` are this frame's draws, of ``jitter``."""
    old = state.pose
    pixels, view = patch(frame, old.position, old.scale, config.side, config.crop)
    maps = network.see(net, params, pixels[None])
    found, position = _search(config, state, maps, view, frame)
    predict = network.overlaps(net, params, maps, state.reference)
    guess = old._replace(position=position)
    settings = config.refinement
    better = refine_pose(predict, guess, view, uniform, frame, settings, config.side)
    seen = found.flag != NOT_FOUND
    pose = new_pose(old, better, state.base, seen, config.size_rate)
    state = state._replace(pose=pose, frame=state.frame + 1, flag=found.flag)
    state = _learn(config, net, params, state, maps, view)
    box = to_box(pose.position, pose.size).astype(jnp.float32)
    score = found.score.astype(jnp.float32)
    overlap = jnp.where(seen, better.overlap, jnp.nan).astype(jnp.float32)
    return state, Prediction(box, score, status(found.flag), overlap)


@functools.cache
def dimp(config: Config = Config(), net: nn.Module | None = None) -> Tracker:
    """Builds the tracker. Equal settings give the same object.

    Args:
      config: settings.
      net: another network with the same parts; None builds the published one of
        ``config.depth``. Its variables are the tracker's ``params``.
    """
    network_ = net or dimp_net(
        config.depth, sigma=config.label_sigma, dtype=config.dtype
    )
    channels = network_.classifier.channels

    def init(params, frame, box, key):
        now, later = jax.random.split(key)
        draws = first_draws(config, channels, now)
        return initialise(config, network_, params, frame, box, draws, later)

    def step(params, state, frame):
        now, later = jax.random.split(state.key)
        uniform = jitter(config, now)
        state = state._replace(key=later)
        return advance(config, network_, params, state, frame, uniform)

    return Tracker(init, step)
