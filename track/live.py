"""A source that does not wait for the trackers, read in a thread.

``drop`` keeps the newest picture only, so that what is shown is at most a frame
of tracking old; ``queue`` keeps all of them and makes the source wait.
"""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import NamedTuple

import cv2
import numpy as np

from tirjax.data import DataError, Window, pixels
from tirjax.data.video import decide_live

from .sources import Latency, Source

log = logging.getLogger(__name__)

QUEUE = 4  # pictures that wait at most
SIZES = 8  # sizes of pictures that are told about
FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0  # seconds between attempts; each doubles the last
# A source that neither sends nor fails is given up so many seconds after its limit.
GRACE = 10.0
# How long a read in progress is waited for at the end; the thread dies with us.
PATIENCE = 1.0


class Shot(NamedTuple):
    """A frame on its way.

    Attributes:
      frame: ``[rows, columns, channels]``, always of the first one's size.
      size: ``(rows, columns)`` it arrived with.
      arrived: when, on the monotonic clock.
      dropped: frames that were skipped before it, since the start.
    """

    frame: np.ndarray
    size: tuple[int, int]
    arrived: float
    dropped: int


class Fit:
    """Pictures as frames of the first one's size, depth and channels.

    A camera that changes its mode shows the same scene in other pixels. Resized to the
    first size it needs no other program, and a target keeps its place.

    Args:
      name: of the source, for errors.
      window: how counts become 0..255, as for ``open_frames``.
    """

    def __init__(self, name: str, window: Window | None):
        self._name, self._window = name, window
        self._form: pixels.PixelFormat | None = None

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """The picture as a frame.

        Raises:
          DataError: its depth is not that of the first.
        """
        if self._form is None:
            self._form = decide_live(picture, "auto", self._window, self._name)
        rows, columns = self._form.size
        if picture.shape[:2] != (rows, columns):
            picture = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
        return pixels.convert(picture, self._form, f"a frame of {self._name}")


class Live:
    """Frames of a source as they come.

    Attributes:
      dropped: pictures that a newer one has replaced.
      damaged: pictures that could not be used.
      ended: whether nothing more will come.
      drops: whether pictures are dropped.

    Args:
      source: what to read.
      fit: makes frames of pictures; None takes them as they are.
      latency: ``drop`` or ``queue``.
      reconnect: seconds that a lost source is tried for; 0 makes its loss an error.
      wait: seconds before the second attempt.
    """

    def __init__(
        self,
        source: Source,
        fit: Callable[[np.ndarray], np.ndarray] | None = None,
        latency: Latency | None = None,
        reconnect: float | None = None,
        wait: float = FIRST_WAIT,
    ):
        self.name = source.name
        self.dropped, self.damaged, self.ended = 0, 0, False
        self._source, self._fit, self._wait = source, fit, wait
        self.drops = (latency or source.latency) == "drop"
        self._limit = source.reconnect if reconnect is None else reconnect
        self._kept: deque[tuple[np.ndarray, float]] = deque()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._done, self._failure = False, None
        self._newest: float | None = None  # when the last picture came
        self._sizes: set[tuple[int, int]] = set()
        self._thread = threading.Thread(target=self._work, name="live", daemon=True)
        self._thread.start()

    def poll(self, seconds: float) -> Shot | None:
        """The next frame; None if there is none after so many seconds, or ``ended``.

        Raises:
          DataError, OSError: the source is lost; after all frames before that.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._kept or self._done, seconds)
            if not self._kept:
                self._end()
                return None
            picture, arrived = self._kept.popleft()
            dropped = self.dropped
            self._changed.notify_all()
        if self._fit is None:
            return Shot(picture, picture.shape[:2], arrived, dropped)
        try:
            frame = self._fit(picture)
        except DataError as error:
            self._spoilt(str(error))
            return None
        self._note_size(picture.shape[:2])
        return Shot(frame, picture.shape[:2], arrived, dropped)

    def close(self) -> None:
        """Ends the thread; waits a moment for it."""
        self._stop.set()
        with self._changed:
            self._kept.clear()
            self._changed.notify_all()
        self._thread.join(PATIENCE)

    def _end(self) -> None:
        """Looks why there is no picture."""
        if self._done:
            self.ended = True
            if self._failure is not None:
                raise self._failure
        elif self._newest is not None and self._limit:
            silent = time.monotonic() - self._newest
            if silent > self._limit + GRACE:
                raise DataError(f"{self.name} has sent nothing for {silent:.0f} s")

    def _work(self) -> None:
        failure = None
        try:
            for picture in self._pictures():
                if picture is None:
                    self._spoilt("it cannot be decoded")
                else:
                    self._put(picture)
                if self._stop.is_set():
                    break
        except BaseException as error:  # everything belongs to the consumer
            failure = error
        with self._changed:
            self._done, self._failure = True, failure
            self._changed.notify_all()

    def _pictures(self) -> Generator[np.ndarray | None]:
        """Pictures of the source, opened again as often as it is lost."""
        lost, attempts = None, 0
        while not self._stop.is_set():
            try:
                with contextlib.closing(self._source.open()) as pictures:
                    for picture in pictures:
                        if lost is not None:
                            seconds = time.monotonic() - lost
                            log.info("%s is back after %.1f s", self.name, seconds)
                            lost, attempts = None, 0
                        yield picture
                return
            except (DataError, OSError) as error:
                if self._newest is None or not self._limit:
                    raise
                if lost is None:
                    lost = time.monotonic()
                    log.warning("%s; trying for %g s", error, self._limit)
                attempts += 1
                self._rest(lost, attempts, error)

    def _rest(self, lost: float, attempts: int, error: Exception) -> None:
        """Waits before the next attempt.

        Raises:
          DataError: the limit has passed.
        """
        left = lost + self._limit - time.monotonic()
        if left <= 0:
            raise DataError(
                f"{self.name} was lost and did not come back within {self._limit:g} s "
                f"({attempts} attempts; --reconnect): {error}"
            ) from error
        pause = min(self._wait * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
        self._stop.wait(min(pause, left))

    def _put(self, picture: np.ndarray) -> None:
        with self._changed:
            self._newest = time.monotonic()
            room = lambda: len(self._kept) < QUEUE or self._stop.is_set()
            if self.drops:
                self.dropped += len(self._kept)
                self._kept.clear()
            else:
                self._changed.wait_for(room)
            if not self._stop.is_set():
                self._kept.append((picture, self._newest))
            self._changed.notify_all()

    def _spoilt(self, why: str) -> None:
        """Counts a picture that cannot be used; the first one is named."""
        self.damaged += 1
        if self.damaged == 1:
            log.warning("%s: skipped a damaged frame: %s", self.name, why)

    def _note_size(self, size: tuple[int, int]) -> None:
        """Says once of each new size, of the first ones, that frames are resized."""
        if size in self._sizes or len(self._sizes) == SIZES:
            return
        if self._sizes:
            log.warning(
                "%s: frames are now %dx%d; resized to the first one's size, boxes are "
                "written in pixels of the new one",
                self.name,
                *size,
            )
        self._sizes.add(size)
