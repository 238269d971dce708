"""What every command begins with: the log and the compilation cache."""

import gc
import logging
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.logging import RichHandler

from tirjax_shell.options import Common

log = logging.getLogger(__name__)

# One for all, so that lines of the log pass above the bars.
CONSOLE = Console(stderr=True)


def start(program: str, common: Common) -> None:
    """Sends the log to stderr and turns the compilation cache on or off.

    Args:
      program: package whose log is shown, beside that of the library.
      common: options of the command.
    """
    handler: logging.Handler = logging.StreamHandler()
    if CONSOLE.is_terminal:
        handler = RichHandler(console=CONSOLE, show_path=False, show_time=False)
    for name in (program, "tirjax", __package__):
        package = logging.getLogger(name)
        package.handlers[:] = [handler]
        package.setLevel(logging.INFO)
        package.propagate = False  # libraries install a handler of their own
    collect_seldom()
    cache(common)


def collect_seldom() -> None:
    """Spares a start what looking for garbage among its many new objects takes."""
    gc.set_threshold(100_000, 50, 100)


def cache(common: Common) -> None:
    """Points JAX at the folder of compiled programs; without one it goes on.

    Raises:
      OSError: the folder that was asked for cannot be made.
    """
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
