"""What a reader returns: named frames, boxes in one convention, and what is known.

Nothing here knows a file format. Readers do nothing but read: one-based files,
polygons, missing boxes and separators end in them.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

import numpy as np


class DataError(ValueError):
    """Input that cannot be used; the message is one line: what, where, the remedy."""


@runtime_checkable
class Frames(Protocol):
    """Frames decoded one at a time.

    Every frame is ``[rows, columns, channels]``, uint8 or float32 in 0..255, with one
    channel or three (red, green, blue).
    """

    def __len__(self) -> int:
        """Number of frames; a live source raises ``TypeError``."""
        ...

    def __getitem__(self, index: int) -> np.ndarray:
        """Decodes one frame.

        Raises:
          DataError: the frame is missing or unreadable; names file and frame.
        """
        ...

    def __iter__(self) -> Iterator[np.ndarray]:
        """Decodes in order; the fastest way through a video file."""
        ...


@dataclasses.dataclass(frozen=True)
class Sequence:
    """A clip with what its benchmark knows of it.

    Attributes:
      name: unique in its data set; safe as a file name.
      frames: the pictures, decoded when asked for.
      boxes: ``[t, 4]`` float64, ``(x, y, w, h)``, pixels, zero-based and edge-based; a
        row of NaN has no annotation. ``t`` is ``len(frames)``, or 1 when only the first
        frame is annotated.
      visible: ``[t]`` bool, False where the target is marked absent.
      attributes: names of the challenges it has, in the benchmark's words.
      modality: ``'tir'``, ``'rgb'`` or ``'rgbt'``.
      regions: ``[t, k]`` float64, the boxes or polygons that VOT annotates, zero-based,
        shorter rows filled up with NaN; None where ``boxes`` says all.
      tags: ``[t]`` bool by name of challenge, where each frame has its own.
    """

    name: str
    frames: Frames
    boxes: np.ndarray
    visible: np.ndarray
    attributes: tuple[str, ...] = ()
    modality: str = "tir"
    regions: np.ndarray | None = None
    tags: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


class Dataset(Protocol):
    """Anything with a length and an index that gives a ``Sequence``."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sequence: ...


@dataclasses.dataclass(frozen=True)
class ArrayFrames:
    """Frames that are already in memory, ``[t, rows, columns, channels]``."""

    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.pixels[index]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.pixels)
