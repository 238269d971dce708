"""Synthetic clips as sequences, one by one or as a data set without files."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data.sequence import ArrayFrames, DataError, Sequence
from tirjax.data.synthetic.clips import Clip, render_frames
from tirjax.data.synthetic.labels import attributes
from tirjax.data.synthetic.scene import sample_scene
from tirjax.data.synthetic.settings import Settings, preset
from tirjax.typing import Array, Key

PRESENT = 0.1  # a target of which less shows is marked absent, as annotators do

_draw, _film = jax.jit(sample_scene), jax.jit(render_frames)


def sequence(
    seed: int,
    settings: Settings | str = "mixed",
    name: str | None = None,
    modality: str = "tir",
) -> Sequence:
    """One synthetic sequence, a function of its arguments only.

    Args:
      seed: any integer.
      settings: or the name of a preset.
      name: ``synthetic_PRESET_SEED`` by default.
      modality: ``'tir'`` or ``'rgb'``.

    Returns:
      Boxes clipped to the image, as a human draws them, and NaN where nothing of the
      target is in it. They reach behind occluders.

    Raises:
      DataError: unknown preset or modality.
    """
    chosen, label = _resolve(settings)
    return _sequence(
        jax.random.key(seed), chosen, name or f"synthetic_{label}_{seed:04d}", modality
    )


@dataclasses.dataclass(frozen=True)
class Synthetic:
    """A data set rendered when asked for: item ``i`` is a function of seed and ``i``.

    Attributes:
      settings: or the name of a preset.
      count: number of sequences.
      seed: another seed is another data set.
      modality: ``'tir'`` or ``'rgb'``.
    """

    settings: Settings | str = "mixed"
    count: int = 100
    seed: int = 0
    modality: str = "tir"

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sequence:
        """Renders one sequence.

        Raises:
          IndexError: beyond the end, so that iteration stops.
          DataError: unknown preset or modality.
        """
        if not -self.count <= index < self.count:
            raise IndexError(f"sequence {index} of {self.count}")
        index %= self.count
        chosen, label = _resolve(self.settings)
        key = jax.random.fold_in(jax.random.key(self.seed), index)
        return _sequence(key, chosen, f"synthetic_{label}_{index:04d}", self.modality)


def _resolve(settings: Settings | str) -> tuple[Settings, str]:
    """Settings and the word for them in names."""
    if isinstance(settings, str):
        return preset(settings), settings
    return settings, "custom"


def _sequence(
    key: Key[Array, ""], settings: Settings, name: str, modality: str
) -> Sequence:
    if modality not in ("tir", "rgb"):
        raise DataError(f"{name}: no modality {modality!r}; use 'tir' or 'rgb'")
    times = jnp.arange(settings.frames)
    shown = _film(_draw(key, settings), times, settings)
    clip: Clip = jax.tree.map(np.asarray, shown)
    return Sequence(
        name=name,
        frames=ArrayFrames(np.asarray(clip.tir if modality == "tir" else clip.rgb)),
        boxes=_annotated(np.asarray(clip.boxes, float), settings),
        visible=np.asarray(clip.visible) >= PRESENT,
        attributes=attributes(clip),
        modality=modality,
    )


def _annotated(boxes: np.ndarray, settings: Settings) -> np.ndarray:
    """Boxes cut at the border of the image; NaN outside of it."""
    size = np.array([settings.cols, settings.rows], float)
    low = np.clip(boxes[:, :2], 0.0, size)
    high = np.clip(boxes[:, :2] + boxes[:, 2:], 0.0, size)
    inside = ((high - low) > 0).all(1, keepdims=True)
    return np.where(inside, np.concatenate([low, high - low], axis=1), np.nan)
