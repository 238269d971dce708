r"""MMNet's Tables 1 and 2 on a small scale, with the other Siamese trackers beside it.

    python benchmarks/siamese_table.py --workdir runs/siamese --hit-uav DIR \
        --real DIR/tir_horse DIR/clips/05.avi

First a pool of synthetic clips is rendered (``siamese_pool.py``), which all runs share:
in the grey of their colours in the place of ImageNet-VID, in thermal, with HIT-UAV's
tracks, in the place of a thermal training set. Then every row and seed is trained by
its config, as

    python -m train fit configs/mmnet.py --strategy only_tir --tir runs/siamese/pool/tir

with the settings of ``settings`` would, and measured on pairs of videos kept for it, on
held-out synthetic thermal clips and on real thermal sequences. In the clips called
clutter nothing hides, leaves or changes its size or proportions, and all have clutter,
look-alikes and deformation: what is left is to tell the target from the rest.
``untrained`` rows are the networks as drawn. ``all``, the last row of Table 1, is
``only_vid``, as in the paper.

Every row, seed and score is kept in the workdir, so a repeated command goes on; rows of
one seed come before the next seed.

Networks are narrow and see 127 pixels (SiamFC, which needs more, 191). An epoch is
``--pairs`` pairs and not 47,880; the numbers of epochs are the papers'. ``--rate`` is
the factor on their learning rates, ``--class-weight`` on their weight of the
classification; MMNet's rates fall by a factor of ``--fall``.
"""

import dataclasses
import functools
import itertools
import json
import runpy
import shlex
from pathlib import Path
from typing import Any

import jax
import numpy as np
import siamese_pool
import tyro
from cmd_table import sequences
from seed_tables import RESULTS, scored, summary
from siamese_report import report

from tirjax.checkpoints import load_variables, save_variables
from tirjax.data.synthetic import Synthetic, preset
from tirjax.data.training.loader import batches
from tirjax.tasks.run import Run
from tirjax.tasks.siamese_runs import tracker

CONFIGS = Path(__file__).parents[1] / "configs"
CLUTTER_SEED = 70_000
SMOOTH = 20  # losses that are averaged at both ends
NEVER = 10**9  # steps between two of the run's own measurements, which are made here

# The config of a row, and what it takes beside what all take.
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "only_tir": ("mmnet", {"strategy": "only_tir"}),
    "only_vid": ("mmnet", {}),
    "mix_training": ("mmnet", {"strategy": "mix_training"}),
    "dis": ("mmnet", {"branches": "dis"}),
    "cls": ("mmnet", {"branches": "cls"}),
    "fine_hc": ("mmnet", {"branches": "fine_hc"}),
    "fine_pc": ("mmnet", {"branches": "fine_pc"}),
    "re_training": ("mmnet", {"strategy": "re_training"}),
    "fine_tuning": ("mmnet", {"strategy": "fine_tuning"}),
    "siamfc": ("cfnet", {"net": "siamfc"}),
    "cfnet": ("cfnet", {"net": "cfnet"}),
    "mlssnet": ("mlssnet", {}),
    "mlssnet_longer": ("mlssnet", {"samples": 640, "rate": 24.0, "wander": 32.0}),
    "untrained mmnet": ("mmnet", {}),
    "untrained siamfc": ("cfnet", {"net": "siamfc"}),
    "untrained cfnet": ("cfnet", {"net": "cfnet"}),
    "untrained mlssnet": ("mlssnet", {}),
}
_STARTS = ("re_training", "fine_tuning")


@dataclasses.dataclass(frozen=True)
class Options:
    """MMNet's Tables 1 and 2 on a small scale, with the other Siamese trackers.

    Attributes:
      workdir: keeps the pool, every row and score.
      seeds: of parameters and pairs.
      rows: which; re_training and fine_tuning need only_vid. ``mlssnet_longer``
        has five times the pairs, three times the rates and targets off the middle.
      scenes: of the pool, of each kind.
      hit_uav: folder of HIT-UAV.
      pairs: of an epoch.
      batch: pairs of a step.
      rate: factor on the papers' learning rates.
      class_weight: factor on the papers' weight of classification.
      fall: first over last learning rate of MMNet; the published code's.
      side: of search regions; of SiamFC's at least 191.
      widths: channels of the five convolutions.
      clips: held-out synthetic thermal clips, of each of the two kinds.
      frames: of each.
      real: thermal sequences: folders, or videos beside their boxes.
      real_frames: of each, at most.
      out: where the reports go.
      report: only write them.
    """

    workdir: Path
    seeds: tuple[int, ...] = (0, 1, 2)
    rows: tuple[str, ...] = tuple(ROWS)
    scenes: int = 2000
    hit_uav: Path | None = None
    pairs: int = 128
    batch: int = 8
    rate: float = 8.0
    class_weight: float = 0.05
    fall: float = 100.0
    side: int = 127
    widths: tuple[int, ...] = (16, 32, 48, 48, 16)
    clips: int = 24
    frames: int = 40
    real: tuple[Path, ...] = ()
    real_frames: int = 40
    out: Path = RESULTS
    report: bool = False


def name_of(row: str) -> Any:
    """The network of a row."""
    config, settings = ROWS[row]
    return settings.get("net", config)


def size_of(options: Options, name: str) -> dict[str, Any]:
    """Of a network's crops and layers."""
    least = 191 if name == "siamfc" else 0
    return {"side": max(options.side, least), "widths": options.widths}


def settings(options: Options, row: str, seed: int) -> dict[str, Any]:
    """What the config of a row is called with."""
    pool = options.workdir.resolve() / "pool"
    chosen = ROWS[row][1] | size_of(options, name_of(row))
    if ROWS[row][0] != "cfnet":
        chosen |= {"vid": pool / "vid", "apart": 1}
    if name_of(row) == "mmnet":
        chosen["classes"] = pool / siamese_pool.CLASSES
        chosen |= {"class_weight": options.class_weight, "fall": options.fall}
    if row in _STARTS:
        chosen["start"] = place(options, "only_vid", seed)
    common = {
        "tir": pool / "tir",
        "samples": options.pairs,
        "batch": options.batch,
        "rate": options.rate,
        "canvas": siamese_pool.SIZE,
        "seed": seed,
    }
    return common | chosen


def command(options: Options, row: str, seed: int) -> str:
    """The same as a command line."""
    words = ["python -m train fit", f"configs/{ROWS[row][0]}.py", "--workdir DIR"]
    for key, value in settings(options, row, seed).items():
        many = value if isinstance(value, tuple) else (value,)
        words += [f"--{key}", *(shlex.quote(str(v)) for v in many)]
    return " ".join(words).replace(str(options.workdir.resolve()), "runs/siamese")


def place(options: Options, row: str, seed: int) -> Path:
    """Folder of a row's variables."""
    return options.workdir.resolve() / f"{row.replace(' ', '_')}-seed{seed}"


def plan(options: Options, row: str, seed: int) -> Run:
    """The run of a row."""
    config = runpy.run_path(str(CONFIGS / f"{ROWS[row][0]}.py"))["config"]
    return config(**settings(options, row, seed), eval_every=NEVER)


def train(options: Options, row: str, seed: int) -> tuple[Any, dict[str, list[float]]]:
    """Variables of a row, and every metric at the start and at the end.

    Those of held-out pairs are called ``held_``.
    """
    run = plan(options, row, seed)
    # As `train fit` has them.
    start, data, _ = jax.random.split(jax.random.key(run.seed), 3)
    state = jax.jit(run.task.init)(start)
    if row.startswith("untrained"):
        return jax.device_get(run.task.variables(state)), {}
    held = run.evals["validation"].measure
    before = held(run.task.variables(state))

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, raw, key):
        return run.task.update(state, run.feed.make(raw, key), key, lambda tree: tree)

    found = []
    for _, raw, _ in batches(run.feed, 0, run.steps):
        state, metrics = step(state, raw, data)
        found.append({k: float(v) for k, v in jax.device_get(metrics).items()})
    variables = jax.device_get(run.task.variables(state))
    after = held(variables)
    ends = {k: [_mean(found[:SMOOTH], k), _mean(found[-SMOOTH:], k)] for k in found[0]}
    ends |= {f"held_{k}": [before[k], after[k]] for k in before}
    return variables, ends | {"steps": [run.steps]}


def _mean(found: list[dict[str, float]], name: str) -> float:
    return float(np.mean([metrics[name] for metrics in found]))


@functools.cache
def follower(options: Options, name: Any) -> Any:
    """The tracker of a network; one object, so that it is compiled once."""
    return tracker(name, **size_of(options, name))


@functools.cache
def clips(options: Options) -> dict[str, list]:
    """What is tracked, by kind."""
    absent = (
        "occlusion",
        "out_of_view",
        "scale_variation",
        "aspect_ratio_variation",
        "fast_motion",
        "motion_blur",
        "low_resolution",
    )
    told_apart = ("background_clutter", "distractor", "deformation")
    rates = dict.fromkeys(absent, 0.0) | dict.fromkeys(told_apart, 1.0)
    world = preset("mixed", frames=options.frames, **rates)
    clutter = list(Synthetic(world, count=options.clips, seed=CLUTTER_SEED))
    return {"clutter": clutter, **sequences(options)}


def measure(options: Options, row: str, variables: Any) -> list[dict[str, Any]]:
    """One entry a sequence."""
    found, tracks = [], follower(options, name_of(row))
    for kind, those in clips(options).items():
        for sequence in those:
            most = options.real_frames if kind == "real" else len(sequence.boxes)
            frames = list(itertools.islice(sequence.frames, most))
            found.append(scored(tracks, variables, kind, sequence, frames, chunk=20))
    return found


def run(options: Options) -> None:
    """All rows and seeds that are not there yet."""
    pool = options.workdir / "pool"
    siamese_pool.make(pool, options.scenes, options.hit_uav)
    for seed, row in itertools.product(options.seeds, options.rows):
        folder = place(options, row, seed)
        if folder.with_suffix(".json").exists():
            continue
        variables, metrics = train(options, row, seed)
        save_variables(folder, variables, {"row": row, "seed": seed})
        print(f"  {row} seed {seed}: loss {metrics.get('loss')}", flush=True)
        entry = {"command": command(options, row, seed), "metrics": metrics}
        entry["sequences"] = measure(options, row, load_variables(folder))
        folder.with_suffix(".json").write_text(json.dumps(entry))
        print(f"{row} seed {seed}: {summary(entry['sequences'])}", flush=True)


def main(options: Options) -> None:
    """Runs what is missing, then reports."""
    options.workdir.mkdir(parents=True, exist_ok=True)
    if not options.report:
        run(options)
    report(options, tuple(ROWS))


if __name__ == "__main__":
    main(tyro.cli(Options))
