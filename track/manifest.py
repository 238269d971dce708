"""The manifest of a tracker's results: what made them, what may continue them."""

import datetime
import logging
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from tirjax.data import DataError

from . import catalogue, records
from .options import Eval

log = logging.getLogger(__name__)

# What decides the boxes, and so must not change within a folder of results.
CONFIG = ("dataset", "cut", "tracker", "weights", "seed", "origin")


def open_manifest(
    tracker: str, weights: str, folder: Path, options: Eval
) -> dict[str, Any]:
    """The manifest to continue with: the one in ``folder``, or a new one.

    ``weights`` says where the tracker's weights come from.

    Raises:
      DataError: results there were made with other settings, or nobody knows which.
    """
    new = _new(tracker, weights, options)
    old = records.read_manifest(folder)
    if options.overwrite:
        records.clear(folder)
        return new
    if old is None:
        if records.completed(folder):
            raise DataError(
                f"{folder} holds results without a manifest; choose another --out, or "
                "--overwrite them"
            )
        return new
    changed = [k for k in CONFIG if old.get(k) != new[k]]
    if changed:
        what = ", ".join(f"{k} {old.get(k)} (now {new[k]})" for k in changed)
        raise DataError(
            f"{folder} was made with {what}; choose another --out, or --overwrite it"
        )
    made = old.get("made_with") or []
    if made and made[-1]["versions"] != new["made_with"][0]["versions"]:
        log.warning("%s: continuing with other versions than before", folder)
    differ = [
        m for m in made if {**m, "date": ""} != {**new["made_with"][0], "date": ""}
    ]
    sequences = old.get("sequences") or {}
    return {**new, "made_with": differ + new["made_with"], "sequences": sequences}


def note(manifest: dict[str, Any], name: str, kept: records.Record) -> None:
    """Adds a sequence."""
    manifest["sequences"][name] = {
        "frames": len(kept.boxes),
        "seconds": round(float(kept.seconds.sum()), 4),
        "fps": round(kept.fps, 2),
        "date": _now(),
    }


def _new(tracker: str, weights: str, options: Eval) -> dict[str, Any]:
    return {
        "dataset": options.dataset,
        "cut": options.cut,
        "tracker": tracker,
        "weights": weights,
        "seed": options.seed,
        "origin": catalogue.origin(options.dataset),
        "settings": "",
        "data": str(options.data.resolve()) if options.data else None,
        "protocol": catalogue.protocol(options.protocol, options.dataset).name,
        "batch": options.batch,
        "made_with": [_environment()],
        "sequences": {},
    }


def _environment() -> dict[str, Any]:
    """What the numbers and the speed depend on besides the settings."""
    versions = {n: _version(n) for n in ("tirjax", "jax", "jaxlib", "numpy")}
    return {
        "versions": versions | {"python": platform.python_version()},
        "device": f"{jax.devices()[0].device_kind} ({jax.device_count()})",
        "date": _now(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"  # run from a checkout that is not installed


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
