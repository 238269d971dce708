r"""pix2pix and CycleGAN from visible to thermal images, measured on held-out pairs.

    python benchmarks/translation.py --pairs roadscene=DIR --workdir runs/translation

Both are trained by their configs on four fifths of the pairs, CycleGAN as if they were
not paired, and measured on the rest beside grey conversion, the mean thermal image and
regressions. A repeated command goes on; ``--report`` only measures what there is. The
defaults suit one core of a CPU for an hour or so. At full size, on a GPU:

    python benchmarks/translation.py --pairs roadscene=DIR --workdir runs/translation \
        --side 256 --pix2pix-generator unet_256 --cyclegan-generator resnet_9blocks \
        --pix2pix-width 64 --cyclegan-width 64 --pix2pix-batch 1 \
        --pix2pix-epochs 100 100 --cyclegan-epochs 100 100 --canvas 512 640

Without data, on the synthetic world, where looks tell heat:

    python benchmarks/translation.py --pairs synthetic=600 --canvas 192 256 \
        --name translation_synthetic --workdir runs/translation_synthetic \
        --pix2pix-epochs 5 5 --cyclegan-epochs 1 1
"""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tyro
from tabulate import tabulate
from tirjax_train import about, pictures
from tirjax_train.generators import open_generator
from translation_baselines import (
    grey,
    mean_image,
    neighbourhood,
    polynomials,
    regression,
)

from tirjax.checkpoints import read_about
from tirjax.evaluation.gradients import gradient_histogram, histogram_distance
from tirjax.evaluation.translations import psnr, ssim
from tirjax.tasks.translation import open_divided
from tirjax.tasks.translation_measures import squashed, translated
from tirjax_shell import measuring

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
METHODS = ("pix2pix", "cyclegan")


@dataclasses.dataclass(frozen=True)
class Options:
    """pix2pix and CycleGAN from visible to thermal images.

    Attributes:
      pairs: sets of aligned pairs, NAME=DIR, or synthetic=COUNT.
      workdir: keeps the two runs.
      side: of images, pixels.
      pix2pix_generator: its network.
      cyclegan_generator: its network.
      pix2pix_width: channels of its first layers.
      cyclegan_width: channels of its first layers.
      pix2pix_batch: pairs of an update.
      pix2pix_epochs: at the full rate, and falling.
      cyclegan_epochs: at the full rate, and falling.
      rate: learning rate.
      canvas: rows and columns of the arrays that pictures are put into.
      held_out: share of the pairs that is measured on.
      seed: of the trainings; what is held out does not depend on it.
      shown: held-out pairs in the picture.
      out: where the reports go.
      name: of the reports.
      picture: file of the picture, JPEG.
      report: train nothing.
    """

    pairs: tuple[str, ...]
    workdir: Path
    side: int = 128
    pix2pix_generator: str = "unet_128"
    cyclegan_generator: str = "resnet_6blocks"
    pix2pix_width: int = 16
    cyclegan_width: int = 16
    pix2pix_batch: int = 2
    pix2pix_epochs: tuple[int, int] = (15, 15)
    cyclegan_epochs: tuple[int, int] = (5, 5)
    rate: float = 2e-4
    canvas: tuple[int, int] = (320, 448)
    held_out: float = 0.2
    seed: int = 0
    shown: int = 6
    out: Path = RESULTS
    name: str = "translation"
    picture: Path = Path("translation.jpg")
    report: bool = False


def train(options: Options, method: str) -> None:
    """Runs the config, or goes on with it."""
    epochs = getattr(options, f"{method}_epochs")
    flags = {
        "pairs": options.pairs,
        "workdir": [options.workdir / method],
        "side": [options.side],
        "generator": [getattr(options, f"{method}_generator")],
        "width": [getattr(options, f"{method}_width")],
        "batch": [options.pix2pix_batch if method == "pix2pix" else 1],
        "canvas": options.canvas,
        "constant": [epochs[0]],
        "decay": [epochs[1]],
        "share": [options.held_out],
        "seed": [options.seed],
        "rate": [options.rate],
    }
    if method == "pix2pix":
        flags["outputs"] = [1]
    words = [w for k, v in flags.items() for w in (f"--{k}", *map(str, v))]
    command = [sys.executable, "-m", "train", "fit", f"configs/{method}.py", *words]
    subprocess.run(command, cwd=ROOT, check=True)


def translations(
    options: Options, learned, sources: np.ndarray
) -> dict[str, np.ndarray]:
    """Held-out translations of every method, ``[n, h, w, 1]`` uint8."""
    visible, thermal = squashed(learned, options.side, (3, 1))
    found = {
        "grey": grey(sources),
        "mean": mean_image(thermal, len(sources)),
        "pixel": regression(polynomials, visible, thermal)(sources),
        "neighbours": regression(neighbourhood, visible, thermal)(sources),
    }
    for method in METHODS:
        run = options.workdir / method
        if (run / "checkpoints").is_dir():
            loaded = open_generator(run)
            images = translated(loaded.net, loaded.variables, sources)
            found[method] = grey(images) if images.shape[-1] == 3 else images
    return found


def scored(found: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    """Means and standard errors over images, and the distance of gradients."""
    each = {
        "ssim": [ssim(a, b) for a, b in zip(found, true, strict=True)],
        "psnr": [psnr(a, b) for a, b in zip(found, true, strict=True)],
    }
    histogram = gradient_histogram(found)
    return {
        **{k: float(np.mean(v)) for k, v in each.items()},
        **{
            f"{k}_error": float(np.std(v, ddof=1) / len(v) ** 0.5)
            for k, v in each.items()
        },
        "gradient_distance": histogram_distance(histogram, gradient_histogram(true)),
        "each": each,
    }


def sheet(
    options: Options, sources: np.ndarray, columns: dict[str, np.ndarray]
) -> np.ndarray:
    """A row for each of some pairs, a column for each method, names above."""
    places = np.linspace(0, len(sources) - 1, options.shown).astype(int)
    colour = lambda x: np.broadcast_to(x, (*x.shape[:3], 3))
    blocks = {"visible": sources} | columns
    images = np.stack([colour(x)[places] for x in blocks.values()], axis=1)
    rows = images.reshape(-1, *images.shape[2:])
    picture = pictures.grid(rows, len(blocks))
    head = np.full((20, picture.shape[1], 3), 255, np.uint8)
    for i, name in enumerate(blocks):
        at = (i * (options.side + 2) + 4, 14)
        cv2.putText(head, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, 16)
    return np.concatenate([head, picture])


def table(scores: dict[str, dict[str, Any]]) -> str:
    """One line a method."""
    rows = [
        [
            name,
            f"{s['ssim']:.3f} ± {s['ssim_error']:.3f}",
            f"{s['psnr']:.2f} ± {s['psnr_error']:.2f}",
            f"{s['gradient_distance']:.3f}",
        ]
        for name, s in scores.items()
    ]
    header = ["method", "SSIM", "PSNR, dB", "distance of gradients"]
    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def main(options: Options) -> None:
    """Trains what is missing, measures, writes the reports and the picture."""
    if not options.report:
        for method in METHODS:
            train(options, method)
    learned, measured = open_divided(options.pairs, options.held_out, False, 1000)
    assert measured is not None
    sources, targets = squashed(measured, options.side, (3, 1))
    found = translations(options, learned, sources)
    scores = {name: scored(images, targets) for name, images in found.items()}
    runs = {
        method: read_about(options.workdir / method)
        for method in METHODS
        if method in found
    }
    where = measuring.conditions()
    conditions = {
        **{name: where[name] for name in ("date", "device")},
        "pairs": measured.dataset,
        "learned from": len(learned),
        "measured on": len(measured),
        "side": options.side,
        **{f"updates of {m}": f"{a['step']}" for m, a in runs.items()},
        **{
            f"network of {m}": f"{a['settings']['generator']}, width "
            f"{a['settings']['width']}, batch {a['settings']['batch']}, rate "
            f"{a['settings']['rate']}"
            for m, a in runs.items()
        },
        **about.versions(("jax", "flax", "numpy", "scikit-image")),
    }
    report = {"conditions": conditions, "names": measured.names, "scores": scores}
    text = (
        f"# Visible to thermal\n\nHeld-out pairs, ± is the standard error over "
        f"images.\n\n{table(scores)}\n\n{measuring.facts(conditions)}\n"
    )
    measuring.write(options.out, options.name, report, text)
    print(text)
    picture = sheet(options, sources, found | {"true thermal": targets})
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.picture), picture[..., ::-1], quality)


if __name__ == "__main__":
    main(tyro.cli(Options))
