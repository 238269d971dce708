"""``python -m train``: reads the command line, runs a command, ends with one line."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro

from tirjax_shell import commands

from . import options

COMMANDS = {
    "fit": options.Fit,
    "prepare": options.Prepare,
    "pairs": options.Pairs,
    "convert": options.Convert,
    "extract": options.Extract,
    "merge": options.Merge,
    "synthesize": options.Synthesize,
    "analyse": options.Analyse,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
      argv: arguments; those of the process by default.

    Returns:
      Exit status: 0, 2 for input or output that cannot be used, 130 when interrupted.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    chosen, settings = _parse(argv)
    run = lambda: _dispatch(chosen, settings)
    return commands.finish(run, chosen.common.debug)


def _parse(argv: list[str]) -> tuple[Any, list[str]]:
    """The command, and what is left: the settings of a config."""
    if argv[:1] != ["fit"]:
        what = "Networks for tracking. `train COMMAND --help` explains each."
        return commands.parse(COMMANDS, argv, "train", what), []
    files = [word for word in argv if word.endswith(".py")]
    if files and {"-h", "--help"} & {*argv}:
        return options.Fit(Path(files[0]), Path()), ["--help"]
    return tyro.cli(
        options.Fit,
        prog="train fit",
        args=argv[1:],
        return_unknown_args=True,
        config=commands.FLAGS,
    )


def _dispatch(chosen, settings: list[str]) -> None:
    """Imports what the command needs, and calls it."""
    from tirjax_shell import session

    session.start(__package__ or "train", chosen.common)
    match chosen:
        case options.Fit():
            from .fit import fit

            fit(chosen, settings)
        case options.Convert():
            from .convert import convert

            convert(chosen)
        case options.Extract():
            from .extract import extract

            extract(chosen)
        case options.Pairs():
            from .pairs import pairs

            pairs(chosen)
        case options.Analyse():
            from .analyse import analyse

            analyse(chosen)
        case options.Synthesize():
            from .synthesize import synthesize

            synthesize(chosen)
        case options.Merge():
            from .merge import merge

            merge(chosen)
        case options.Prepare():
            from .prepare import prepare

            prepare(chosen)


if __name__ == "__main__":
    sys.exit(main())
