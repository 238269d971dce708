"""``track run``: targets through a recording or a live source, drawn and scored."""

import contextlib
import logging
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tirjax.data import DataError, Frames, open_frames
from tirjax.data.discover import find_reader, open_sequence

from . import catalogue, scoring, session, sources, weights
from .interactive import Interactive
from .live import Fit, Live
from .options import Run
from .outputs import Clip, Moment, Outputs
from .plan import plan
from .runner import check_box, follow_all
from .sources import Source
from .stopping import Stop
from .story import Story
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
        print(table.plain(), file=sys.stderr if options.json == "-" else sys.stdout)


def follow(options: Run) -> Outputs:
    """Tracks and draws as it goes, and writes what there is, whatever ends it."""
    names = catalogue.tracker_names(options.tracker)
    source = sources.find(options.source)
    clip = open_clip(options, source)
    trackers = weights.load(names, options.weights)
    with contextlib.ExitStack() as ending:
        stop = ending.enter_context(Stop())
        if source is None and not options.show:
            outputs = _play(clip, trackers, options, stop)
        else:
            window = Window(f"tirjax: {clip.name}") if options.show else None
            if window:
                ending.callback(window.close)
            live = _open_live(clip, source, options)
            ending.enter_context(contextlib.closing(live))
            outputs = _watch(clip, live, trackers, options, window, stop)
        if stop.asked and not clip.live:
            raise KeyboardInterrupt
    return outputs


def open_clip(options: Run, source: Source | None = None) -> Clip:
    """Opens a recording or describes a live source, with the boxes given or annotated.

    Args:
      options: of the command.
      source: the live source that they name, if it is one.

    Raises:
      DataError: it cannot be read, or nothing says where the target is.
    """
    given = [check_box(catalogue.box(text)) for text in options.init]
    window = catalogue.window(options.window)
    path, truth, frames = Path(options.source), None, None
    if source is None and (options.latency or options.reconnect is not None):
        raise DataError(
            f"--latency and --reconnect are for live sources; {path} is a recording"
        )
    if source is None and path.exists() and find_reader(path):
        sequence = open_sequence(path, window=window)
        frames = sequence.frames
        if not given:
            given = [check_box(sequence.boxes[0])]
            truth = sequence if scoring.annotated(sequence) else None
    elif source is None:
        frames = open_frames(options.source, window=window)
    if not given and not options.show:
        raise DataError(
            f"no first box for {options.source}: give --init x,y,w,h in pixels of its "
            "first frame (repeat it for several targets), or --show to draw it"
        )
    clock = getattr(frames, "clock", None)
    name = source.name if source else path.stem
    return Clip(name, frames, given, truth, 1000 / clock[1] if clock else FPS)


def _open_live(clip: Clip, source: Source | None, options: Run) -> Live:
    """Frames that come when they come; those of a recording too, for a window."""
    if source is not None:
        fit = Fit(source.name, catalogue.window(options.window))
        return Live(source, fit, options.latency, options.reconnect)
    assert clip.frames is not None, "what is not live is recorded"
    recorded: Frames = clip.frames
    return Live(Source(clip.name, lambda: (f for f in recorded), "queue", 0.0))


def _outputs(
    clip: Clip, stories: list[Story], options: Run, shown: bool = False
) -> Outputs:
    """What the options ask for."""
    return Outputs(clip, stories, options.out, options.record, shown, options.json)


@contextlib.contextmanager
def _finishing(outputs: Outputs) -> Iterator[None]:
    """Writes what there is at the end, whatever ends it."""
    try:
        yield
    finally:
        if files := outputs.finish():
            log.info("wrote %s", ", ".join(map(str, files)))


def _watch(
    clip: Clip,
    live: Live,
    trackers: Mapping[str, weights.Weights],
    options: Run,
    window: Window | None,
    stop: Stop,
) -> Outputs:
    """Follows frame by frame until the end, or until it is stopped or closed."""
    following = Interactive(clip, live, trackers, options.seed, window, stop)
    if clip.live:
        log.info("following; stop with Ctrl-C%s", " or close the window" * options.show)
    outputs = _outputs(clip, following.begin(), options, window is not None)
    with _finishing(outputs):
        try:
            following.run(outputs)
        except KeyboardInterrupt:
            if not clip.live:
                raise
    return outputs


def _play(
    clip: Clip, trackers: Mapping[str, weights.Weights], options: Run, stop: Stop
) -> Outputs:
    """Follows chunk by chunk until the frames end or it is stopped."""
    assert clip.frames is not None, "what is live has no chunks"
    whole = clip.truth is not None
    jobs, stories = plan(trackers, clip.boxes, options.seed, whole=whole)
    outputs = _outputs(clip, stories, options)
    tap = Tap(clip.frames)
    steps = follow_all(jobs, tap)
    with _finishing(outputs), session.Meter() as meter, contextlib.closing(steps):
        meter.begin(clip.name, len(clip.frames))
        for number, step in enumerate(steps):
            frame = tap.pop()
            moment = Moment(number / clip.fps, frame.shape[:2])
            results = [result for group in step for result in group]
            outputs.note(number, frame, results, moment)
            outputs.add(number, frame)
            meter.advance(1)
            if stop.asked or outputs.closed:
                break
    return outputs


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
