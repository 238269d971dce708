"""``track demo``: everything at once on clips that it renders itself.

The clips are written as pictures and annotations first, so that every later step goes
the way a user's own data would.
"""

import logging
import time
from pathlib import Path

from tirjax.data import Sequence, write_boxes
from tirjax.data.synthetic import Synthetic

from . import report, run, view
from .evaluate import open_data, track_all
from .options import Demo, Eval, Report, Run

log = logging.getLogger(__name__)

# Clips by number of a preset: an easy one and two that tell trackers apart.
CLIPS = {"easy-1": ("easy", 1), "mixed-3": ("mixed", 3), "mixed-10": ("mixed", 10)}
DRAWN = "mixed-10"
# A learned tracker, whose network comes with the package, and the best without one.
SHOWN = ("dimp_squeezenet", "eco_hc_tir")


def demo(options: Demo) -> None:
    """Renders, tracks, draws, scores and reports; prints where everything is."""
    started = time.monotonic()
    data, results = options.out / "synthetic", options.out / "results"
    render(data)
    wanted = Eval("folder", data=data, out=results)
    track_all(list(SHOWN), open_data(wanted), wanted)
    shown = Run(str(data / DRAWN), tracker=SHOWN, out=options.out / "drawn")
    drawn = run.follow(shown)
    ((board, place),) = report.make(Report(results, out=options.out / "report"))
    print(f"\n{report.tables(board)['overall'].plain()}\n")
    print(f"video  {drawn.film.path}")
    print(f"plot   {place / 'success.png'}")
    print(f"table  {place / 'report.md'}")
    print(f"page   {place / 'report.html'}")
    log.info("all in %.0f s", time.monotonic() - started)


def synthesize(preset: str, number: int) -> Sequence:
    """A clip of the synthetic world."""
    return Synthetic(preset)[number]


def render(folder: Path) -> None:
    """Writes the clips that are not there yet, as ``NAME/img/NNNN.png`` and truth."""
    for name, (preset, number) in CLIPS.items():
        truth = folder / name / "groundtruth_rect.txt"
        if truth.is_file():
            continue
        clip = synthesize(preset, number)
        (folder / name / "img").mkdir(parents=True, exist_ok=True)
        for count, frame in enumerate(clip.frames, 1):
            view.write_picture(folder / name / "img" / f"{count:04d}.png", frame)
        write_boxes(truth, clip.boxes, origin=1)  # last: it completes the clip
        log.info("rendered %s: %d frames", folder / name, len(clip.frames))
