"""A folder of pictures as frames."""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tirjax.data import pixels, windows
from tirjax.data.sequence import DataError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})

# OpenCV reads this once, at the first video of the process, whoever opens it; FFmpeg
# would report each damaged block on stderr. A setting of the user's stays.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG"
_JPEG_SCAN, _JPEG_END, _PNG_END = b"\xff\xda", b"\xff\xd9", b"IEND"


@dataclasses.dataclass(frozen=True)
class ImageFrames:
    """Pictures of one size, decoded when asked for.

    Attributes:
      paths: the files, in order.
      format: what each of them must be.
      start: number of files in the recording before the first of ``paths``.
    """

    paths: tuple[Path, ...]
    format: pixels.PixelFormat
    start: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        index = range(len(self.paths))[index]
        path, number = self.paths[index], self.start + index
        decoded = read_image(path, number)
        return pixels.convert(decoded, self.format, f"frame {number} ({path})")

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self.paths)))


def open_images(
    paths: tuple[Path, ...],
    channels: pixels.Channels = "auto",
    window: windows.Window | None = None,
    start: int = 0,
    stop: int | None = None,
) -> ImageFrames:
    """Frames ``start`` to ``stop - 1`` of ``paths``; the format is that of the first.

    A sequence window looks at the whole recording, so that every part of it comes out
    equally bright.

    Raises:
      DataError: the part is empty, or a file that must be looked at is unreadable.
    """
    part = paths[start:stop]
    if not part:
        raise DataError(
            f"no frames from {start} to {stop}: {paths[0].parent} has {len(paths)}; "
            "choose an earlier start"
        )
    form = pixels.decide(read_image(part[0], start), channels, window)
    if isinstance(form.window, windows.SequenceWindow):
        chosen = form.window.indices(len(paths))
        samples = (read_image(paths[i], i) for i in chosen)
        fixed = windows.settle(form.window, samples, str(paths[0].parent))
        form = dataclasses.replace(form, window=fixed)
    return ImageFrames(part, form, start)


def list_images(folder: Path) -> tuple[Path, ...]:
    """Picture files directly in ``folder``, naturally sorted: ``f2`` before ``f10``."""
    files = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    return tuple(sorted((p for p in files if p.name[0] != "."), key=natural_key))


def natural_key(path: Path) -> tuple:
    """Sorting key that compares runs of digits by value, then the plain name."""
    parts = re.split(r"([0-9]+)", path.name)
    return tuple(int(p) if i % 2 else p for i, p in enumerate(parts)), path.name


def read_image(path: Path, index: int) -> np.ndarray:
    """Decodes one file as it is: grey or blue-green-red, 8 bits or deeper.

    Args:
      path: the file; its content decides its type, not its name.
      index: number of the frame, for the error.

    Raises:
      DataError: missing, empty, cut off (also where the decoder would fill up with
        grey), or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"frame {index}: cannot read {path} ({error.strerror}); restore the file"
        ) from error
    if not data:
        raise DataError(f"frame {index}: {path} is empty (0 bytes); copy it again")
    if _is_cut_off(data):
        raise DataError(
            f"frame {index}: {path} is truncated ({len(data)} bytes, no end marker); "
            "copy or download it again"
        )
    with quiet():
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise DataError(
            f"frame {index}: {path} cannot be decoded as a picture; copy it again or "
            "convert it to PNG"
        )
    return decoded


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps OpenCV from writing to stderr what our errors say better."""
    # OpenCV 5 moved these two functions.
    log: Any = getattr(cv2.utils, "logging", cv2)
    before = log.getLogLevel()
    log.setLogLevel(0)
    try:
        yield
    finally:
        log.setLogLevel(before)


def _is_cut_off(data: bytes) -> bool:
    if data.startswith(_JPEG):
        # An embedded thumbnail ends before the scan of the picture itself begins.
        return data.rfind(_JPEG_END) <= data.rfind(_JPEG_SCAN)
    return data.startswith(_PNG) and _PNG_END not in data
