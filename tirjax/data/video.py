"""Video files and live cameras as frames.

A container may announce a number of frames that is an estimate, and a seek may land
beside its frame. Both are verified here: the count at the end of the file, each seek
by the timestamp of the picture it gave. Where they fail, counting and decoding from the
start decide.
"""

import contextlib
import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from tirjax.data import pixels, windows
from tirjax.data.images import quiet
from tirjax.data.sequence import DataError

SUFFIXES = frozenset(
    {".avi", ".mp4", ".mkv", ".mov", ".m4v", ".webm", ".mpg", ".mpeg", ".ts", ".wmv"}
)


@dataclasses.dataclass(frozen=True)
class VideoFrames:
    """Pictures of a video file; holds no open file, so it pickles and threads.

    Attributes:
      path: the file.
      format: what each picture must be.
      start: number of the first picture within the file.
      stop: one more than the number of the last.
      clock: milliseconds ``(of picture 0, per picture)``; None where the timestamps are
        uneven, so that they cannot tell whether a seek was right.
    """

    path: Path
    format: pixels.PixelFormat
    start: int
    stop: int
    clock: tuple[float, float] | None

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: int) -> np.ndarray:
        number = range(self.start, self.stop)[index]
        return self._convert(decode_at(self.path, number, self.clock), number)

    def __iter__(self) -> Iterator[np.ndarray]:
        with capture(str(self.path)) as video:
            _skip(video, self.path, self.start)
            for number in range(self.start, self.stop):
                yield self._convert(_read(video, self.path, number), number)

    def _convert(self, decoded: np.ndarray, number: int) -> np.ndarray:
        return pixels.convert(decoded, self.format, f"frame {number} ({self.path})")


@dataclasses.dataclass(frozen=True)
class CameraFrames:
    """A live source: no length, no index; each iteration opens the device anew.

    Attributes:
      source: camera number or stream address.
      channels: as for ``open_frames``; decided on the first picture.
      window: applied to the pictures; one for the sequence comes from the first.
      start: pictures that are dropped first.
      stop: pictures taken in all, the dropped ones included; None is until it ends.
    """

    source: int | str
    channels: pixels.Channels = "auto"
    window: windows.Window | None = None
    start: int = 0
    stop: int | None = None

    def __len__(self) -> int:
        raise TypeError(f"camera {self.source} is live: it has no length; iterate")

    def __getitem__(self, index: int) -> np.ndarray:
        raise TypeError(f"camera {self.source} is live: it has no index; iterate")

    def __iter__(self) -> Iterator[np.ndarray]:
        name = f"camera {without_password(self.source)}"
        with capture(self.source) as camera:
            form = None
            for number in itertools.islice(itertools.count(), self.stop):
                arrived, decoded = camera.read()
                if not arrived:
                    break
                if form is None:
                    form = decide_live(decoded, self.channels, self.window, name)
                if number >= self.start:
                    yield pixels.convert(decoded, form, f"frame {number} ({name})")
        if form is None and self.stop != 0:
            raise DataError(
                f"{name} opens but gives no picture; check that no other program uses "
                "it"
            )


def without_password(source: int | str) -> str:
    """The source as text to show: an address without the user and the password."""
    return re.sub(r"(?<=://)[^/@]*@", "", str(source))


def decide_live(
    first: np.ndarray,
    channels: pixels.Channels,
    window: windows.Window | None,
    what: str,
) -> pixels.PixelFormat:
    """The format of a live source, which shows no more than its first picture.

    Args:
      first: the picture.
      channels: as for ``open_frames``.
      window: one for the sequence comes from the first picture.
      what: the source, for the error.
    """
    form = pixels.decide(first, channels, window)
    if isinstance(form.window, windows.SequenceWindow):
        fixed = windows.settle(form.window, [first], what)
        form = dataclasses.replace(form, window=fixed)
    return form


def open_video(
    path: Path,
    channels: pixels.Channels = "auto",
    window: windows.Window | None = None,
    start: int = 0,
    stop: int | None = None,
) -> VideoFrames:
    """Frames ``start`` to ``stop - 1`` of a video file.

    Raises:
      DataError: the file is missing, empty or no video, or it ends before the frames it
        announces and ``stop`` does not ask for fewer.
    """
    if not path.is_file():
        raise DataError(f"no such video: {path}; check the path")
    if not path.stat().st_size:
        raise DataError(f"{path} is empty (0 bytes); copy it again")
    total, clock = _measure(path, stop)
    end = total if stop is None else min(stop, total)
    if start >= end:
        raise DataError(
            f"no frames from {start} to {stop}: {path} has {total}; choose an earlier "
            "start"
        )
    form = pixels.decide(decode_at(path, start, clock), channels, window)
    if isinstance(form.window, windows.SequenceWindow):
        chosen = form.window.indices(total)
        samples = (decode_at(path, i, clock) for i in chosen)
        fixed = windows.settle(form.window, samples, str(path))
        form = dataclasses.replace(form, window=fixed)
    return VideoFrames(path, form, start, end, clock)


def decode_at(path: Path, number: int, clock: tuple[float, float] | None) -> np.ndarray:
    """Decodes picture ``number`` by seeking, or from the start if the seek is not sure.

    Raises:
      DataError: the file ends before it.
    """
    with capture(str(path)) as video:
        if clock and number and video.set(cv2.CAP_PROP_POS_FRAMES, number):
            arrived, decoded = video.read()
            if arrived and _is_picture(video, number, clock):
                return decoded
    with capture(str(path)) as video:
        _skip(video, path, number)
        return _read(video, path, number)


def _measure(path: Path, stop: int | None) -> tuple[int, tuple[float, float] | None]:
    """Verified number of pictures, and the clock if the timestamps are even."""
    with capture(str(path)) as video:
        announced = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        rate = video.get(cv2.CAP_PROP_FPS)
        _read(video, path, 0)
        first = video.get(cv2.CAP_PROP_POS_MSEC)
        clock = (first, 1000 / rate) if rate > 0 else None
        last = announced - 1
        if last > 0 and clock and video.set(cv2.CAP_PROP_POS_FRAMES, last):
            there = video.grab() and _is_picture(video, last, clock)
            if there and not video.grab():
                return announced, clock
    total = _count(path)
    # Some containers store a duration, not a count: near it, the pictures decide.
    if announced - total > max(2, announced // 100) and (stop is None or stop > total):
        raise DataError(
            f"{path} ends at frame {total}, its header announces {announced}; copy it "
            f"again, or use the readable part with stop={total}"
        )
    return total, None


def _is_picture(
    video: cv2.VideoCapture, number: int, clock: tuple[float, float]
) -> bool:
    """Whether the picture just decoded carries the timestamp of ``number``."""
    late = video.get(cv2.CAP_PROP_POS_MSEC) - clock[0] - number * clock[1]
    return abs(late) < clock[1] / 2


def _count(path: Path) -> int:
    """Number of pictures that decode, from the start."""
    with capture(str(path)) as video:
        return next(n for n in itertools.count() if not video.grab())


def _skip(video: cv2.VideoCapture, path: Path, number: int) -> None:
    for n in range(number):
        if not video.grab():
            raise _ended(path, n)


def _read(video: cv2.VideoCapture, path: Path, number: int) -> np.ndarray:
    arrived, decoded = video.read()
    if not arrived:
        raise _ended(path, number)
    return decoded


def _ended(path: Path, number: int) -> DataError:
    return DataError(
        f"{path}: frame {number} cannot be decoded; copy the file again or re-encode it"
    )


@contextlib.contextmanager
def capture(source: int | str, *settings) -> Iterator[cv2.VideoCapture]:
    """An open capture that is released at the end, whatever happens.

    Args:
      source: camera number, address or file.
      settings: what OpenCV takes after it: backend, list of properties.

    Raises:
      DataError: it does not open.
    """
    with quiet():
        opened = cv2.VideoCapture(source, *settings)
    try:
        if not opened.isOpened():
            raise _closed(source)
        yield opened
    finally:
        opened.release()


def _closed(source: int | str) -> DataError:
    if isinstance(source, int):
        remedy = "check that it is connected and that you may read its device"
        return DataError(f"camera {source} does not open; {remedy}")
    return DataError(
        f"{without_password(source)} does not open as a video; check the address or "
        "the file, or convert it with FFmpeg"
    )
