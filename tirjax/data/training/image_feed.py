"""Batches for translators: aligned pairs, or images of two piles.

The host decodes; the device resizes, crops and mirrors.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import cv2
import jax
import numpy as np

from tirjax.data.sequence import DataError
from tirjax.data.training.image_crops import Preparing, draw_placement, prepare
from tirjax.data.training.image_sets import Aligned, ImageSet
from tirjax.data.training.on_disk import OnDisk
from tirjax.typing import Array, Key


class Images(NamedTuple):
    """A batch for a translator.

    Attributes:
      source: ``[n, h, w, c]``, -1..1, images to be translated.
      target: ``[n, h, w, d]``, -1..1, the same scenes in the other spectrum; for
        CycleGAN any scenes.
    """

    source: Array
    target: Array


class Canvas(NamedTuple):
    """A picture in an array of fixed shape.

    Attributes:
      pixels: ``[rows, columns, channels]`` uint8, the picture at the top left.
      size: ``[2]`` int32, its rows and columns.
    """

    pixels: Any
    size: Any


@dataclasses.dataclass(frozen=True)
class ImageFeed(OnDisk[tuple[Canvas, Canvas]]):
    """A feed of images to translate and what they should become.

    Attributes:
      images: where they come from.
      preparing: how a picture becomes an example; both halves of an aligned pair are
        cut at the same place, others each at its own.
      channels: of source and target, 1 or 3 each.
      canvas: rows and columns of the arrays; a larger picture is shrunk.
      batch: examples of a step, over all devices.
      seed: of order and crops; at least 0.
      on_error: what a picture that cannot be read does: ``'skip'`` takes another and
        notes the problem, ``'stop'`` raises.

    Raises:
      DataError: settings that do not fit.
    """

    images: ImageSet
    preparing: Preparing
    channels: tuple[int, int] = (3, 1)
    canvas: tuple[int, int] = (512, 640)
    batch: int = 1
    seed: int = 0
    on_error: Literal["skip", "stop"] = "skip"

    def __post_init__(self):
        self.check()
        if min(self.canvas) < 1:
            raise DataError(f"canvas {self.canvas}: at least 1")
        if not {*self.channels} <= {1, 3}:
            raise DataError(f"channels {self.channels}: each is 1 or 3")
        if (
            self.preparing.resize != "none"
            and self.preparing.load < self.preparing.side
        ):
            raise DataError(
                f"crops of {self.preparing.side} out of images of "
                f"{self.preparing.load} pixels; load at least as many"
            )
        if not len(self.images):
            raise DataError("no images to learn from; check the folders")

    def make(
        self, raw: tuple[Array, tuple[Canvas, Canvas]], key: Key[Array, ""]
    ) -> Images:
        """Crops of the examples.

        Args:
          raw: numbers and pictures.
          key: of the whole run.
        """

        def one(number, pictures):
            source, target = pictures
            first, second = jax.random.split(jax.random.fold_in(key, number))
            place = draw_placement(first, self.preparing)
            other = place
            if not isinstance(self.images, Aligned):
                other = draw_placement(second, self.preparing)
            cut = lambda canvas, place, channels: prepare(
                canvas.pixels, canvas.size, place, self.preparing, channels
            )
            return Images(
                cut(source, place, self.channels[0]),
                cut(target, other, self.channels[1]),
            )

        return jax.vmap(one)(*raw)

    def draw(
        self, number: int, rng: np.random.Generator
    ) -> Callable[[], tuple[Canvas, Canvas]]:
        """Two pictures, in an order that all examples of an epoch share."""
        del rng
        # After a bad file the epoch's next item is shown, then the one after it.
        tries = itertools.count(number)

        def one():
            pictures = self.images.draw(next(tries), self.seed)
            source, target = (on_canvas(p, self.canvas) for p in pictures)
            self._check(source)
            self._check(target)
            return source, target

        return one

    def _check(self, canvas: Canvas) -> None:
        """A picture that is not resized must hold a crop."""
        if self.preparing.resize == "none" and canvas.size.min() < self.preparing.side:
            rows, cols = canvas.size
            raise DataError(
                f"a picture of {rows}x{cols} (rows x columns) holds no crop of "
                f"{self.preparing.side}; resize it"
            )


def on_canvas(picture: np.ndarray, size: tuple[int, int]) -> Canvas:
    """A picture at the top left of an array, shrunk if it is larger.

    Args:
      picture: ``[rows, columns, channels]`` uint8.
      size: ``(rows, columns)`` of the array.
    """
    rows, cols = picture.shape[:2]
    shrink = min(size[0] / rows, size[1] / cols, 1.0)
    new = [max(1, round(length * shrink)) for length in (rows, cols)]
    if shrink < 1:
        picture = cv2.resize(picture, (new[1], new[0]), interpolation=cv2.INTER_AREA)
    pixels = np.zeros((*size, picture.shape[2] if picture.ndim == 3 else 1), np.uint8)
    pixels[: new[0], : new[1]] = picture.reshape(*new, -1)
    return Canvas(pixels, np.array(new, np.int32))
