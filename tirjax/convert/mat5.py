"""MATLAB's .mat files of version 5 to 7, read with numpy alone.

A file is a row of elements: type, length, data. A matrix is an element made of others.
Every length is held to the bytes that are there, so a damaged or hostile file ends in
an error; compiled readers end the process on some.

Source: MathWorks, MAT-File Format, the chapter on level 5.
"""

import dataclasses
import math
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HEADER = 128
MATRIX, COMPRESSED = 14, 15
# Element types that hold numbers or characters, as they are on disk.
STORED = {
    **{1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"},
    **{12: "<i8", 13: "<u8", 16: "utf-8", 17: "utf-16-le", 18: "utf-32-le"},
}
CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
# Classes of numbers, as they are in MATLAB.
NUMBERS = {
    **{6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2"},
    **{11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"},
}
COMPLEX = 0x800


class Damaged(Exception):
    """A file contradicts itself or ends too early."""


@dataclasses.dataclass(frozen=True)
class Opaque:
    """Something that is not data: an object, a function handle."""

    what: str


class Head(NamedTuple):
    """What a matrix begins with, and the elements that follow."""

    kind: int
    flags: int
    shape: tuple[int, ...]
    name: str
    rest: "Elements"


class Elements:
    """A row of elements, read one by one."""

    def __init__(self, data: memoryview):
        self.data = data

    def take(self) -> tuple[int, memoryview]:
        """Type and data of the next element."""
        if len(self.data) < 8:
            raise Damaged("ends within an element")
        kind, size = struct.unpack("<II", self.data[:8])
        start, end = 8, 8 + size
        if kind >> 16:
            # Up to four bytes stand in the place of their length.
            kind, size = kind & 0xFFFF, kind >> 16
            start, end = 4, 4 + size
            if size > 4:
                raise Damaged("a short element of more than four bytes")
        if end > len(self.data):
            raise Damaged("an element longer than what holds it")
        # Compressed elements are the only ones that are not filled up to eight bytes.
        following = end if kind == COMPRESSED else -(-end // 8) * 8
        found, self.data = self.data[start:end], self.data[following:]
        return kind, found

    def matrix(self) -> "Elements":
        """Elements of the next one, which is a matrix."""
        kind, data = self.take()
        if kind != MATRIX:
            raise Damaged(f"element {kind} in the place of a matrix")
        return Elements(data)

    def array(self) -> np.ndarray:
        """Numbers of the next element, one-dimensional; codes of characters."""
        kind, data = self.take()
        if kind not in STORED:
            raise Damaged(f"element {kind} in the place of numbers")
        stored = STORED[kind]
        if stored.startswith("utf"):
            return np.array([ord(c) for c in str(data, stored)], np.uint32)
        return np.frombuffer(data, stored)

    def text(self) -> str:
        """The next element, as ASCII."""
        return self.array().astype(np.uint8).tobytes().decode("ascii", "replace")


def read(path: Path, wanted: set[str] | None) -> dict[str, Any]:
    """Variables of a file by name.

    Args:
      path: file that begins as such a file does.
      wanted: names, as far as there are any; None is all.

    Raises:
      Exception: of any kind, ``Damaged`` or what a broken number leads to.
    """
    content = path.read_bytes()
    if content[126:HEADER] != b"IM":
        raise Damaged("of a big-endian machine, or cut short")
    elements, variables = Elements(memoryview(content)[HEADER:]), {}
    while len(elements.data):
        kind, data = elements.take()
        if kind == COMPRESSED:
            kind, data = Elements(_inflated(data)).take()
        if kind != MATRIX:
            raise Damaged(f"element {kind} in the place of a variable")
        head = _head(Elements(data))
        # MATLAB keeps what belongs to objects in a matrix without a name.
        if head.name and (wanted is None or head.name in wanted):
            variables[head.name] = _value(head)
    return variables


def _inflated(data: memoryview) -> memoryview:
    """The element that was compressed, and no more than it says it has."""
    stream = zlib.decompressobj()
    tag = stream.decompress(data, 8)
    kind, size = struct.unpack("<II", tag)
    if kind >> 16:
        raise Damaged("a short element that is compressed")
    body = stream.decompress(stream.unconsumed_tail, size) if size else b""
    return memoryview(tag + body)


def _head(inside: Elements) -> Head:
    """Class, shape and name of a matrix."""
    if not len(inside.data):
        return Head(6, 0, (0, 0), "", inside)
    flags = int(inside.array()[0])
    kind = flags & 0xFF
    if kind == OPAQUE:
        return Head(kind, flags, (), inside.text(), inside)
    shape = tuple(int(n) for n in inside.array())
    if len(shape) < 2 or min(shape) < 0:
        raise Damaged(f"a matrix of shape {shape}")
    return Head(kind, flags, shape, inside.text(), inside)


def _value(head: Head) -> Any:
    """A matrix, in our few types."""
    inside, count = head.rest, math.prod(head.shape)
    if head.kind == OPAQUE:
        inside.text()  # the system of types it belongs to
        return Opaque(f"an object {inside.text()}")
    if head.kind == OBJECT:
        return Opaque(f"an object {inside.text()}")
    if head.kind in (FUNCTION, SPARSE):
        return Opaque(
            "a function handle" if head.kind == FUNCTION else "a sparse matrix"
        )
    if head.kind == CELL:
        return [_value(_head(inside.matrix())) for _ in range(count)]
    if head.kind == STRUCT:
        return _struct(inside, count)
    if head.kind != CHAR and head.kind not in NUMBERS:
        raise Damaged(f"a matrix of class {head.kind}")
    # An element of a cell array that was never set has no numbers.
    values = inside.array() if len(inside.data) or count else np.zeros(0)
    if head.kind == CHAR:
        rows = values.reshape(head.shape, order="F").ravel()
        return "".join(map(chr, rows.astype(np.uint32).tolist()))
    values = values.astype(NUMBERS[head.kind])
    if head.flags & COMPLEX:
        values = values + 1j * inside.array()
    return values.reshape(head.shape, order="F")


def _struct(inside: Elements, count: int) -> Any:
    """A struct, or a list of them where there is not exactly one."""
    width = int(inside.array()[0])
    names = bytes(inside.take()[1])
    if width < 1 or len(names) % width:
        raise Damaged("names of fields of impossible length")
    starts = range(0, len(names), width)
    fields = [names[i : i + width].partition(b"\0")[0].decode("ascii") for i in starts]
    # Elements without a field take no room, so that nothing else bounds their number.
    if count > 1 and not fields:
        raise Damaged(f"{count} structs without a field")
    read_one = lambda: {name: _value(_head(inside.matrix())) for name in fields}
    elements = [read_one() for _ in range(count)]
    return elements[0] if count == 1 else elements
