"""From data sets on disk to batches of frames on the host, ahead of the training step.

A batch is a function of seed and step: each example has a generator of its own, made of
the seed and its number in the whole run. So resuming is setting the step, and neither
the hosts that share a batch nor the workers that read it change what is in it.
"""

import collections
import contextlib
import dataclasses
import functools
import gc
import importlib.util
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import cv2
import numpy as np

from tirjax.data.sequence import DataError, Sequence
from tirjax.data.training.mixture import Mixture, NothingUsable
from tirjax.data.training.sampler import Sampling, draw_frames
from tirjax.data.training.samples import Sample

MOST_FAILURES = 50  # draws in a row, after which the data is broken and not a file


@dataclasses.dataclass(frozen=True)
class Canvas:
    """Arrays of one size that frames of any size are put into, top left.

    A frame that fits is copied. Of a larger one the part around the target is kept:
    what ``reach`` asks for, and more where the canvas has room. If even that does not
    fit, it is shrunk. Outside the true size the canvas is 0.

    Attributes:
      size: ``(rows, cols)``.
      channels: 1 or 3, of every frame.
      reach: side of the square around the target that crops can need, over
        ``sqrt(w h)`` of the box: search scale plus range of the centre's jitter, times
        the largest size jitter. Crops beyond it repeat the border of the part. 20 is
        DiMP's 5 + 4.5 times two standard deviations of its 0.5 on both sides.
    """

    size: tuple[int, int] = (480, 640)
    channels: Literal[1, 3] = 3
    reach: float = 20.0

    def __post_init__(self):
        if min(self.size) < 1 or self.channels not in (1, 3) or not self.reach > 0:
            raise DataError(
                f"canvas {self.size}, {self.channels} channels, reach {self.reach}: "
                "sizes and reach must be above 0, channels 1 or 3"
            )


def place(
    frame: np.ndarray, box: np.ndarray, canvas: Canvas
) -> tuple[np.ndarray, np.ndarray]:
    """A frame as it lies on the canvas.

    Args:
      frame: ``[rows, cols, 1 or 3]``, uint8 or float in 0..255, red green blue.
      box: ``[4]``, pixels of the frame, ``w, h > 0``.
      canvas: what it must fit into.

    Returns:
      uint8 pixels ``[r, c, channels]`` of the true size, none larger than the canvas,
      and the box in them, float32.
    """
    side = canvas.reach * float(np.sqrt(box[2] * box[3]))
    spans = [
        _span(length, room, start + extent / 2, side)
        for length, room, start, extent in zip(
            frame.shape[:2], canvas.size, box[1::-1], box[:1:-1], strict=True
        )
    ]
    (top, rows), (left, cols) = spans
    part = _with_channels(frame[top : top + rows, left : left + cols], canvas.channels)
    moved = box - np.array([left, top, 0, 0])
    shrink = min(canvas.size[0] / rows, canvas.size[1] / cols)
    if shrink < 1:
        # No pixel is lost to rounding where a side is to fill the canvas exactly.
        new = [max(1, round(length * shrink)) for length in (rows, cols)]
        part = cv2.resize(part, (new[1], new[0]), interpolation=cv2.INTER_AREA)
        part = part.reshape(*new, canvas.channels)
        moved = moved * np.tile([new[1] / cols, new[0] / rows], 2)
    if part.dtype != np.uint8:
        part = np.clip(np.rint(part), 0, 255).astype(np.uint8)
    return part, moved.astype(np.float32)


@dataclasses.dataclass(frozen=True)
class ClipFeed:
    """Batches of frames drawn from data sets.

    Attributes:
      mixture: where sequences come from.
      sampling: which frames of them.
      canvas: what frames are put into.
      batch: examples of the global batch.
      seed: another seed is another run; at least 0.
      shard: first example and one after the last of the global batch that this process
        reads; None is all of it.
      on_error: what a frame or sequence that cannot be read does: ``'skip'`` draws
        again and notes the problem, ``'stop'`` raises.
      problems: how often each problem came up, by its message, which names the file.
    """

    mixture: Mixture
    sampling: Sampling
    canvas: Canvas
    batch: int = 8
    seed: int = 0
    shard: tuple[int, int] | None = None
    on_error: Literal["skip", "stop"] = "skip"
    problems: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter, compare=False
    )

    def __post_init__(self):
        low, high = self.shard or (0, self.batch)
        if not 0 <= low < high <= self.batch or self.seed < 0:
            raise DataError(
                f"examples {low} to {high} of a batch of {self.batch}, seed "
                f"{self.seed}: a shard lies within the batch, a seed is not negative"
            )
        if self.on_error not in ("skip", "stop"):
            raise DataError(f"on_error {self.on_error!r}: choose 'skip' or 'stop'")

    def draw(self, step: int) -> Sample:
        """The batch of a step, read now; problems are noted.

        Args:
          step: from 0.

        Returns:
          Numpy arrays with a leading axis, the examples of this process.

        Raises:
          DataError: a data set cannot be used at all, every draw fails, or a file is
            bad and ``on_error`` is ``'stop'``.
        """
        sample, found = self.read(step)
        self.problems.update(found)
        return sample

    def read(self, step: int) -> tuple[Sample, tuple[str, ...]]:
        """``draw`` that changes nothing: the batch, and the problems on the way."""
        low, high = self.shard or (0, self.batch)
        found: list[str] = []
        examples = [
            self._example(step * self.batch + i, found) for i in range(low, high)
        ]
        arrays = (np.stack(parts) for parts in zip(*examples, strict=True))
        return Sample._make(arrays), tuple(found)

    def _example(self, number: int, found: list[str]) -> Sample:
        rng = np.random.default_rng((self.seed, number))
        for _ in range(MOST_FAILURES):
            try:
                sequence = self.mixture.draw_usable(self.sampling, rng)
                chosen = draw_frames(sequence.visible, self.sampling, rng)
                return read_sample(sequence, chosen, self.canvas)
            except NothingUsable:
                raise
            except DataError as error:
                if self.on_error == "stop":
                    raise
                found.append(str(error))
        raise DataError(f"{MOST_FAILURES} draws in a row failed; the last: {found[-1]}")


def read_sample(sequence: Sequence, chosen: np.ndarray, canvas: Canvas) -> Sample:
    """Reads frames of a sequence onto canvases.

    Args:
      sequence: with a box for each of the frames.
      chosen: ``[n]`` numbers of frames; a repeated one is decoded once.
      canvas: what they are put into.

    Raises:
      DataError: a frame cannot be read; names the file.
    """
    pixels = np.zeros((len(chosen), *canvas.size, canvas.channels), np.uint8)
    sizes = np.zeros((len(chosen), 2), np.int32)
    boxes = np.zeros((len(chosen), 4), np.float32)
    for number in np.unique(chosen):
        part, box = place(sequence.frames[number], sequence.boxes[number], canvas)
        rows, cols = part.shape[:2]
        for slot in np.flatnonzero(chosen == number):
            pixels[slot, :rows, :cols] = part
            sizes[slot], boxes[slot] = (rows, cols), box
    return Sample._make((pixels, sizes, boxes))


def batches(
    feed: ClipFeed, start: int, stop: int, workers: int = 0, prefetch: int = 2
) -> Iterator[tuple[int, Sample]]:
    """Batches read ahead, in order; the same whatever reads them.

    Problems found on the way are noted in ``feed.problems`` when their batch arrives.

    Args:
      feed: what to read.
      start: first step.
      stop: one after the last step.
      workers: processes of grain that read; 0 reads in threads of this process, through
        grain if it is installed. Processes start anew, so the program that calls must
        be safe to import.
      prefetch: batches ready or in the making, at least 1.

    Yields:
      ``(step, batch)``.

    Raises:
      DataError: as ``ClipFeed.draw``; or processes are asked for without grain.
    """
    if prefetch < 1 or workers < 0:
        raise DataError(
            f"{workers} workers, {prefetch} batches ahead: at least 0 and 1"
        )
    if importlib.util.find_spec("grain"):
        source = _by_grain(feed, start, stop, workers, prefetch)
    elif workers:
        raise DataError(
            f"{workers} reading processes need grain; pip install 'tirjax[data]', or "
            "set workers to 0"
        )
    else:
        source = _by_threads(feed, start, stop, prefetch)
    try:
        with contextlib.closing(source):
            for step, sample, found in source:
                feed.problems.update(found)
                yield step, sample
    finally:
        if workers:
            # Grain's iterators are cycles that hold the last batches in shared memory.
            gc.collect()


_Element = tuple[int, Sample, tuple[str, ...]]


def _element(feed: ClipFeed, step: int) -> _Element:
    return (int(step), *feed.read(int(step)))


def _by_threads(
    feed: ClipFeed, start: int, stop: int, prefetch: int
) -> Generator[_Element]:
    with ThreadPoolExecutor(prefetch) as pool:
        waiting = collections.deque()
        try:
            for step in range(start, stop):
                waiting.append(pool.submit(_element, feed, step))
                if len(waiting) > prefetch:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


def _by_grain(
    feed: ClipFeed, start: int, stop: int, workers: int, prefetch: int
) -> Generator[_Element]:
    import grain
    from absl import flags

    # Its options are flags of absl, which programs that do not use absl never parse.
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
    steps = grain.MapDataset.range(start, stop)
    elements = steps.map(functools.partial(_element, feed))
    threads = 0 if workers else prefetch
    reading = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads)
    dataset = elements.to_iter_dataset(reading)
    if workers:
        ahead = grain.MultiprocessingOptions(workers, -(-prefetch // workers))
        dataset = dataset.mp_prefetch(ahead, worker_init_fn=_start_worker)
    iterator = iter(dataset)
    try:
        for step, sample, found in iterator:
            # Grain's arrays lie in shared memory, freed when the last view of them is;
            # a copy can be kept and sliced like any array.
            yield step, Sample._make(np.array(part) for part in sample), found
    finally:
        iterator.close()


def _start_worker(index: int, count: int) -> None:
    """One thread a process: OpenCV's own would fight for the same cores."""
    del index, count
    cv2.setNumThreads(0)


def _span(length: int, room: int, centre: float, side: float) -> tuple[int, int]:
    """Start and length of what is kept of one axis.

    As long as the canvas has room, so that a small target keeps its surroundings;
    pushed inside the image, where a window over the border would be cut short.
    """
    if length <= room:
        return 0, length
    kept = min(length, max(room, int(np.ceil(side)) + 3))
    return int(np.clip(np.floor(centre - kept / 2), 0, length - kept)), kept


def _with_channels(frame: np.ndarray, channels: int) -> np.ndarray:
    if frame.shape[2] == channels:
        return np.ascontiguousarray(frame)
    if channels == 3:
        return np.repeat(frame, 3, axis=2)
    pixels = frame if frame.dtype == np.uint8 else frame.astype(np.float32)
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    return grey[..., None]
