"""From the command line to a command, and from its errors to one line."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from typing import Any

import tyro

BAD_INPUT, INTERRUPTED = 2, 130
FLAGS = (tyro.conf.FlagCreatePairsOff,)


def parse(
    commands: Mapping[str, type], argv: list[str], program: str, description: str
) -> Any:
    """The command that was chosen, with its options; ends the process after help.

    Args:
      commands: classes of options by name; their docstrings are the help.
      argv: arguments, the name of the command first.
      program: its name.
      description: of the program.
    """
    return tyro.extras.subcommand_cli_from_dict(
        {name: _briefly(c, name in argv[:1]) for name, c in commands.items()},
        prog=program,
        description=description,
        args=argv,
        config=FLAGS,
    )


def finish(run: Callable[[], int | None], debug: bool) -> int:
    """Runs a command; what goes wrong becomes one line on the standard error.

    Args:
      run: the command; an exit status that it returns is the result.
      debug: raise errors instead.

    Returns:
      Exit status: the command's or 0, 2 for input or output that cannot be used, 130
      when interrupted.
    """
    try:
        return run() or 0
    except KeyboardInterrupt as stop:
        return _end(debug, stop, "interrupted", INTERRUPTED)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and not _is_data_error(error):
            raise
        return _end(debug, error, "error", BAD_INPUT)


def _briefly(command: type, chosen: bool) -> type:
    """The command, with one line of help unless it is the one that was chosen."""
    if chosen:
        return command
    first_line = (command.__doc__ or "").partition("\n")[0]
    brief = type(command.__name__, (command,), {"__doc__": first_line})
    return dataclasses.dataclass(frozen=True)(brief)


def _is_data_error(error: ValueError) -> bool:
    from tirjax.data.sequence import DataError

    return isinstance(error, DataError)


def _end(debug: bool, error: BaseException, kind: str, status: int) -> int:
    """Prints the one line, or raises again."""
    if debug:
        raise error
    text = " ".join(str(error).split())
    print(f"{kind}: {text}" if text else kind, file=sys.stderr)
    return status
