"""The command line: what every command takes, as plain values.

Nothing heavy is imported here, so that ``--help`` answers at once. The docstrings are
the help.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

Text = Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")]


@dataclasses.dataclass(frozen=True)
class Common:
    """Options of every command."""

    debug: bool = False
    """Show the traceback of an error."""


@dataclasses.dataclass(frozen=True)
class Convert:
    """Turn a published PyTorch checkpoint into one that `track` reads.

    Reads PyTracking's DiMP-18, DiMP-50, SuperDiMP and ATOM and torchvision's ResNet-18
    and -50, without PyTorch and without running anything in the file. Writes the
    variables to OUT with a record of the file they come from.

    For example:
        python -m train convert dimp50.pth --out weights/dimp50
        python -m train convert net.pth.tar --out weights/mine --architecture super_dimp
    """

    file: Positional[Path]
    """Checkpoint, as downloaded."""
    out: Path
    """Folder for the converted network; a network that is there is replaced."""
    architecture: Text = None
    """dimp18, dimp50, super_dimp, atom, resnet18 or resnet50; by default what the names
    and shapes in the file say."""
    common: OmitArgPrefixes[Common] = Common()
