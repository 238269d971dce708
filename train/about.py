"""The record that goes into every checkpoint: what it was trained with, on what.

Whoever finds the folder can tell which config, data, packages and commit made it.
"""

import dataclasses
import functools
import hashlib
import importlib.metadata
import math
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

import tirjax
from tirjax_shell.provenance import now

PACKAGES = ("jax", "flax", "optax", "orbax-checkpoint", "numpy")


def describe(
    config: Path,
    architecture: str,
    settings: Mapping[str, Any],
    data: Any,
) -> dict[str, Any]:
    """The record of a training run.

    Args:
      config: file of the config.
      architecture: tracker that the network is for.
      settings: keyword arguments the config was called with.
      data: what the feed is made of.

    Returns:
      What JSON can hold.
    """
    devices = jax.devices()
    return {
        "architecture": architecture,
        "config": {"file": Path(config).name, "sha256": digest(config)},
        "settings": plain(settings),
        "data": plain(data),
        "versions": versions(),
        "git": commit(Path(config).resolve().parent),
        "devices": {"kind": devices[0].device_kind, "count": len(devices)},
        "date": now(),
    }


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of tirjax and of packages, by name."""
    others = {name: importlib.metadata.version(name) for name in packages}
    return {"tirjax": tirjax.__version__, **others}


def digest(path: Path) -> str:
    """SHA-256 of the content of a file, hexadecimal."""
    with Path(path).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def commit(folder: Path) -> dict[str, Any] | None:
    """The commit of the checkout a folder lies in, and whether files differ from it.

    Returns:
      ``commit`` and ``dirty``; None without a checkout or without git.
    """
    name = _git(folder, "rev-parse", "--verify", "HEAD")
    if not name:
        return None
    return {
        "commit": name,
        "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no")),
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: functions by their names, arrays as lists."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case np.ndarray() | np.generic() | jax.Array():
            return plain(np.asarray(value).tolist())
        case tuple() if names := getattr(value, "_fields", ()):
            return plain(dict(zip(names, value, strict=True)))
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case functools.partial():
            arguments = [*value.args, *value.keywords.items()]
            return {"function": plain(value.func), "arguments": plain(arguments)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value)


def _git(folder: Path, *arguments: str) -> str:
    """What git answers; empty if it does not."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
