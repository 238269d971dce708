"""The manifest of a tracker's results: what made them, what may continue them."""

import logging
import platform
from pathlib import Path
from typing import Any

import jax

from tirjax.data import DataError
from tirjax_shell import provenance

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
    mine = records.read_manifest(folder, options.shard or "") or {}
    now = new["made_with"][0]
    versions = [m["versions"] for m in old.get("made_with") or []]
    if versions and versions[-1] != now["versions"]:
        log.warning("%s: continuing with other versions than before", folder)
    made = mine.get("made_with") or []
    differ = [m for m in made if {**m, "date": ""} != {**now, "date": ""}]
    kept = {k: mine[k] for k in ("sequences", "work") if mine.get(k)}
    return {**new, "made_with": [*differ, now], **kept}


def count(manifest: dict[str, Any], frames: int, idle: int, seconds: float) -> None:
    """Adds to the work: frames tracked, frames computed for no sequence, seconds."""
    work = manifest.setdefault("work", {"frames": 0, "idle": 0, "seconds": 0.0})
    work["frames"] += frames
    work["idle"] += idle
    work["seconds"] = round(work["seconds"] + seconds, 4)
    work["waste"] = round(work["idle"] / max(work["frames"] + work["idle"], 1), 4)


def work_line(manifest: dict[str, Any]) -> str:
    """What ``count`` has added up, as text; empty if nothing."""
    work = manifest.get("work")
    if not work or not work["seconds"]:
        return ""
    speed = work["frames"] / work["seconds"]
    return (
        f"{work['frames']} frames in {work['seconds']:.1f} s, decoding and compilation "
        f"included ({speed:.1f} frames/s); {work['waste']:.1%} of the frames computed "
        "belonged to no sequence"
    )


def note(manifest: dict[str, Any], name: str, kept: records.Record) -> None:
    """Adds a sequence."""
    manifest["sequences"][name] = {
        "frames": len(kept.boxes),
        "seconds": round(float(kept.seconds.sum()), 4),
        "fps": round(kept.fps, 2),
        "date": provenance.now(),
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
        "shard": options.shard,
        "made_with": [_environment()],
        "sequences": {},
    }


def _environment() -> dict[str, Any]:
    """What the numbers and the speed depend on besides the settings."""
    versions = {n: provenance.version(n) for n in ("tirjax", "jax", "jaxlib", "numpy")}
    return {
        "versions": versions | {"python": platform.python_version()},
        "device": f"{jax.devices()[0].device_kind} ({jax.device_count()})",
        "date": provenance.now(),
    }
