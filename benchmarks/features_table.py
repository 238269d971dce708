r"""ECO-stir's experiment on a small scale: which pictures features learn from.

    python benchmarks/features_table.py --workdir runs/features \
        --real DIR/tir_horse DIR/clips/05.avi --dcfnet DCFNet-net-7-125-2.mat

Features of a narrow VGG-16 prefix are trained end to end for a correlation filter and
used in ECO with the settings of ECO-stir, smaller samples apart. They learn from

    few         thermal scenes with boxes, a few: what real labelled data are;
    translated  many colour scenes with boxes, translated to thermal by a pix2pix that
                saw pairs of other scenes, without boxes;
    both        the two together;
    thermal     as many thermal scenes as were translated: what a perfect translator
                would give;
    grey        the same colour scenes in grey, not translated.

``random`` features are not trained, ``hc`` is ECO on gradients and soft grey levels,
``dcfnet`` has the published features for colour videos. Every row runs with and without
motion. All scenes are of the synthetic world, those to learn from by day and with what
is hot shown bright. Rows, seeds and scores are kept in the workdir, so a repeated
command goes on. About 45 minutes on a core.
"""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import features_pool
import jax
import numpy as np
import tyro
from features_report import ROWS, report
from seed_tables import RESULTS, scored, summary

from tirjax.backbones.trunk import Trunk, two_convolutions, vgg
from tirjax.checkpoints import load_variables, save_variables
from tirjax.convert import dcfnet
from tirjax.data.training.filter_pairs import FilterPairs, Stretch
from tirjax.tasks.feature_runs import of_one_size
from tirjax.tasks.features import Regression, Schedule, features_task
from tirjax.trackers.eco import Config, eco, stir

UNTRAINED = ("hc", "dcfnet")


@dataclasses.dataclass(frozen=True)
class Options:
    """ECO-stir's experiment on a small scale.

    Attributes:
      workdir: keeps scenes, translator, every row and score.
      seeds: of parameters and of the order of the pairs.
      rows: which.
      few: labelled thermal scenes.
      many: labelled colour scenes.
      unlabelled: pairs of scenes the translator learns from.
      updates: of the translator.
      translator_width: of its first layers.
      widths: of the three convolutions.
      side: of the crops, pixels.
      steps: of every row.
      batch: pairs of a step.
      first: learning rate at the start.
      last: at the end.
      sigma: width of the desired response over the size of the target; a cell of the
        map, as in the published training.
      sample: side of ECO's sample, pixels.
      clips: held-out synthetic thermal clips.
      frames: of each.
      real: thermal sequences: folders, or videos beside their boxes.
      real_frames: of each, at most.
      dcfnet: published file of DCFNet, for its row.
      out: where the reports go.
      report: only write them.
    """

    workdir: Path
    seeds: tuple[int, ...] = (0, 1, 2)
    rows: tuple[str, ...] = ROWS
    few: int = 60
    many: int = 1500
    unlabelled: int = 600
    updates: int = 3000
    translator_width: int = 16
    widths: tuple[int, int, int] = (8, 16, 16)
    side: int = 56
    steps: int = 600
    batch: int = 16
    first: float = 1e-2
    last: float = 1e-3
    sigma: float = 0.22
    sample: float = 100.0
    clips: int = 16
    frames: int = 40
    real: tuple[Path, ...] = ()
    real_frames: int = 60
    dcfnet: Path | None = None
    out: Path = RESULTS
    report: bool = False

    def trunk(self, padding: int) -> Trunk:
        """The network of the trained rows; ends as DCFNet does."""
        stages = self.widths[:1], self.widths[1:]
        return vgg(stages, padding=padding, normalised=True)


# Training.


@functools.cache
def source(options: Options, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Target and search crops of a source."""
    if name == "both":
        parts = source(options, "few"), source(options, "translated")
        both = [np.concatenate(x) for x in zip(*parts, strict=True)]
        return both[0], both[1]
    folder = options.workdir
    count = options.few + options.many
    shown = features_pool.scenes(folder / "scenes.npz", features_pool.SCENES, count)
    part = slice(options.few) if name == "few" else slice(options.few, None)
    boxes = shown["boxes"][part]
    pixels = shown["rgb" if name in ("translated", "grey") else "tir"][part]
    if name == "translated":
        variables = features_pool.translator(
            folder / "translator",
            options.unlabelled,
            options.updates,
            options.translator_width,
        )
        flat = pixels.reshape(-1, *pixels.shape[2:])
        flat = features_pool.translated(flat, variables, options.translator_width)
        truth = shown["tir"][part].reshape(flat.shape)
        found = features_pool.errors(flat, truth)
        (folder / "translator.json").write_text(json.dumps(found))
        pixels = flat.reshape(*pixels.shape[:4], 1)
    return features_pool.crops(pixels, boxes, options.side)


def train(options: Options, row: str, seed: int) -> tuple[Any, list[float]]:
    """Variables of a row, and its loss at the beginning and at the end."""
    epoch = max(1, options.steps // 50)
    optimizer = Schedule(options.first, options.last).optimizer(epoch)
    how = Regression(sigma=options.sigma)
    task = features_task(options.trunk(0), optimizer, Stretch(options.side), how)
    state = jax.jit(task.init)(jax.random.key(seed))
    if row == "random":
        return jax.device_get(task.variables(state)), []
    target, search = source(options, row)
    rng, losses = np.random.default_rng(seed), []

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, target, search):
        batch = FilterPairs(target * 1.0, search * 1.0)
        return task.update(state, batch, jax.random.key(0), lambda tree: tree)

    for _ in range(options.steps):
        chosen = rng.integers(len(target), size=options.batch)
        state, metrics = step(state, target[chosen], search[chosen])
        losses.append(float(metrics["loss"]))
    ends = [float(np.mean(losses[:20])), float(np.mean(losses[-20:]))]
    return jax.device_get(task.variables(state)), ends


# Measuring.


def settings(options: Options, row: str, motion: bool) -> tuple[Config, Trunk | None]:
    """ECO-stir's, with smaller samples of one size for all targets."""
    trunk = {"hc": None, "dcfnet": two_convolutions()}.get(row, options.trunk(1))
    hc = row == "hc"
    config = stir("norm", deep=not hc, motion=motion, hog=hc, intensity=hc)
    return of_one_size(config, options.sample), trunk


def measure(
    options: Options, row: str, variables: Any, motion: bool
) -> list[dict[str, Any]]:
    """One entry a sequence."""
    tracker = eco(*settings(options, row, motion), size=(20, 20))
    shown = features_pool.clips(
        options.clips, options.frames, options.real, options.real_frames
    )
    # One bucket for all: every tracker compiles once.
    return [scored(tracker, variables, *each, bucket=640, chunk=16) for each in shown]


def variables_of(options: Options, row: str, seed: int) -> tuple[Any, list[float]]:
    """What a row tracks with, trained if it is not yet."""
    if row == "hc":
        return (), []
    if row == "dcfnet":
        assert options.dcfnet is not None  # else there is no such row
        return dcfnet.convert(options.dcfnet).variables, []
    folder = options.workdir.resolve() / f"{row}-seed{seed}"
    losses = folder.with_suffix(".losses.json")
    if not losses.exists():
        variables, ends = train(options, row, seed)
        save_variables(folder, variables, {"row": row, "seed": seed})
        losses.write_text(json.dumps(ends))
        print(f"{row} seed {seed}: loss {ends}", flush=True)
    return load_variables(folder), json.loads(losses.read_text())


def run(options: Options) -> None:
    """All rows and seeds that are not there yet."""
    for seed in options.seeds:
        for row in options.rows:
            once = row in UNTRAINED and seed != options.seeds[0]
            if once or (row == "dcfnet" and options.dcfnet is None):
                continue
            for motion in (False, True):
                name = f"{row}{'+motion' if motion else ''}-seed{seed}.json"
                file = options.workdir / name
                if file.exists():
                    continue
                variables, losses = variables_of(options, row, seed)
                entries = measure(options, row, variables, motion)
                file.write_text(json.dumps({"losses": losses, "sequences": entries}))
                print(f"{name}: {summary(entries)}", flush=True)


def main(options: Options) -> None:
    """Runs what is missing, then reports."""
    options.workdir.mkdir(parents=True, exist_ok=True)
    if not options.report:
        run(options)
    report(options)


if __name__ == "__main__":
    main(tyro.cli(Options))
