"""Training clips of the synthetic world, rendered once and written as data sets.

Rendering costs more than learning, so all runs share what is rendered here: short clips
of scenes of their own, ``vid`` in the grey of their colours and ``tir`` in thermal, the
latter with the tracks of HIT-UAV where its folder is given. Both are what
``python -m train prepare`` writes: ``--vid DIR --tir DIR`` of the Siamese configs take
them.
"""

import functools
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data.collection import SequenceList
from tirjax.data.sequence import ArrayFrames, Sequence
from tirjax.data.synthetic import preset, render_frames, sample_scene
from tirjax.data.synthetic.dataset import PRESENT
from tirjax.data.training import tfds
from tirjax.data.training.hit_uav import hit_uav
from tirjax.data.training.rendered import inside
from tirjax.data.training.siamese_pairs import grey

SEED = 50_000  # of the scenes; held-out clips have another
SIZE = (192, 240)
FRAMES = 6  # of every clip, from a second of the scene
WORLD = preset("mixed", rows=SIZE[0], cols=SIZE[1], frames=60)
CLASSES = "classes.json"


@jax.jit
def _render(key):
    """Frames of a new scene in order of time, and the kind of its target."""
    for_scene, for_times = jax.random.split(key)
    scene = sample_scene(for_scene, WORLD)
    times = jax.random.choice(for_times, WORLD.frames, (FRAMES,), replace=False)
    clip = render_frames(scene, jnp.sort(times), WORLD)
    boxes = inside(clip.boxes, jnp.array(SIZE))
    return clip.tir, clip.rgb, boxes, clip.visible, scene.look.kind[0]


def rendered(kind: str, number: int, first: int) -> tuple[Sequence, int]:
    """A clip and the class of its target.

    Args:
      kind: ``'vid'`` or ``'tir'``.
      number: of the clip.
      first: of the scenes of this kind.
    """
    key = jax.random.fold_in(jax.random.key(SEED), first + number)
    tir, rgb, boxes, visible, target = jax.device_get(_render(key))
    pixels = tir if kind == "tir" else np.asarray(grey(jnp.float32(rgb)))
    pixels = np.rint(pixels).astype(np.uint8)
    clip = Sequence(
        f"{kind}_{number:04d}",
        ArrayFrames(pixels),
        boxes.astype(float),
        visible >= PRESENT,
        modality="tir",
    )
    return clip, int(target)


def _spread(many: list[Any], few: list[Any]) -> list[Any]:
    """Both in one list, the few at equal distances."""
    places = [
        ((i + 0.5) / len(x), item) for x in (many, few) for i, item in enumerate(x)
    ]
    return [item for _, item in sorted(places, key=lambda pair: pair[0])]


def make(folder: Path, scenes: int, hit: Path | None) -> None:
    """Writes ``vid``, ``tir`` and ``classes.json``, if they are not there yet.

    Args:
      folder: where to.
      scenes: of each.
      hit: folder of HIT-UAV.
    """
    classes: dict[str, int] = {}
    for kind, first in (("vid", 0), ("tir", scenes)):
        if (folder / kind).exists():
            continue
        clips = []
        for number in range(scenes):
            clip, classes[f"{kind}_{number:04d}"] = rendered(kind, number, first)
            clips.append(clip)
        if kind == "tir" and hit:
            tracks = hit_uav(hit, "tracks")
            clips = _spread(clips, [tracks[i] for i in range(len(tracks))])
        openers = tuple(functools.partial(lambda clip: clip, clip) for clip in clips)
        listed = SequenceList(kind, tuple(clip.name for clip in clips), openers, "tir")
        tfds.write(listed, folder / kind, kind)
        known = folder / CLASSES
        before = json.loads(known.read_text()) if known.exists() else {}
        known.write_text(json.dumps(before | classes))
        print(f"{kind}: {len(clips)} clips", flush=True)
