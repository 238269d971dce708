"""``track run``: targets through a video, pictures or a camera, drawn and scored."""

import contextlib
import logging
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np

from tirjax.data import DataError, Frames, open_frames
from tirjax.data.discover import find_reader, open_sequence

from . import catalogue, scoring, session, view, weights
from .options import Run
from .outputs import Clip, Outputs, Story
from .runner import Job, check_box, follow_all
from .window import Window

log = logging.getLogger(__name__)

FPS = 25.0  # of the written video where the source does not say


def run(options: Run) -> None:
    """Tracks, writes, and prints the scores if there is truth.

    Raises:
      DataError, OSError, KeyboardInterrupt: after the results so far are written. Only
        a live source is meant to be interrupted.
    """
    outputs = follow(options)
    if table := outputs.table():
        print(table.plain())


def follow(options: Run) -> Outputs:
    """Tracks and draws as it goes, and writes what there is, whatever ends it."""
    names = catalogue.tracker_names(options.tracker)
    clip = open_clip(options)
    jobs, stories = plan(clip, weights.load(names, options.weights), options.seed)
    window = Window(f"tirjax: {clip.name}") if options.show else None
    outputs = Outputs(clip, stories, options.out)
    if clip.live:
        log.info("following; stop with Ctrl-C%s", " or close the window" * options.show)
    try:
        _play(clip, jobs, outputs, window)
    except KeyboardInterrupt:
        if not clip.live:
            raise
    finally:
        if window:
            window.close()
        if files := outputs.finish():
            log.info("wrote %s", ", ".join(map(str, files)))
    return outputs


def open_clip(options: Run) -> Clip:
    """Opens the source, and the first boxes given or annotated.

    Raises:
      DataError: it cannot be read, or nothing says where the target is.
    """
    given = [check_box(catalogue.box(text)) for text in options.init]
    window = catalogue.window(options.window)
    path, truth = Path(options.source), None
    if path.exists() and find_reader(path):
        sequence = open_sequence(path, window=window)
        frames = sequence.frames
        if not given:
            given = [check_box(sequence.boxes[0])]
            truth = sequence if scoring.annotated(sequence) else None
    else:
        frames = open_frames(options.source, window=window)
    if not given:
        raise DataError(
            f"no first box for {options.source}: give --init x,y,w,h in pixels of its "
            "first frame (repeat it for several targets)"
        )
    live = not _has_end(frames)
    name = path.stem if path.exists() else f"camera {options.source}"
    clock = getattr(frames, "clock", None)
    return Clip(name, frames, given, truth, live, 1000 / clock[1] if clock else FPS)


def plan(
    clip: Clip, trackers: dict[str, weights.Weights], seed: int
) -> tuple[list[Job], list[Story]]:
    """Jobs, and the stories of their targets in the same order.

    Targets that a tracker has one program for share a job, a batched call.
    """
    jobs, labels = [], []
    for name, (params, _) in trackers.items():
        groups: dict = {}
        for number, box in enumerate(clip.boxes):
            groups.setdefault(catalogue.build(name, box), []).append(number)
        for tracker, numbers in groups.items():
            boxes = [clip.boxes[n] for n in numbers]
            keys = [jax.random.fold_in(jax.random.key(seed), n) for n in numbers]
            jobs.append(Job(tracker, params, boxes, keys))
            labels += [
                f"{name}-{n + 1}" if len(clip.boxes) > 1 else name for n in numbers
            ]
    colours = view.PALETTE
    stories = [Story(s, colours[i % len(colours)]) for i, s in enumerate(labels)]
    return jobs, stories


class Tap:
    """Frames on their way to the trackers, kept until their results come out."""

    def __init__(self, frames: Frames):
        self._frames = frames
        self._kept: deque[np.ndarray] = deque()

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self._frames:
            self._kept.append(frame)
            yield frame

    def pop(self) -> np.ndarray:
        """The oldest frame not yet taken."""
        return self._kept.popleft()


def _play(clip: Clip, jobs: list[Job], outputs: Outputs, window: Window | None) -> None:
    """Runs the jobs over the frames until they end or the window is closed."""
    tap = Tap(clip.frames)
    total = None if clip.live else len(clip.frames)
    steps = follow_all(jobs, tap, chunk=1 if clip.live else None)
    with session.Meter() as meter, contextlib.closing(steps):
        meter.begin(clip.name, total)
        for number, step in enumerate(steps):
            results = [result for group in step for result in group]
            for story, result in zip(outputs.stories, results, strict=True):
                story.results.append(result)
            picture = outputs.add(number, tap.pop())
            meter.advance(1)
            if window:
                window.show(picture)
                if window.closed:
                    break


def _has_end(frames: Frames) -> bool:
    try:
        len(frames)
    except TypeError:
        return False
    return True
