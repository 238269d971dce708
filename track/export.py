"""``track export``: a tracker as programs and weights that run without tirjax.

The folder appears whole or not at all: it is written under another name, checked there
by its own loader, and then renamed.
"""

import contextlib
import hashlib
import io
import json
import logging
import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tirjax.checkpoints import read_about
from tirjax.data import DataError, FixedWindow
from tirjax.trackers import NETWORKS, Tracker
from tirjax.weights import SHIPPED
from tirjax_shell import provenance

from . import catalogue, exported_loader, parity, portable, quantise, weights
from .options import Export
from .portable import PLATFORMS, Portable, Shapes

log = logging.getLogger(__name__)

INIT, STEP, WEIGHTS = "init.jaxexport", "step.jaxexport", "weights.npz"
LOADER, CARD, MANIFEST = "loader.py", "weights.md", "manifest.json"
# First sizes (w, h) far apart: a tracker that is one object for all of them serves any.
_SIZES = ((8.0, 8.0), (32.0, 64.0), (300.0, 200.0))


class Plan(NamedTuple):
    """What the command line asks for.

    Attributes:
      name: of the tracker.
      target: ``(w, h)`` that it is built for, pixels; None if it serves every size.
      tracker: built for it.
      weights: of its network.
      source: checkpoint they are from; None without a network.
      shapes: what is static.
      platforms: to lower for.
    """

    name: str
    target: tuple[float, float] | None
    tracker: Tracker
    weights: weights.Weights
    source: Path | None
    shapes: Shapes
    platforms: tuple[str, ...]


def export(options: Export) -> int:
    """Writes, checks, and says what is where.

    Returns:
      Exit status: 1 if the exported tracker gives other boxes; it is written all the
      same.

    Raises:
      DataError, OSError: nothing is written.
    """
    plan = read(options)
    clip = None
    if not options.no_check:
        clip = parity.open_clip(options.check, plan.shapes, options.frames)
    params = plan.weights.params
    made = portable.convert(plan.tracker, params, plan.shapes, plan.platforms)
    with _folder(options.out) as draft:
        about = write(draft, plan, made, options.quantise)
        if clip is not None:
            found = parity.compare(draft, plan.tracker, params, plan.shapes, clip)
            about["parity"] = found
            _write_manifest(draft, about)
    for name, file in about["files"].items():
        log.info("%s: %s bytes", options.out / name, f"{file['bytes']:,}")
    if clip is None:
        return 0
    print(_verdict(about))
    apart = about["parity"]["largest_pixels"]
    return int(options.quantise is None and apart > parity.TOLERANCE)


def read(options: Export) -> Plan:
    """The options as objects.

    Raises:
      DataError: one of them cannot be used.
    """
    out = options.out
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise DataError(f"{out} is not empty; choose another --out or delete it")
    (name,) = catalogue.tracker_names([options.tracker] if options.tracker else [])
    cols, rows = _pair("--size", options.size, "WIDTHxHEIGHT, for example 640x480")
    shapes = Shapes((rows, cols, options.channels), _window(options), options.batch)
    if options.batch is not None and options.batch < 1:
        raise DataError(f"--batch {options.batch}: at least 1")
    split = [text.strip() for text in options.platforms.split(",") if text.strip()]
    platforms = tuple(catalogue.pick("platform", p, PLATFORMS) for p in split)
    if not platforms:
        raise DataError(f"--platforms names none; there are {', '.join(PLATFORMS)}")
    target = _target(name, options.init_size)
    tracker = catalogue.build(name, np.array([0, 0, *(target or _SIZES[0])]))
    given = () if options.weights is None else (str(options.weights),)
    loaded = weights.load([name], given, plain=True)[name]
    source = (options.weights or SHIPPED[name]) if name in NETWORKS else None
    return Plan(name, target, tracker, loaded, source, shapes, platforms)


def write(
    folder: Path, plan: Plan, made: Portable, kind: quantise.Kind | None
) -> dict[str, Any]:
    """Writes everything; the manifest, as far as it is known before the check."""
    stored = io.BytesIO()
    packed = quantise.pack(portable.arrays(plan.weights.params), kind)
    np.savez(stored, allow_pickle=False, **packed)
    content = {INIT: made.init, STEP: made.step, WEIGHTS: stored.getvalue()}
    content[LOADER] = Path(exported_loader.__file__).read_bytes()
    card = SHIPPED.get(plan.name)
    if card is not None and card == plan.source:
        content[CARD] = card.with_suffix(".md").read_bytes()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    sums = {n: (hashlib.sha256(d).hexdigest(), len(d)) for n, d in content.items()}
    files = {name: {"sha256": sha, "bytes": size} for name, (sha, size) in sums.items()}
    about = _about(plan, made, kind) | {"files": files}
    _write_manifest(folder, about)
    return about


def _about(plan: Plan, made: Portable, kind: str | None) -> dict[str, Any]:
    """The manifest, without the files and the check."""
    window = plan.shapes.window
    versions = {n: provenance.version(n) for n in ("jax", "jaxlib", "tirjax")}
    return {
        "tracker": plan.name,
        "settings": catalogue.settings(plan.tracker),
        "target": plan.target,
        "window": window and [window.low, window.high],
        "batch": plan.shapes.batch,
        "platforms": plan.platforms,
        "calling_convention": made.convention,
        "versions": versions | {"python": platform.python_version()},
        "date": provenance.now(),
        "weights_from": _origin(plan) | {"stored_as": kind or "float32"},
        "init": "(weights, frame, size, box, key) -> state",
        "step": "(weights, state, frame, size) -> (state, found)",
        **{leaf["name"]: leaf for leaf in made.inputs},
        "found": made.found,
        "weights": made.weights,
        "state": made.state,
    }


def _origin(plan: Plan) -> dict[str, Any]:
    """Where the weights come from; nothing for a tracker without any."""
    if plan.source is None:
        return {}
    ships = plan.source == SHIPPED.get(plan.name)
    checkpoint = "comes with tirjax" if ships else str(plan.source)
    identity = plan.weights.origin
    about = read_about(plan.source)
    return {"checkpoint": checkpoint, "identity": identity, "about": about}


def _verdict(about: dict[str, Any]) -> str:
    """The check in one line."""
    found, stored = about["parity"], about["weights_from"]["stored_as"]
    apart = f"at most {found['largest_pixels']:.3g} pixels from"
    return (
        f"{about['tracker']} on {found['clip']}: {found['equal_frames']} of "
        f"{found['frames']} boxes equal the tracker's own, all are {apart} them"
        + (f"; weights stored as {stored}" if stored != "float32" else "")
    )


def _write_manifest(folder: Path, about: dict[str, Any]) -> None:
    (folder / MANIFEST).write_text(json.dumps(about, indent=1) + "\n")


@contextlib.contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A folder that becomes ``out`` if all goes well, and otherwise vanishes."""
    out = out.resolve()
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    try:
        yield draft
        if out.exists():
            out.rmdir()
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _pair(flag: str, text: str, example: str) -> tuple[int, int]:
    """Two whole numbers with an x between them."""
    found = re.fullmatch(r"\s*(\d+)\s*[xX]\s*(\d+)\s*", text)
    first, second = (int(n) for n in found.groups()) if found else (0, 0)
    if min(first, second) < 1:
        raise DataError(f"{flag} {text}: expected {example}")
    return first, second


def _window(options: Export) -> FixedWindow | None:
    """Counts that the program is to map; only fixed ones can be part of it."""
    window = catalogue.window(options.window)
    if window is None or isinstance(window, FixedWindow):
        if window and not 0 <= window.low < window.high <= 65535:
            raise DataError(f"--window {options.window}: counts are 0 to 65535")
        return window
    raise DataError(
        f"--window {options.window}: a program has fixed counts; give LOW,HIGH, or map "
        "the frames to bytes before"
    )


def _target(name: str, text: str | None) -> tuple[float, float] | None:
    """The size to build for; None where it does not matter.

    Raises:
      DataError: it matters and is not given.
    """
    built = {catalogue.build(name, np.array([0, 0, *size])) for size in _SIZES}
    if text is not None:
        width, height = _pair("--init-size", text, "WIDTHxHEIGHT, for example 40x30")
        return (float(width), float(height)) if len(built) > 1 else None
    if len(built) > 1:
        raise DataError(
            f"{name} chooses array sizes from the first box: give --init-size "
            "WIDTHxHEIGHT of it, or export eco_hc_tir, which has one for all"
        )
    return None
