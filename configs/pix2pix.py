r"""pix2pix: from visible to thermal, learned from aligned pairs.

    python -m train fit configs/pix2pix.py --pairs roadscene=DIR --workdir runs/pix2pix

Needs   aligned pairs (`train pairs` looks at them), without which those of the
        synthetic world stand in, and scikit-image for measurements:
        pip install 'tirjax[translate]'. `train synthesize` translates with the run.
Paper   Isola et al., CVPR 2017. `--preset released` is what made ECO-stir's thermal
        sequences (Zhang et al., TIP 2019): one channel, batch 4, a weight of 10.
Cost    see benchmarks/results/translation.md for a small scale; at 256 pixels and 200
        epochs not run here.
"""

from pathlib import Path
from typing import Literal

from tirjax.data.training.image_crops import Preparing
from tirjax.data.training.image_feed import ImageFeed
from tirjax.data.training.image_sets import Aligned, Half
from tirjax.tasks.gan_losses import Mode
from tirjax.tasks.pix2pix import Pix2PixLosses, pix2pix_task
from tirjax.tasks.run import Run
from tirjax.tasks.translation import (
    PIX2PIX,
    GeneratorName,
    beginning_with,
    descent,
    epoch_of,
    loaded_side,
    networks,
    open_divided,
    pause,
    run,
)
from tirjax.tasks.translation_measures import held_out
from tirjax.translators.norms import Kind


def config(
    *,
    pairs: tuple[str, ...] = ("synthetic=600",),
    preset: Literal["paper", "released"] = "paper",
    source: Half = "visible",
    generator: GeneratorName = "unet_256",
    norm: Kind = "batch",
    width: int = 64,
    dropout: float = 0.5,
    outputs: Literal[1, 3] | None = None,
    side: int = 256,
    load: int | None = None,
    resize: Literal["square", "width", "none"] = "square",
    flip: bool = True,
    canvas: tuple[int, int] = (512, 640),
    mode: Mode = "vanilla",
    l1: float | None = None,
    batch: int | None = None,
    rate: float = 2e-4,
    constant: int | None = None,
    decay: int | None = None,
    start: Path | None = None,
    share: float = 0.2,
    whole_folders: bool = False,
    keep: int = 1000,
    every: int = 0,
    seed: int = 0,
    workers: int = 0,
) -> Run:
    """Trains pix2pix.

    Args:
      pairs: sets as NAME=DIR, drawn from as one; synthetic=COUNT renders as many.
      preset: whose settings.
      source: half that is translated.
      generator: which network.
      norm: of both networks.
      width: channels of their first layers.
      dropout: of the generator.
      outputs: channels of the target; the preset's by default.
      side: of crops, pixels.
      load: side before cropping; by default as 286 to 256.
      resize: to a square of `load`, to a width of `load`, or not at all.
      flip: whether half of the examples are mirrored.
      canvas: rows and columns of the arrays that pictures are put into.
      mode: of the GAN.
      l1: weight of the absolute error; the preset's by default.
      batch: pairs of a step, over all devices; the preset's by default.
      rate: learning rate.
      constant: epochs at the full rate; the preset's by default.
      decay: epochs of falling; the preset's by default.
      start: generator to start from: a converted checkpoint, or a run.
      share: of the pairs, held out for measurements, below 1; 0 for none.
      whole_folders: hold out whole folders; for frames of videos.
      keep: sets of at most so many pairs are decoded once and kept in memory.
      every: steps between two measurements, pictures and checkpoints; by default whole
        epochs of 500 steps or more.
      seed: of parameters and data; what is held out does not depend on it.
      workers: processes that read; 0 reads in threads.
    """
    published = PIX2PIX[preset]
    visible = source == "visible"
    channels = (3, outputs or published.outputs) if visible else (1, outputs or 3)
    size = {"side": side, "width": width, "dropout": dropout}
    nets = networks(generator, channels[1], kind=norm, **size)
    learned, measured = open_divided(pairs, share, whole_folders, keep)
    crops = Preparing(side, loaded_side(side, load), resize, flip, published.last)
    batch = batch or published.batch
    feed = ImageFeed(Aligned(learned, source), crops, channels, canvas, batch, seed)
    epoch = epoch_of(feed.images, batch)
    adam, steps = descent(published, epoch, rate, constant, decay, preset)
    task = pix2pix_task(
        *nets,
        adam,
        side,
        inputs=channels[0],
        losses=Pix2PixLosses(mode, published.l1 if l1 is None else l1),
    )
    every = pause(epoch, every)
    shown = {"side": side, "channels": channels, "source": source}
    evals = held_out(nets.generator, lambda v: v, measured, every, **shown)
    task = beginning_with(task, "generator", [start] if start else [])
    times = {"steps": steps, "every": every, "seed": seed, "workers": workers}
    return run("pix2pix", task, feed, evals, **times)
