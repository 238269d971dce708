"""From what OpenCV decodes to what a ``Frame`` holds: size, depth, channels, window.

All of it is decided once, on the first frame, and then demanded of every other one.
"""

import dataclasses
from typing import Literal

import cv2
import numpy as np

from tirjax.data import windows
from tirjax.data.sequence import DataError

Channels = Literal["auto", 1, 3]

# Lossy video of a grey picture comes back with chroma off by up to 3 (Anti-UAV clips).
GREY_TOLERANCE = 4


@dataclasses.dataclass(frozen=True)
class PixelFormat:
    """What every frame of one source must be, and becomes.

    Attributes:
      size: ``(rows, columns)``.
      depth: type of the decoded values.
      channels: 1 or 3, of the frames handed out.
      window: how counts become 0..255; None leaves uint8 as it is.
    """

    size: tuple[int, int]
    depth: np.dtype
    channels: int
    window: windows.Window | None


def decide(
    first: np.ndarray, channels: Channels, window: windows.Window | None
) -> PixelFormat:
    """Settles the format on the first decoded frame.

    Args:
      first: ``[rows, columns]`` or ``[rows, columns, blue green red (alpha)]``.
      channels: ``'auto'`` gives 1 for one channel or three (nearly) identical ones,
        else 3; a number forces it.
      window: None means untouched for 8 bits, one window a sequence for deeper ones.
    """
    if channels == "auto":
        channels = 1 if _is_grey(first) else 3
    if window is None and first.dtype != np.uint8:
        window = windows.SequenceWindow()
    return PixelFormat(first.shape[:2], first.dtype, channels, window)


def convert(decoded: np.ndarray, like: PixelFormat, what: str) -> np.ndarray:
    """The decoded picture as ``[rows, columns, channels]``, uint8 or float32 0..255.

    Args:
      decoded: what OpenCV gave: grey, or blue green red with or without alpha.
      like: the source's format, its window settled.
      what: frame and file, for the error.

    Raises:
      DataError: size or depth differ from the first frame's.
    """
    if decoded.shape[:2] != like.size:
        raise DataError(
            f"mixed sizes: {what} is {_text(decoded.shape[:2])}, the first frame is "
            f"{_text(like.size)} (rows x columns); resize the frames to one size"
        )
    if decoded.dtype != like.depth:
        raise DataError(
            f"mixed depths: {what} is {decoded.dtype}, the first frame is "
            f"{like.depth}; convert the frames to one depth"
        )
    frame = _with_channels(decoded, like.channels)
    if like.window is None:
        return frame
    assert not isinstance(like.window, windows.SequenceWindow), "settle it first"
    return windows.apply(like.window, frame)


def _is_grey(decoded: np.ndarray) -> bool:
    if decoded.ndim == 2 or decoded.shape[2] < 3:
        return True
    colour = decoded[..., :3].astype(np.float32)
    tolerance = GREY_TOLERANCE if decoded.dtype == np.uint8 else 0
    return bool(np.abs(colour - colour[..., :1]).max() <= tolerance)


def _with_channels(decoded: np.ndarray, channels: int) -> np.ndarray:
    if decoded.dtype == np.float64:
        decoded = decoded.astype(np.float32)
    if decoded.ndim == 2 or decoded.shape[2] < 3:
        grey = decoded if decoded.ndim == 2 else decoded[..., 0]
        return np.repeat(grey[..., None], channels, axis=2)
    if channels == 1:
        return cv2.cvtColor(decoded[..., :3], cv2.COLOR_BGR2GRAY)[..., None]
    return cv2.cvtColor(decoded[..., :3], cv2.COLOR_BGR2RGB)


def _text(size: tuple[int, ...]) -> str:
    return f"{size[0]}x{size[1]}"
