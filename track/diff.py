"""``track diff``: what changed between two folders of results."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.data import DataError
from tirjax.evaluation.trials import EXPERIMENT

from . import changes, records
from .changes import Change, Outcome
from .options import Diff
from .tables import Table

SAME, DIFFERENT = 0, 1
ROWS = 30  # changed sequences that are printed


def diff(options: Diff) -> int:
    """Prints what changed from A to B.

    Returns:
      0 for no change, or with ``worse`` none for the worse; else 1.

    Raises:
      DataError: a folder holds no results, or scores are asked for without truth.
    """
    both, lone = pairs(options)
    outcomes = [changes.outcome(name, a, b, options) for name, a, b in both]
    for outcome in outcomes:
        print(_text(outcome))
    for root, names in zip((options.a, options.b), lone, strict=True):
        if names:
            print(f"only in {root}: {', '.join(names)}")
    if options.out is not None:
        plain = json.dumps([_plain(o) for o in outcomes], indent=1) + "\n"
        options.out.parent.mkdir(parents=True, exist_ok=True)
        records.write_text(options.out, plain)
    if options.worse is not None:
        lost = bool(lone[0]) or any(_worse(o, options.worse) for o in outcomes)
        return DIFFERENT if lost else SAME
    return SAME if all(o.same for o in outcomes) and not any(lone) else DIFFERENT


def pairs(
    options: Diff,
) -> tuple[list[tuple[str, Path, Path]], tuple[list[str], list[str]]]:
    """Name and both folders of each tracker, and the names that one side lacks.

    Raises:
      DataError: nothing in the one has its like in the other.
    """
    a, b = _leaves(options.a), _leaves(options.b)
    if len(a) == len(b) == 1:
        (first,), (second,) = a.values(), b.values()
        return [(_between(first, second), first, second)], ([], [])
    both = [(name, a[name], b[name]) for name in a if name in b]
    if not both:
        raise DataError(
            f"{options.a} has {', '.join(a)}, {options.b} {', '.join(b)}: nothing to "
            "pair; give two folders of the same trackers, or the two folders of one"
        )
    return both, ([n for n in a if n not in b], [n for n in b if n not in a])


def _leaves(root: Path) -> dict[str, Path]:
    """Folders of one-pass results at or below ``root``, by name below it."""
    if not root.is_dir():
        raise DataError(f"no such folder: {root}; give what `eval` wrote")
    places = [root, *sorted(root.glob("*/")), *sorted(root.glob("*/*/"))]
    found = {
        str(place.relative_to(root)): place
        for place in places
        if EXPERIMENT not in place.parts and records.completed(place)
    }
    if not found:
        raise DataError(f"no results in {root}: expected SEQUENCE.txt in it or below")
    return found


def _between(a: Path, b: Path) -> str:
    """Names of two folders, with as many parents as tell them apart."""
    a, b = a.resolve(), b.resolve()
    own = next((i for i in range(1, len(a.parts)) if a.parts[-i] != b.parts[-i:][0]), 1)
    return f"{Path(*a.parts[-own:])} and {Path(*b.parts[-own:])}"


def _worse(outcome: Outcome, limit: float) -> bool:
    lost = bool(outcome.only[0]) or any(
        c.frames[1] < c.frames[0] for c in outcome.changes
    )
    if outcome.success is None:
        raise DataError(f"{outcome.name}: no sequence with truth in both folders")
    return lost or outcome.success[1] < outcome.success[0] - limit


def _text(outcome: Outcome) -> str:
    changed = [c for c in outcome.changes if not c.same]
    lines = [
        f"{outcome.name}: {len(changed)} of {len(outcome.changes)} sequences differ"
    ]
    for names, side in zip(outcome.only, ("first", "second"), strict=True):
        if names:
            some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            lines.append(f"only in the {side}: {len(names)} ({some})")
    lines += [f"{k}: {a} -> {b}" for k, (a, b) in outcome.settings.items()]
    if outcome.success is not None and outcome.found is not None:
        (a, b), c = outcome.success, outcome.found
        lines.append(
            f"success {a:.4f} -> {b:.4f}, {c.difference:+.4f} "
            f"[{c.interval.low:+.4f}, {c.interval.high:+.4f}], p {c.p:.4f}; "
            f"{c.better} better, {c.equal} equal, {c.worse} worse"
        )
    if changed:
        lines += ["", table(changed).plain()]
    if len(changed) > ROWS:
        lines.append(f"and {len(changed) - ROWS} more")
    return "\n".join(lines) + "\n"


def table(found: Sequence[Change]) -> Table:
    """Changed sequences, the largest loss first, without truth the least overlap."""
    loss = lambda c: np.nan_to_num(c.success[1] - c.success[0])
    rows = []
    for c in sorted(found, key=lambda c: (loss(c), c.overlap))[:ROWS]:
        frames = (
            f"{c.frames[0]}"
            if c.frames[0] == c.frames[1]
            else "{} -> {}".format(*c.frames)
        )
        gain = c.success[1] - c.success[0]
        rows.append([c.sequence, frames, c.differ, c.first, c.overlap, *c.success])
        rows[-1].append(None if np.isnan(gain) else f"{gain:+.4f}")
    heads = ["sequence", "frames", "differ", "first", "overlap", "success"]
    return Table([*heads, "then", "change"], rows, 4)


def _plain(outcome: Outcome) -> dict[str, Any]:
    """The outcome as JSON types; NaN as null."""
    number = lambda v: None if np.isnan(v) else round(v, 6)
    single = [
        {
            "sequence": c.sequence,
            "frames": c.frames,
            "differ": c.differ,
            "first": c.first,
            "overlap": number(c.overlap),
            "success": [number(v) for v in c.success],
        }
        for c in outcome.changes
    ]
    found = outcome.found
    return {
        "name": outcome.name,
        "same": outcome.same,
        "only": outcome.only,
        "settings": outcome.settings,
        "success": outcome.success and [number(v) for v in outcome.success],
        "difference": found and number(found.difference),
        "interval": found and [number(v) for v in found.interval],
        "p": found and number(found.p),
        "sequences": single,
    }
