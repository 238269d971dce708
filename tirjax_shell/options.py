"""Options that every command of every program has."""

import dataclasses
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

Folder = Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")]
Text = Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")]
Number = Annotated[int | None, arg(metavar="N", help_behavior_hint="")]


@dataclasses.dataclass(frozen=True)
class Common:
    """Options of every command."""

    no_cache: bool = False
    """Do not keep compiled programs on disk; every start then compiles anew."""
    cache_dir: Folder = None
    """Where to keep them; by default the user's cache folder."""
    debug: bool = False
    """Show the traceback of an error."""


# What a command has that was given none of them.
COMMON = Common()
