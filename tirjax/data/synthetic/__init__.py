"""The synthetic world: endless RGB-thermal clips with exact truth, from keys.

``render(key, settings)`` makes a clip; ``sample_scene`` and ``render_frames`` are its
two halves, for training on a few frames of many scenes. All are pure: ``jit`` compiles
once for a shape, ``vmap`` batches over keys. ``sequence`` and ``Synthetic`` wrap clips
for trackers, ``attributes`` names what is hard about one, ``contact_sheet`` shows it.
"""

from tirjax.data.synthetic.clips import Clip, render, render_frames
from tirjax.data.synthetic.dataset import Synthetic, sequence
from tirjax.data.synthetic.facts import Facts
from tirjax.data.synthetic.labels import attributes
from tirjax.data.synthetic.scene import Scene, sample_scene
from tirjax.data.synthetic.settings import (
    CHALLENGES,
    PRESETS,
    Settings,
    force,
    preset,
)
from tirjax.data.synthetic.sheet import contact_sheet

__all__ = [
    "CHALLENGES",
    "PRESETS",
    "Clip",
    "Facts",
    "Scene",
    "Settings",
    "Synthetic",
    "attributes",
    "contact_sheet",
    "force",
    "preset",
    "render",
    "render_frames",
    "sample_scene",
    "sequence",
]
