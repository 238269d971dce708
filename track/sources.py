"""Live sources by their names: cameras, addresses, pipes, standard input."""

import os
import stat
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np

from tirjax.data import DataError
from tirjax.data.frames import camera_or_path
from tirjax.data.images import quiet
from tirjax.data.video import capture, without_password

from . import pipes

Latency = Literal["drop", "queue"]

RECONNECT = 30.0  # seconds, of cameras and addresses
TIMEOUT = 5000  # milliseconds that an address may take to open or to send


class Source(NamedTuple):
    """Where pictures come from.

    Attributes:
      name: for captions and errors.
      open: begins to read. Pictures as OpenCV decodes them, None for a damaged one;
        returning is the end, a ``DataError`` or ``OSError`` the loss of the source.
      latency: what becomes of pictures that nobody waits for, by default.
      reconnect: seconds that a lost source is tried for, by default; 0 is not at all.
    """

    name: str
    open: Callable[[], Generator[np.ndarray | None]]
    latency: Latency
    reconnect: float


def find(text: str) -> Source | None:
    """The live source of this name; None for a file or folder.

    Raises:
      DataError: standard input is asked for and is a keyboard.
    """
    if text == "-":
        if sys.stdin is not None and sys.stdin.isatty():
            raise DataError("- is standard input; pipe a video into it")
        name = "standard input"
        return Source(name, lambda: pipes.pictures(0, name), "queue", 0.0)
    place = camera_or_path(text)
    if not isinstance(place, Path):
        name = f"camera {place}" if isinstance(place, int) else without_password(place)
        return Source(name, lambda: _captured(place, name), "drop", RECONNECT)
    mode = place.stat().st_mode if place.exists() else 0
    if stat.S_ISFIFO(mode):
        return Source(text, lambda: _piped(text), "queue", 0.0)
    if stat.S_ISCHR(mode):
        return Source(text, lambda: _captured(text, text), "drop", RECONNECT)
    return None


def _piped(path: str) -> Generator[np.ndarray | None]:
    """Pictures of a named pipe, which opens when somebody writes to it."""
    file = os.open(path, os.O_RDONLY)
    try:
        yield from pipes.pictures(file, path)
    finally:
        os.close(file)


def _captured(place: int | str, name: str) -> Generator[np.ndarray | None]:
    """Pictures of a camera or an address.

    Raises:
      DataError: it does not open, or sends no more.
    """
    settings = ()
    if isinstance(place, str) and "://" in place:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT]
        limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT]
        settings = cv2.CAP_FFMPEG, limits
    # OpenCV warns of what has timed out while it reads, too.
    with capture(place, *settings) as camera, quiet():
        # A recording behind an address has an end; a live one announces none.
        total, count = camera.get(cv2.CAP_PROP_FRAME_COUNT), 0
        while True:
            arrived, picture = camera.read()
            if not arrived:
                break
            count += 1
            yield picture
        if not 0 < total <= count:
            raise DataError(f"{name} sends no more pictures")
