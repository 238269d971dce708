"""Whether an exported tracker gives the boxes of the tracker itself.

That is its ``init`` and ``step``, compiled one by one on the same canvas. `track run`
compiles a loop over many frames, which rounds otherwise, and a tracker that learns from
its own boxes carries a last digit on to whole pixels.
"""

import itertools
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data import DataError, Sequence, open_sequence
from tirjax.data.synthetic import PRESETS, Synthetic, preset
from tirjax.data.windows import apply
from tirjax.ops import boxes
from tirjax.trackers import Tracker
from tirjax.typing import Frame, PyTree

from . import exported_loader, session
from .portable import Shapes
from .runner import check_box

# Nobody sees less, and on a CPU it has been 1e-4 at most.
TOLERANCE = 0.5  # pixels
_PRESET = "mixed"


class Clip(NamedTuple):
    """What both follow.

    Attributes:
      name: of the clip.
      frames: as the exported program takes them.
      box: on the first of them, pixels.
    """

    name: str
    frames: list[np.ndarray]
    box: np.ndarray


def open_clip(path: Path | None, shapes: Shapes, count: int) -> Clip:
    """The first frames of a sequence, or of a synthetic clip that fits.

    Args:
      path: an annotated sequence; None renders one.
      shapes: what the program takes.
      count: frames at most.

    Raises:
      DataError: it cannot be read, or its frames do not fit.
    """
    if path is None:
        clip = _synthetic(shapes)
    else:
        channels = cast(Literal[1, 3], shapes.frame[2])
        clip = open_sequence(path, channels=channels, window=shapes.window)
    frames = [_taken(f, shapes) for f in itertools.islice(clip.frames, count)]
    if len(frames) < 2:
        raise DataError(f"{clip.name}: the check needs 2 frames; give --frames N")
    for frame in frames:
        room = np.subtract(shapes.frame, frame.shape)
        if room.min() < 0 or room[2]:
            have, want = (
                f"{cols}x{rows} with {channels} channels"
                for rows, cols, channels in (frame.shape, shapes.frame)
            )
            raise DataError(
                f"--check {path}: its frames are {have}, the export is for {want}; "
                "give --size and --channels that hold them"
            )
    return Clip(clip.name, frames, check_box(clip.boxes[0], frames[0]))


def compare(
    folder: Path, tracker: Tracker, params: PyTree, shapes: Shapes, clip: Clip
) -> dict[str, Any]:
    """Follows the clip with both, frame by frame; how far their boxes are apart.

    Args:
      folder: the export, which is run by its own loader.
      tracker: it.
      params: its weights, as they were before they were packed.
      shapes: what the program takes.
      clip: what to follow; in a batch, as many copies of it.
    """
    lead = () if shapes.batch is None else (shapes.batch,)
    copies = lambda x: np.broadcast_to(x, (*lead, *np.shape(x)))
    (init, step), (begin, follow) = exported_loader.load(folder), _live(tracker, shapes)
    head, box = clip.frames[0], copies(clip.box)
    keys = jnp.broadcast_to(jax.random.key(0), lead)
    state = init(copies(head), box)
    mine = begin(params, _frame(head, shapes, copies), box, keys)
    apart, overlaps = [], []
    with session.Meter() as meter:
        meter.begin(f"check on {clip.name}", len(clip.frames))
        for picture in clip.frames[1:]:
            state, found = step(state, copies(picture))
            mine, wanted = follow(params, mine, _frame(picture, shapes, copies))
            apart.append(np.abs(found["box"] - wanted.box).max())
            overlaps.append(boxes.iou(found["box"], wanted.box).mean())
            meter.advance(1)
    return {
        "clip": clip.name,
        "frames": len(apart),
        "largest_pixels": float(np.max(apart)),
        "overlap": float(np.mean(overlaps)),
        "equal_frames": int(np.sum(np.equal(apart, 0.0))),
        "device": jax.devices()[0].device_kind,
    }


def _live(tracker: Tracker, shapes: Shapes):
    """The tracker's own functions, compiled."""
    init, step = tracker
    if shapes.batch is not None:
        init, step = jax.vmap(init, (None, 0, 0, 0)), jax.vmap(step, (None, 0, 0))
    return jax.jit(init), jax.jit(step, donate_argnums=1)


def _frame(picture: np.ndarray, shapes: Shapes, copies) -> Frame:
    """A frame on the canvas, in the working range."""
    room = [(0, a - b) for a, b in zip(shapes.frame, picture.shape, strict=True)]
    window = shapes.window
    working = picture if window is None else apply(window, picture)
    return Frame(
        copies(np.pad(working, room)), copies(np.array(picture.shape[:2], np.int32))
    )


def _synthetic(shapes: Shapes) -> Sequence:
    """A clip of the usual size, or of the largest even one that the canvas holds."""
    usual = PRESETS[_PRESET]
    rows, cols = (
        min(most, room // 2 * 2)
        for most, room in zip((usual.rows, usual.cols), shapes.frame, strict=False)
    )
    if min(rows, cols) < 32:
        raise DataError("clips have 32 pixels or more; give --check or --no-check")
    modality = "tir" if shapes.frame[2] == 1 else "rgb"
    return Synthetic(preset(_PRESET, rows=rows, cols=cols), modality=modality)[0]


def _taken(frame: np.ndarray, shapes: Shapes) -> np.ndarray:
    """A frame in 0..255 as bytes, or as the counts that the window turns into it."""
    if shapes.window is not None:
        low, high = shapes.window.low, shapes.window.high
        frame = low + frame.astype(np.float32) / 255 * (high - low)
    return np.rint(frame).astype(shapes.dtype)
