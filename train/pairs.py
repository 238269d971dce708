"""``train pairs``: do the halves of a set of RGB-thermal pairs show the same thing?"""

import dataclasses
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

from tirjax.data.pairs import Pair, PairList, Shift, open_pairs
from tirjax.data.pairs.alignment import CLEAR, FIELD, cross_spectrum, locate
from tirjax.data.pixels import GREY_TOLERANCE
from tirjax.data.sequence import DataError
from tirjax_shell.session import CONSOLE

from .options import Pairs
from .pictures import grid, write

PLAIN_EVERY = 10.0  # seconds between lines of progress where no bar can be drawn
MOST_LISTED = 20  # lines of one kind
WORST = 5
ON_SHEET = 8
SQUARES = 8  # of the checkerboard, along the longer side

# Shares of the longer side. A box of 100 pixels in 640 keeps an IoU of 0.88 when it is
# off by the first both ways; single pairs scatter by a third of the second.
STRAIGHT, ELSEWHERE = 0.005, 0.02


@dataclasses.dataclass(frozen=True)
class Survey:
    """What was seen of a set.

    Attributes:
      sizes: how often each ``(rows, columns)`` occurs.
      bad: a line for each pair that cannot be read.
      grey: how many of the measured pairs have a visible half without colour.
      shifts: displacement of each measured pair, by its index.
      common: displacement of the set.
      side: longer side of the median size, pixels.
    """

    sizes: Counter[tuple[int, int]]
    bad: list[str]
    grey: int
    shifts: dict[int, Shift]
    common: Shift
    side: float

    @property
    def fitting(self) -> list[int]:
        """Pairs with clear common edges."""
        return [i for i, s in self.shifts.items() if s.strength > CLEAR]

    @property
    def elsewhere(self) -> list[int]:
        """Fitting pairs that are displaced otherwise than the set."""
        far = ELSEWHERE * self.side
        return [i for i in self.fitting if _apart(self.shifts[i], self.common) > far]


def pairs(options: Pairs) -> None:
    """Looks at a set of pairs and says whether training can use it.

    Args:
      options: the command line.

    Raises:
      DataError: nothing in it can be used; with ``check``, a file cannot be read.
    """
    if options.sample < 1:
        raise DataError(f"--sample {options.sample}: measure at least 1 pair")
    found = open_pairs(options.dataset, options.data, options.cut)
    seen = survey(found, options.sample, options.check)
    _report(found, seen)
    if options.sheet:
        chosen = _for_sheet(seen)
        write(options.sheet, sheet(found, chosen, seen))
        print(f"{'sheet':<13} {options.sheet}, the last are the least clear")
    if options.check and seen.bad:
        raise DataError(
            f"{len(seen.bad)} of {len(found)} pairs cannot be read, see above; restore "
            "the files, or delete both halves"
        )


def survey(found: PairList, sample: int, every: bool) -> Survey:
    """Decodes pairs and measures how their halves lie.

    Args:
      found: the set.
      sample: how many pairs to measure, spread evenly over the names.
      every: also decode all that are not measured.

    Raises:
      DataError: none can be read.
    """
    spread = np.linspace(0, len(found) - 1, min(sample, len(found)))
    measured = {*np.rint(spread).astype(int).tolist()}
    total, sizes = np.zeros(FIELD, np.complex64), {}
    bad, shifts, grey = [], {}, 0
    for index in _watched(range(len(found)) if every else sorted(measured)):
        try:
            pair = found[index]
        except DataError as error:
            bad.append(f"{found.names[index]}: {error}")
            continue
        sizes[index] = pair.visible.shape[:2]
        if index in measured:
            spectrum = cross_spectrum(pair)
            total += spectrum
            shifts[index] = locate(spectrum, sizes[index])
            grey += int(np.ptp(pair.visible, axis=2).max()) <= GREY_TOLERANCE
    if not shifts:
        raise DataError(f"no pair can be measured; the first: {bad[0]}")
    rows, columns = np.median([sizes[i] for i in shifts], axis=0).tolist()
    common = locate(total, (rows, columns))
    side = max(rows, columns)
    return Survey(Counter(sizes.values()), bad, grey, shifts, common, side)


def verdict(seen: Survey) -> str:
    """One line: can training use these pairs, and if not, what to do."""
    measured, fitting = len(seen.shifts), len(seen.fitting)
    dx, dy, _ = seen.common
    if 2 * fitting < measured:
        return (
            f"DO NOT FIT: only {fitting} of {measured} pairs have clear common edges; "
            "look at --sheet whether both halves show one scene, pair the files anew "
            "and register them, or leave out pairs that are dark or blank"
        )
    if 4 * len(seen.elsewhere) > fitting:
        return (
            f"NOT ALIGNED: {len(seen.elsewhere)} of {fitting} pairs are displaced "
            "otherwise than the rest; register each pair (or each recording) by itself"
        )
    if max(abs(dx), abs(dy)) > STRAIGHT * seen.side:
        return (
            f"DISPLACED: move the thermal pictures by {-dx:+.1f} pixels in x and "
            f"{-dy:+.1f} in y, and cut both halves to what they share"
        )
    return f"aligned within {STRAIGHT * seen.side:.1f} pixels: ready for training"


def sheet(found: PairList, indices: Iterable[int], seen: Survey) -> np.ndarray:
    """Visible, thermal and both as a checkerboard, a row of three for each pair.

    Args:
      found: the set.
      indices: which pairs.
      seen: their displacements, written above.
    """
    rows = []
    for index in indices:
        dx, dy, strength = seen.shifts[index]
        text = f"{found.names[index]}   strength {strength:.1f}   {dx:+.1f} {dy:+.1f}"
        rows.append(_row(found[index], text))
    # Wide pictures leave the lower part of their places white.
    used = np.flatnonzero((np.stack(rows) < 255).any(axis=(0, 2, 3)))[-1] + 1
    return grid(np.stack(rows)[:, :used], columns=2, gap=12)


def _row(pair: Pair, text: str) -> np.ndarray:
    """Three pictures of one pair, letters above; always of one size."""
    height, width = FIELD
    scale = min(height / pair.visible.shape[0], width / pair.visible.shape[1])
    halves = (pair.visible, np.repeat(pair.thermal, 3, axis=2))
    left, right = (
        cv2.resize(h, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for h in halves
    )
    at = np.indices(left.shape[:2]) // (max(left.shape) // SQUARES)
    both = np.where((at.sum(0) % 2 == 0)[..., None], left, right)
    row = np.full((height + 20, 3 * width + 8, 3), 255, np.uint8)
    for i, picture in enumerate((left, right, both)):
        x = i * (width + 4)
        row[20 : 20 + picture.shape[0], x : x + picture.shape[1]] = picture
    face = cv2.FONT_HERSHEY_SIMPLEX
    return cv2.putText(row, text, (2, 14), face, 0.45, (0, 0, 0), 1, cv2.LINE_AA)


def _report(found: PairList, seen: Survey) -> None:
    """Prints what was seen."""
    dx, dy, strength = seen.common
    total = seen.sizes.total()
    lines = {
        "pairs": f"{len(found):,}, {total + len(seen.bad):,} decoded",
        "unpaired": f"{len(found.unpaired):,} left out" if found.unpaired else "none",
        "unreadable": f"{len(seen.bad):,}" if seen.bad else "none",
        "sizes": _sizes(seen.sizes),
        "common edges": f"{len(seen.fitting)} of {len(seen.shifts)} pairs",
        "displacement": f"thermal lies {dx:+.1f} pixels in x and {dy:+.1f} in y from "
        f"visible (strength {strength:.0f})",
        "verdict": verdict(seen),
    }
    if 2 * seen.grey > len(seen.shifts):
        lines["no colour"] = (
            f"in {seen.grey} of {len(seen.shifts)} visible pictures; make sure that "
            "the halves are not swapped"
        )
    for name, text in lines.items():
        print(f"{name:<13} {text}")
        listed = {"unpaired": found.unpaired, "unreadable": seen.bad}.get(name, ())
        _list(listed)
    worst = _worst(seen)
    print(f"{'worst':<13} {'none' if not worst else 'name, strength, displacement'}")
    for i in worst:
        x, y, clear = seen.shifts[i]
        print(f"  {found.names[i]}  {clear:.1f}  {x:+.1f} {y:+.1f}")


def _list(lines: Iterable[str]) -> None:
    lines = [*lines]
    for line in lines[:MOST_LISTED]:
        print(f"  {line}")
    if len(lines) > MOST_LISTED:
        print(f"  and {len(lines) - MOST_LISTED:,} more")


def _sizes(sizes: Counter[tuple[int, int]]) -> str:
    named = [f"{c}x{r} ({n:,})" for (r, c), n in sizes.most_common(3)]
    more = f" and {len(sizes) - 3:,} others" if len(sizes) > 3 else ""
    return ", ".join(named) + more + ", columns x rows"


def _worst(seen: Survey) -> list[int]:
    """Pairs that do not fit, or not as the others do; the least clear first."""
    fitting, elsewhere = {*seen.fitting}, {*seen.elsewhere}
    wrong = [i for i in seen.shifts if i not in fitting or i in elsewhere]
    return sorted(wrong, key=lambda i: seen.shifts[i].strength)[:WORST]


def _for_sheet(seen: Survey) -> list[int]:
    """Half spread over the set, half the least clear."""
    order = sorted(seen.shifts, key=lambda i: -seen.shifts[i].strength)
    last = order[-ON_SHEET // 2 :]
    rest = sorted({*order} - {*last})
    some = np.linspace(0, len(rest) - 1, min(len(rest), ON_SHEET - len(last)))
    return [*(rest[i] for i in np.rint(some).astype(int)), *last]


def _apart(one: Shift, other: Shift) -> float:
    return max(abs(one.dx - other.dx), abs(one.dy - other.dy))


def _watched(indices: Iterable[int]) -> Iterator[int]:
    """The indices, with progress on stderr: a bar on a terminal, else lines."""
    indices = [*indices]
    columns = (TextColumn("pairs"), BarColumn(), MofNCompleteColumn(), Remaining())
    hidden = not CONSOLE.is_terminal
    last = time.monotonic()
    with Progress(*columns, console=CONSOLE, transient=True, disable=hidden) as bar:
        task = bar.add_task("pairs", total=len(indices))
        for done, index in enumerate(indices):
            yield index
            bar.update(task, advance=1)
            if hidden and time.monotonic() - last >= PLAIN_EVERY:
                last = time.monotonic()
                text = f"{done + 1}/{len(indices)} pairs"
                print(text, file=sys.stderr, flush=True)
