"""What `track bench` found: tables, Markdown, a picture, and how goals are met.

The record is what JSON holds: ``conditions``; ``trackers`` and ``peers`` by name, with
``frames_per_second`` and ``first_frame_ms`` by clips in a batch, a number a turn, and
for ours ``start``, ``memory``, ``flops`` and ``bytes``; for a peer that is the same
tracker as one of ours ``same_as`` and ``overlap``, a number a frame; ``ceilings``, a
number a turn.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from tirjax_shell import measuring
from tirjax_shell.measuring import spread

from . import bench_goals, plots
from .tables import MISSING, Table
from .view import PALETTE

Record = dict[str, Any]


class Section(NamedTuple):
    """A table and what it says.

    Attributes:
      title: of it.
      words: below the title; may be empty.
      table: the numbers.
    """

    title: str
    words: str
    table: Table


def write(record: Record, folder: Path, name: str) -> list[Path]:
    """Writes ``NAME_DEVICE.json``, ``.md`` and, if anything was timed, ``.png``."""
    device = str(record["conditions"].get("device", "unknown")).split()[0]
    name = f"{name}_{device}"
    measuring.write(folder, name, record, markdown(record))
    files = [folder / f"{name}.json", folder / f"{name}.md"]
    if speeds(record):
        files.append(folder / f"{name}.png")
        plots.write(picture(record), files[-1])
    return files


def plain(record: Record) -> str:
    """For a terminal."""
    parts = [f"{s.title}\n{s.table.plain()}" for s in sections(record)]
    return "\n\n".join(["", *parts, *_skipped(record)])


def markdown(record: Record) -> str:
    """The page."""
    parts = [
        "# Speed of trackers",
        "Written by `python -m track bench`, whose `--help` says what is measured. "
        "Medians, and the 10th to 90th percentile of the turns in brackets.",
        *([] if record["complete"] else ["**Interrupted: not everything is here.**"]),
        measuring.facts(record["conditions"]),
    ]
    for section in sections(record):
        parts += [f"## {section.title}", *([section.words] if section.words else [])]
        parts.append(section.table.markdown().strip())
    return "\n\n".join([*parts, *_skipped(record)]) + "\n"


def sections(record: Record) -> list[Section]:
    """All tables that have a row."""
    makers = _speed, _same, _ratios, _starts, _work, _goals
    return [made for make in makers if (made := make(record)).table.rows]


def speeds(record: Record) -> dict[tuple[str, int], np.ndarray]:
    """Frames a second by name and clips in a batch, a number a turn."""
    return {
        (name, int(batch)): np.array(values)
        for kind in ("trackers", "peers")
        for name, entry in record[kind].items()
        for batch, values in entry.get("frames_per_second", {}).items()
    }


def _speed(record: Record) -> Section:
    found, batches = speeds(record), record["batches"]
    rows = []
    for kind in ("trackers", "peers"):
        for name, entry in record[kind].items():
            cells = [
                spread(found[name, b]) if (name, b) in found else MISSING
                for b in batches
            ]
            first = entry.get("first_frame_ms", {}).get("1")
            init = spread(first) if first and np.isfinite(first).all() else MISSING
            rows.append([name, entry.get("weights", MISSING), *cells, init])
    heads = ["alone" if b == 1 else f"{b} in a batch" for b in batches]
    words = (
        "Frames a second of all clips together; a batch is of copies of one clip. The "
        "first frame, in which a tracker learns its target, in milliseconds. Random "
        "weights are for speed alone; with them no target counts as lost, none has a "
        "rival."
    )
    table = Table(["tracker", "weights", *heads, "first frame, ms"], rows)
    return Section("Frames a second", words, table)


def _same(record: Record) -> Section:
    """Ours over a peer that is the same tracker, turn by turn, one clip."""
    found, rows = speeds(record), []
    for name, entry in record["peers"].items():
        ours = entry.get("same_as")
        if (ours, 1) not in found or (name, 1) not in found:
            continue
        firsts = [
            np.array(record[kind][who].get("first_frame_ms", {}).get("1", []))
            for kind, who in (("peers", name), ("trackers", ours))
        ]
        boxes = entry.get("overlap")
        cells = [
            ratio(found[ours, 1], found[name, 1]),
            ratio(*firsts) if min(map(len, firsts)) else MISSING,
            spread(boxes, 2) if boxes else MISSING,
        ]
        rows.append([ours, name, *cells])
    words = (
        "Our frames a second over theirs in the same turn, and their time of the first "
        "frame over ours; above 1 ours is faster. How far the boxes of both overlap on "
        "these frames, median and range over frames: each draws at random in its own "
        "way, so even the same program does not repeat them with another seed."
    )
    heads = ["tracker", "theirs", "frames a second", "first frame", "overlap of boxes"]
    return Section("The same tracker elsewhere", words, Table(heads, rows))


def _ratios(record: Record) -> Section:
    """Ours over each peer that is another tracker, turn by turn, one clip."""
    found, rows = speeds(record), []
    others = [p for p, entry in record["peers"].items() if "same_as" not in entry]
    peers = [name for name in others if (name, 1) in found]
    for name in record["trackers"] if peers else ():
        if (name, 1) in found:
            cells = [ratio(found[name, 1], found[p, 1]) for p in peers]
            rows.append([name, *cells])
    words = "Our frames a second over theirs in the same turn; above 1 ours is faster."
    return Section("Ratio to peers", words, Table(["tracker", *peers], rows))


def ratio(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Spread of the ratios of equal turns, as many as both have."""
    count = min(len(ours), len(theirs))
    return spread(ours[:count] / theirs[:count], 2)


def _starts(record: Record) -> Section:
    rows = []
    for name, entry in record["trackers"].items():
        if not (start := entry.get("start")):
            continue
        cells = [start.get(kind, {}) for kind in ("cold", "cached")]
        memory = entry.get("memory", {})
        size = [memory.get(kind) for kind in ("resident", "device")]
        rows.append(
            [
                name,
                *(c.get("seconds") for c in cells),
                *(c.get("compile") for c in cells),
                *(c.get("processor") for c in cells),
                *(f"{s / 2**20:.0f}" if s else MISSING for s in size),
            ]
        )
    words = (
        "Seconds from the start of a process to its first box, one frame at a time, "
        "and those of it that went into tracing and compiling; with an empty cache of "
        "compiled programs and with what that start left in it. Processor seconds are "
        "those of all threads until that box, which other programs disturb less. Most "
        "memory of the process, and of the device where it says."
    )
    both = lambda what: (f"{what}, cold", f"{what}, cached")
    heads = [*both("start"), *both("compiling"), *both("processor")]
    heads = ["tracker", *heads, "MiB", "device MiB"]
    return Section("Start", words, Table(heads, rows, digits=1))


def _work(record: Record) -> Section:
    found, best = speeds(record), record["ceilings"]
    rows = []
    for name, entry in record["trackers"].items():
        flops, size = entry.get("flops"), entry.get("bytes")
        if not (best and flops and size and (name, 1) in found):
            continue
        speed = np.median(found[name, 1])
        shares = {
            "product": flops * speed / np.median(best["matmul"]),
            "copy": size * speed / np.median(best["copy"]),
        }
        numbers = [f"{flops / 1e9:.3g}", f"{size / 1e6:.3g}"]
        percent = [f"{100 * share:.0f} %" for share in shares.values()]
        nearest = max(shares, key=lambda k: shares[k])
        rows.append([name, *numbers, *percent, nearest])
    reached = {k: spread(np.array(v) / 1e9) for k, v in best.items()}
    words = (
        "What XLA counts in the compiled program of a frame. In the same turns this "
        f"machine reached {reached.get('matmul')} GFLOP/s in a product of float32 "
        f"matrices and {reached.get('copy')} GB/s in a copy, and a tracker alone these "
        "shares of them; the nearer one bounds it. XLA counts the costlier branch of a "
        "condition and bytes that never leave a cache: a share may exceed 100 %."
    )
    heads = ["tracker", "GFLOP a frame", "MB a frame"]
    heads += ["of the product", "of the copy", "nearer"]
    return Section("Work of a frame", words, Table(heads, rows))


def _goals(record: Record) -> Section:
    rows = [[g.what, g.wanted, g.found, g.verdict] for g in bench_goals.goals(record)]
    heads = ["goal", "wanted", "found", ""]
    return Section("Goals", bench_goals.WORDS, Table(heads, rows))


def _skipped(record: Record) -> list[str]:
    lines = [f"* {name}: {why}" for name, why in record["skipped"].items()]
    return ["\n".join(["Skipped:", "", *lines])] if lines else []


def picture(record: Record) -> Figure:
    """Bars of frames a second, a group a tracker, the fastest on top."""
    found = speeds(record)
    batches = [b for b in record["batches"] if any(at == b for _, at in found)]
    best = {name: 0.0 for name, _ in found}
    for (name, _), values in found.items():
        best[name] = max(best[name], float(np.median(values)))
    names = sorted(best, key=lambda n: best[n])
    figure = Figure((7.5, 1.3 + 0.42 * len(names)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / max(len(batches), 1)
    for i, batch in enumerate(batches):
        there = [n for n in names if (n, batch) in found]
        values = [np.percentile(found[n, batch], [10, 50, 90]) for n in there]
        low, middle, high = np.array(values).T
        shift = (len(batches) - 1) / 2 - i
        places = [names.index(n) + shift * height for n in there]
        axes.barh(
            places,
            middle,
            height,
            xerr=(middle - low, high - middle),
            color=np.array(PALETTE[(5 + i) % len(PALETTE)]) / 255,
            error_kw={"elinewidth": 1, "ecolor": "0.3"},
            label="alone" if batch == 1 else f"{batch} in a batch",
        )
    axes.set_yticks(range(len(names)), names)
    axes.set(
        xscale="log", xlabel="frames a second (log); bars: 10th to 90th percentile"
    )
    axes.set_title(str(record["conditions"].get("device", "")), fontsize=11)
    axes.grid(axis="x", which="both", color="0.9")
    axes.set_axisbelow(True)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower right", ncols=4)
    return figure
