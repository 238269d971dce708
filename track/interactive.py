"""``track run`` a frame at a time: for sources that do not wait, and for windows."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from tirjax.data import DataError

from . import catalogue, session, view
from .live import Live, Shot
from .outputs import Clip, Moment, Outputs
from .plan import plan
from .runner import check_box
from .stopping import Stop
from .story import Story
from .team import Team
from .weights import Weights
from .window import Window

log = logging.getLogger(__name__)

POLL = 0.1  # seconds that a source is waited for between looks at the window
PACE = 0.1  # weight of the newest interval in the frame rate that is shown


class Interactive:
    """Follows targets in frames as they come, and obeys the keys of the window.

    Args:
      clip: what is tracked; without boxes the first is drawn in the window.
      frames: its frames.
      trackers: weights by name.
      seed: of every random draw.
      window: where it is watched, if it is.
      stop: asked between frames.
    """

    def __init__(
        self,
        clip: Clip,
        frames: Live,
        trackers: Mapping[str, Weights],
        seed: int,
        window: Window | None,
        stop: Stop,
    ):
        self._clip, self._frames, self._trackers = clip, frames, trackers
        self._seed, self._window, self._stop = seed, window, stop
        self._chosen, self._paused, self._quit = 0, False, False
        self._number, self._pace = 0, float("nan")
        self._stories: list[Story] = []
        self._keys: dict[str, Callable[[], None]] = {
            " ": self._pause,
            "r": self._restart,
            "a": self._add,
            "s": self._snapshot,
            "q": self._leave,
            "escape": self._leave,
            **{str(i + 1): lambda i=i: self._choose(i) for i in range(9)},
        }

    def begin(self) -> list[Story]:
        """Waits for the first frame; returns the targets, to which more may be added.

        Raises:
          DataError: there is no frame, or no box was drawn.
          KeyboardInterrupt: somebody has stopped waiting.
        """
        self._shot = self._begun = self._first()
        boxes, whole = self._clip.boxes or [self._draw_first()], bool(self._clip.truth)
        self._jobs, found = plan(self._trackers, boxes, self._seed, whole=whole)
        self._stories += found
        return self._stories

    def run(self, outputs: Outputs) -> None:
        """Follows until the frames end or somebody stops it.

        Raises:
          DataError, OSError: the source is lost, or an output cannot be written.
        """
        self._outputs = outputs
        if self._clip.boxes and self._frames.drops:
            self._warm_up()
        with session.Meter() as self._meter:
            recorded = self._clip.frames
            self._meter.begin(
                self._clip.name, None if recorded is None else len(recorded)
            )
            self._team = Team(self._jobs, self._shot.frame)
            self._last = time.monotonic()
            self._tell()
            for shot in self._shots():
                self._shot = shot
                self._number += 1
                self._team.step(shot.frame)
                self._tell()
        if self._clip.live:
            log.info(
                "%s: %d frames, %d dropped, %d damaged",
                self._clip.name,
                self._number + 1,
                self._dropped(),
                self._frames.damaged,
            )

    def _first(self) -> Shot:
        """The first frame."""
        while (shot := self._frames.poll(POLL)) is None:
            if self._frames.ended:
                raise DataError(f"{self._clip.name} has no frames; nothing to track")
            if self._stop.asked or (self._window and self._window.closed):
                raise KeyboardInterrupt
            if self._window:
                self._window.wait(0.01)
        return shot

    def _warm_up(self) -> None:
        """Compiles on a frame that has gone by when that is done."""
        Team(self._jobs, self._shot.frame).step(self._shot.frame)
        with contextlib.suppress(DataError, OSError):  # comes again in the loop
            self._shot = self._frames.poll(POLL) or self._shot
        self._begun = self._shot

    def _shots(self) -> Iterator[Shot]:
        """Frames to track, until it is over; obeys the keys in between."""
        while True:
            self._obey()
            if self._is_over():
                return
            shot = None if self._paused else self._frames.poll(POLL)
            if shot is not None:
                yield shot
            elif self._frames.ended and not self._paused:
                return
            elif self._window:
                self._window.wait(0.05 if self._paused else 0.001)

    def _is_over(self) -> bool:
        closed = self._window is not None and self._window.closed
        return self._quit or closed or self._stop.asked or self._outputs.closed

    def _tell(self) -> None:
        """Hands the results on, and shows them."""
        shot, now = self._shot, time.monotonic()
        interval, self._last = now - self._last, now
        if self._number == 1:
            self._pace = interval
        elif self._number:
            self._pace += PACE * (interval - self._pace)
        seconds = self._number / self._clip.fps
        if self._clip.live:
            seconds = shot.arrived - self._begun.arrived
        note = self._note(now - shot.arrived)
        moment = Moment(seconds, shot.size, self._dropped(), note)
        self._outputs.note(self._number, shot.frame, self._team.results, moment)
        picture = self._outputs.add(self._number, shot.frame)
        self._meter.advance(1)
        if self._window and picture is not None:
            self._window.show(picture)

    def _note(self, latency: float) -> str:
        """What the caption says besides the frame."""
        rate = f"   {1 / self._pace:.1f} fps" if self._pace > 0 else ""
        if not self._clip.live:
            return rate
        return f"{rate}   latency {1000 * latency:.0f} ms   dropped {self._dropped()}"

    def _dropped(self) -> int:
        """Frames that were skipped since the first that is tracked."""
        return self._shot.dropped - self._begun.dropped

    def _obey(self) -> None:
        for key in self._window.keys() if self._window else ():
            if key in self._keys:
                self._keys[key]()

    def _pause(self) -> None:
        self._paused = not self._paused
        self._redraw("   paused" if self._paused else "")

    def _leave(self) -> None:
        self._quit = True

    def _choose(self, target: int) -> None:
        if any(story.target == target for story in self._stories):
            self._chosen = target
            self._redraw(f"   target {target + 1}")

    def _snapshot(self) -> None:
        path = self._outputs.out / f"snapshot-{self._number:06d}.png"
        view.write_picture(path, self._picture(""))
        log.info("wrote %s", path)

    def _restart(self) -> None:
        """Begins anew with the chosen target where the user draws it."""
        if (box := self._select(f"target {self._chosen + 1}")) is None:
            return
        for number, story in enumerate(self._stories):
            if story.target == self._chosen:
                tracker = catalogue.build(story.tracker, box)
                self._team.restart(number, tracker, box, self._shot.frame)
                story.newest = self._team.results[number]
        self._outputs.guided = True
        self._redraw("")

    def _add(self) -> None:
        """Follows another target, which the user draws, from the next frame on."""
        if (box := self._select("a new target")) is None:
            return
        jobs, stories = plan(self._trackers, [box], self._seed, after=self._stories)
        for job in jobs:
            self._team.add(job, self._shot.frame)
        begun = self._team.results[-len(stories) :]
        for story, result in zip(stories, begun, strict=True):
            story.newest = result
        self._stories += stories
        self._outputs.guided = True
        self._redraw("")

    def _draw_first(self) -> np.ndarray:
        """The first box, which was not given.

        Raises:
          DataError: none was drawn.
        """
        if (box := self._select("the target")) is None:
            raise DataError("no first box was drawn; drag one, or give --init x,y,w,h")
        return box

    def _select(self, what: str) -> np.ndarray | None:
        """A box that the user drags on the newest frame; None without one."""
        assert self._window is not None, "keys come from a window"
        frame = self._shot.frame
        picture = self._picture(f"   drag a box around {what}; Escape cancels")
        drawn = self._window.select(picture, lambda: self._stop.asked)
        if drawn is None:
            return None
        try:
            return check_box(view.to_frame(drawn, picture, frame), frame)
        except DataError as error:
            log.warning("%s", error)
            return None

    def _redraw(self, note: str) -> None:
        """Shows the newest frame again."""
        if self._window:
            self._window.show(self._picture(note))

    def _picture(self, note: str) -> np.ndarray:
        """The newest frame and what is known in it."""
        frame = self._shot.frame
        marks = [story.mark(story.newest) for story in self._stories]
        caption = f"{self._clip.name}   frame {self._number}{note}"
        return view.draw(frame, marks, None, caption, view.film_width(frame.shape[1]))
