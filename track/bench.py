"""``track bench``: speed, start-up and memory of trackers on this machine, and peers'.

Starts come first, in processes of their own; then all that tracks takes turns in this
one. What is measured is written whatever ends it.
"""

import contextlib
import itertools
import json
import logging
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data import DataError
from tirjax.ops.boxes import iou
from tirjax.trackers import NETWORKS, TRACKERS
from tirjax.weights import SHIPPED
from tirjax_shell import measuring
from tirjax_shell.workers import Worker

from . import bench_ours, bench_peers, bench_report, bench_worker, catalogue, run
from . import weights as checkpoints
from .bench_options import Bench
from .bench_ours import Shot, Turn
from .options import Run
from .session import Meter

log = logging.getLogger(__name__)

# All that need no checkpoint of the user's.
DEFAULT = tuple(n for n in TRACKERS if n not in NETWORKS or n in SHIPPED)
CEILINGS = ("matmul", "copy")


def bench(options: Bench) -> None:
    """Measures, writes and prints.

    Raises:
      DataError: options that cannot be meant; anything else, and KeyboardInterrupt,
        after what is measured so far is written.
    """
    wanted = catalogue.tracker_names(options.tracker) if options.tracker else DEFAULT
    batches, size = numbers(options.batch, ","), numbers(options.size, "x")
    if len(size) != 2 or options.frames < 2 or options.repeats < 1:
        raise DataError(
            "expected --size WIDTHxHEIGHT, --frames over 1, --repeats over 0"
        )
    bench_peers.wanted(options.opencv, options.nano, options.peer)  # or refuses
    record = blank(options, batches)
    random = [n for n in wanted if not bench_ours.runs_here(n, options.weights)]
    if not options.random_weights:
        why = "it has a network: give --weights NAME=DIR, or --random-weights"
        record["skipped"] |= dict.fromkeys(random, why)
        wanted, random = [n for n in wanted if n not in random], []
    try:
        with tempfile.TemporaryDirectory() as folder:
            _measure(options, record, wanted, random, Path(folder))
        record["complete"] = True
    finally:
        if record["trackers"] or record["peers"]:
            record["conditions"] |= {"load at the end": measuring.load()}
            files = bench_report.write(record, options.out, options.name)
            print(bench_report.plain(record))
            log.info("wrote %s", ", ".join(map(str, files)))


def numbers(text: str, mark: str) -> list[int]:
    """Whole numbers above zero from ``text``.

    Raises:
      DataError: it holds anything else.
    """
    found = [part.strip() for part in text.split(mark)]
    if not all(re.fullmatch("[1-9][0-9]*", part) for part in found):
        raise DataError(f"{text!r}: expected whole numbers, as 8{mark}16")
    return [int(part) for part in found]


def blank(options: Bench, batches: list[int]) -> dict[str, Any]:
    """The record before anything is measured."""
    return {
        "conditions": {},
        "complete": False,
        "frames": options.frames,
        "repeats": options.repeats,
        "batches": batches,
        "trackers": {},
        "peers": {},
        "ceilings": {},
        "skipped": {},
    }


def _measure(
    options: Bench,
    record: dict[str, Any],
    names: list[str] | tuple[str, ...],
    random: list[str],
    folder: Path,
) -> None:
    """Fills the record."""
    texts = (*options.weights, *_prepare(options, random, folder))
    shot = bench_worker.read(folder)
    for name in names:
        record["trackers"][name] = {
            "weights": _origin(name, random, options.weights),
            "never_lost": name in random or options.never_lost,
        }
    if not options.no_start:
        _starts(record, texts, folder)
    # From here on this process holds the accelerator.
    record["conditions"] = measuring.conditions() | {
        "frames of": "{} x {} pixels, {} channels".format(
            *shot.frames[0].shape[1::-1], shot.frames[0].shape[2]
        ),
        "frames a turn": options.frames,
        "turns": options.repeats,
    }
    if options.never_lost:
        record["conditions"]["targets"] = "never lost, without rivals"
    with contextlib.ExitStack() as stack:
        contenders = dict(_ours(record, texts, shot))
        contenders |= _peers(options, record, shot, folder, stack)
        _take_turns(options, record, contenders)


def _origin(name: str, random: list[str], given: tuple[str, ...]) -> str:
    if name not in NETWORKS:
        return "needs none"
    if name in random:
        return "random"
    return "given" if bench_ours.own(name, given) else "shipped"


def _request(job: str, folder: Path, **rest: Any) -> Worker:
    """A process of ours that has given its first answer."""
    words = json.dumps({"job": job, "folder": str(folder), **rest})
    return Worker([sys.executable, "-m", f"{__package__}.bench_worker", words])


def _prepare(options: Bench, random: list[str], folder: Path) -> list[str]:
    """Frames into the folder, and texts of ``--weights`` for random ones."""
    if options.source:
        given = (options.init,) if options.init else ()
        clip = run.open_clip(Run(options.source, init=given))
        assert clip.frames is not None, "what is not live is recorded"
        frames = [*itertools.islice(clip.frames, options.frames + 1)]
        bench_worker.save(Shot(frames, clip.boxes[0]), folder)
        if not random:
            return []
    log.info("making frames and weights")
    cols, rows = numbers(options.size, "x")
    shape = {"rows": rows, "cols": cols, "frames": options.frames}
    with _request("prepare", folder, **shape, random=random) as worker:
        return worker.about["weights"]


def _starts(record: dict[str, Any], texts: tuple[str, ...], folder: Path) -> None:
    """From the start of a process to the first box, twice; and the memory it took."""
    with Meter(unit="processes") as meter:
        meter.begin("start", 2 * len(record["trackers"]))
        for name, entry in list(record["trackers"].items()):
            request = {"tracker": name, "weights_of": bench_ours.own(name, texts)}
            request |= {"never_lost": entry["never_lost"]}
            request |= {"cache": str(folder / "cache" / name)}
            for kind in ("cold", "cached"):
                began = time.perf_counter()
                try:
                    with _request("start", folder, **request) as worker:
                        spent = time.perf_counter() - began
                        entry.setdefault("start", {})[kind] = {
                            "seconds": spent,
                            **worker.about,
                        }
                        entry["memory"] = worker.reply()
                except ChildProcessError as error:
                    _skip(record, name, error)
                    break
                finally:
                    meter.advance(1)


def _skip(record: dict[str, Any], name: str, why: object) -> None:
    """Names what cannot run here, and goes on."""
    record["trackers"].pop(name, None)
    record["skipped"][name] = " ".join(str(why).split())
    log.warning("skipped %s: %s", name, why)


def _ours(
    record: dict[str, Any], texts: tuple[str, ...], shot: Shot
) -> Iterator[tuple[tuple[str, int], Callable[[], Turn]]]:
    """Our contenders by name and clips in a batch."""
    for name, entry in list(record["trackers"].items()):
        try:
            own = bench_ours.own(name, texts)
            params = checkpoints.load([name], own)[name].params
            tracker = bench_ours.build(name, shot.box, entry["never_lost"])
            entry |= bench_ours.work(tracker, params, shot)
        except (DataError, jax.errors.JaxRuntimeError) as error:
            _skip(record, name, error)
            continue
        for batch in record["batches"]:
            go = lambda t=tracker, p=params, b=batch: bench_ours.turn(t, p, shot, b)
            yield (name, batch), go


def _peers(
    options: Bench,
    record: dict[str, Any],
    shot: Shot,
    folder: Path,
    stack: contextlib.ExitStack,
) -> dict[tuple[str, int], Callable[[], Turn]]:
    """Peers by name, each with one clip; what does not start is named."""
    wanted = bench_peers.wanted(options.opencv, options.nano, options.peer)
    if not wanted:
        return {}
    path = bench_peers.save(shot.frames, folder / "frames.npy")
    contenders = {}
    for maker, peer in wanted.items():
        try:
            worker = stack.enter_context(peer.start())
        except OSError as error:
            _skip(record, maker, error)
            continue
        record["conditions"] |= {f"{k} ({maker})": v for k, v in worker.about.items()}
        for tracker in peer.trackers:
            label = tracker if tracker == maker else f"{maker} {tracker}"
            record["peers"][label] = {"same_as": tracker} if peer.same else {}

            def go(worker=worker, tracker=tracker) -> Turn:
                way = bench_peers.follow(worker, tracker, path, shot.box, options.nano)
                spent = float(way.seconds.sum())
                return Turn(len(way.seconds), spent, way.first, way.boxes)

            contenders[label, 1] = go
    return contenders


def _take_turns(
    options: Bench,
    record: dict[str, Any],
    contenders: dict[tuple[str, int], Callable[[], Turn]],
) -> None:
    """Compiles, then measures all in turns, together with what the machine can do."""
    best = bench_ours.ceilings()
    whole = options.frames * sum(batch for _, batch in contenders)
    boxes: dict[str, np.ndarray] = {}
    with Meter() as meter:
        meter.begin("compile and warm up", whole)
        for (name, batch), go in list(contenders.items()):
            try:
                boxes.setdefault(name, go().boxes)
            except (OSError, DataError, jax.errors.JaxRuntimeError) as error:
                del contenders[name, batch]
                record["skipped"][f"{name} x {batch}"] = str(error).splitlines()[0]
                log.warning("skipped %s x %d: %s", name, batch, error)
            meter.advance(options.frames * batch)
        _overlap(record, boxes)
        meter.begin("measure", options.repeats * whole)
        field: dict[Any, Callable[[], Any]] = {**best, **contenders}
        for _, who, found in measuring.turns(field, options.repeats):
            if who in CEILINGS:
                record["ceilings"].setdefault(who, []).append(found)
                continue
            name, batch = who
            _note(record, name, batch, found)
            meter.advance(found.frames)


def _overlap(record: dict[str, Any], boxes: dict[str, np.ndarray]) -> None:
    """Adds how the boxes of a peer agree with those of the same tracker of ours."""
    for name, entry in record["peers"].items():
        ours, theirs = boxes.get(entry.get("same_as", "")), boxes.get(name)
        if ours is not None and theirs is not None and len(ours) == len(theirs):
            found = np.asarray(iou(jnp.asarray(ours), jnp.asarray(theirs)))[1:]
            entry["overlap"] = found.round(4).tolist()


def _note(record: dict[str, Any], name: str, batch: int, turn: Turn) -> None:
    """Adds a turn to the record."""
    kind = "trackers" if name in record["trackers"] else "peers"
    speeds = record[kind][name].setdefault("frames_per_second", {})
    speeds.setdefault(str(batch), []).append(turn.frames / turn.seconds)
    firsts = record[kind][name].setdefault("first_frame_ms", {})
    firsts.setdefault(str(batch), []).append(1e3 * turn.first)
