"""ATOM online: a filter and its features learned on the spot, boxes by overlap.

Positions inside are ``(row, col)`` in index coordinates (pixel ``i`` sits at ``i``);
boxes at the door follow the convention of ``tirjax.ops.boxes``.

Source: Danelljan et al., ATOM: Accurate Tracking by Overlap Maximization, CVPR 2019.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tirjax.backbones.resnet import normalise
from tirjax.heads.networks import AtomNet, atom_net
from tirjax.solvers.schedule import run_if
from tirjax.trackers import augment
from tirjax.trackers.atom import classifier
from tirjax.trackers.atom.config import CHANNELS, Config
from tirjax.trackers.atom.upsample import interpolation
from tirjax.trackers.base import Prediction, Tracker
from tirjax.trackers.dimp.network import Maps, Modulation, modulation, overlaps
from tirjax.trackers.localize import (
    HARD_NEGATIVE,
    NORMAL,
    NOT_FOUND,
    Found,
    localize,
    status,
)
from tirjax.trackers.pose import Pose, new_pose, refine_pose
from tirjax.trackers.pytracking_crop import (
    View,
    from_box,
    into_patch,
    patch,
    to_box,
)
from tirjax.trackers.sample_memory import Memory, start, store
from tirjax.typing import Array, Bool, Float, Frame, Int, Key, PyTree


class State(NamedTuple):
    """Everything a step needs.

    Attributes:
      pose: of the target.
      base: ``(rows, cols)`` of the target at scale one.
      filter: ``[f, f, c]``.
      projection: ``[raw, c]``, fixed after the first frame.
      memory: of ``(projected features [m, m, c], labels [m, m])``.
      reference: modulation of the IoU-Net.
      frame: number of frames seen.
      flag: decision on the last frame, of ``tirjax.trackers.localize``.
      key: of the frames to come.
    """

    pose: Pose
    base: Float[Array, "2"]
    filter: Float[Array, "f f c"]
    projection: Float[Array, "raw c"]
    memory: Memory
    reference: Modulation
    frame: Int[Array, ""]
    flag: Int[Array, ""]
    key: Key[Array, ""]


class FirstDraws(NamedTuple):
    """Randomness of the first frame.

    Attributes:
      shifts: ``[patches, 2]`` in [0, 1), for the random shifts.
      kept: ``[copies, raw]``, which channels dropout keeps.
      filter: ``[f, f, c]``, where learning starts.
      projection: ``[raw, c]``, where learning starts.
    """

    shifts: Float[Array, "patches 2"]
    kept: Bool[Array, "copies raw"]
    filter: Float[Array, "f f c"]
    projection: Float[Array, "raw c"]


def first_draws(config: Config, key: Key[Array, ""]) -> FirstDraws:
    """Draws for ``initialise``."""
    shifts, kept, filter, projection = jax.random.split(key, 4)
    copies, share = config.augmentation.dropout
    shape = (config.filter_size, config.filter_size, config.channels)
    raw = CHANNELS[config.depth]
    normal = lambda key, shape, n: jax.random.normal(key, shape) / n
    return FirstDraws(
        shifts=jax.random.uniform(shifts, (config.augmentation.draws, 2)),
        kept=jax.random.bernoulli(kept, 1 - share, (copies, raw)),
        filter=normal(filter, shape, config.filter_size**2 * config.channels),
        projection=normal(projection, (raw, config.channels), raw**0.5),
    )


def jitter(config: Config, key: Key[Array, ""]) -> Float[Array, "n 4"]:
    """Draws for ``advance``: the proposals of one frame."""
    return jax.random.uniform(key, (config.refinement.proposals, 4))


def _see(net: AtomNet, params: PyTree, patches: Float[Array, "n s s p"]) -> Maps:
    """Features of patches, pixels 0..255."""

    def run(m, x):
        maps = m.backbone(normalise(x))
        layer2, layer3 = (maps[k].astype(x.dtype) for k in ("layer2", "layer3"))
        return Maps(layer2, layer3, classifier.unit_power(layer3))

    return net.apply(params, patches, method=run)  # pyright: ignore[reportReturnType]


def _offset(pose: Pose, view: View) -> Float[Array, "2"]:
    """Of the target from the middle of a patch, patch pixels."""
    return (pose.position - view.position) / view.scale


def initialise(
    config: Config,
    net: AtomNet,
    params: PyTree,
    frame: Frame,
    box: Float[Array, "4"],
    draws: FirstDraws,
    key: Key[Array, ""],
) -> State:
    """Learns the target; ``draws`` are this frame's, ``key`` is for later ones."""
    side, settings = config.side, config.augmentation
    position, size = from_box(box)
    pose = Pose(position, size, config.search_scale * jnp.sqrt(size.prod()) / side)
    # The patch is cut around whole pixels below, labels and boxes count from the
    # nearest; the difference is the original's.
    view = View(jnp.round(position), pose.scale)
    wide = augment.wide_side(settings, side)
    pixels, _ = patch(frame, position, pose.scale, wide, config.crop)
    by = augment.shifts(settings, draws.shifts, side)
    see = functools.partial(_see, net, params)
    maps = augment.see_each(see, augment.patches(settings, pixels, by, side))

    copies, share = settings.dropout
    lost = augment.drop_channels(maps.target[0], draws.kept, share)
    features = jnp.concatenate([maps.target, lost])
    moved = jnp.pad(by, ((0, copies), (0, 0))).astype(position.dtype)
    wanted = classifier.labels(config, _offset(pose, view) + moved)
    filter, projection, _ = classifier.learn_first(
        config, features, wanted, draws.filter, draws.projection
    )
    samples = classifier.project(features, projection), wanted
    return State(
        pose=pose,
        base=size / pose.scale,
        filter=filter,
        projection=projection,
        memory=start(samples, config.slots),
        reference=modulation(net, params, maps, into_patch(position, size, view, side)),
        frame=jnp.int32(1),
        flag=jnp.int32(NORMAL),
        key=key,
    )


def _search(config: Config, state: State, sample, view: View, frame: Frame):
    """The classifier's decision, and where it puts the target's centre."""
    raw = classifier.scores(sample, state.filter)[0]
    up = jnp.asarray(interpolation(config.cells, config.side), raw.dtype)
    dense = jnp.einsum("pm,mn,qn->pq", up, raw, up, precision="highest")
    size, middle = state.pose.size, config.side // 2
    # Distances count from the middle of the patch, not from the last place.
    still = jnp.zeros(2, raw.dtype)
    found = localize(dense, (middle, middle), size / view.scale, still, config.trust)
    margin = (0.5 - config.inside) * size
    position = view.position + found.offset * view.scale
    return found, jnp.clip(position, -margin, frame.size + margin)


def _learn(config: Config, state: State, sample, view: View, found: Found) -> State:
    """Stores the sample of a trusted frame; trains when it is due."""
    hard = found.flag == HARD_NEGATIVE
    memory = store(
        state.memory,
        (sample[0], classifier.labels(config, _offset(state.pose, view))),
        jnp.where(hard, config.hard_negative_rate, config.rate),
        first=config.augmentation.samples,
        floor=config.first_share,
        accept=hard | (found.flag == NORMAL),
    )
    samples, wanted = memory.samples
    work = lambda f: classifier.learn(config, samples, wanted, memory.weights, f)
    due = hard | ((state.frame - 1) % config.train_gap == 0)
    return state._replace(memory=memory, filter=run_if(due, work, state.filter))


def advance(
    config: Config,
    net: AtomNet,
    params: PyTree,
    state: State,
    frame: Frame,
    uniform: Float[Array, "n 4"],
) -> tuple[State, Prediction]:
    """Follows the target; ``uniform`` are this frame's draws, of ``jitter``."""
    old = state.pose
    pixels, _ = patch(frame, old.position, old.scale, config.side, config.crop)
    view = View(jnp.round(old.position), old.scale)
    maps = _see(net, params, pixels[None])
    sample = classifier.project(maps.target, state.projection)
    found, position = _search(config, state, sample, view, frame)
    predict = overlaps(net, params, maps, state.reference)
    guess = old._replace(position=position)
    settings = config.refinement
    better = refine_pose(predict, guess, view, uniform, frame, settings, config.side)
    seen = found.flag != NOT_FOUND
    pose = new_pose(old, better, state.base, seen)
    state = state._replace(pose=pose, frame=state.frame + 1, flag=found.flag)
    state = _learn(config, state, sample, view, found)
    box = to_box(pose.position, pose.size).astype(jnp.float32)
    score = found.score.astype(jnp.float32)
    overlap = jnp.where(seen, better.overlap, jnp.nan).astype(jnp.float32)
    return state, Prediction(box, score, status(found.flag), overlap)


@functools.cache
def atom(config: Config = Config(), net: AtomNet | None = None) -> Tracker:
    """Builds the tracker. Equal settings give the same object.

    Args:
      config: settings.
      net: another network with the same parts; None builds the published one of
        ``config.depth``. Its variables are the tracker's ``params``.
    """
    network = net or atom_net(config.depth, dtype=config.dtype)

    def init(params, frame, box, key):
        now, later = jax.random.split(key)
        draws = first_draws(config, now)
        return initialise(config, network, params, frame, box, draws, later)

    def step(params, state, frame):
        now, later = jax.random.split(state.key)
        uniform = jitter(config, now)
        state = state._replace(key=later)
        return advance(config, network, params, state, frame, uniform)

    return Tracker(init, step)
