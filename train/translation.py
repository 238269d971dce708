"""Frames through a generator and into files, sequence after sequence."""

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import jax
import numpy as np
from jax.sharding import PartitionSpec as P

from tirjax.data import fitting, writing
from tirjax.data.collection import SequenceList
from tirjax.data.images import quiet
from tirjax.data.sequence import DataError
from tirjax.translators.translate import translate

from . import devices, frame_stream
from .frame_stream import Clip, Item
from .generators import Loaded
from .prepare import Meter
from .synthetic_set import SyntheticSet


class Translator:
    """From frames to files.

    Args:
      generator: the network.
      fit: between the size of a frame and the network's.
      chosen: settings of what comes out.
      batch: images at a time.
    """

    def __init__(
        self, generator: Loaded, fit: fitting.Fit, chosen: dict[str, Any], batch: int
    ):
        self.batch, self.kind = batch, chosen["format"]
        self._inputs = generator.inputs
        self._fit, self._chosen = fit, chosen
        self._mesh = devices.mesh(batch)
        everywhere = devices.everywhere(self._mesh)
        self._variables = jax.device_put(generator.variables, everywhere)
        spread = P(devices.AXIS)
        self._run: Callable[..., jax.Array] = jax.jit(
            jax.shard_map(
                functools.partial(translate, generator.net),
                mesh=self._mesh,
                in_specs=(P(), spread),
                out_specs=spread,
                check_vma=False,
            )
        )

    def there(self, frame: np.ndarray) -> np.ndarray:
        """A frame as the network takes it."""
        if frame.shape[2] > self._inputs:
            frame = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None]
        frame = self._fit.there(frame)
        return np.broadcast_to(frame, (*frame.shape[:2], self._inputs))

    def start(self, pictures: list[np.ndarray]) -> jax.Array:
        """Translates a batch; the last is repeated where there are too few."""
        filled = pictures + [pictures[-1]] * (self.batch - len(pictures))
        return self._run(self._variables, devices.spread(self._mesh, np.stack(filled)))

    def encoded(self, values: np.ndarray, size: tuple[int, int]) -> bytes:
        """The file of a translation, ``[rows, columns, channels]`` in 0..255."""
        kind, channels = self._chosen["format"], self._chosen["channels"]
        # Of several channels the authors keep the first.
        values = np.repeat(values, 3, 2) if values.shape[2] < channels else values
        values = values[..., :channels]
        if kind == "png16":
            deep = self._fit.back(values, size) * np.float32(257)
            pixels = np.clip(np.rint(deep), 0, 65535).astype(np.uint16)
        else:
            if self._chosen["rounding"] == "nearest":
                values = np.rint(values)
            eight = np.clip(values, 0, 255).astype(np.uint8)
            pixels = self._fit.back(eight, size)
        return writing.encode(pixels, kind, self._chosen["quality"])


class Work:
    """Sequences on their way from one folder to the other.

    Attributes:
      written: frames translated so far.
    """

    def __init__(
        self,
        out: SyntheticSet,
        source: SequenceList,
        run: Translator,
        meter: Meter,
        skipping: bool,
        left_out: dict[str, str],
    ):
        self._out, self._source, self._run, self._meter = out, source, run, meter
        self._skipping, self._left_out = skipping, left_out
        self._shared = frame_stream.Shared()
        self.written = 0

    def through(self, todo: list[int]) -> None:
        """Translates sequences; the device works while files are read and written."""
        with quiet(), ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
            try:
                ahead = 2 * self._run.batch
                found = frame_stream.loaded(
                    self._items(todo, pool), self._run.there, pool, ahead
                )
                before: tuple[list[Item], jax.Array | None] = [], None
                for batch in frame_stream.batches(found, self._run.batch):
                    pictures = [i.picture for i in batch if i.picture is not None]
                    now = self._run.start(pictures) if pictures else None
                    self._write(*before, pool)
                    before = batch, now
                self._write(*before, pool)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _items(self, todo: list[int], pool: ThreadPoolExecutor) -> Iterator[Item]:
        for index in todo:
            try:
                sequence = self._source[index]
                files = writing.stems(sequence.frames)
            except DataError as error:
                self._lost(self._source.names[index], str(error))
                continue
            suffix = writing.SUFFIX[self._run.kind]
            clip = Clip(sequence, [f"{stem}{suffix}" for stem in files])
            yield from frame_stream.items(clip, self._done(clip, pool), self._shared)

    def _done(self, clip: Clip, pool: ThreadPoolExecutor) -> list[int]:
        """Frames that an interrupted command has translated already, and whole."""
        folder = writing.draft(self._out.root, clip.sequence.name)
        folder.mkdir(exist_ok=True)
        writing.sweep(folder)
        there = [i for i, name in enumerate(clip.files) if (folder / name).is_file()]
        if not there:
            return []
        form = getattr(clip.sequence.frames, "format", None)
        size = form.size if form else clip.sequence.frames[0].shape[:2]
        paths = [folder / clip.files[i] for i in there]
        whole = pool.map(writing.whole, paths, [size] * len(paths))
        return [i for i, good in zip(there, whole, strict=True) if good]

    def _write(
        self, batch: list[Item], result: jax.Array | None, pool: ThreadPoolExecutor
    ) -> None:
        """Files of a batch, then its links and the ends of its sequences, in order."""
        pictures = [item for item in batch if item.picture is not None]
        values = None if result is None else np.asarray(result)

        def write(item: Item, i: int) -> None:
            assert values is not None and item.index is not None
            data = self._run.encoded(values[i], item.size)
            writing.write_file(self._path(item), data)

        for _ in pool.map(write, pictures, range(len(pictures))):
            self.written += 1
        for item in batch:
            if item.index is None:
                self._end(item.clip)
            elif item.index in item.clip.lost:
                self._bad_frame(item)
            elif item.link is not None:
                self._link(item)

    def _path(self, item: Item) -> Path:
        folder = writing.draft(self._out.root, item.clip.sequence.name)
        return folder / item.clip.files[item.index or 0]

    def _link(self, item: Item) -> None:
        """Gives a frame the translation that an equal one has."""
        assert item.link is not None and item.index is not None
        name, file = item.link
        root = self._out.root
        places = (root / name / file, writing.draft(root, name) / file)
        found = next((path for path in places if path.is_file()), None)
        if found is None:
            item.clip.lost[item.index] = f"could not be read in {name} either"
            self._bad_frame(item)
        else:
            writing.link_file(self._path(item), found)

    def _bad_frame(self, item: Item) -> None:
        """Stops, or says that a frame goes, and its labels with it."""
        assert item.index is not None
        why = f"{item.clip.sequence.name}: {item.clip.lost[item.index]}"
        if not self._skipping:
            raise DataError(f"{why}; or leave out what is bad with --on-error skip")
        self._meter.say(why)

    def _end(self, clip: Clip) -> None:
        """A sequence is complete: its labels, its record, its name."""
        sequence, count = clip.sequence, len(clip.sequence.frames)
        kept = [i for i in range(count) if i not in clip.lost]
        lost = {str(i): why for i, why in clip.lost.items()}
        about = {"frames_left_out": lost}
        try:
            writing.finish(self._out.root, sequence, kept, about)
        except DataError as error:
            shutil.rmtree(writing.draft(self._out.root, sequence.name))
            self._lost(sequence.name, str(error))
        else:
            self._meter.advance(len(kept))

    def _lost(self, name: str, why: str) -> None:
        """Stops, or leaves out a sequence."""
        why = why.removeprefix(f"{name}: ")
        if not self._skipping:
            raise DataError(f"{name}: {why}; or leave it out with --on-error skip")
        self._left_out[name] = why
        self._meter.say(f"{name}: {why}")
        self._meter.advance(0)
