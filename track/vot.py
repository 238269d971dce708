"""``track vot``: a tracker as a server of the official VOT toolkit.

One process serves every sequence and every restart, so that nothing is compiled twice;
what can be compiled is, before the toolkit's clock starts with the first word.
"""

import logging
import queue
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

import numpy as np

from tirjax.data import DataError, open_dataset
from tirjax.data.images import ImageFrames, open_images, read_image
from tirjax.data.pixels import convert

from . import catalogue, trax, weights
from .canvas import canvas_of
from .options import Vot
from .runner import BUCKET, Result, check_box, follow
from .weights import Weights

log = logging.getLogger(__name__)

TARGET = 40.0  # pixels; of the target that is warmed up for where none is known


def vot(options: Vot) -> None:
    """Compiles, says hello, answers until the toolkit quits.

    Raises:
      DataError: bad names, or a request that cannot be met; the toolkit is told.
    """
    names = catalogue.tracker_names([options.tracker] if options.tracker else [])
    if len(names) != 1:
        raise DataError(f"--tracker {options.tracker}: a server runs one tracker")
    loaded = weights.load(names, options.weights)[names[0]]
    answer, sys.stdout = sys.stdout, sys.stderr  # a stray print must not be an answer
    try:
        server = Server(names[0], loaded, options)
        server.warm_up()
        server.serve(sys.stdin, answer)
    finally:
        sys.stdout = answer


class Target:
    """One target, followed as its frames arrive."""

    def __init__(self, name: str, loaded: Weights, seed: int, box: np.ndarray):
        self._arrived: queue.SimpleQueue = queue.SimpleQueue()
        tracker = catalogue.build(name, check_box(box))
        key = catalogue.key_for(seed, "")
        self._results = follow(
            tracker, loaded.params, self._frames(), box, key, chunk=1
        )

    def _frames(self) -> Iterator[np.ndarray]:
        while (frame := self._arrived.get()) is not None:
            yield frame

    def see(self, frame: np.ndarray) -> Result:
        """What is known of the target in the next frame.

        Raises:
          DataError: the frame cannot be used.
        """
        self._arrived.put(frame)
        return next(self._results)

    def close(self) -> None:
        """Ends the thread that waits for frames."""
        self._arrived.put(None)
        self._results.close()


class Server:
    """Answers the toolkit.

    Args:
      name: of the tracker.
      loaded: its weights.
      options: of the command.
    """

    def __init__(self, name: str, loaded: Weights, options: Vot):
        self._name, self._loaded, self._options = name, loaded, options
        self._target: Target | None = None
        self._opened: ImageFrames | None = None

    def warm_up(self) -> None:
        """Runs two frames of every kind that is known to come."""
        done = set()
        for box, frame in self._samples():
            tracker = catalogue.build(self._name, box)
            kind = tracker, canvas_of([frame], BUCKET)
            if kind in done:
                continue
            done.add(kind)
            target = self._new(box)
            target.see(frame)
            target.see(frame)
            target.close()
        log.info("%s: ready for %d kinds of sequences", self._name, len(done))

    def serve(self, lines: Iterable[str], answer: TextIO) -> None:
        """Says hello, then answers every frame with a state, until told to quit.

        Raises:
          DataError: a request cannot be met; the toolkit is told so first.
        """
        say = lambda m: print(trax.compose(m), file=answer, flush=True)
        say(trax.hello(f"tirjax {self._name}", self._options.channel))
        try:
            for message in trax.messages(lines):
                if message.type == "initialize":
                    self._start(message)
                elif message.type == "frame":
                    say(self._state(self._see(message)))
        except DataError as error:
            say(trax.Message("quit", (), {"trax.reason": str(error)}))
            raise
        finally:
            if self._target is not None:
                self._target.close()

    def _samples(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """First boxes and frames."""
        if self._options.sequences is None:
            rows, columns = self._options.frame
            centre = np.array([columns, rows]) / 2
            box = np.array([*(centre - TARGET / 2), TARGET, TARGET])
            yield box, np.zeros((rows, columns, 1), np.uint8)
            return
        for clip in open_dataset("folder", self._options.sequences):
            yield clip.boxes[0], clip.frames[0]

    def _new(self, box: np.ndarray) -> Target:
        return Target(self._name, self._loaded, self._options.seed, box)

    def _start(self, message: trax.Message) -> None:
        """Keeps the region; the frame comes next. Without one, forgets the last."""
        if self._target is not None:
            self._target.close()
            self._target = None
        regions = list(message.arguments)
        if not regions:
            return
        if len(regions) > 1:
            raise DataError(
                f"TraX initialize with {len(regions)} regions; this tracker follows "
                "one target"
            )
        box = trax.read_region(regions[0])
        box[:2] -= self._options.origin
        self._target, self._opened = self._new(box), None

    def _see(self, message: trax.Message) -> Result:
        """Shows the target a frame."""
        if self._target is None or not message.arguments:
            raise DataError("TraX frame without a region or an image; initialize first")
        path = trax.read_path(message.arguments[0])
        if self._opened is None:
            self._opened = open_images((path,))
            return self._target.see(self._opened[0])
        picture = convert(read_image(path, 0), self._opened.format, str(path))
        return self._target.see(picture)

    def _state(self, result: Result) -> trax.Message:
        """The answer to a frame."""
        box = result.box.astype(np.float64)
        box[:2] += self._options.origin
        score = {"confidence": f"{np.nan_to_num(result.score, nan=1.0):.6g}"}
        return trax.Message("state", (trax.write_region(box),), score)
