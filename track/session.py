"""Progress on the terminal, and in logs."""

import logging
import time

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from tirjax_shell.session import CONSOLE

log = logging.getLogger(__name__)

PLAIN_EVERY = 10.0  # seconds between lines of progress where no bar can be drawn


class Meter:
    """Progress on stderr: bars on a terminal, else a line now and then.

    Args:
      clips: how many there are; with more than one they have a bar of their own.
      unit: of what is counted.
    """

    def __init__(self, clips: int = 1, unit: str = "frames"):
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=CONSOLE,
            transient=True,
            disable=not CONSOLE.is_terminal,
        )
        self._plain, self._unit = not CONSOLE.is_terminal, unit
        self._whole = self._bars.add_task("sequences", total=clips, visible=clips > 1)
        self._frames = self._bars.add_task("", total=None)
        self._name, self._total, self._done = "", None, 0
        self._last = time.monotonic()

    def __enter__(self) -> "Meter":
        self._bars.start()
        return self

    def __exit__(self, *error) -> None:
        self._bars.stop()

    def begin(self, name: str, frames: int | None) -> None:
        """The next clip; ``frames`` is None if unknown."""
        self._name, self._total, self._done = name, frames, 0
        self._bars.reset(self._frames, total=frames, description=name)

    def advance(self, frames: int) -> None:
        """So many more frames are done."""
        self._done += frames
        self._bars.advance(self._frames, frames)
        if self._plain and time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            total = f"/{self._total}" if self._total else ""
            log.info("%s: %d%s %s", self._name, self._done, total, self._unit)

    def end(self, clips: int = 1) -> None:
        """So many more clips are done."""
        self._bars.advance(self._whole, clips)
