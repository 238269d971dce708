"""Pictures of what a network sees and answers, for people to look at.

Pictures are ``[rows, columns, 3]`` uint8, red, green, blue.
"""

from pathlib import Path

import cv2
import jax.numpy as jnp
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.ops.boxes import iou

GREEN, RED, WHITE = (0, 220, 0), (235, 40, 40), 255
# Below this many pixels a side, boxes and letters hide the target.
SMALLEST = 192


def grid(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Images side by side, row by row, white between them.

    Args:
      images: ``[n, h, w, c]``, 0..255, one channel or three.
      columns: images in a row, at least 1.
      gap: pixels between images.

    Returns:
      One picture; places of the last row that no image fills are white.
    """
    images = _colour(images)
    n, height, width, _ = images.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    picture = np.full(shape, WHITE, np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (height + gap), i % columns * (width + gap)
        picture[y : y + height, x : x + width] = image
    return picture


def draw_examples(
    crops: np.ndarray,
    true_boxes: np.ndarray,
    predicted_boxes: np.ndarray,
    scores: np.ndarray,
    columns: int = 3,
) -> np.ndarray:
    """Crops with boxes, each beside itself under its scores.

    The true box is green, the predicted one red, their overlap is written above; a box
    that is not finite is left out. Scores are shown from their lowest, dark, to their
    highest, bright, and the highest is written above.

    Args:
      crops: ``[n, s, s, c]``, 0..255.
      true_boxes: ``[n, 4]``, crop pixels.
      predicted_boxes: ``[n, 4]``, crop pixels.
      scores: ``[n, f, f]``, first and last cell on the edges of the crop.
      columns: examples in a row.
    """
    crops = _colour(crops)
    scale = max(1, -(-SMALLEST // crops.shape[1]))
    overlaps = iou(jnp.asarray(true_boxes), jnp.asarray(predicted_boxes))
    pairs = []
    for i, crop in enumerate(crops):
        crop = cv2.resize(
            crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST
        )
        heat = _heat(np.asarray(scores[i], np.float32), crop)
        for box, colour in ((true_boxes[i], GREEN), (predicted_boxes[i], RED)):
            _draw_box(crop, np.asarray(box) * scale, colour)
        _write(crop, f"IoU {overlaps[i]:.2f}")
        _write(heat, f"max {np.max(scores[i]):.2f}")
        pairs.append(np.concatenate([crop, heat], axis=1))
    return grid(np.stack(pairs), columns, gap=6)


def write(path: Path, picture: np.ndarray) -> None:
    """Writes a PNG.

    Args:
      path: file; its folder is made.
      picture: ``[rows, columns, c]``, 0..255, one channel or three.

    Raises:
      DataError: it cannot be written.
    """
    colour = cv2.cvtColor(_colour(picture[None])[0], cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".png", colour)[1].tobytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise DataError(f"{path}: not written ({error.strerror})") from error


def _colour(images: np.ndarray) -> np.ndarray:
    """Images as uint8 with three channels."""
    images = np.nan_to_num(np.asarray(images, np.float32))
    images = np.clip(np.rint(images), 0, 255).astype(np.uint8)
    return np.broadcast_to(images, (*images.shape[:-1], 3))


def _heat(scores: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """The crop, in grey, under the colours of its scores."""
    low, high = np.nanmin(scores), np.nanmax(scores)
    level = (scores - low) / max(float(high - low), 1e-9)
    at = (np.arange(crop.shape[0], dtype=np.float32) + 0.5) / crop.shape[0]
    at = at * np.float32(scores.shape[0] - 1)
    x, y = np.meshgrid(at, at)
    level = cv2.remap(np.nan_to_num(level), x, y, cv2.INTER_LINEAR)
    level = (level * 255).astype(np.uint8)
    colours = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)
    colours = cv2.cvtColor(colours, cv2.COLOR_BGR2RGB)
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(grey, 0.45, colours, 0.65, 0)


def _draw_box(picture: np.ndarray, box: np.ndarray, colour: tuple) -> None:
    if not np.isfinite(box).all():
        return
    # Far outside the picture OpenCV's own integers would wrap.
    corners = np.clip([box[:2], box[:2] + box[2:]], -10_000, 10_000)
    (left, top), (right, bottom) = np.rint(corners - 0.5).astype(int).tolist()
    cv2.rectangle(picture, (left, top), (right, bottom), colour, 2)


def _write(picture: np.ndarray, text: str) -> None:
    """Letters in the upper left corner, readable on anything."""
    for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(
            picture, text, (5, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, width
        )
