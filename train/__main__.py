"""``python -m train``: reads the command line, runs a command, ends with one line."""

import dataclasses
import sys
from collections.abc import Sequence

import tyro

from . import options

COMMANDS = {"convert": options.Convert}
BAD_INPUT, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
      argv: arguments; those of the process by default.

    Returns:
      Exit status: 0, 2 for input or output that cannot be used, 130 when interrupted.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    chosen = tyro.extras.subcommand_cli_from_dict(
        {name: _briefly(c, name in argv[:1]) for name, c in COMMANDS.items()},
        prog="train",
        description="Networks for tracking. `train COMMAND --help` explains each.",
        args=argv,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    try:
        _dispatch(chosen)
    except KeyboardInterrupt as stop:
        return _end(chosen, stop, "interrupted", INTERRUPTED)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and not _is_data_error(error):
            raise
        return _end(chosen, error, "error", BAD_INPUT)
    return 0


def _briefly(command: type, chosen: bool) -> type:
    """The command, with one line of help unless it is the one that was chosen."""
    if chosen:
        return command
    first_line = (command.__doc__ or "").partition("\n")[0]
    brief = type(command.__name__, (command,), {"__doc__": first_line})
    return dataclasses.dataclass(frozen=True)(brief)


def _dispatch(chosen) -> None:
    """Imports what the command needs, and calls it."""
    match chosen:
        case options.Convert():
            from .convert import convert

            convert(chosen)


def _is_data_error(error: ValueError) -> bool:
    from tirjax.data.sequence import DataError

    return isinstance(error, DataError)


def _end(chosen, error: BaseException, kind: str, status: int) -> int:
    """Prints the one line, or raises again under ``--debug``."""
    if chosen.common.debug:
        raise error
    text = " ".join(str(error).split())
    print(f"{kind}: {text}" if text else kind, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
