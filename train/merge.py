"""``train merge``: branches of several runs in one tracker."""

from pathlib import Path

import jax

from tirjax.checkpoints import read_about, save_variables
from tirjax.data.sequence import DataError
from tirjax.tasks.cmd import BASES, has, merged
from tirjax.tasks.distill import BRANCHES

from . import about
from .options import Merge


def merge(options: Merge) -> None:
    """Writes the merged checkpoint; its record names where each branch is from.

    Args:
      options: the command line.

    Raises:
      DataError: nothing to merge, a branch that the tracker lacks, or a checkpoint
        that is none or of another network.
    """
    runs: dict[str, Path] = {
        name: run for name in BRANCHES if (run := getattr(options, name)) is not None
    }
    if options.tracker not in BASES:
        raise DataError(
            f"no tracker {options.tracker!r}; choose one of {', '.join(BASES)}"
        )
    lacks = [name for name in runs if not has(options.tracker, name)]
    if not runs or lacks:
        what = f"{options.tracker} has no {lacks[0]}" if lacks else "nothing to merge"
        wanted = [f"--{b}" for b in BRANCHES if has(options.tracker, b)]
        raise DataError(f"{what}; give some of {', '.join(wanted)}")
    variables = merged(options.tracker, options.base, runs)
    origin = {name: read_about(run) for name, run in runs.items()}
    record = {
        "architecture": options.tracker,
        "merged": origin | {"base": read_about(options.base)},
        "versions": about.versions(),
        "date": about.now(),
    }
    save_variables(options.out, jax.device_get(variables), record)
    print(f"{', '.join(runs)} merged into {options.base}; written to {options.out}")
