"""Speed of the trackers with networks: every frame, the first one, and compilation.

    python benchmarks/network_trackers.py --sequence DIR --checkpoints dimp18=W atom=W

With random weights a tracker often loses its target and then skips refinement and
learning. So that every frame does the whole work, the threshold below which a target
counts as lost is switched off; the figures recorded for the original were taken in the
same way. Frames are decoded before; each is one call of the compiled step, waited for.
Trackers take turns in blocks of ``BLOCK`` frames: a busy machine slows all alike.
"""

import dataclasses
import datetime
import json
import platform
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from tabulate import tabulate
from tirjax_track import weights
from tirjax_track.canvas import canvas_of, chunks

from tirjax.data import open_sequence
from tirjax.trackers.atom import ATOM, atom
from tirjax.trackers.dimp import DIMP18, DIMP50, SUPER_DIMP, dimp
from tirjax.typing import Frame

BLOCK = 20
SETTINGS = {
    "dimp18": (dimp, DIMP18),
    "dimp50": (dimp, DIMP50),
    "super_dimp": (dimp, SUPER_DIMP),
    "atom": (atom, ATOM),
}


def build(name: str):
    """The tracker with its published settings, never lost."""
    factory, config = SETTINGS[name]
    trust = dataclasses.replace(config.trust, not_found=-np.inf)
    return factory(dataclasses.replace(config, trust=trust))


def frames_of(sequence, count: int) -> list[Frame]:
    """The first frames, on the device, in one canvas."""
    pictures = [sequence.frames[i] for i in range(count)]
    canvas = canvas_of(pictures[:1], 64)
    parts = chunks(((p,) for p in pictures), canvas, 1, 1)
    return [Frame(*map(jnp.asarray, (c.pixels[0, 0], c.size[0, 0]))) for c in parts]


def timed(function, *arguments):
    """Outcome and seconds."""
    started = time.perf_counter()
    out = jax.block_until_ready(function(*arguments))
    return out, time.perf_counter() - started


class Contender:
    """A tracker that advances by blocks.

    Attributes:
      compile: seconds to compile init and step.
      first: seconds of the first frame, compiled.
      steps: seconds of every later one.
    """

    def __init__(self, name: str, params, frame: Frame, box):
        tracker, key = build(name), jax.random.key(0)
        self.params, self.steps = params, []
        started = time.perf_counter()
        init = jax.jit(tracker.init).lower(params, frame, box, key).compile()
        state = jax.eval_shape(tracker.init, params, frame, box, key)
        step = jax.jit(tracker.step, donate_argnums=1)
        self.step = step.lower(params, state, frame).compile()
        self.compile = time.perf_counter() - started
        self.state, _ = timed(init, params, frame, box, key)
        self.state, self.first = timed(init, params, frame, box, key)

    def advance(self, frames: list[Frame]) -> None:
        """Tracks a block."""
        for frame in frames:
            (self.state, _), seconds = timed(self.step, self.params, self.state, frame)
            self.steps.append(seconds)


def main(sequence: Path, checkpoints: tuple[str, ...], frames: int = 120) -> None:
    """Measures the trackers that have weights.

    Args:
      sequence: an annotated sequence.
      checkpoints: NAME=CHECKPOINT for each tracker.
      frames: how many to track; the first ten do not count.
    """
    names = [text.partition("=")[0] for text in checkpoints]
    loaded = weights.load(names, checkpoints)
    clip = open_sequence(sequence)
    pictures = frames_of(clip, frames + 1)
    box = jnp.asarray(clip.boxes[0], jnp.float32)
    field = {n: Contender(n, loaded[n].params, pictures[0], box) for n in names}
    for start in range(1, len(pictures), BLOCK):
        for contender in field.values():
            contender.advance(pictures[start : start + BLOCK])
    rows = []
    for name, c in field.items():
        low, middle, high = np.percentile(np.array(c.steps[10:]) * 1e3, [10, 50, 90])
        mean = np.mean(c.steps[10:])
        rows.append(
            {
                "tracker": name,
                "median ms (p10-p90)": f"{middle:.0f} ({low:.0f}-{high:.0f})",
                "median frames/s": round(1e3 / middle, 1),
                "mean frames/s": round(1 / mean, 1),
                "first frame s": round(c.first, 2),
                "compile s": round(c.compile, 1),
            }
        )
    about = {
        "date": datetime.date.today().isoformat(),
        "device": str(jax.devices()[0].device_kind),
        "python": platform.python_version(),
        "jax": jax.__version__,
    }
    print(json.dumps(about))
    print(tabulate(rows, headers="keys", tablefmt="github"))


if __name__ == "__main__":
    tyro.cli(main)
