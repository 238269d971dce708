r"""Cross-modal distillation of an RGB tracker with unlabelled RGB-TIR pairs: CMD.

A row of the paper's Table 1 is a command; B3 is a merge, the others start from it:

    python -m train fit configs/cmd.py --variant B1 --base RGB --pairs kaist=DIR \
        --workdir runs/B1                      # the same for B2 and C1
    python -m train merge RGB --reference runs/B1 --test runs/B2 --out runs/B3
    python -m train fit configs/cmd.py --variant D3 --base RGB --pairs kaist=DIR \
        --reference runs/B1 --test runs/B2 --classifier runs/C1 --workdir runs/D3

Needs   a converted or trained RGB tracker, and pairs (`train pairs` looks at them);
        without pairs, the synthetic world's.
Paper   Sun et al., Unsupervised Cross-Modal Distillation for Thermal Infrared Tracking,
        ACM MM 2021: LSOTB-TIR success .662 (A1) to .680 (D3), SuperDiMP, KAIST pairs.
Cost    paper: 65,000 steps a row. See `benchmarks/cmd_table.py` for a small scale.
"""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tirjax.data.pairs.opening import open_all
from tirjax.data.sequence import DataError
from tirjax.data.synthetic import preset as world
from tirjax.data.training.detection_files import DetectionFiles
from tirjax.data.training.pair_feed import PairFeed, RenderedPairs
from tirjax.data.training.pseudo_boxes import (
    centre_area,
    detected,
    hot_spots,
    random_area,
)
from tirjax.tasks.cmd import (
    BASES,
    JOINT_START,
    PRESETS,
    VARIANTS,
    Preset,
    cmd_task,
    has,
    merged,
    pairing,
)
from tirjax.tasks.run import Run
from tirjax.tasks.tracking import held_out


def config(
    *,
    variant: str,
    base: Path,
    tracker: str = "super_dimp",
    pairs: tuple[str, ...] = (),
    reference: Path | None = None,
    test: Path | None = None,
    classifier: Path | None = None,
    preset: Literal["paper", "released_code"] = "paper",
    statistics: Literal["moving", "all", "frozen"] | None = None,
    routing: Literal["masked", "posthoc"] | None = None,
    mix: Literal["batch", "spatial"] | None = None,
    detections: tuple[Path, Path] | None = None,
    box_share: float | None = None,
    canvas: tuple[int, int] = (512, 640),
    epochs: int | None = None,
    samples: int | None = None,
    batch: int | None = None,
    rate: float = 1.0,
    seed: int = 0,
    eval_every: int = 0,
    workers: int = 0,
) -> Run:
    """Distils one row of the table.

    Args:
      variant: B1, B2, C1, D1, D2, D3, D4 or D5.
      base: checkpoint of the RGB tracker.
      tracker: whose network it is: dimp10, dimp18, dimp50, super_dimp or atom.
      pairs: sets as NAME=DIR, drawn from as one; none renders synthetic pairs.
      reference: run of B1, for rows D.
      test: run of B2, for rows D.
      classifier: run of C1, for rows D.
      preset: whose settings: the paper's, or those of the released code.
      statistics: batch norms that adapt: of what moves, all, none; else the preset's.
      routing: masked trains what moves; posthoc trains more, and keeps what moves.
      mix: of mixed rows, by halves of the batch or side by side; else the preset's.
      detections: for D5, folders of YOLO text files of visible and thermal pictures;
        without them, hot spots stand in.
      box_share: side of pseudo boxes over the root of the image's area; 100 pixels by
        default.
      canvas: rows and columns of the arrays that pictures are put into.
      epochs: how long; the preset's by default.
      samples: pairs of an epoch; the preset's by default.
      batch: pairs of a step, over all devices; the preset's by default.
      rate: factor on all learning rates; a short training needs larger ones.
      seed: of the data.
      eval_every: steps between two measurements on held-out clips; 0 makes none.
      workers: processes that read; 0 reads in threads.
    """
    if variant not in VARIANTS or tracker not in BASES:
        raise DataError(
            f"variant {variant!r}, tracker {tracker!r}: choose one of "
            f"{', '.join(VARIANTS)} and one of {', '.join(BASES)}"
        )
    row = VARIANTS[variant]
    settings = _changed(PRESETS[preset], statistics, routing, mix)
    runs = {"reference": reference, "test": test, "classifier": classifier}
    start = merged(tracker, base, _needed(variant, tracker, runs) if row.joint else {})
    batch = batch or (settings.batch if row.joint else settings.alone_batch)
    epoch = math.ceil((samples or settings.samples) / batch)
    epochs = epochs or settings.epochs
    fall = max(1, round(epoch * epochs * settings.fall / settings.epochs))
    boxes = {
        "centre": centre_area(share=box_share),
        "random": random_area(share=box_share),
        "detected": detected() if detections else hot_spots(),
    }
    shown = pairing(tracker, variant, settings, boxes[row.boxes])
    files = DetectionFiles(*detections) if detections else None
    found = files if row.boxes == "detected" else None
    if pairs:
        feed = PairFeed(open_all(pairs), canvas, shown, batch, seed, detections=found)
    else:
        feed = RenderedPairs(world("mixed", rows=192, cols=240), shown, batch)
    return Run(
        task=cmd_task(tracker, variant, start, settings, rate=rate, every=fall),
        feed=feed,
        steps=epochs * epoch,
        seed=seed,
        tracker=tracker,
        evals={"held_out": held_out(tracker, eval_every)} if eval_every else {},
        save_every=epoch,
        show_every=epoch,
        workers=workers,
    )


def _changed(settings: Preset, statistics, routing, mix) -> Preset:
    """The preset, with what was asked for."""
    keep_all = None if routing is None else routing == "posthoc"
    asked = {"statistics": statistics, "keep_all": keep_all, "mix": mix}
    given = {name: value for name, value in asked.items() if value is not None}
    return dataclasses.replace(settings, **given)


def _needed(
    variant: str, tracker: str, runs: Mapping[str, Path | None]
) -> dict[str, Path]:
    """The runs that a joint variant starts from."""
    of = {b: v for b, v in JOINT_START.items() if has(tracker, b)}
    given = {b: run for b in of if (run := runs[b]) is not None}
    missing = [f"--{b} RUN of {v}" for b, v in of.items() if b not in given]
    if missing:
        raise DataError(
            f"{variant} starts from the branches of other rows: give "
            f"{' and '.join(missing)}, or the base itself to start from it"
        )
    return given
