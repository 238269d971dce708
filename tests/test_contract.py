"""The contract every tracker keeps, run over every entry of ``TRACKERS``.

Trackers with networks keep it at a small size in tests of their own.

Compilation is what these tests cost. One clip in one padded bucket serves almost all of
them: a claim about other pixels, boxes or sizes reuses its two programs.
"""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tirjax.ops import boxes
from tirjax.trackers import (
    FOUND,
    LOST,
    NETWORKS,
    TRACKERS,
    UNCERTAIN,
    track,
    track_many,
)
from tirjax.typing import Frame

ROWS, COLS, TIME = 84, 92, 8  # true size; pixels are padded to the bucket
BUCKET = (96, 96)
KEY = jax.random.key(0)
PARAMS = ()
SIZE = (20.0, 20.0)
# Pixels of a target of 20. Two programs round differently; a projection learned on a
# smooth disc may then take another basis, and the box moves by part of a pixel.
NEAR = 0.3

traces = collections.Counter()


def counted_step(tracker, params, state, frame):
    """The step, counting how often it is traced, which is once a compilation."""
    traces[tracker, frame.pixels.shape, frame.pixels.dtype] += 1
    return tracker.step(params, state, frame)


init = jax.jit(lambda tracker, *arguments: tracker.init(*arguments), static_argnums=0)
step = jax.jit(counted_step, static_argnums=0)
run_many = jax.jit(track_many, static_argnums=0)


def at(frames, i):
    return jax.tree.map(lambda x: x[i], frames)


def follow(tracker, frames, box):
    """Predictions of frames 1 to the last, one step at a time, time leading."""
    state, found = init(tracker, PARAMS, at(frames, 0), box, KEY), []
    for i in range(1, len(frames.size)):
        state, prediction = step(tracker, PARAMS, state, at(frames, i))
        found.append(prediction)
    return jax.tree.map(lambda *x: np.stack(x), *found)


# Compiles as long as eco_hc_tir and is the same code with other settings.
LONG = {"eco_hc"}
CONTRACTED = [
    pytest.param(n, marks=pytest.mark.slow) if n in LONG else n
    for n in TRACKERS
    if n not in NETWORKS
]


@pytest.fixture(scope="module", params=CONTRACTED)
def tracker(request):
    return TRACKERS[request.param](SIZE)


def clip_of(pixels, padding=0):
    """``pixels [t, rows, cols, c]`` in the bucket; the rest holds ``padding``."""
    t, rows, cols, channels = pixels.shape
    canvas = np.empty((t, *BUCKET, channels), pixels.dtype)
    canvas[:] = padding
    canvas[:, :rows, :cols] = pixels
    return Frame(jnp.asarray(canvas), jnp.tile(jnp.int32([rows, cols]), (t, 1)))


def warm_discs(*starts, speed=(2.0, 1.0)):
    """Bytes of warm discs on a cool uneven ground, and the boxes of each."""
    step = np.arange(TIME)[:, None] * np.array(speed)
    rows, cols = np.mgrid[:ROWS, :COLS] + 0.5
    ground = 60 + 12 * np.sin(rows / 5) * np.cos(cols / 7)
    pixels, truth = np.repeat(ground[None], TIME, 0), []
    for start in starts:
        x, y = (np.array(start) + step).T[:, :, None, None]
        pixels = pixels + 150 * np.exp(-((cols - x) ** 2 + (rows - y) ** 2) / 50)
        corner = np.array(start) + step - 10
        truth.append(np.concatenate([corner, np.full((TIME, 2), 20.0)], -1))
    pixels = pixels.clip(0, 255).astype(np.uint8)[..., None]
    return pixels, np.array(truth, np.float32)


@pytest.fixture(scope="module")
def disc():
    pixels, (truth,) = warm_discs((30, 34))
    return pixels, truth


@pytest.fixture(scope="module")
def followed(tracker, disc):
    """Predictions on the disc, the reference of every claim of equality."""
    pixels, truth = disc
    return follow(tracker, clip_of(pixels), truth[0])


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_a_warm_disc_is_followed(followed, disc):
    _, truth = disc
    assert boxes.iou(followed.box, truth[1:]).min() > 0.6


def test_a_visible_target_is_never_called_lost(followed):
    assert (followed.status != LOST).all()


def test_the_prediction_has_the_declared_types(followed):
    assert followed.box.dtype == followed.score.dtype == jnp.float32
    assert followed.status.dtype == jnp.int32
    assert np.isin(followed.status, [FOUND, UNCERTAIN, LOST]).all()


def test_equal_sizes_give_the_same_tracker(tracker):
    """Otherwise every target compiles its own program."""
    names = [name for name, build in TRACKERS.items() if build(SIZE) is tracker]
    assert len(names) == 1


def test_the_state_is_a_scan_carry(tracker, disc):
    pixels, truth = disc
    frame = at(clip_of(pixels), 0)
    before = jax.eval_shape(tracker.init, PARAMS, frame, truth[0], KEY)
    after, _ = jax.eval_shape(tracker.step, PARAMS, before, frame)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    assert jax.tree.leaves(before) == jax.tree.leaves(after)


def test_the_step_compiles_once_for_all_frames_boxes_and_sizes(tracker, disc):
    pixels, truth = disc
    frames = clip_of(pixels)
    frames = frames._replace(size=frames.size.at[2:].set(jnp.int32([70, 90])))
    follow(tracker, frames, truth[0])
    follow(tracker, frames, truth[0] + np.float32([3, 2, 5, -4]))
    mine = [count for key, count in traces.items() if key[0] is tracker]
    assert mine and max(mine) == 1


def test_two_runs_are_equal_to_the_bit(tracker, disc, followed):
    pixels, truth = disc
    same(follow(tracker, clip_of(pixels), truth[0]), followed)


def test_padding_is_never_read(tracker, disc, followed, rng):
    pixels, truth = disc
    noise = rng.integers(0, 255, (*BUCKET, 1), np.uint8)
    same(follow(tracker, clip_of(pixels, noise), truth[0]), followed)


def test_bytes_of_one_channel_and_floats_of_three_agree(tracker, disc, followed):
    pixels, truth = disc
    colour = clip_of(np.repeat(pixels, 3, -1).astype(np.float32))
    got = follow(tracker, colour, truth[0])
    np.testing.assert_allclose(got.box, followed.box, atol=NEAR)


def test_clips_and_targets_in_a_batch_equal_each_alone(tracker):
    """Two clips, and two targets of one of them, in three lanes of one batch."""
    pixels, truth = warm_discs((22, 24), (62, 40))
    clip, mirrored = clip_of(pixels), clip_of(pixels[:, :, ::-1])
    x, y, w, h = truth[0, 0]
    lanes = [
        (clip, truth[0, 0]),
        (clip, truth[1, 0]),
        (mirrored, np.float32([COLS - x - w, y, w, h])),
    ]
    frames = jax.tree.map(lambda *x: jnp.stack(x), *(clip for clip, _ in lanes))
    starts = jnp.stack([box for _, box in lanes])
    many = run_many(tracker, PARAMS, frames, starts, jnp.stack([KEY] * len(lanes)))
    for i, (clip, box) in enumerate(lanes):
        alone = follow(tracker, clip, box)
        np.testing.assert_allclose(many.box[i], alone.box, atol=NEAR)


def test_several_targets_share_one_clip_by_a_vmap_over_boxes(tracker):
    pixels, truth = warm_discs((22, 24), (62, 40))
    frames = clip_of(pixels)
    targets = jax.vmap(lambda box: track(tracker, PARAMS, frames, box, KEY))
    out = jax.eval_shape(targets, jnp.asarray(truth[:, 0]))
    assert out.box.shape == (2, TIME - 1, 4)


@pytest.mark.slow
def test_compiled_equals_one_operation_at_a_time(tracker, disc, followed):
    pixels, truth = disc
    frames = clip_of(pixels)
    state = init(tracker, PARAMS, at(frames, 0), truth[0], KEY)
    with jax.disable_jit():
        _, first = tracker.step(PARAMS, state, at(frames, 1))
    np.testing.assert_allclose(first.box, followed.box[0], atol=NEAR)


def test_both_functions_export_to_stablehlo_for_every_platform(tracker, disc):
    pixels, truth = disc
    frame = at(clip_of(pixels), 0)
    state = jax.eval_shape(tracker.init, PARAMS, frame, truth[0], KEY)
    portable = lambda f: jax.export.export(jax.jit(f), platforms=("cpu", "cuda", "tpu"))
    for exported in (
        portable(tracker.init)(PARAMS, frame, truth[0], KEY),
        portable(tracker.step)(PARAMS, state, frame),
    ):
        assert "stablehlo" in exported.mlir_module()
        assert exported.platforms == ("cpu", "cuda", "tpu")


def leaves_the_image(pixels, truth):
    """The picture slides out of view to the left; its last columns fill in."""
    columns = np.arange(COLS)[None] + 14 * np.arange(TIME)[:, None]
    source = columns.clip(0, COLS - 1)[:, None, :, None]
    return np.take_along_axis(pixels[:1].repeat(TIME, 0), source, 2), truth[0]


def turns_blank(pixels, truth):
    return np.where(np.arange(TIME)[:, None, None, None] < 3, pixels, 90), truth[0]


HARDSHIPS = {
    "leaves_the_image": leaves_the_image,
    "turns_blank": turns_blank,
    "always_blank": lambda pixels, truth: (np.full_like(pixels, 90), truth[0]),
    "black": lambda pixels, truth: (np.zeros_like(pixels), truth[0]),
    "saturated": lambda pixels, truth: (np.full_like(pixels, 255), truth[0]),
    "one_pixel": lambda pixels, truth: (pixels, np.float32([30, 34, 1, 1])),
    "a_line": lambda pixels, truth: (pixels, np.float32([20, 34, 40, 0.5])),
    "partly_outside": lambda pixels, truth: (pixels, np.float32([-12, -9, 30, 30])),
    "larger_than_the_image": lambda pixels, truth: (
        pixels,
        np.float32([-40, -40, 200, 180]),
    ),
}


@pytest.mark.parametrize("hardship", HARDSHIPS)
def test_boxes_stay_finite_and_touch_the_image(tracker, disc, hardship):
    pixels, box = HARDSHIPS[hardship](*disc)
    out = follow(tracker, clip_of(pixels.astype(np.uint8)), box)
    assert np.isfinite(out.box).all() and np.isfinite(out.score).all()
    assert (out.box[:, 2:] > 0).all()
    corner, far = out.box[:, :2], out.box[:, :2] + out.box[:, 2:]
    assert (far > 0).all() and (corner < np.array([COLS, ROWS])).all()
