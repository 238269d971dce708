"""``track eval``: trackers over a benchmark, raw results on disk, resumable."""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tirjax.data import DataError, Sequence, SequenceList
from tirjax.evaluation import Protocol
from tirjax.trackers import Tracker

from . import catalogue, devices, manifest, records, scoring, weights
from .canvas import Canvas, canvas_of
from .options import Eval
from .records import Record
from .runner import BUCKET, check_box, follow_many
from .session import Meter
from .weights import Weights

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Opened:
    """A sequence that is opened and ready to be tracked.

    Attributes:
      clip: the sequence.
      tracker: built for its target.
      box: its target in the first frame.
      canvas: its frames share a compilation with those of equal canvases.
    """

    clip: Sequence
    tracker: Tracker
    box: np.ndarray
    canvas: Canvas

    @property
    def length(self) -> int:
        """Frames."""
        return len(self.clip.frames)


def evaluate(options: Eval) -> None:
    """Tracks every sequence that has no complete result yet, then scores all.

    Raises:
      DataError: bad names or settings; or sequences failed, after all others ran.
      KeyboardInterrupt: says how to continue.
    """
    devices.start(options.devices)
    if options.experiment == "supervised" and (options.devices or 1) > 1:
        raise DataError(
            "--devices spreads one-pass runs only; give each of several processes a "
            "--shard of `supervised`"
        )
    if options.experiment == "supervised" and not options.check:
        from .supervised import evaluate_supervised

        raise_if(*evaluate_supervised(options))
        return
    names = catalogue.tracker_names(options.tracker)
    protocol = catalogue.protocol(options.protocol, options.dataset)
    data = open_data(options)
    if options.check:
        _check(data)
        return
    failed = track_all(names, data, options)
    _print_scores(names, data, options.out / options.dataset, protocol)
    raise_if(failed, data)


def raise_if(failed: dict[str, str], data: SequenceList) -> None:
    """Raises DataError if sequences failed."""
    if failed:
        first, text = next(iter(failed.items()))
        raise DataError(
            f"{len(failed)} of {len(data)} sequences failed, first {first}: {text}; "
            "repeat the command to try them again, the others are complete"
        )


def open_data(options: Eval) -> SequenceList:
    """The data set that the options name, or this process's part of it.

    Raises:
      DataError: they name none, or would have other processes' results deleted.
    """
    if options.overwrite and options.shard:
        raise DataError(
            "--overwrite would delete what the processes of the other shards write; "
            "delete the folder of results before all start"
        )
    whole = catalogue.dataset(
        options.dataset, options.data, options.cut, options.sequences
    )
    return devices.own(whole, options.shard)


def track_all(names: list[str], data: SequenceList, options: Eval) -> dict[str, str]:
    """Runs trackers one after the other; returns failures by name of sequence."""
    from .pooled import Pooled

    devices.mesh(options.devices, options.batch)
    kind = Work if options.batch == 1 else Pooled
    failed: dict[str, str] = {}
    for name, loaded in weights.load(names, options.weights).items():
        work = kind(name, loaded, data, options)
        work.run()
        failed |= work.failed
    return failed


def _print_scores(names: list[str], data, root: Path, protocol: Protocol) -> None:
    """A table of the trackers with results, and where they are."""
    done = {name: set(records.completed(root / name)) for name in names}
    clips = scoring.load(data, set().union(*done.values()))
    origin = catalogue.origin(root.name)
    with_results = [name for name in names if done[name] & set(clips)]
    found = [scoring.score(n, root / n, origin, clips, protocol) for n in with_results]
    if found:
        print(scoring.overall_table(found, len(data)).plain())
        print(f"\nprotocol {protocol.name}: {protocol.source}")
    print(f"\nresults  {root}\nreport   python -m track report {root}")


def _check(data: SequenceList) -> None:
    """Opens every sequence; raises if any has a problem."""
    wrong = data.check()
    for text in wrong:
        print(text)
    if wrong:
        raise DataError(f"{len(wrong)} of {len(data)} sequences cannot be used")
    print(f"all {len(data)} sequences can be read")


class Work:
    """One tracker over what is missing of a data set.

    Attributes:
      failed: what went wrong, by name of sequence.
    """

    def __init__(
        self, tracker: str, loaded: Weights, data: SequenceList, options: Eval
    ):
        self.tracker, self.data, self.options = tracker, data, options
        self.params = loaded.params
        self.folder = options.out / options.dataset / tracker
        self.manifest = self._open_manifest(loaded.origin)
        self.done = self._completed() & set(data.names)
        self.failed: dict[str, str] = {}

    def run(self) -> None:
        """Tracks and writes, sequence by sequence."""
        missing = [i for i, n in enumerate(self.data.names) if n not in self.done]
        if self.done:
            text = "%s: skipping %d of %d sequences, complete in %s"
            log.info(text, self.tracker, len(self.done), len(self.data), self.folder)
        records.write_manifest(self.folder, self.manifest)
        try:
            with Meter(len(missing)) as meter:
                self._track(missing, meter)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(
                f"{len(self.done)} of {len(self.data)} sequences of {self.tracker} are "
                f"complete in {self.folder}; repeat the command to continue"
            ) from stop

    def _track(self, indices: list[int], meter: Meter) -> None:
        for group in self._groups(indices):
            self._follow(group, meter)
            meter.end(len(group))

    def _open_manifest(self, weights: str) -> dict:
        return manifest.open_manifest(self.tracker, weights, self.folder, self.options)

    def _completed(self) -> set[str]:
        """Sequences that need not be tracked."""
        return set(records.completed(self.folder))

    def _groups(self, indices: list[int]) -> Iterator[list[Opened]]:
        """Sequences that can advance together, at most a batch, of similar lengths."""
        opened = (item for i in indices if (item := self._open(i)))
        if self.options.batch == 1:
            yield from ([item] for item in opened)
            return
        alike: dict[tuple, list[Opened]] = {}
        for item in opened:
            alike.setdefault((item.tracker, item.canvas), []).append(item)
        size = self.options.batch
        for same in alike.values():
            same.sort(key=lambda item: len(item.clip.frames))
            yield from (same[i : i + size] for i in range(0, len(same), size))

    def _open(self, index: int) -> Opened | None:
        """A sequence with its tracker; None if it has a problem, which is noted."""
        try:
            clip = self.data[index]
            first = clip.frames[0]
            box = check_box(clip.boxes[0], first)
            canvas = canvas_of([first], BUCKET)
        except DataError as error:
            self._fail(self.data.names[index], error)
            return None
        tracker = catalogue.build(self.tracker, box)
        self.manifest["settings"] = catalogue.settings(tracker)
        return Opened(clip, tracker, box, canvas)

    def _follow(self, group: list[Opened], meter: Meter) -> None:
        """Tracks a group and keeps its results; one that fails is taken apart."""
        clips = [item.clip for item in group]
        total = sum(len(clip.frames) for clip in clips)
        meter.begin(", ".join(clip.name for clip in clips), total)
        results: list[list] = [[] for _ in group]
        try:
            with contextlib.closing(self._steps(group)) as steps:
                for step in steps:
                    found = [r is not None for r in step]
                    for row, result in zip(results, step, strict=True):
                        row += [result] if result is not None else []
                    meter.advance(sum(found))
        except DataError as error:
            if len(group) == 1:
                self._fail(clips[0].name, error)
                return
            for item in group:
                self._follow([item], meter)
            return
        for clip, row in zip(clips, results, strict=True):
            self._keep(clip.name, row)

    def _steps(self, group: list[Opened]):
        keys = [catalogue.key_for(self.options.seed, t.clip.name) for t in group]
        frames = [item.clip.frames for item in group]
        boxes = [item.box for item in group]
        return follow_many(group[0].tracker, self.params, frames, boxes, keys)

    def _keep(self, name: str, row: list) -> None:
        """Writes the results of a sequence; from here on it is complete."""
        kept = records.record(row)
        records.write_record(self.folder, name, kept, self.manifest["origin"])
        self._note(name, kept)

    def _note(self, name: str, kept: Record) -> None:
        """Writes the manifest, and a line."""
        self.done.add(name)
        manifest.note(self.manifest, name, kept)
        records.write_manifest(self.folder, self.manifest)
        text = "%s %d/%d %s: %d frames, %.0f frames/s"
        count = len(self.done), len(self.data), name, len(kept.boxes), kept.fps
        log.info(text, self.tracker, *count)

    def _fail(self, name: str, error: DataError) -> None:
        log.error("%s: %s", name, error)
        self.failed[name] = str(error)
