"""``track eval --batch``: sequences through the slots of a batch, on several devices.

A sequence is initialised alone, by the program that would run it alone, and its state
is put into its slot; then all slots advance together. Refilling compiles nothing.
"""

import contextlib
import functools
import time
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tirjax.data import DataError, Frames
from tirjax.trackers import FOUND, Tracker
from tirjax.typing import Frame
from tirjax_shell.measuring import timed

from . import catalogue, devices, manifest, records
from .canvas import Canvas, Chunk
from .evaluate import Opened, Work
from .pools import Pool, pools
from .prefetch import prefetch
from .programs import compiled
from .refill import Part, Start, parts
from .runner import Result, _frames, _results
from .session import Meter


class Advanced(NamedTuple):
    """What became of the sequences of a pool since the last time.

    Attributes:
      complete: results of those that have ended, by number.
      failed: errors of those that cannot be tracked.
      frames: that were tracked.
      idle: slots times steps that belonged to no sequence.
    """

    complete: dict[int, list[Result]]
    failed: dict[int, DataError]
    frames: int
    idle: int


def follow_pool(
    tracker: Tracker,
    params: Any,
    clips: Sequence[Frames],
    boxes: Sequence[np.ndarray],
    keys: Sequence[jax.Array],
    canvas: Canvas,
    slots: int,
    mesh: Mesh | None = None,
) -> Generator[Advanced]:
    """Follows one target in each of many clips, some at a time.

    Args:
      tracker: what to run.
      params: its weights.
      clips: frames of each; taken in this order.
      boxes: target on the first frame of each, pixels.
      keys: sources of every random draw, one a clip.
      canvas: holds all frames.
      slots: clips that advance together; a multiple of the devices.
      mesh: devices that slots are spread over; None is one.
    """
    state: Any = None
    rows: dict[int, list[Result]] = {}
    weights = params if mesh is None else jax.device_put(params, _place(mesh, P()))
    with contextlib.closing(prefetch(parts(clips, canvas, slots))) as ahead:
        for part in ahead:
            for start in part.starts:
                job = boxes[start.index], keys[start.index]
                new, seconds = _begin(tracker, params, start, *job)
                state = _put(state, new, start.slot, slots, mesh)
                first = Result(boxes[start.index], float("nan"), FOUND, seconds)
                rows[start.index] = [first]
            idle = 0
            if part.chunk.present.any():
                state, found = _continue(tracker, weights, state, part.chunk, mesh)
                _share(rows, part, found)
                idle = part.chunk.count * slots - int(part.chunk.present.sum())
            for index in part.failed:
                rows.pop(index, None)
            complete = {index: rows.pop(index) for index in part.ended}
            frames = int(part.chunk.present.sum()) + len(part.starts)
            yield Advanced(complete, part.failed, frames, idle)


def _begin(tracker: Tracker, params, start: Start, box, key):
    """State of a sequence after its first frame, and the seconds it took."""
    arguments = (params, _frames("one", start.chunk, rows=0), box, key)
    return timed(compiled(tracker, "one", "init", arguments), *arguments)


def _continue(tracker: Tracker, params, state, chunk: Chunk, mesh: Mesh | None):
    """State of all slots after a chunk, and the results there, a tuple a step."""
    if mesh is None:
        frames = _frames("clips", chunk)
    else:
        pair = jax.device_put(
            (chunk.pixels, chunk.size), _place(mesh, P(None, devices.AXIS))
        )
        frames = Frame(*pair)
    arguments = (params, state, frames, np.int32(chunk.count))
    program = compiled(tracker, "clips", "chunk", arguments, mesh)
    (state, found), seconds = timed(program, *arguments)
    return state, _results("clips", chunk, jax.device_get(found), seconds)


def _share(rows: dict[int, list[Result]], part: Part, found) -> None:
    """Gives the results of a chunk to the sequences in the slots."""
    for step in found:
        for index, result in zip(part.owners, step, strict=True):
            if index is not None and result is not None:
                rows[index].append(result)


def _put(state, new, slot: int, slots: int, mesh: Mesh | None):
    """The state of all slots with ``new`` in one; in every one if there is none yet."""
    if mesh is not None:
        new = jax.device_put(new, _place(mesh, P()))
    if state is None:
        return _writers(slots, mesh)[0](new)
    return _writers(slots, mesh)[1](state, new, np.int32(slot))


@functools.lru_cache
def _writers(slots: int, mesh: Mesh | None):
    """Programs that write one state to all slots, and to one of them."""

    def everywhere(new):
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (slots, *x.shape)), new)

    def one(state, new, slot):
        here = jnp.arange(slots) == slot
        # A select, and no write at an index, divides among devices by itself.
        put = lambda old, x: jnp.where(here.reshape(-1, *[1] * x.ndim), x, old)
        return jax.tree.map(put, state, new)

    place = None if mesh is None else _place(mesh, P(devices.AXIS))
    compile_ = functools.partial(jax.jit, out_shardings=place)
    return compile_(everywhere), compile_(one, donate_argnums=0)


def _place(mesh: Mesh, spec: P) -> NamedSharding:
    return NamedSharding(mesh, spec)


class Pooled(Work):
    """One tracker over what is missing of a data set, through the slots of batches."""

    def run(self) -> None:
        """Tracks, writes and says what it took."""
        super().run()
        records.write_manifest(self.folder, self.manifest)
        if text := manifest.work_line(self.manifest):
            print(f"{self.tracker}: {text}")

    def _track(self, indices: list[int], meter: Meter) -> None:
        mesh = devices.mesh(self.options.devices, self.options.batch)
        count = self.options.devices or 1
        items = [item for i in indices if (item := self._open(i))]
        for pool in pools(items, self.options.batch, count):
            if pool.slots == 1:
                self._follow_alone(pool, meter)
            else:
                self._follow_pool(pool, mesh, meter)

    def _follow_alone(self, pool: Pool[Opened], meter: Meter) -> None:
        """Tracks the sequences of a pool one after the other."""
        for item in pool.items:
            started = time.perf_counter()
            self._follow([item], meter)
            if item.clip.name in self.done:
                self._count(item.length, 0, time.perf_counter() - started)
            meter.end()

    def _follow_pool(self, pool: Pool[Opened], mesh: Mesh | None, meter: Meter) -> None:
        """Tracks the sequences of a pool and keeps what is complete at once."""
        rows, cols, _ = pool.canvas.shape
        name = f"{len(pool.items)} sequences of up to {cols}x{rows}"
        meter.begin(name, sum(item.length for item in pool.items))
        started = time.perf_counter()
        with contextlib.closing(self._advances(pool, mesh)) as steps:
            for step in steps:
                now = time.perf_counter()
                self._count(step.frames, step.idle, now - started)
                started = now
                for index, results in step.complete.items():
                    self._keep(pool.items[index].clip.name, results)
                for index, error in step.failed.items():
                    self._fail(pool.items[index].clip.name, error)
                meter.advance(step.frames)
                meter.end(len(step.complete) + len(step.failed))

    def _advances(self, pool: Pool[Opened], mesh: Mesh | None) -> Generator[Advanced]:
        names = [item.clip.name for item in pool.items]
        keys = [catalogue.key_for(self.options.seed, name) for name in names]
        clips = [item.clip.frames for item in pool.items]
        boxes = [item.box for item in pool.items]
        job = pool.items[0].tracker, self.params, clips, boxes, keys
        return follow_pool(*job, pool.canvas, pool.slots, mesh)

    def _count(self, frames: int, idle: int, seconds: float) -> None:
        manifest.count(self.manifest, frames, idle, seconds)
