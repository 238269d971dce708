"""What changed from one folder of a tracker's results to another."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tirjax.data import DataError
from tirjax.data import Sequence as Clip
from tirjax.evaluation import Protocol, scores
from tirjax.evaluation.resampling import Comparison, by_sequence, compare

from . import catalogue, entries, records, scoring, truths
from .entries import Entry
from .options import Diff

SETTINGS = ("dataset", "cut", "tracker", "weights", "seed", "settings", "batch")


class Change(NamedTuple):
    """One sequence in both folders.

    Attributes:
      sequence: its name.
      frames: boxes in the first folder and in the second.
      differ: frames whose boxes differ by more than the tolerance.
      first: the first of them, from 0; None if there is none.
      overlap: mean of the two trackers' overlap with each other.
      success: scores of both; NaN where the truth is not known.
    """

    sequence: str
    frames: tuple[int, int]
    differ: int
    first: int | None
    overlap: float
    success: tuple[float, float]

    @property
    def same(self) -> bool:
        """Whether nothing changed."""
        return not self.differ and self.frames[0] == self.frames[1]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Two trackers' folders compared.

    Attributes:
      name: of the pair, below the two roots.
      changes: of the sequences that both have.
      only: names of the sequences that the first alone has, and the second alone.
      settings: what the manifests disagree on, by field.
      success: overall scores over the sequences that both have; None without truth.
      found: second minus first, paired by sequence; None without truth.
    """

    name: str
    changes: list[Change]
    only: tuple[list[str], list[str]]
    settings: dict[str, tuple[Any, Any]]
    success: tuple[float, float] | None
    found: Comparison | None

    @property
    def same(self) -> bool:
        """Whether both hold the same sequences with the same boxes."""
        return not any(self.only) and all(change.same for change in self.changes)


def outcome(name: str, a: Path, b: Path, options: Diff) -> Outcome:
    """Compares the sequences of two folders.

    Raises:
      DataError: a file is damaged, or scores are asked for without truth.
    """
    there = records.completed(a), records.completed(b)
    both = [n for n in there[0] if n in there[1]]
    sides = [Entry(p.name, p, records.read_manifest(p)) for p in (a, b)]
    clips, protocol, origin = _truth(sides, options, set(both))
    success: dict[str, tuple[float, float]] = {}
    overall = found = None
    if clips and protocol:
        shared = {n: clips[n] for n in both if n in clips}
        scored = [scoring.score(p.name, p, origin, shared, protocol) for p in (a, b)]
        single = lambda s, n: scores([s.curves[n]], protocol).success
        success = {n: (single(scored[0], n), single(scored[1], n)) for n in shared}
        overall = scored[0].overall.success, scored[1].overall.success
        values = [by_sequence(s.curves, protocol, "success") for s in scored]
        found = compare(values[1], values[0])
    unknown = float("nan"), float("nan")
    return Outcome(
        name=name,
        changes=[
            _change(n, a, b, options.tolerance, success.get(n, unknown)) for n in both
        ],
        only=(
            [n for n in there[0] if n not in both],
            [n for n in there[1] if n not in both],
        ),
        settings=_settings(sides),
        success=overall,
        found=found,
    )


def _truth(
    sides: Sequence[Entry], options: Diff, names: set[str]
) -> tuple[dict[str, Clip], Protocol | None, int]:
    """Sequences, rules and origin; nothing where nobody says the data set."""
    told = options.dataset or options.data or options.truth or options.worse is not None
    try:
        said = entries.about([*sides], options)
        if options.truth is not None:
            data = truths.annotations(said["dataset"], options.truth, said["cut"])
        else:
            data = catalogue.dataset(said["dataset"], said["data"], said["cut"])
        protocol = catalogue.protocol(
            options.protocol or said["protocol"], said["dataset"]
        )
        return scoring.load(data, names), protocol, catalogue.origin(said["dataset"])
    except DataError:
        if told:
            raise
        return {}, None, 0  # boxes compare without


def _change(
    name: str, a: Path, b: Path, tolerance: float, success: tuple[float, float]
) -> Change:
    first, second = (records.read_record(p, name, 0).boxes for p in (a, b))
    count = min(len(first), len(second))
    x, y = first[:count], second[:count]
    with np.errstate(invalid="ignore"):
        equal = (np.abs(x - y) <= tolerance) | (np.isnan(x) & np.isnan(y)) | (x == y)
    moved = ~equal.all(axis=1)
    shared = scoring.overlaps(x, y)[np.isfinite([x, y]).all(axis=(0, 2))]
    return Change(
        sequence=name,
        frames=(len(first), len(second)),
        differ=int(moved.sum()),
        first=int(moved.argmax()) if moved.any() else None,
        overlap=float(np.mean(np.nan_to_num(shared))) if len(shared) else float("nan"),
        success=success,
    )


def _settings(sides: Sequence[Entry]) -> dict[str, tuple[Any, Any]]:
    """What the manifests disagree on; nothing where one has none."""
    a, b = (side.manifest for side in sides)
    if a is None or b is None:
        return {}
    found = {field: (a.get(field), b.get(field)) for field in SETTINGS}
    last = [(m.get("made_with") or [{}])[-1] for m in (a, b)]
    versions = [made.get("versions", {}) for made in last]
    for name in dict.fromkeys(n for v in versions for n in v):
        found[name] = versions[0].get(name), versions[1].get(name)
    found["device"] = last[0].get("device"), last[1].get("device")
    return {field: pair for field, pair in found.items() if pair[0] != pair[1]}
