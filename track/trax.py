"""TraX, the line protocol between a tracker and the VOT toolkit, on text streams.

A message is ``@@TRAX:TYPE "argument" ... "key=value" ...`` on a line of its own; other
lines mean nothing. In version 4 ``initialize`` brings the region, or none to forget the
target before, and the ``frame`` after it the image; only frames are answered, each by a
``state``.

Source: Cehovin, TraX: The visual Tracking eXchange Protocol and Library,
Neurocomputing 2017, and a recorded dialogue with vot-toolkit 0.7.4.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np

from tirjax.data import DataError
from tirjax.data.annotations import polygon_box

PREFIX = "@@TRAX:"
VERSION = 4
CHANNELS = ("ir", "color")

_ARGUMENT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PROPERTY = re.compile(r"([A-Za-z0-9._-]+)=(.*)", re.DOTALL)
_FILE = "file://"


class Message(NamedTuple):
    """What one side says.

    Attributes:
      type: ``'hello'``, ``'initialize'``, ``'frame'``, ``'state'`` or ``'quit'``.
      arguments: regions or images.
      properties: by name.
    """

    type: str
    arguments: tuple[str, ...] = ()
    properties: Mapping[str, str] = MappingProxyType({})


def parse(line: str) -> Message | None:
    """The message of a line; None if it is none."""
    if not line.startswith(PREFIX):
        return None
    kind, _, rest = line[len(PREFIX) :].strip().partition(" ")
    arguments, properties = [], {}
    for quoted in _ARGUMENT.findall(rest):
        text = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], quoted)
        if found := _PROPERTY.fullmatch(text):
            properties[found[1]] = found[2]
        else:
            arguments.append(text)
    return Message(kind, tuple(arguments), properties)


def compose(message: Message) -> str:
    """The line of a message, without its end."""
    pairs = (f"{key}={value}" for key, value in message.properties.items())
    quoted = (f'"{_escape(text)}"' for text in (*message.arguments, *pairs))
    return " ".join([PREFIX + message.type, *quoted])


def hello(name: str, channel: str) -> Message:
    """What a tracker of rectangles in files says first."""
    return Message(
        "hello",
        properties={
            "trax.version": str(VERSION),
            "trax.name": name,
            "trax.identifier": name,
            "trax.image": "path;",
            "trax.region": "rectangle;",
            "trax.channels": f"{channel};",
        },
    )


def messages(lines: Iterable[str]) -> Iterator[Message]:
    """Messages in order, until ``quit`` or the end of the stream."""
    for line in lines:
        message = parse(line)
        if message is None:
            continue
        if message.type == "quit":
            return
        yield message


def read_region(text: str) -> np.ndarray:
    """Box ``[4]`` around a rectangle or polygon, in the toolkit's numbering.

    Raises:
      DataError: it is neither.
    """
    try:
        numbers = np.array([float(word) for word in text.split(",")])
    except ValueError:
        numbers = np.zeros(0)
    if len(numbers) == 4:
        return numbers
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        return polygon_box(numbers.reshape(-1, 2))
    raise DataError(f"TraX region {text[:60]!r}; expected x,y,w,h or a polygon")


def write_region(box: np.ndarray) -> str:
    """The rectangle of a box, four decimals."""
    return ",".join(f"{value:.4f}" for value in box)


def read_path(text: str) -> Path:
    """The file of an image.

    Raises:
      DataError: the image is no file.
    """
    if not text.startswith(_FILE):
        raise DataError(f"TraX image {text[:60]!r}; expected {_FILE}/...")
    plain = Path(text.removeprefix(_FILE))
    return plain if plain.exists() else Path(unquote(text.removeprefix(_FILE)))


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
