"""Pictures out of a byte stream: JPEGs one after another, or YUV4MPEG2.

What ``ffmpeg -f image2pipe -c:v mjpeg -`` and ``ffmpeg -f yuv4mpegpipe -`` write; the
first bytes tell which. A picture that is damaged comes out as None and costs no other.

Source: ITU-T T.81, Annex B (markers of a JPEG); yuv4mpeg(5) of mjpegtools.
"""

import os
import re
from collections.abc import Generator

import cv2
import numpy as np

from tirjax.data import DataError
from tirjax.data.images import quiet

BLOCK = 1 << 18  # bytes asked for at a time
LARGEST = 1 << 26  # bytes of a picture; what goes on for longer is none

_JPEG, _Y4M = b"\xff\xd8", b"YUV4MPEG2 "
_END, _SCAN = 0xD9, 0xDA
# In coded data 0xFF is followed by 0 or by the number of a restart.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_JPEG_BEGIN = re.compile(re.escape(_JPEG))
_Y4M_PART, _LINE = re.compile(rb"(?:FRAME|YUV4MPEG2)[ \n]"), re.compile(rb"\n")
# Columns and rows of luma to one of colour, by the begin of a Y4M colour space.
_CHROMA = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}


def pictures(file: int, name: str) -> Generator[np.ndarray | None]:
    """Pictures as OpenCV decodes them, until the stream ends; None is a damaged one.

    Args:
      file: descriptor to read from. No Python file: its lock would be held by the
        thread that waits for data while the program ends.
      name: of the stream, for errors.

    Raises:
      DataError: it is empty, or neither of the two formats.
    """
    stream = Stream(file)
    if stream.holds(len(_Y4M)) and stream.data.startswith(_Y4M):
        return _y4m(stream, name)
    if stream.data.startswith(_JPEG):
        return _jpegs(stream)
    raise DataError(
        f"{name} {'brings no video' if stream.data else 'is empty'}; send JPEGs "
        "(ffmpeg -i VIDEO -f image2pipe -c:v mjpeg -q:v 2 -) or YUV4MPEG2 (ffmpeg -i "
        "VIDEO -f yuv4mpegpipe -pix_fmt gray -strict -1 -)"
    )


class Stream:
    """Bytes of a pipe, of which as many are kept as are being looked at.

    Attributes:
      data: what has arrived and is not dropped yet.
    """

    def __init__(self, file: int):
        self._file = file
        self.data = bytearray()

    def holds(self, count: int) -> bool:
        """Waits until ``data`` has so many bytes; False if the stream ends before."""
        while len(self.data) < count:
            if not (block := os.read(self._file, BLOCK)):
                return False
            self.data += block
        return True

    def take(self, count: int) -> bytes:
        """The first bytes of ``data``, which drops them."""
        taken = bytes(self.data[:count])
        del self.data[:count]
        return taken

    def find(self, mark: re.Pattern, start: int = 0) -> int:
        """Where the mark, up to 16 bytes, is next; -1 if it never comes."""
        while (found := mark.search(self.data, start)) is None:
            start = max(start, len(self.data) - 16)
            if start > LARGEST or not self.holds(len(self.data) + 1):
                return -1
        return found.start()


def _jpegs(stream: Stream) -> Generator[np.ndarray | None]:
    while (at := stream.find(_JPEG_BEGIN)) >= 0:
        stream.take(at)
        length = _jpeg_length(stream)
        if length < 0:
            # The next picture may begin inside of what looked like this one.
            stream.take(len(_JPEG))
            yield None
            continue
        data = np.frombuffer(stream.take(length), np.uint8)
        with quiet():
            yield cv2.imdecode(data, cv2.IMREAD_UNCHANGED)


def _jpeg_length(stream: Stream) -> int:
    """Bytes of the JPEG that ``stream`` begins with; negative if it is not whole.

    Walks the segments, because one may hold a thumbnail, a JPEG with an end of its own.
    """
    at = len(_JPEG)
    # No byte past the end is waited for: it would come with the next picture.
    while at < LARGEST and stream.holds(at + 2):
        mark, kind = stream.data[at : at + 2]
        if mark != 0xFF or kind == _JPEG[1]:
            return -1
        if kind == _END:
            return at + 2
        if kind == 0xFF:  # padding
            at += 1
            continue
        if not stream.holds(at + 4):
            return -1
        at += 2 + int.from_bytes(stream.data[at + 2 : at + 4], "big")
        if kind == _SCAN and (at := stream.find(_MARKER, at)) < 0:
            return -1
    return -1


def _y4m(stream: Stream, name: str) -> Generator[np.ndarray | None]:
    layout, full = None, False
    while (at := stream.find(_Y4M_PART)) >= 0:
        if at:
            stream.take(at)
            yield None
        words = stream.take(stream.find(_LINE) + 1).decode("ascii", "replace").split()
        if words[:1] == ["YUV4MPEG2"]:
            layout, full = _layout(words[1:], name), "XCOLORRANGE=FULL" in words
            continue
        if layout is None or not words:
            return
        size = sum(int(np.prod(shape)) for shape in layout[0]) * layout[1].itemsize
        if not stream.holds(size):
            yield None
            return
        yield _picture(stream.take(size), *layout, full)


def _layout(words: list[str], name: str) -> tuple[list[tuple[int, int]], np.dtype]:
    """Shapes of the planes, and the type of what is in them.

    Raises:
      DataError: another colour space than 8-bit YUV or grey.
    """
    given = {word[0]: word[1:] for word in words}
    colour = given.get("C", "420")
    try:
        shape = int(given["H"]), int(given["W"])
        if colour.startswith("mono"):
            deep = int(colour.removeprefix("mono") or 8) > 8
            return [shape], np.dtype("<u2" if deep else "u1")
        columns, rows = _CHROMA[colour[:3]]
        if colour[3:] not in ("", "jpeg", "mpeg2", "paldv"):
            raise ValueError(colour)
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{name}: YUV4MPEG2 with {' '.join(words)} is not read; send -pix_fmt "
            "yuv420p, gray or gray16le"
        ) from error
    small = -(-shape[0] // rows), -(-shape[1] // columns)
    return [shape, small, small], np.dtype("u1")


def _picture(
    data: bytes, shapes: list[tuple[int, int]], kind: np.dtype, full: bool
) -> np.ndarray:
    """Grey, or blue green red."""
    planes, start = [], 0
    for shape in shapes:
        plane = np.frombuffer(data, kind, int(np.prod(shape)), start).reshape(shape)
        planes.append(plane)
        start += plane.nbytes
    if len(planes) == 1:
        return planes[0]
    luma, blue, red = (
        p if full else cv2.LUT(p, table) for p, table in zip(planes, _WIDE, strict=True)
    )
    size = luma.shape[1], luma.shape[0]
    blue, red = (cv2.resize(p, size) for p in (blue, red))
    return cv2.cvtColor(cv2.merge([luma, red, blue]), cv2.COLOR_YCrCb2BGR)


def _wide(low: int, middle: int, span: int) -> np.ndarray:
    """The table from video levels to all of 0..255."""
    levels = (np.arange(256) - low) * (255 / span) + middle
    return levels.round().clip(0, 255).astype(np.uint8)


_WIDE = _wide(16, 0, 219), _wide(128, 128, 224), _wide(128, 128, 224)
