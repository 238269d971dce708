"""A config is a Python file with a function; its keyword arguments are the settings."""

import functools
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro

from tirjax.data.sequence import DataError
from tirjax.tasks.run import Run

NAME = "config"


def read(path: Path, arguments: Sequence[str]) -> tuple[Run, dict[str, Any]]:
    """Calls ``config`` of a file with settings from the command line.

    A wrong name or value ends the program with the help of the settings.

    Args:
      path: file from ``configs/`` or the user's own.
      arguments: for example ``['--batch', '32']``.

    Returns:
      What ``config`` returns, and all settings it was called with, for the record.

    Raises:
      DataError: there is no such file, no such function in it, or it returns something
        else.
    """
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*.py"))[:8]
        raise DataError(f"no config {path}; there: {', '.join(near) or 'no .py file'}")
    config = runpy.run_path(str(path)).get(NAME)
    if not callable(config):
        raise DataError(f"{path}: has no function {NAME!r}; see configs/ for examples")
    chosen: dict[str, Any] = {}

    @functools.wraps(config)
    def recorded(**settings):
        chosen.update(settings)
        return config(**settings)

    run = tyro.cli(
        recorded,
        prog=f"train fit {path} --workdir DIR",
        args=list(arguments),
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    if not isinstance(run, Run):
        raise DataError(f"{path}: {NAME}() returned {type(run).__name__}, not a Run")
    return run, chosen
