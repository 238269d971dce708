"""Frames of many sequences as batches, decoded ahead in threads, in bounded memory."""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.data.images import ImageFrames
from tirjax.data.sequence import DataError, Sequence
from tirjax.data.video import VideoFrames

# Pictures of which it is remembered where their translation lies; about 100 MB. All of
# COCO are fewer.
REMEMBERED = 200_000
# Links and ends of sequences to an image at most, so that batches stay bounded.
_IDLE = 64


@dataclasses.dataclass
class Clip:
    """A sequence on its way.

    Attributes:
      sequence: the original.
      files: where each translation goes, relative to the sequence's folder.
      lost: why frames cannot be translated, by their index.
    """

    sequence: Sequence
    files: list[str]
    lost: dict[int, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Item:
    """One thing to do, in order.

    Attributes:
      clip: the sequence.
      index: of the frame; None ends the sequence.
      load: gives the frame.
      link: sequence and file of an equal frame, which is not translated again.
      picture: the frame as the network takes it.
      size: ``(rows, columns)`` of the frame.
    """

    clip: Clip
    index: int | None = None
    load: Callable[[], np.ndarray] | None = None
    link: tuple[str, str] | None = None
    picture: np.ndarray | None = None
    size: tuple[int, int] = (0, 0)


class Shared:
    """Where pictures that several sequences show were translated first."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[str, str]] = {}

    def place(self, clip: Clip, index: int) -> tuple[str, str] | None:
        """Sequence and file of the first translation of a frame; None if this is it."""
        frames = clip.sequence.frames
        if not isinstance(frames, ImageFrames):
            return None
        here = clip.sequence.name, clip.files[index]
        first = self._known.setdefault(frames.paths[index], here)
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return None if first == here else first


def items(clip: Clip, done: Iterable[int], shared: Shared) -> Iterator[Item]:
    """What is to do for a sequence; its end comes last.

    Args:
      clip: the sequence.
      done: frames whose translations are there.
      shared: asked for equal frames.
    """
    done, frames = {*done}, clip.sequence.frames
    if isinstance(frames, VideoFrames):
        yield from _of_video(clip, frames, done)
    else:
        for i in range(len(frames)):
            link = shared.place(clip, i)
            if i not in done:
                yield Item(clip, i, lambda i=i: frames[i], link)
    yield Item(clip)


def _of_video(clip: Clip, frames: VideoFrames, done: set[int]) -> Iterator[Item]:
    """Frames in order, the only way to read a video fast; up to one that is bad."""
    if len(done) == len(frames):
        return
    at = 0
    try:
        for frame in frames:
            if at not in done:
                yield Item(clip, at, lambda frame=frame: frame)
            at += 1
    except DataError as error:
        # What comes after a picture that is no picture cannot be counted on.
        for i in range(at, len(frames)):
            if i not in done:
                yield Item(clip, i, _raising(error))


def loaded(
    todo: Iterable[Item],
    prepare: Callable[[np.ndarray], np.ndarray],
    pool: Executor,
    ahead: int,
) -> Iterator[Item]:
    """Items with their pictures, in order; those that cannot be read go to ``lost``.

    Args:
      todo: items; frames are loaded in the pool.
      prepare: makes of a frame what the network takes.
      pool: threads.
      ahead: most items that are loaded and not asked for.
    """
    waiting: collections.deque[tuple[Item, Future[Any] | None]] = collections.deque()

    def load(item: Item) -> None:
        assert item.load is not None and item.index is not None
        try:
            frame = item.load()
            item.picture, item.size = prepare(frame), frame.shape[:2]
        except DataError as error:
            item.clip.lost[item.index] = str(error)
        item.load = None

    def first() -> Item:
        item, future = waiting.popleft()
        if future is not None:
            future.result()
        return item

    for item in todo:
        wanted = item.load is not None and item.link is None
        waiting.append((item, pool.submit(load, item) if wanted else None))
        if len(waiting) > ahead:
            yield first()
    while waiting:
        yield first()


def batches(ready: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Items in order, with pictures of one shape and at most ``most`` of them."""
    batch: list[Item] = []
    count, form = 0, None
    for item in ready:
        mine = None if item.picture is None else _form(item.picture)
        full = count == most and mine is not None
        if full or (mine and form and mine != form) or len(batch) > _IDLE + most:
            yield batch
            batch, count, form = [], 0, None
        batch.append(item)
        if mine:
            count, form = count + 1, mine
    if batch:
        yield batch


def _form(picture: np.ndarray) -> tuple:
    return picture.shape, picture.dtype


def _raising(error: DataError) -> Callable[[], np.ndarray]:
    def fail() -> np.ndarray:
        raise error

    return fail
