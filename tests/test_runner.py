"""The chunked runner: equal to the core, constant in memory, exact about errors."""

import functools
import gc
import logging
import threading
import time
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import AS_FOR_USERS
from tirjax_track import canvas, programs, runner
from tirjax_track.prefetch import prefetch

from tirjax.data.sequence import DataError
from tirjax.trackers import TRACKERS, Prediction, Tracker, track
from tirjax.typing import Frame

KEY = jax.random.key(0)
BOX = (20.0, 25.0, 20.0, 20.0)
MOSSE = TRACKERS["mosse"](BOX[2:])


def moving_blob(rng, frames=23, rows=70, cols=90):
    """uint8 frames of a warm disc that moves right and down from (30, 35)."""
    y, x = np.mgrid[:rows, :cols] + 0.5
    step = np.arange(frames)[:, None, None]
    disc = np.exp(-((x - 30 - 1.5 * step) ** 2 + (y - 35 - 0.5 * step) ** 2) / 60)
    noisy = 40 + 5 * rng.normal(size=disc.shape) + 150 * disc
    return noisy.clip(0, 255).astype(np.uint8)[..., None]


def drifter(traces):
    """A tracker that moves its box a pixel a frame and notes when it is traced."""

    def init(params, frame, box, key):
        traces.append("init")
        return box

    def step(params, state, frame):
        traces.append("step")
        box = state + jnp.array([1.0, 0, 0, 0])
        mean = frame.pixels[0, 0, 0].astype(jnp.float32)
        return box, Prediction(box, mean, jnp.int32(0))

    return Tracker(init, step)


def table(results):
    """Boxes, scores and statuses of a run, ``[t, 6]``."""
    return np.array([[*r.box, r.score, r.status] for r in results])


@pytest.fixture
def compiled_as_for_users(monkeypatch):
    compile = jax.stages.Lowered.compile
    for_users = functools.partialmethod(compile, compiler_options=AS_FOR_USERS)
    monkeypatch.setattr(jax.stages.Lowered, "compile", for_users)
    programs._compile.cache_clear()
    yield
    programs._compile.cache_clear()


@pytest.mark.usefixtures("compiled_as_for_users")
@pytest.mark.parametrize("chunk", [1, 5, 11, 22, 64, None])
def test_equals_the_core_exactly_whatever_the_chunk(rng, chunk):
    pixels = moving_blob(rng)
    got = table(runner.follow(MOSSE, (), pixels, BOX, KEY, chunk=chunk))
    size = jnp.broadcast_to(jnp.array([70, 90], jnp.int32), (23, 2))
    clip = Frame(jnp.asarray(pixels), size)
    core = jax.jit(track, static_argnums=0, compiler_options=AS_FOR_USERS)
    want = core(MOSSE, (), clip, jnp.array(BOX), KEY)
    assert got.shape == (23, 6)
    np.testing.assert_array_equal(got[0], [*BOX, np.nan, 0])
    np.testing.assert_array_equal(got[1:, :4], want.box)
    np.testing.assert_array_equal(got[1:, 4], want.score)


def test_padding_to_a_larger_bucket_moves_no_box(rng):
    pixels = moving_blob(rng)
    small = table(runner.follow(MOSSE, (), pixels, BOX, KEY, bucket=2))
    large = table(runner.follow(MOSSE, (), pixels, BOX, KEY, bucket=256))
    np.testing.assert_array_equal(small, large)


def test_two_runs_are_bit_equal(rng):
    pixels = moving_blob(rng)
    first = table(runner.follow(MOSSE, (), pixels, BOX, KEY))
    np.testing.assert_array_equal(
        first, table(runner.follow(MOSSE, (), pixels, BOX, KEY))
    )


def test_two_sizes_and_lengths_in_a_bucket_compile_once(rng):
    traces = []
    tracker = drifter(traces)
    for frames, rows, cols in [(9, 70, 90), (30, 66, 128), (2, 128, 65)]:
        clip = np.zeros((frames, rows, cols, 1), np.uint8)
        assert len(list(runner.follow(tracker, (), clip, BOX, KEY, chunk=8))) == frames
    assert traces.count("init") == 1
    assert traces.count("step") <= 2  # shapes, then the loop: one compilation


def test_compilation_is_logged_with_its_seconds(caplog):
    clip = np.zeros((3, 20, 30, 1), np.uint8)
    with caplog.at_level(logging.INFO, "tirjax_track.programs"):
        list(runner.follow(drifter([]), (), clip, (1, 1, 5, 5), KEY, chunk=2))
    init, chunk = caplog.messages
    assert "test_runner: compiled its init for frames of 64x64x1 in" in init
    assert "test_runner: compiled its chunk for frames of 2x64x64x1 in" in chunk


def test_a_clip_of_one_frame_gives_the_box_it_was_given():
    (only,) = runner.follow(MOSSE, (), np.zeros((1, 70, 90, 1), np.uint8), BOX, KEY)
    np.testing.assert_array_equal(only.box, np.float32(BOX))


def test_targets_of_a_clip_together_equal_each_alone(rng):
    pixels, boxes = moving_blob(rng), [BOX, (50, 10, 16, 24), (-4, 5, 12, 12)]
    keys = jax.random.split(KEY, 3)
    job = runner.Job(MOSSE, (), boxes, keys)
    together = list(runner.follow_all([job], pixels, chunk=8))
    for i, box in enumerate(boxes):
        alone = runner.follow(MOSSE, (), pixels, box, keys[i], chunk=8)
        got = table(results[0][i] for results in together)
        np.testing.assert_allclose(got, table(alone), atol=1e-4)


def test_two_trackers_share_one_pass_over_the_frames(rng):
    pixels, reads = moving_blob(rng), []
    jobs = [runner.Job(t, (), [BOX], [KEY]) for t in (MOSSE, drifter([]))]
    frames = (reads.append(k) or frame for k, frame in enumerate(pixels))
    together = list(runner.follow_all(jobs, frames, chunk=8))
    assert reads == list(range(23))
    for i, job in enumerate(jobs):
        alone = runner.follow(job.tracker, (), pixels, BOX, KEY, chunk=8)
        got = table(results[i][0] for results in together)
        np.testing.assert_array_equal(got, table(alone))


def test_clips_in_lock_step_equal_each_alone_and_end_when_they_end(rng):
    lengths, rows = (23, 9, 14), (70, 66, 128)
    clips = [moving_blob(rng, n, r) for n, r in zip(lengths, rows, strict=True)]
    keys = jax.random.split(KEY, 3)
    together = list(runner.follow_many(MOSSE, (), clips, [BOX] * 3, keys, chunk=8))
    assert len(together) == 23
    for i, clip in enumerate(clips):
        column = [results[i] for results in together]
        assert column[lengths[i] :] == [None] * (23 - lengths[i])
        alone = table(runner.follow(MOSSE, (), clip, BOX, keys[i], chunk=8))
        np.testing.assert_allclose(table(column[: lengths[i]]), alone, atol=1e-4)


@pytest.mark.parametrize("failing", [0, 1, 4, 8, 9, 16])
def test_an_error_in_frame_k_comes_after_the_results_before_k(failing):
    def frames():
        for k in range(20):
            if k == failing:
                raise DataError(f"img/{k:04d}.png: unreadable")
            yield np.zeros((40, 50, 1), np.uint8)

    got = []
    with pytest.raises(DataError, match=f"img/{failing:04d}.png"):
        for result in runner.follow(MOSSE, (), frames(), (1, 1, 9, 9), KEY, chunk=8):
            got.append(result)
    assert len(got) == failing
    assert not prefetchers()


def test_a_frame_of_another_kind_is_named_after_the_results_before_it():
    blank = lambda *shape: np.zeros(shape, np.uint8)
    for odd, match in [
        (blank(40, 50, 3), "frame 3 has 3 channels of uint8.*1 of uint8"),
        (blank(40, 50), r"frame 3 has shape \(40, 50\)"),
        (blank(40, 50, 1).astype(np.uint16), "frame 3 holds uint16.*--window"),
        (blank(90, 50, 1), "frame 3 is 90x50, the clip began smaller"),
    ]:
        clip, got = [*[blank(40, 50, 1)] * 3, odd], []
        with pytest.raises(DataError, match=match):
            for result in runner.follow(drifter([]), (), clip, (1, 1, 9, 9), KEY):
                got.append(result)
        assert len(got) == 3


@pytest.mark.parametrize(
    ("box", "match"),
    [
        ((np.nan, 1, 5, 5), "a number is missing"),
        ((1, 1, np.inf, 5), "a number is missing"),
        ((1, 1, 0, 5), "must be positive"),
        ((1, 1, 5, -3), "must be positive"),
        ((50, 1, 5, 5), "outside the frame of 40 rows and 50 columns"),
        ((1, -5, 5, 5), "outside the frame"),
        ((1, 2, 3), "four numbers"),
    ],
)
def test_a_box_that_is_no_target_is_refused_in_one_line(box, match):
    with pytest.raises(DataError, match=match) as caught:
        next(runner.follow(MOSSE, (), np.zeros((3, 40, 50, 1), np.uint8), box, KEY))
    assert "\n" not in str(caught.value)


def test_a_box_partly_outside_is_a_target():
    clip = np.zeros((3, 40, 50, 1), np.uint8)
    assert len(list(runner.follow(MOSSE, (), clip, (-5, -5, 9, 9), KEY))) == 3


def test_no_frames_is_an_error():
    with pytest.raises(DataError, match="no frames"):
        next(runner.follow(MOSSE, (), [], BOX, KEY))


def test_chunks_keep_to_the_byte_budget():
    for shape in [(64, 64, 1), (512, 640, 1), (1088, 1920, 3), (8192, 8192, 3)]:
        length = canvas.chunk_frames(canvas.Canvas(shape, "uint8"))
        assert 1 <= length <= canvas.CHUNK_FRAMES
        assert length == 1 or length * np.prod(shape) <= canvas.CHUNK_BYTES


class Census:
    """Counts arrays that are alive, and the most there ever were."""

    class Person(np.ndarray):
        """An array that can be watched."""

    def __init__(self):
        self.alive, self.peak, self.lock = 0, 0, threading.Lock()

    def watch(self, array):
        person = array.view(self.Person)
        self._add(1)
        weakref.finalize(person, self._add, -1)
        return person

    def _add(self, change):
        with self.lock:
            self.alive += change
            self.peak = max(self.peak, self.alive)


def test_twenty_thousand_frames_need_the_memory_of_a_few():
    census = Census()
    frames = (
        census.watch(np.full((8, 8, 1), k % 251, np.uint8)) for k in range(20_000)
    )
    count, score = 0, 0.0
    for result in runner.follow(drifter([]), (), frames, (1, 1, 4, 4), KEY, bucket=8):
        count, score = count + 1, result.score
    assert (count, score) == (20_000, 19_999 % 251)
    assert census.peak <= 4


def test_four_chunks_are_alive_at_most(monkeypatch):
    census, blank = Census(), canvas.blank

    def watched(*arguments):
        chunk = blank(*arguments)
        return chunk._replace(present=census.watch(chunk.present))

    monkeypatch.setattr(canvas, "blank", watched)
    clip = np.zeros((200, 8, 8, 1), np.uint8)
    list(runner.follow(drifter([]), (), clip, (1, 1, 4, 4), KEY, bucket=8, chunk=4))
    assert census.peak <= 5  # the first frame has a chunk of its own


def prefetchers():
    return [t for t in threading.enumerate() if t.name == "prefetch" and t.is_alive()]


def test_closing_early_ends_the_thread_and_the_source():
    closed = threading.Event()

    def frames():
        try:
            while True:
                yield np.zeros((8, 8, 1), np.uint8)
        finally:
            closed.set()

    run = runner.follow(drifter([]), (), frames(), (1, 1, 4, 4), KEY, chunk=4)
    for _ in range(10):
        next(run)
    run.close()
    gc.collect()
    assert not prefetchers()
    assert closed.wait(5)


def test_an_exception_of_the_consumer_ends_the_thread():
    run = prefetch(iter(range(1000)))
    assert next(run) == 0
    with pytest.raises(RuntimeError, match="mine"):
        run.throw(RuntimeError("mine"))
    assert not prefetchers()


def test_prefetch_works_ahead_by_its_depth_and_no_more():
    made = []

    def items():
        for k in range(10):
            made.append(k)
            yield k

    run = prefetch(items(), depth=2)
    assert next(run) == 0
    time.sleep(0.2)
    assert len(made) <= 4
    assert list(run) == list(range(1, 10))


def test_the_programs_compiled_for_one_clip_serve_the_next_immediately(rng):
    traces = []
    tracker = drifter(traces)
    clip = np.zeros((5, 8, 8, 1), np.uint8)
    list(runner.follow(tracker, (), clip, (1, 1, 4, 4), KEY))
    before = len(traces)
    list(runner.follow(tracker, (), clip, (2, 2, 3, 3), KEY))
    assert len(traces) == before
