"""One way in for pictures: folder, video file, camera or stream."""

import re
from pathlib import Path

from tirjax.data import images, pixels, video, windows
from tirjax.data.sequence import DataError, Frames

# Where benchmarks keep the pictures of a sequence, thermal before visible.
IMAGE_FOLDERS = ("img", "imgs", "ir", "infrared", "color")


def open_frames(
    source: str | Path | int,
    *,
    channels: pixels.Channels = "auto",
    window: windows.Window | None = None,
    start: int = 0,
    stop: int | None = None,
) -> Frames:
    """Opens frames, decoded one at a time in constant memory.

    Args:
      source: folder of pictures (or with a folder ``img`` of them), one picture, video
        file, camera number, or address of a stream (``rtsp://...``).
      channels: 1 or 3; ``'auto'`` decides on the first frame: 1 for one channel or
        three (nearly) equal ones, else 3 (red, green, blue).
      window: how counts become 0..255. None leaves 8-bit frames untouched, uint8, and
        gives deeper ones one window for the sequence.
      start: first frame, zero-based.
      stop: one after the last frame; None is the end.

    Returns:
      ``ImageFrames``, ``VideoFrames``, or ``CameraFrames`` for a live source.

    Raises:
      DataError: nothing there can be read; says what was expected.
    """
    if start < 0 or (stop is not None and stop < 0):
        raise DataError(f"frames {start} to {stop}: count from 0, not from the end")
    if isinstance(source, str):
        source = camera_or_path(source)
    if isinstance(source, Path):
        return open_recording(source, channels, window, start, stop)
    return video.CameraFrames(source, channels, window, start, stop)


def open_recording(
    path: Path,
    channels: pixels.Channels = "auto",
    window: windows.Window | None = None,
    start: int = 0,
    stop: int | None = None,
) -> images.ImageFrames | video.VideoFrames:
    """``open_frames`` of a file or folder, which has a length and a format."""
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; check the path")
    if path.is_dir():
        return images.open_images(image_folder(path), channels, window, start, stop)
    if path.suffix.lower() in images.SUFFIXES:
        return images.open_images((path,), channels, window, start, stop)
    return video.open_video(path, channels, window, start, stop)


def image_folder(path: Path) -> tuple[Path, ...]:
    """Pictures of a sequence's folder: its own, or those in ``img`` and the like.

    Raises:
      DataError: there are none.
    """
    for folder in (path, *(path / name for name in IMAGE_FOLDERS)):
        if folder.is_dir() and (found := images.list_images(folder)):
            return found
    raise DataError(
        f"no pictures in {path}: expected {' '.join(sorted(images.SUFFIXES))} there or "
        f"in a folder {', '.join(IMAGE_FOLDERS)}"
    )


def camera_or_path(text: str) -> int | str | Path:
    """Camera number for digits that name no file, stream address, or path."""
    if re.match(r"[a-z0-9+]{2,}://", text):
        return text
    path = Path(text)
    return int(text) if text.isdecimal() and not path.exists() else path
