"""What every command shares: log, compilation cache, progress."""

import logging
import time
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from .options import Common

log = logging.getLogger(__name__)

# One for all, so that lines of the log pass above the bars.
CONSOLE = Console(stderr=True)
PLAIN_EVERY = 10.0  # seconds between lines of progress where no bar can be drawn


def start(common: Common) -> None:
    """Sends the log to stderr and turns the compilation cache on or off."""
    handler: logging.Handler = logging.StreamHandler()
    if CONSOLE.is_terminal:
        handler = RichHandler(console=CONSOLE, show_path=False, show_time=False)
    package = logging.getLogger(__package__)
    package.handlers[:] = [handler]
    package.setLevel(logging.INFO)
    package.propagate = False  # libraries install a handler of their own at the root
    _cache(common)


def _cache(common: Common) -> None:
    """Points JAX at the folder of compiled programs; without one it goes on."""
    import jax  # here and in the commands, so that `--help` need not wait for it

    folder = common.cache_dir or Path(platformdirs.user_cache_dir("tirjax")) / "jax"
    if not common.no_cache:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if common.cache_dir:
                raise
            log.warning("no compilation cache at %s (%s)", folder, error.strerror)
            return
    jax.config.update("jax_enable_compilation_cache", not common.no_cache)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


class Meter:
    """Progress on stderr: bars on a terminal, else a line now and then.

    Args:
      clips: how many there are; with more than one they have a bar of their own.
    """

    def __init__(self, clips: int = 1):
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=CONSOLE,
            transient=True,
            disable=not CONSOLE.is_terminal,
        )
        self._plain = not CONSOLE.is_terminal
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
            log.info("%s: %d%s frames", self._name, self._done, total)

    def end(self, clips: int = 1) -> None:
        """So many more clips are done."""
        self._bars.advance(self._whole, clips)
