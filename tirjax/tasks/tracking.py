"""Measuring a network as the tracker it is for, on clips held out of training."""

from collections.abc import Callable, Iterable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data.sequence import Sequence
from tirjax.data.synthetic import Synthetic, preset
from tirjax.evaluation import PROTOCOLS, curves, scores
from tirjax.tasks.run import Eval
from tirjax.trackers import TRACKERS
from tirjax.trackers.base import Tracker, track
from tirjax.typing import Frame, PyTree

PROTOCOL = PROTOCOLS["lsotb"]


def on_clips(
    tracker: Tracker, clips: Iterable[Sequence], seed: int = 0
) -> Callable[[PyTree], Mapping[str, float]]:
    """A measurement: ``variables -> {'success', 'precision'}``, means over the clips.

    Args:
      tracker: whose ``params`` are the variables.
      clips: all of one length and size, annotated in every frame that counts.
      seed: of the tracker's randomness.
    """
    clips = list(clips)
    pixels = [np.stack(list(clip.frames)) for clip in clips]
    boxes = np.stack([clip.boxes[0] for clip in clips]).astype(np.float32)
    keys = jax.random.split(jax.random.key(seed), len(clips))

    @jax.jit
    def follow(params, film, box, key):
        size = jnp.broadcast_to(jnp.array(film.shape[1:3], jnp.int32), (len(film), 2))
        return track(tracker, params, Frame(film, size), box, key).box

    def measure(variables: PyTree) -> Mapping[str, float]:
        found = []
        for clip, film, box, key in zip(clips, pixels, boxes, keys, strict=True):
            path = follow(variables, *jax.device_put((film, box)), key)
            path = np.concatenate([box[None], jax.device_get(path)])
            found.append(
                curves(path.astype(float), clip.boxes, PROTOCOL, visible=clip.visible)
            )
        score = scores(found, PROTOCOL)
        return {"success": score.success, "precision": score.precision}

    return measure


def held_out(
    tracker: str | Tracker, every: int, count: int = 6, modality: str = "tir"
) -> Eval:
    """A measurement on synthetic clips that no training renders.

    Args:
      tracker: it, or the name of one for any size of target.
      every: steps between two.
      count: clips.
      modality: of their frames, ``'tir'`` or ``'rgb'``.
    """
    world = preset("mixed", frames=60)
    clips = Synthetic(world, count=count, seed=10_000, modality=modality)
    if isinstance(tracker, str):
        tracker = TRACKERS[tracker]((1, 1))
    return Eval(every, on_clips(tracker, iter(clips)))
