"""Trackers on synthetic clips that no training run has seen.

    python benchmarks/held_out.py [--weights dimp10=runs/a]

Clips are those of ``Synthetic(preset, seed=10_000)``; training draws its scenes from
keys of its own. An untrained network has parameters as drawn.
"""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from tabulate import tabulate
from tirjax_track import bench_ours, weights
from tirjax_track.runner import follow

from tirjax.data.synthetic import Synthetic
from tirjax.evaluation import PROTOCOLS, curves, scores
from tirjax.trackers import TRACKERS
from tirjax_shell import measuring

PROTOCOL = PROTOCOLS["lsotb"]
RESULTS = Path(__file__).with_name("results")
SEED = 10_000
LEARNED = ("dimp_squeezenet", "dimp10")


@dataclasses.dataclass(frozen=True)
class Options:
    """Trackers on synthetic clips that no training run has seen.

    Attributes:
      presets: of the synthetic world.
      clips: how many of each.
      trackers: which.
      weights: checkpoints, ``NAME=DIR``; those that ship by default.
      out: where the Markdown and JSON reports go.
    """

    presets: tuple[str, ...] = ("easy", "mixed", "hard")
    clips: int = 10
    trackers: tuple[str, ...] = (*LEARNED, "eco_hc", "eco_hc_tir", "kcf", "mosse")
    weights: tuple[str, ...] = ()
    out: Path = RESULTS


def contenders(options: Options) -> dict[str, tuple[str, Any]]:
    """By label: the tracker and its parameters."""
    names = [*options.trackers]
    loaded = weights.load(names, options.weights)
    found: dict[str, tuple[str, Any]] = {n: (n, loaded[n].params) for n in names}
    for name in set(names) & {*LEARNED}:
        found[f"{name} untrained"] = (name, bench_ours.drawn(name))
    return found


def run(options: Options) -> list[dict[str, Any]]:
    """One row a preset and contender."""
    rows = []
    for preset in options.presets:
        world = Synthetic(preset, count=options.clips, seed=SEED)
        clips = [world[i] for i in range(len(world))]
        for label, (name, params) in contenders(options).items():
            counted = []
            for clip in clips:
                box = clip.boxes[0]
                tracker = TRACKERS[name]((box[2], box[3]))
                key = jax.random.key(0)
                found = follow(tracker, params, list(clip.frames), box, key, chunk=24)
                boxes = np.array([r.box for r in found], float)
                counted.append(
                    curves(boxes, clip.boxes, PROTOCOL, visible=clip.visible)
                )
            each = [scores([c], PROTOCOL).success for c in counted]
            score = scores(counted, PROTOCOL)
            error = np.std(each, ddof=1) / np.sqrt(len(each))
            row = {"preset": preset, "tracker": label, "success": score.success}
            row |= {"standard error": float(error), "precision": score.precision}
            rows.append(row)
            print(row, flush=True)
    return rows


def markdown(rows: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """A row a tracker: success and its standard error, then precision."""
    presets = list(dict.fromkeys(row["preset"] for row in rows))
    table = {}
    for row in rows:
        text = f"{row['success']:.3f} ± {row['standard error']:.3f}"
        table.setdefault(row["tracker"], {})[row["preset"]] = (
            f"{text} / {row['precision']:.3f}"
        )
    body = [[name, *(cells[p] for p in presets)] for name, cells in table.items()]
    head = "# Held-out synthetic clips\n\nSuccess ± standard error over clips / "
    drawn = tabulate(body, ["tracker", *presets], tablefmt="github")
    return f"{head}precision at 20 pixels.\n\n{measuring.facts(about)}\n\n{drawn}\n"


def main(options: Options) -> None:
    """Runs everything and writes the two reports."""
    rows = run(options)
    where = measuring.conditions()
    about = {name: where[name] for name in ("date", "device", "jax")}
    about |= {"clips a preset": options.clips, "seed of the clips": SEED}
    text = markdown(rows, about)
    report = {"conditions": about, "rows": rows}
    measuring.write(options.out, "held_out", report, text)
    print(text)


if __name__ == "__main__":
    main(tyro.cli(Options))
