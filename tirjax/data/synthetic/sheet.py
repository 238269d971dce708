"""A contact sheet of clips: frames in a row, thermal above colour, boxes drawn in.

``docs/synthetic.jpg`` was written from the repository's root by::

    draw, film = jax.jit(sample_scene), jax.jit(render_frames)
    settings = preset("mixed")
    scenes = [draw(jax.random.key(i), settings) for i in (2, 5, 6, 9, 12, 15, 16, 23)]
    clips = [film(scene, jnp.arange(120), settings) for scene in scenes]
    sheet = contact_sheet(*clips, names=[", ".join(attributes(c)) for c in clips])
    quality = [cv2.IMWRITE_JPEG_QUALITY, 42]
    cv2.imwrite("docs/synthetic.jpg", sheet[..., ::-1], quality)
"""

from collections.abc import Sequence

import cv2
import numpy as np

from tirjax.data.synthetic.clips import Clip


def contact_sheet(
    *clips: Clip, frames: int = 6, shrink: int = 2, names: Sequence[str] = ()
) -> np.ndarray:
    """Lays out clips for looking at.

    Args:
      clips: each becomes a row of thermal frames and one of colour frames.
      frames: how many frames of each, evenly spaced.
      shrink: whole factor by which frames are made smaller.
      names: captions of the first clips.

    Returns:
      ``[rows, cols, 3]`` uint8. Boxes are green where at least half of the target
      shows, red where less does.
    """
    captions = [*names, *[""] * (len(clips) - len(names))]
    pairs = zip(clips, captions, strict=True)
    return np.concatenate([_strip(clip, frames, shrink, name) for clip, name in pairs])


def _strip(clip: Clip, frames: int, shrink: int, name: str) -> np.ndarray:
    """Two rows of one clip."""
    chosen = np.linspace(0, len(clip.boxes) - 1, frames).round().astype(int).tolist()
    tiles = []
    for t in chosen:
        thermal = np.repeat(np.asarray(clip.tir[t]), 3, axis=-1)
        pair = thermal, np.asarray(clip.rgb[t])
        tiles.append(np.concatenate([_tile(p, clip, t, shrink) for p in pair]))
    strip = np.ascontiguousarray(np.concatenate(tiles, axis=1))
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(strip, name, (4, 11), font, 0.36, (255, 230, 0), 1, cv2.LINE_AA)
    return strip


def _tile(picture: np.ndarray, clip: Clip, t: int, shrink: int) -> np.ndarray:
    """One frame, smaller, with its box."""
    size = picture.shape[1] // shrink, picture.shape[0] // shrink
    tile = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    x, y, w, h = np.asarray(clip.boxes[t], float) / shrink
    colour = (0, 255, 0) if clip.visible[t] >= 0.5 else (255, 60, 60)
    low, high = (round(x), round(y)), (round(x + w) - 1, round(y + h) - 1)
    cv2.rectangle(tile, low, high, colour, 1)
    return tile
