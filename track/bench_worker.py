"""The parts of `track bench` that need a process of their own.

``prepare`` renders the frames, ``start`` is a tracker from its start to its first box;
the process that measures must not hold the accelerator before they are done. The
request is the argument, a JSON object; the reply is a line of JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tirjax.data import DataError
from tirjax.data.synthetic import preset, sequence
from tirjax_shell import session
from tirjax_shell.options import Common

from . import bench_ours, weights
from .runner import follow

SHOT = "shot.npz"


def say(**reply: Any) -> None:
    """Writes a reply."""
    print(json.dumps(reply), flush=True)


def prepare(
    folder: str, rows: int, cols: int, frames: int, random: list[str]
) -> dict[str, Any]:
    """Renders a clip, unless there is one, and draws random weights."""
    place = Path(folder)
    if not (place / SHOT).exists():
        clip = sequence(0, preset("easy", rows=rows, cols=cols, frames=frames + 1))
        save(bench_ours.Shot([*clip.frames], clip.boxes[0]), place)
    return {"weights": [bench_ours.draw(name, place) for name in random]}


def save(shot: bench_ours.Shot, folder: Path) -> None:
    """Writes frames and box for other processes."""
    np.savez(folder / SHOT, frames=np.stack(shot.frames), box=shot.box)


def read(folder: Path) -> bench_ours.Shot:
    """The frames and box written by ``save``."""
    with np.load(folder / SHOT) as data:
        return bench_ours.Shot([*data["frames"]], data["box"])


def start(
    folder: str, tracker: str, weights_of: list[str], never_lost: bool, cache: str
) -> dict[str, Any]:
    """Tracks one frame after the other, as a live source comes; says when the first box
    is there, then what memory was needed at most."""
    session.collect_seldom()
    session.cache(Common(cache_dir=Path(cache)))
    shot = read(Path(folder))
    params = weights.load([tracker], weights_of)[tracker].params
    built = bench_ours.build(tracker, shot.box, never_lost)
    began = time.perf_counter()
    key = jax.random.key(0)
    results = follow(built, params, shot.frames, shot.box, key, chunk=1)
    first, second = next(results), next(results)
    spent = time.perf_counter() - began
    compiling = spent - first.seconds - second.seconds
    say(compile=compiling, processor=time.process_time())
    for _ in results:
        pass
    import resource  # which Windows has not

    unit = 1 if sys.platform == "darwin" else 1024
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    stats = jax.local_devices()[0].memory_stats() or {}
    return {"resident": resident, "device": stats.get("peak_bytes_in_use")}


def main() -> None:
    """Does what the argument says."""
    request = json.loads(sys.argv[1])
    job = {"prepare": prepare, "start": start}[request.pop("job")]
    try:
        say(**job(**request))
    except DataError as error:
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    main()
