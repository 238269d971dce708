"""The chunked runner: a tracker over a clip of any length in constant memory.

Frames are decoded and copied into chunks in a thread while the device tracks the chunk
before, so memory is constant in the length of the clip.
"""

import contextlib
import itertools
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.trackers.base import FOUND, Prediction, Tracker
from tirjax.typing import Frame
from tirjax_shell.measuring import timed

from .canvas import Chunk, canvas_of, chunk_frames, chunks
from .prefetch import prefetch
from .programs import Layout, compiled

BUCKET = 64  # pixels that rows and columns of a frame are rounded up to


class Result(NamedTuple):
    """What is known of a target in one frame.

    Attributes:
      box: ``[4]`` float32, ``(x, y, w, h)``, pixels of the frame.
      score: confidence of the tracker; NaN in the first frame, which is given.
      status: ``FOUND``, ``UNCERTAIN`` or ``LOST``.
      seconds: of tracking, this target's share: the chunk's time on the device over
        the frames in it. Decoding and compilation are not in it, but the first frame
        shares the machine with the compilation of what follows.
    """

    box: np.ndarray
    score: float
    status: int
    seconds: float


class Job(NamedTuple):
    """A tracker and the targets that it follows together.

    Attributes:
      tracker: what to run.
      params: its weights.
      boxes: targets on the first frame, ``(x, y, w, h)``, pixels.
      keys: sources of every random draw, one a target.
    """

    tracker: Tracker
    params: Any
    boxes: Sequence
    keys: Sequence[jax.Array]


def follow(
    tracker: Tracker,
    params: Any,
    frames: Iterable[np.ndarray],
    box,
    key: jax.Array,
    *,
    bucket: int = BUCKET,
    chunk: int | None = None,
) -> Generator[Result]:
    """Follows one target; yields a result a frame, the first included.

    Args:
      tracker: what to run.
      params: its weights.
      frames: ``[rows, columns, channels]`` each; any iterable, read once, in a thread.
      box: target on the first frame, ``(x, y, w, h)``, pixels.
      key: source of every random draw.
      bucket: rows and columns are rounded up to multiples of it.
      chunk: frames on the device at a time; by default as many as a byte budget allows.
        Use 1 for a live source: a longer chunk waits until it is full.

    Raises:
      DataError: the box is no target, or a frame cannot be used. An error in frame k,
        of whatever kind, comes after the results of all frames before k.
    """
    job = Job(tracker, params, [box], [key])
    with contextlib.closing(follow_all([job], frames, bucket=bucket, chunk=chunk)) as r:
        for ((result,),) in r:
            yield result


def follow_all(
    jobs: Sequence[Job],
    frames: Iterable[np.ndarray],
    *,
    bucket: int = BUCKET,
    chunk: int | None = None,
) -> Generator[tuple[tuple[Result, ...], ...]]:
    """``follow`` for any trackers and targets of one clip, which is decoded once.

    The targets of a job advance in one batched call.

    Yields:
      For every frame, for every job, a result a target.
    """
    layouts: list[Layout] = ["targets" if len(j.boxes) > 1 else "one" for j in jobs]
    yield from _run(layouts, jobs, [frames], bucket, chunk)  # type: ignore[misc]


def follow_many(
    tracker: Tracker,
    params: Any,
    clips: Sequence[Iterable[np.ndarray]],
    boxes: Sequence,
    keys: Sequence[jax.Array],
    *,
    bucket: int = BUCKET,
    chunk: int | None = None,
) -> Generator[tuple[Result | None, ...]]:
    """``follow`` for several clips in lock-step, one target each, shared weights.

    The clips may differ in length and size; all share the canvas of the largest. After
    a clip's end its result is ``None``. The first error ends all of them.
    """
    job = Job(tracker, params, boxes, keys)
    # Alone, a clip needs no batch, under which a cond would run both its branches.
    layout: Layout = "clips" if len(clips) > 1 else "one"
    with contextlib.closing(_run([layout], [job], clips, bucket, chunk)) as runs:
        for (results,) in runs:
            yield results


def check_box(box, frame: np.ndarray | None = None) -> np.ndarray:
    """The box as ``[4]`` float32, if it can be a target.

    Args:
      box: ``(x, y, w, h)``, pixels.
      frame: it must reach into; None if it is not known yet.

    Raises:
      DataError: not four finite numbers, no area, or entirely outside the frame.
    """
    box = np.asarray(box, np.float32)
    if box.shape != (4,):
        raise DataError(f"a first box is four numbers x,y,w,h; got {box.tolist()}")
    x, y, w, h = box.tolist()
    text = f"first box {x:g},{y:g},{w:g},{h:g}"
    if not np.isfinite(box).all():
        raise DataError(f"{text}: a number is missing; give x,y,w,h in pixels")
    if w <= 0 or h <= 0:
        raise DataError(f"{text}: width and height must be positive pixels")
    if frame is None:
        return box
    rows, cols = frame.shape[:2]
    if x >= cols or y >= rows or x + w <= 0 or y + h <= 0:
        raise DataError(
            f"{text} lies outside the frame of {rows} rows and {cols} columns"
        )
    return box


def begin(layout: Layout, job: Job, head: Chunk, first: tuple, length: int):
    """State of a job after the first frame, and the results there: the boxes given.

    The program for what follows is compiled while the device is at the first frame.

    Args:
      layout: what advances together.
      job: what to begin.
      head: chunk of the first frame.
      first: the frame, or that of each clip.
      length: of the chunks to come, frames.

    Raises:
      DataError: a box is no target.
    """
    pictures = first if layout == "clips" else first * len(job.boxes)
    boxes = [check_box(b, f) for b, f in zip(job.boxes, pictures, strict=True)]
    frame = _frames(layout, head, rows=0)
    if layout == "one":
        arguments = (job.params, frame, boxes[0], job.keys[0])
    else:
        arguments = (job.params, frame, np.stack(boxes), jnp.stack(list(job.keys)))
    program = compiled(job.tracker, layout, "init", arguments)
    with ThreadPoolExecutor(1) as beside:
        then = beside.submit(
            _compile_chunk, layout, job, program.out_info, frame, length
        )
        state, seconds = timed(program, *arguments)
        then.result()
    share = seconds / len(boxes)
    return state, tuple(Result(box, float("nan"), FOUND, share) for box in boxes)


def _compile_chunk(layout: Layout, job: Job, state, frame: Frame, length: int) -> None:
    """Compiles what ``advance`` needs, from shapes."""
    longer = lambda x: jax.ShapeDtypeStruct((length, *x.shape), x.dtype)
    arguments = (job.params, state, jax.tree.map(longer, frame), np.int32(0))
    compiled(job.tracker, layout, "chunk", arguments)


def advance(layout: Layout, job: Job, state, part: Chunk):
    """State of a job after a chunk, and its results there, a tuple a step.

    The state that is given is donated: it cannot be used again.
    """
    arguments = (job.params, state, _frames(layout, part), np.int32(part.count))
    program = compiled(job.tracker, layout, "chunk", arguments)
    (state, found), seconds = timed(program, *arguments)
    return state, _results(layout, part, jax.device_get(found), seconds)


def _run(
    layouts: Sequence[Layout], jobs: Sequence[Job], clips, bucket: int, chunk
) -> Generator[tuple[tuple[Result | None, ...], ...]]:
    """Initialises every job on the first step, then advances chunk by chunk."""
    steps = itertools.zip_longest(*clips)
    first = tuple(frame for frame in next(steps, ()) if frame is not None)
    if not first or len(first) < len(clips):
        raise DataError("a clip has no frames; nothing to track")
    canvas = canvas_of(first, bucket)
    (head,) = chunks([first], canvas, len(clips), 1)
    length = chunk or chunk_frames(canvas, len(clips))
    begun = [
        begin(layout, job, head, first, length)
        for layout, job in zip(layouts, jobs, strict=True)
    ]
    states = [state for state, _ in begun]
    yield tuple(results for _, results in begun)
    del begun

    ahead = prefetch(chunks(steps, canvas, len(clips), length, start=1))
    with contextlib.closing(ahead):
        for part in ahead:
            found = []
            for i, (layout, job) in enumerate(zip(layouts, jobs, strict=True)):
                states[i], results = advance(layout, job, states[i], part)
                found.append(results)
            yield from zip(*found, strict=True)


def _frames(layout: Layout, chunk: Chunk, rows: int | slice = slice(None)) -> Frame:
    """The chunk's frames, without the axis of clips where there is only ever one."""
    pick = (lambda x: x) if layout == "clips" else (lambda x: x[:, 0])
    arrays = pick(chunk.pixels)[rows], pick(chunk.size)[rows]
    return Frame(*jax.device_put(arrays))


def _results(
    layout: Layout, chunk: Chunk, found: Prediction, seconds: float
) -> list[tuple[Result | None, ...]]:
    """Predictions of a chunk as results, without those past a clip's end."""
    box, score, status = (np.asarray(x)[: chunk.count] for x in found[:3])
    if layout == "one":
        box, score, status = box[:, None], score[:, None], status[:, None]
    present = np.broadcast_to(chunk.present[: chunk.count], score.shape)
    share = seconds / present.sum()

    def result(i, j):
        if not present[i, j]:
            return None
        return Result(box[i, j], float(score[i, j]), int(status[i, j]), share)

    targets = range(score.shape[1])
    return [tuple(result(i, j) for j in targets) for i in range(chunk.count)]
