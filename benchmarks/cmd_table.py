r"""CMD's Table 1 on a small scale: every row, several seeds, one command.

    python benchmarks/cmd_table.py runs/base_rgb --workdir runs/cmd \
        --pairs roadscene=DIR llvip=DIR tno=DIR --real DIR/tir_horse DIR/clips/05.avi

``runs/base_rgb`` is a tracker trained on colour alone, for example by

    python -m train fit configs/dimp10_synthetic.py --modality rgb \
        --workdir runs/base_rgb

Pairs are those given and moments of synthetic scenes, without labels. Rows B3 and A1
need no training; row D5 takes hot spots for the detector. Beside the rows stands
``labelled``: the same branches as D3, taught with the true boxes of thermal clips.
Every row, seed and score is kept in the workdir, so a repeated command goes on, and
several processes with other ``--seeds`` share the work. On a GPU: ``--batch 20 --steps
2000 --rate 30 --tracker super_dimp`` and a converted base.

The paper's 65,000 steps are a few hundred here. ``--rate`` is the factor on its
learning rates that keeps rates times steps about the same.
"""

import dataclasses
import functools
import itertools
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from cmd_report import ROWS, report
from seed_tables import RESULTS, scored, summary

from tirjax.checkpoints import load_variables, save_variables
from tirjax.data import open_sequence
from tirjax.data.pairs import Pair, PairList
from tirjax.data.pairs.opening import open_all
from tirjax.data.synthetic import Synthetic, preset
from tirjax.data.training.pair_feed import PairFeed, render_pair
from tirjax.data.training.pseudo_boxes import centre_area, hot_spots, random_area
from tirjax.data.training.rendered import Rendered
from tirjax.tasks import cmd
from tirjax.tasks.distill import only, overlay
from tirjax.trackers import TRACKERS

POOL_SEED, CLIP_SEED = 30_000, 10_000


@dataclasses.dataclass(frozen=True)
class Options:
    """CMD's Table 1 on a small scale.

    Attributes:
      base: checkpoint of a tracker trained on colour alone, or its run.
      workdir: keeps every row and score.
      tracker: whose network it is.
      seeds: of the data.
      rows: which; rows D need B1, B2 and C1.
      pairs: sets of real pairs, NAME=DIR.
      pool: synthetic pairs beside them.
      steps: of every trained row.
      batch: pairs of a step.
      rate: factor on the paper's learning rates.
      share: side of pseudo boxes over the root of the image's area.
      canvas: rows and columns that pictures are put into.
      preset: whose settings.
      statistics: which batch norms adapt, if not those the preset says.
      clips: held-out synthetic thermal clips.
      frames: of each.
      real: thermal sequences: folders, or videos beside their boxes.
      real_frames: of each, at most.
      out: where the reports go.
      report: only write them.
    """

    base: tyro.conf.Positional[Path]
    workdir: Path
    tracker: str = "dimp10"
    seeds: tuple[int, ...] = (0, 1, 2)
    rows: tuple[str, ...] = ROWS
    pairs: tuple[str, ...] = ()
    pool: int = 400
    steps: int = 200
    batch: int = 10
    rate: float = 300.0
    share: float = 1 / 6
    canvas: tuple[int, int] = (256, 320)
    preset: str = "paper"
    statistics: str | None = None
    clips: int = 20
    frames: int = 60
    real: tuple[Path, ...] = ()
    real_frames: int = 200
    out: Path = RESULTS
    report: bool = False

    @property
    def settings(self) -> cmd.Preset:
        """Of the variants."""
        chosen = cmd.PRESETS[self.preset]
        if self.statistics:
            chosen = dataclasses.replace(chosen, statistics=self.statistics)
        return chosen


# Data.


@functools.cache
def pool(options: Options) -> PairList:
    """Real pairs, and synthetic ones rendered once."""
    world = preset("mixed", rows=192, cols=240)
    keys = jax.random.split(jax.random.key(POOL_SEED), options.pool)
    render = jax.jit(lambda key: render_pair(key, world))
    pairs = [Pair(*jax.device_get(render(key))) for key in keys]
    names = tuple(f"synthetic-{n:04d}" for n in range(len(pairs)))
    openers = tuple(functools.partial(lambda p: p, pair) for pair in pairs)
    paths = tuple((Path(name), Path(name)) for name in names)
    if not options.pairs:
        return PairList("synthetic", names, openers, paths)
    found = open_all(options.pairs)
    read = [found[i] for i in range(len(found))]  # decoded once: they are few
    openers += tuple(functools.partial(lambda p: p, pair) for pair in read)
    return PairList(
        f"synthetic+{found.dataset}",
        names + found.names,
        openers,
        paths + found.paths,
    )


def feed(options: Options, row: str, seed: int) -> Any:
    """What a row learns from."""
    if row == "labelled":
        processing = cmd.pairing(options.tracker, "D3", options.settings, centre_area())
        world = preset("mixed", rows=192, cols=240)
        return Rendered(
            world, processing.processing, options.batch, test_frames=1, repeats=2
        )
    boxes = {
        "centre": centre_area(share=options.share),
        "random": random_area(share=options.share),
        "detected": hot_spots(),
    }[cmd.VARIANTS[row].boxes]
    shown = cmd.pairing(options.tracker, row, options.settings, boxes)
    return PairFeed(pool(options), options.canvas, shown, options.batch, seed)


# Rows.


def start(options: Options, row: str, seed: int) -> Any:
    """Variables that a row begins with, or is."""
    base = load_variables(options.base)
    of = {
        "B3": cmd.MERGED["B3"],
        **dict.fromkeys(("D1", "D2", "D3", "D4", "D5", "labelled"), cmd.JOINT_START),
    }
    if row == "labelled" or row not in of:
        return base
    parts = {b: load_variables(place(options, v, seed)) for b, v in of[row].items()}
    return overlay(base, *(only(v, [b]) for b, v in parts.items()))


def place(options: Options, row: str, seed: int) -> Path:
    """Folder of a row's variables."""
    return options.workdir.resolve() / f"{row}-seed{seed}"


def train(options: Options, row: str, seed: int) -> Any:
    """Variables of a row, and the losses along the way."""
    begin = start(options, row, seed)
    if row in ("A1", "B3"):
        return begin, []
    settings, variant = options.settings, row
    if (
        row == "labelled"
    ):  # its rates are those of a branch alone: labels can be trusted
        settings, variant = dataclasses.replace(settings, joint=settings.alone), "D3"
    fall = max(1, round(options.steps * settings.fall / settings.epochs))
    task = cmd.cmd_task(
        options.tracker, variant, begin, settings, rate=options.rate, every=fall
    )
    source, key = feed(options, row, seed), jax.random.key(seed)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, raw):
        return task.update(state, source.make(raw, key), key, lambda tree: tree)

    state, losses = jax.jit(task.init)(key), []
    for number in range(options.steps):
        state, metrics = step(state, source.read(number)[0])
        losses.append(float(metrics["loss"]))
    first, last = np.mean(losses[:20]), np.mean(losses[-20:])
    print(f"  {row} seed {seed}: loss {first:.4f} -> {last:.4f}", flush=True)
    return jax.device_get(task.variables(state)), [float(first), float(last)]


# Measuring.


@functools.cache
def sequences(options: Options) -> dict[str, list]:
    """Thermal sequences by kind; decoded once."""
    world = preset("mixed", frames=options.frames)
    clips = list(Synthetic(world, count=options.clips, seed=CLIP_SEED))
    real = [open_sequence(path) for path in options.real]
    return {"synthetic": clips, "real": real}


def measure(options: Options, variables: Any) -> list[dict[str, Any]]:
    """One entry a sequence."""
    tracker, found = TRACKERS[options.tracker]((1, 1)), []
    for kind, those in sequences(options).items():
        for sequence in those:
            most = len(sequence.boxes) if kind == "synthetic" else options.real_frames
            frames = list(itertools.islice(sequence.frames, most))
            entry = scored(tracker, variables, kind, sequence, frames, chunk=20)
            found.append(entry | {"attributes": [*sequence.attributes]})
    return found


def run(options: Options) -> None:
    """All rows and seeds that are not there yet."""
    for seed in options.seeds:
        for row in options.rows:
            if row == "A1" and seed != options.seeds[0]:
                continue
            folder = place(options, row, seed)
            file = folder.with_suffix(".json")
            if file.exists():
                continue
            variables, losses = train(options, row, seed)
            save_variables(folder, variables, {"row": row, "seed": seed})
            entries = measure(options, variables)
            file.write_text(json.dumps({"losses": losses, "sequences": entries}))
            print(f"{row} seed {seed}: {summary(entries)}", flush=True)


def main(options: Options) -> None:
    """Runs what is missing, then reports."""
    options.workdir.mkdir(parents=True, exist_ok=True)
    if not options.report:
        run(options)
    report(options)


if __name__ == "__main__":
    main(tyro.cli(Options))
