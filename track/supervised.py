"""``track eval --experiment supervised``: VOT's experiment with restarts.

Runs lie as VOT's toolkits write them, ``TRACKER/baseline/SEQ/SEQ_001.txt``, and a
complete one is not repeated.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data import DataError, SequenceList
from tirjax.data import Sequence as Clip
from tirjax.evaluation.regions import row_spans
from tirjax.evaluation.trials import (
    EXPERIMENT,
    TRACKED,
    Trial,
    find_trials,
    trial_path,
    write_trial,
)
from tirjax.trackers import Tracker
from tirjax.trackers.supervised import Goal, Outcome
from tirjax.typing import Frame
from tirjax_shell.measuring import timed

from . import catalogue, manifest, records, trial_scoring, weights
from .canvas import Chunk, canvas_of, chunk_frames, chunks
from .evaluate import Opened, Work, open_data
from .options import Eval
from .prefetch import prefetch
from .programs import Layout, compiled
from .records import Record
from .runner import BUCKET
from .weights import Weights

ENOUGH = 3  # equal runs that show that a tracker draws nothing at random


class Happened(NamedTuple):
    """One frame of a run.

    Attributes:
      code: as in ``Trial``.
      box: ``[4]``, pixels, zero-based.
      seconds: this sequence's share of the device's time.
    """

    code: int
    box: np.ndarray
    seconds: float


def evaluate_supervised(options: Eval) -> tuple[dict[str, str], SequenceList]:
    """Runs every tracker over what is missing, then scores all.

    Returns:
      What went wrong, by name of sequence, and the data set.

    Raises:
      DataError: bad names or settings.
    """
    if options.repetitions < 1:
        raise DataError(
            f"--repetitions {options.repetitions}: at least 1 run is needed"
        )
    names = catalogue.tracker_names(options.tracker)
    rules = trial_scoring.rules(options.protocol)
    data = open_data(options)
    failed: dict[str, str] = {}
    for name, loaded in weights.load(names, options.weights).items():
        for repetition in range(1, options.repetitions + 1):
            work = Trials(name, loaded, data, options, repetition)
            work.run()
            failed |= work.failed
    trial_scoring.print_scores(names, data, options.out / options.dataset, rules)
    return failed, data


class Trials(Work):
    """One repetition of one tracker over what is missing of a data set."""

    def __init__(
        self,
        tracker: str,
        loaded: Weights,
        data: SequenceList,
        options: Eval,
        repetition: int = 1,
    ):
        self.repetition = repetition
        self._origins: dict[str, int] = {}
        if repetition > 1:  # it would delete the runs before it
            options = dataclasses.replace(options, overwrite=False)
        super().__init__(tracker, loaded, data, options)
        self.trackers = self.folder
        self.folder = self.trackers / EXPERIMENT

    def _open_manifest(self, weights: str) -> dict:
        folder = self.folder / EXPERIMENT
        found = find_trials(self.folder)
        if self.options.overwrite:
            for path in itertools.chain(*found.values()):
                path.unlink()
                path.with_name(f"{path.stem}_time.value").unlink(missing_ok=True)
        elif found and records.read_manifest(folder) is None:
            raise DataError(
                f"{folder} holds results without a manifest; choose another --out, or "
                "--overwrite them"
            )
        options = dataclasses.replace(self.options, protocol=None)
        made = manifest.open_manifest(self.tracker, weights, folder, options)
        rules = trial_scoring.rules(self.options.protocol)
        return {**made, "experiment": "supervised", "protocol": rules.name}

    def _completed(self) -> set[str]:
        found = find_trials(self.folder)
        number = f"_{self.repetition:03d}"
        done = {
            n for n, files in found.items() if any(f.stem == n + number for f in files)
        }
        if self.repetition > ENOUGH:
            done |= {
                name for name, files in found.items() if _all_equal(files[:ENOUGH])
            }
        return done

    def _steps(self, group: list[Opened]):
        keys = [catalogue.key_for(self.options.seed, t.clip.name) for t in group]
        if self.repetition > 1:
            keys = [jax.random.fold_in(key, self.repetition) for key in keys]
        clips = [item.clip for item in group]
        origins = [self._origin(clip) for clip in clips]
        self._origins |= {c.name: o for c, o in zip(clips, origins, strict=True)}
        return try_many(group[0].tracker, self.params, clips, keys, origins)

    def _origin(self, clip: Clip) -> int:
        return trial_scoring.origin(clip, self.options.dataset)

    def _keep(self, name: str, row: list) -> None:
        code = np.array([h.code for h in row])
        boxes = np.array([h.box for h in row], np.float64)
        origin = self._origins[name]
        shifted = boxes + np.array([origin, origin, 0, 0])
        regions = np.where((code == TRACKED)[:, None], shifted, np.nan)
        seconds = np.array([h.seconds for h in row])
        path = trial_path(self.trackers, name, self.repetition)
        write_trial(path, Trial(code, regions, seconds))
        unknown = np.full(len(row), np.nan)
        self._note(name, Record(boxes, unknown, np.zeros(len(row), np.int64), seconds))


def try_many(
    tracker: Tracker,
    params: Any,
    clips: Sequence[Clip],
    keys: Sequence[jax.Array],
    origins: Sequence[float],
    bucket: int = BUCKET,
) -> Generator[tuple[Happened | None, ...]]:
    """Runs a tracker with restarts over several clips in lock-step, shared weights.

    Args:
      tracker: what to run.
      params: its weights.
      clips: annotated sequences; they may differ in length and size.
      keys: sources of every random draw, one a clip.
      origins: coordinates of the first pixel in the files of each clip.
      bucket: rows and columns are rounded up to multiples of it.

    Yields:
      For every frame, what happened in each clip; ``None`` after a clip's end.

    Raises:
      DataError: a clip has no annotation beyond its first frame, or a frame cannot be
        used.
    """
    layout: Layout = "clips" if len(clips) > 1 else "one"
    steps = itertools.zip_longest(*(clip.frames for clip in clips))
    first = next(steps)
    canvas = canvas_of(first, bucket)
    goals = [
        _goals(*pair, canvas.shape[0]) for pair in zip(clips, origins, strict=True)
    ]
    length = chunk_frames(canvas, len(clips))
    steps = itertools.chain([first], steps)
    now, done = None, 0
    here = np.array(origins, np.float32)
    here = here if layout == "clips" else here[0]
    key = jnp.stack(list(keys)) if layout == "clips" else keys[0]
    with contextlib.closing(
        prefetch(chunks(steps, canvas, len(clips), length))
    ) as parts:
        for part in parts:
            frames, goal = _on_device(layout, part, goals, done)
            if now is None:
                frame = jax.tree.map(lambda x: x[0], frames)
                start = params, frame, key
                now = compiled(tracker, layout, "attempt", start)(*start)
            arguments = params, now, frames, goal, np.int32(part.count), here
            program = compiled(tracker, layout, "trial", arguments)
            (now, outcome), seconds = timed(program, *arguments)
            yield from _happened(layout, part, jax.device_get(outcome), seconds)
            done += part.count


def _goals(clip: Clip, origin: float, rows: int) -> Goal:
    """The truth of every frame of a clip, for frames of so many rows."""
    if len(clip.boxes) != len(clip.frames):
        raise DataError(
            f"{clip.name}: {len(clip.boxes)} boxes for {len(clip.frames)} frames; an "
            "experiment with restarts needs one a frame"
        )
    known = np.asarray(np.isfinite(clip.boxes).all(1) & (clip.boxes[:, 2:] > 0).all(1))
    size = trial_scoring.frame_size(clip)
    spans = row_spans(trial_scoring.truth(clip, origin), "vot", size, rows)
    boxes = np.where(known[:, None], clip.boxes, 1).astype(np.float32)
    arrays: Any = boxes, spans, known, np.ones(len(boxes), bool)
    return Goal(*arrays)


def _on_device(
    layout: Layout, part: Chunk, goals: Sequence[Goal], start: int
) -> tuple[Frame, Goal]:
    """The chunk's frames and their truth, without the axis of clips for one."""
    length = len(part.size)
    blank = jax.tree.map(
        lambda x: np.zeros((length, len(goals), *x.shape[1:]), x.dtype), goals[0]
    )
    for i, goal in enumerate(goals):
        for target, values in zip(blank, goal, strict=True):
            rows = values[start : start + part.count]
            target[: len(rows), i] = rows
    pick = (lambda x: x) if layout == "clips" else (lambda x: x[:, 0])
    frames = Frame(pick(part.pixels), pick(part.size))
    return jax.device_put((frames, jax.tree.map(pick, blank)))


def _happened(
    layout: Layout, part: Chunk, outcome: Outcome, seconds: float
) -> list[tuple[Happened | None, ...]]:
    """Outcomes of a chunk, without those past a clip's end."""
    code, box = (
        np.asarray(x)[: part.count] for x in (outcome.code, outcome.prediction.box)
    )
    if layout == "one":
        code, box = code[:, None], box[:, None]
    present = part.present[: part.count]
    share = seconds / present.sum()
    return [
        tuple(
            Happened(int(code[i, j]), box[i, j], share) if present[i, j] else None
            for j in range(code.shape[1])
        )
        for i in range(part.count)
    ]


def _all_equal(files) -> bool:
    """Whether there are as many as are enough, and they say the same."""
    return len(files) == ENOUGH and len({f.read_bytes() for f in files}) == 1
