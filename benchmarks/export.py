"""What an exported tracker weighs, how fast it starts, and whether it is the same.

    python benchmarks/export.py [--trackers mosse kcf]

Each tracker is lowered for CPU, CUDA and TPU at once, written and checked by its own
loader beside the tracker itself. Networks that do not ship have random weights. Times
are seconds of processor time, which a busy machine changes less than the clock's.
Start-up is a process of its own that imports JAX and not tirjax, loads, and follows for
two frames; the second time with what JAX's compilation cache kept. A quarter of an
hour on two quiet cores.
"""

import dataclasses
import functools
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from tabulate import tabulate
from tirjax_track import bench_ours, export, parity, portable, quantise
from tirjax_track import options as commands

from tirjax.trackers import NETWORKS
from tirjax.weights import SHIPPED
from tirjax_shell import measuring

RESULTS = Path(__file__).with_name("results")
rendered = functools.cache(parity.open_clip)

KINDS: tuple[quantise.Kind, ...] = ("bf16", "int8")

# Prints processor seconds until JAX is there, all is loaded, two frames are followed.
STARTUP = """
import json, sys, time
import jax, numpy as np
marks = [time.process_time()]
sys.path.insert(0, sys.argv[1])
from loader import load
init, step = load()
marks.append(time.process_time())
about = json.load(open(sys.argv[1] + "/manifest.json"))["frame"]
frame = np.random.default_rng(0).integers(0, 255, about["shape"]).astype(about["dtype"])
state, found = step(init(frame, (100.0, 100.0, 40.0, 30.0)), frame)
jax.block_until_ready(found)
assert not [name for name in sys.modules if name.startswith("tirjax")]
print(json.dumps([*marks, time.process_time()]))
"""


@dataclasses.dataclass(frozen=True)
class Options:
    """What an exported tracker weighs, how fast it starts, and whether it is the same.

    Attributes:
      trackers: which.
      frames: compared after the first.
      size: of the exported frame.
      init_size: for trackers that choose array sizes from it.
      out: where the Markdown and JSON reports go.
    """

    trackers: tuple[str, ...] = (
        *("mosse", "kcf", "eco_hc", "eco_hc_tir"),
        *("dimp10", "dimp_squeezenet", "dcfnet", "dimp18"),
    )
    frames: int = 100
    size: str = "640x480"
    init_size: str = "40x30"
    out: Path = RESULTS


def measure(name: str, options: Options, folder: Path) -> dict[str, Any]:
    """A row of the report."""
    checkpoint = None
    if name in NETWORKS and name not in SHIPPED:
        bench_ours.draw(name, folder)
        checkpoint = folder / name
    wanted = commands.Export(
        tracker=name,
        weights=checkpoint,
        size=options.size,
        init_size=options.init_size,
        out=folder / "export",
    )
    plan = export.read(wanted)
    clip = rendered(None, plan.shapes, options.frames + 1)
    started = time.process_time()
    params, shapes = plan.weights.params, plan.shapes
    made = portable.convert(plan.tracker, params, shapes, plan.platforms)
    seconds = time.process_time() - started
    kinds = (None, *KINDS) if name in SHIPPED else (None,)
    checks = {}
    for kind in kinds:
        place = folder / (kind or "float32")
        place.mkdir()
        files = export.write(place, plan, made, kind)["files"]
        found = parity.compare(place, plan.tracker, params, shapes, clip)
        checks[kind or "float32"] = found | {"bytes": files[export.WEIGHTS]["bytes"]}
    return {
        "tracker": name,
        "weights": "random" if checkpoint else "shipped" if name in SHIPPED else "none",
        "init_bytes": len(made.init),
        "step_bytes": len(made.step),
        "weights_bytes": {k or "float32": stored(plan, k) for k in (None, *KINDS)},
        "export_seconds": round(seconds, 2),
        "checks": checks,
        "start": startup(folder / "float32", folder / "cache"),
    }


def stored(plan: export.Plan, kind: quantise.Kind | None) -> int:
    """Bytes of the file of weights."""
    kept = io.BytesIO()
    np.savez(kept, **quantise.pack(portable.arrays(plan.weights.params), kind))
    return len(kept.getvalue())


def startup(folder: Path, cache: Path) -> dict[str, list[float]]:
    """Processor seconds of two starts: import, load, and two frames."""
    environment = os.environ | {
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    found = {}
    for way in ("cold", "cached"):
        command = [sys.executable, "-I", "-c", STARTUP, str(folder)]
        done = subprocess.run(
            command, env=environment, check=True, stdout=subprocess.PIPE
        )
        marks = [0.0, *json.loads(done.stdout)]
        found[way] = [round(float(s), 2) for s in np.diff(marks)]
    return found


def tables(rows: list[dict[str, Any]]) -> str:
    """Sizes and times; equality; what stored weights change."""
    sizes, same, packed = [], [], []
    for row in rows:
        name, weights, start = row["tracker"], row["weights_bytes"], row["start"]
        whole = row["checks"]["float32"]
        programs = [f"{row[k] / 1e3:.0f}" for k in ("init_bytes", "step_bytes")]
        megabytes = ["–"] * 3
        if row["weights"] != "none":
            megabytes = [f"{weights[k] / 1e6:.2f}" for k in ("float32", *KINDS)]
        times = [f"{sum(start[way][1:]):.1f}" for way in ("cold", "cached")]
        sizes.append([name, *programs, *megabytes, row["export_seconds"], *times])
        equal = f"{whole['equal_frames']} of {whole['frames']}"
        same.append([name, row["weights"], equal, f"{whole['largest_pixels']:.2g}"])
        for kind in KINDS:
            if found := row["checks"].get(kind):
                apart = f"{found['largest_pixels']:.2g}", f"{found['overlap']:.3f}"
                packed.append([name, kind, *apart])
    heads = ["tracker", "init kB", "step kB", "weights MB"]
    heads += [f"as {kind}" for kind in KINDS]
    heads += ["export s", "start s", "start s, cached"]
    draw = lambda lines, heads: tabulate(lines, heads, "github", disable_numparse=True)
    return "\n\n".join(
        (
            draw(sizes, heads),
            "Boxes beside the tracker's own, compiled step by step:",
            draw(same, ["tracker", "weights", "equal to the bit", "largest, pixels"]),
            "With stored weights, and each following its own boxes: how far a box is "
            "from the one with float32 weights, and the mean overlap of the two:",
            draw(packed, ["tracker", "stored as", "largest, pixels", "overlap"]),
        )
    )


def write(out: Path, about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """The two reports."""
    text = (
        "# Exported trackers\n\nWritten by `benchmarks/export.py`, whose docstring "
        "says how. Seconds are processor time; start is\nloading, compiling and two "
        "frames, without the import of JAX, and cached with what JAX's cache kept.\n\n"
        f"{measuring.facts(about)}\n\n{tables(rows)}\n"
    )
    measuring.write(out, "export", {"conditions": about, "rows": rows}, text)


def main(options: Options) -> None:
    """Measures one after the other, and writes the two reports after each.

    Rows of other trackers that are already there stay.
    """
    about = measuring.conditions(size=options.size, init_size=options.init_size)
    path = options.out / "export.json"
    old = json.loads(path.read_text())["rows"] if path.is_file() else []
    rows = {row["tracker"]: row for row in old}
    with tempfile.TemporaryDirectory() as folder:
        # Three checks of a network then compile its programs once.
        jax.config.update("jax_compilation_cache_dir", f"{folder}/cache")
        for name in options.trackers:
            (place := Path(folder) / name).mkdir()
            rows[name] = measure(name, options, place)
            write(options.out, about, [*rows.values()])
            print(rows[name], flush=True)


if __name__ == "__main__":
    main(tyro.cli(Options))
