r"""CycleGAN: between visible and thermal, learned from images that need not be pairs.

    python -m train fit configs/cyclegan.py --source visible/ --target thermal/ \
        --workdir runs/cyclegan

The sources are what `forward` translates. In place of two folders ``--pairs
roadscene=DIR`` takes the halves of pairs, shows them as if they were none, and measures
on those held out.

Needs   two folders of pictures, or pairs and, to measure on them, scikit-image: pip
        install 'tirjax[translate]'. `train synthesize` translates with the run.
Paper   Zhu et al., ICCV 2017; settings as in their code, which Zhang et al. (TIP 2019)
        used. `--preset released` lowers the rate one epoch earlier, as theirs does.
Cost    see benchmarks/results/translation.md for a small scale; at 256 pixels and 200
        epochs not run here.
"""

from pathlib import Path
from typing import Literal

from tirjax.data.sequence import DataError
from tirjax.data.training.image_crops import Preparing
from tirjax.data.training.image_feed import ImageFeed
from tirjax.data.training.image_sets import Half
from tirjax.tasks.cyclegan import CycleGANLosses, cyclegan_task, one_way
from tirjax.tasks.gan_losses import Mode
from tirjax.tasks.run import Run
from tirjax.tasks.translation import (
    CYCLEGAN,
    GeneratorName,
    beginning_with,
    descent,
    epoch_of,
    loaded_side,
    networks,
    open_divided,
    pause,
    run,
    unpaired,
)
from tirjax.tasks.translation_measures import held_out
from tirjax.translators.norms import Kind


def config(
    *,
    source: Path | None = None,
    target: Path | None = None,
    pairs: tuple[str, ...] = (),
    translate: Half = "visible",
    preset: Literal["paper", "released"] = "paper",
    generator: GeneratorName | None = None,
    norm: Kind = "instance",
    width: int = 64,
    channels: tuple[Literal[1, 3], Literal[1, 3]] = (3, 3),
    side: int = 256,
    load: int | None = None,
    resize: Literal["square", "width", "none"] = "square",
    flip: bool = True,
    canvas: tuple[int, int] = (512, 640),
    mode: Mode = "lsgan",
    cycle: float = 10.0,
    identity: float = 0.5,
    pool: int = 50,
    batch: int | None = None,
    rate: float = 2e-4,
    constant: int | None = None,
    decay: int | None = None,
    start: tuple[Path, ...] = (),
    share: float = 0.2,
    whole_folders: bool = False,
    keep: int = 1000,
    every: int = 0,
    seed: int = 0,
    workers: int = 0,
) -> Run:
    """Trains CycleGAN.

    Args:
      source: folder of pictures to be translated.
      target: folder of pictures that translations are to look like.
      pairs: in place of the folders, sets as NAME=DIR, drawn from as one;
        synthetic=COUNT renders as many.
      translate: half of the pairs that is the source.
      preset: whose settings.
      generator: which network; by default of 9 blocks above 128 pixels, else of 6.
      norm: of all networks.
      width: channels of their first layers.
      channels: of sources and targets; equal, or identity is 0.
      side: of crops, pixels.
      load: side before cropping; by default as 286 to 256.
      resize: to a square of `load`, to a width of `load`, or not at all.
      flip: whether half of the images are mirrored.
      canvas: rows and columns of the arrays that pictures are put into.
      mode: of the GAN.
      cycle: weight of the error after both ways.
      identity: weight, relative to it, of what changes in images of the other kind.
      pool: translations kept to be judged again.
      batch: images of a step, over all devices; the preset's by default.
      rate: learning rate.
      constant: epochs at the full rate; the preset's by default.
      decay: epochs of falling; the preset's by default.
      start: generators to start from: a run, or two converted ones, forward and
        backward.
      share: of the pairs, held out for measurements, below 1; 0 for none.
      whole_folders: hold out whole folders; for frames of videos.
      keep: sets of at most so many pairs are decoded once and kept in memory.
      every: steps between two measurements, pictures and checkpoints; by default whole
        epochs of 500 steps or more.
      seed: of parameters and data; what is held out does not depend on it.
      workers: processes that read; 0 reads in threads.
    """
    folders = checked_sources(source, target, pairs)
    published = CYCLEGAN[preset]
    name = generator or ("resnet_9blocks" if side > 128 else "resnet_6blocks")
    nets = networks(name, channels[1], kind=norm, side=side, width=width)
    learned, measured = (
        open_divided(pairs, share, whole_folders, keep) if pairs else (None, None)
    )
    crops = Preparing(side, loaded_side(side, load), resize, flip)
    batch = batch or published.batch
    images = unpaired(learned, translate, folders, channels)
    feed = ImageFeed(images, crops, channels, canvas, batch, seed)
    epoch = epoch_of(images, batch)
    adam, steps = descent(published, epoch, rate, constant, decay, preset)
    task = cyclegan_task(
        *nets,
        adam,
        side,
        inputs=channels[0],
        losses=CycleGANLosses(mode, cycle, cycle, identity),
        pool=pool,
    )
    every = pause(epoch, every)
    shown = {"side": side, "channels": channels, "source": translate}
    evals = held_out(nets.generator, one_way, measured, every, **shown)
    task = beginning_with(task, "generators", start)
    times = {"steps": steps, "every": every, "seed": seed, "workers": workers}
    return run("cyclegan", task, feed, evals, **times)


def checked_sources(
    source: Path | None, target: Path | None, pairs: tuple[str, ...]
) -> list[Path]:
    """Both folders, or none with pairs."""
    folders = [folder for folder in (source, target) if folder is not None]
    if len(folders) != (0 if pairs else 2):
        raise DataError(
            f"{len(folders)} folders and {len(pairs)} sets of pairs; give --source DIR "
            "and --target DIR, or --pairs NAME=DIR, or --pairs synthetic=COUNT"
        )
    return folders
