"""``python -m track``: reads the command line, runs a command, ends with one line."""

import sys
from collections.abc import Sequence

from tirjax_shell import commands

from . import bench_options, options

COMMANDS = {
    "demo": options.Demo,
    "run": options.Run,
    "eval": options.Eval,
    "report": options.Report,
    "diff": options.Diff,
    "vot": options.Vot,
    "bench": bench_options.Bench,
    "export": options.Export,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
      argv: arguments; those of the process by default.

    Returns:
      Exit status: 0, 1 where `diff` or the check of `export` finds a difference, 2 for
      input or output that cannot be used, 130 when interrupted.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    what = "Thermal-infrared tracking. `track COMMAND --help` explains each."
    chosen = commands.parse(COMMANDS, argv, "track", what)
    return commands.finish(lambda: _dispatch(chosen), chosen.common.debug)


def _dispatch(chosen) -> int | None:
    """Imports what the command needs, and calls it; its exit status if it has one."""
    from tirjax_shell import session

    session.start(__package__ or "track", chosen.common)
    match chosen:
        case options.Demo():
            from .demo import demo

            demo(chosen)
        case options.Run():
            from .run import run

            run(chosen)
        case options.Eval():
            from .evaluate import evaluate

            evaluate(chosen)
        case options.Report():
            from .report import report

            report(chosen)
        case options.Diff():
            from .diff import diff

            return diff(chosen)
        case options.Vot():
            from .vot import vot

            vot(chosen)
        case bench_options.Bench():
            from .bench import bench

            bench(chosen)
        case options.Export():
            from .export import export

            return export(chosen)


if __name__ == "__main__":
    sys.exit(main())
