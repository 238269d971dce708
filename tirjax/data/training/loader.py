"""Batches read ahead of the training step, in threads or in processes."""

import collections
import contextlib
import functools
import gc
import importlib.util
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import cv2
import jax
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.typing import PyTree

# Step, arrays, and problems on the way.
Element = tuple[int, PyTree, tuple[str, ...]]


class Readable(Protocol):
    """What can be read ahead."""

    def read(self, step: int, part: slice) -> tuple[PyTree, tuple[str, ...]]:
        """Arrays of a part of a step, and problems on the way."""
        ...


def batches(
    feed: Readable,
    start: int,
    stop: int,
    workers: int = 0,
    prefetch: int = 2,
    part: slice = slice(None),
) -> Iterator[Element]:
    """Batches read ahead, in order; the same whatever reads them.

    Args:
      feed: what to read.
      start: first step.
      stop: one after the last step.
      workers: processes of grain that read; 0 reads in threads of this process.
        Processes start anew, so the program that calls must be safe to import.
      prefetch: batches ready or in the making, at least 1.
      part: which examples of every batch.

    Yields:
      ``(step, arrays, problems)``.

    Raises:
      DataError: as ``feed.read``; or processes are asked for without grain.
    """
    if prefetch < 1 or workers < 0:
        raise DataError(
            f"{workers} workers, {prefetch} batches ahead: at least 0 and 1"
        )
    if workers and not importlib.util.find_spec("grain"):
        raise DataError(
            f"{workers} reading processes need grain; pip install 'tirjax[data]', or "
            "set workers to 0"
        )
    element = functools.partial(_element, feed, part)
    if not workers:
        yield from _by_threads(element, range(start, stop), prefetch)
        return
    try:
        with contextlib.closing(
            _by_grain(element, start, stop, workers, prefetch)
        ) as source:
            yield from source
    finally:
        # Grain's iterators are cycles that hold the last batches in shared memory.
        gc.collect()


def _element(feed: Readable, part: slice, step: int) -> Element:
    return (int(step), *feed.read(int(step), part))


def _by_threads(
    element: Callable[[int], Element], steps: range, prefetch: int
) -> Generator[Element]:
    with ThreadPoolExecutor(prefetch) as pool:
        waiting = collections.deque()
        try:
            for step in steps:
                waiting.append(pool.submit(element, step))
                if len(waiting) > prefetch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


def _by_grain(
    element: Callable[[int], Element],
    start: int,
    stop: int,
    workers: int,
    prefetch: int,
) -> Generator[Element]:
    import grain
    from absl import flags

    # Its options are flags of absl, which programs that do not use absl never parse.
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
    elements = grain.MapDataset.range(start, stop).map(element)
    dataset = elements.to_iter_dataset(grain.ReadOptions(0, 0))
    ahead = grain.MultiprocessingOptions(workers, -(-prefetch // workers))
    dataset = dataset.mp_prefetch(ahead, worker_init_fn=_start_worker)
    iterator = iter(dataset)
    try:
        for step, raw, problems in iterator:
            # Grain's arrays lie in shared memory, freed when the last view of them is;
            # a copy can be kept and sliced like any array.
            yield step, jax.tree.map(np.array, raw), problems
    finally:
        iterator.close()


def _start_worker(index: int, count: int) -> None:
    """One thread a process: OpenCV's own would fight for the same cores."""
    del index, count
    cv2.setNumThreads(0)
