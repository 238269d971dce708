"""Files as MATLAB writes them, as far as scipy cannot."""

import struct

import numpy as np
import pytest


def rows(*dicts):
    """A struct array, one element a dictionary."""
    names = list(dicts[0])
    array = np.empty((1, len(dicts)), [(name, object) for name in names])
    for i, entry in enumerate(dicts):
        array[0, i] = tuple(entry[name] for name in names)
    return array


def cell(*items):
    array = np.empty((1, len(items)), object)
    array[0] = items
    return array


def element(kind, data):
    """One element of a version 5 file: type, length, data to eight bytes."""
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(kind, *parts):
    """An array of a class; opaque ones have neither shape nor name of their own."""
    return element(14, element(6, struct.pack("<II", kind, 0)) + b"".join(parts))


def named(kind, name, *parts):
    shape = element(5, struct.pack("<ii", 1, 1))
    return matrix(kind, shape, element(1, name), *parts)


def by_hand(path, *elements):
    """A version 5 file of what scipy cannot write."""
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    path.write_bytes(header + b"".join(elements))
    return path


NUMBER = element(6, struct.pack("<I", 7))
OBJECT_OF_A_CLASS = matrix(
    17,
    element(1, b"net"),
    element(1, b"MCOS"),
    element(1, b"dagnn.DagNN"),
    named(13, b"", NUMBER),
)
HANDLE = named(16, b"loss", named(13, b"", NUMBER))


class Hdf5:
    """Writes as MATLAB does with -v7.3: axes reversed, and references."""

    def __init__(self, path):
        self.h5py = pytest.importorskip("h5py")
        self.path = path

    def save(self, tree):
        with self.h5py.File(self.path, "w", userblock_size=512) as file:
            self.file = file
            for name, value in tree.items():
                self.put(file, name, value)
        with self.path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
        return self.path

    def put(self, group, name, value):
        if isinstance(value, dict):
            node = group.create_group(name)
            kind = "struct"
            for key, item in value.items():
                self.put(node, key, item)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            node, kind = group.create_group(name), "struct"
            for key in value[0]:
                column = node.create_dataset(key, (len(value), 1), self.h5py.ref_dtype)
                column[:, 0] = [self.refer(entry[key]) for entry in value]
        elif isinstance(value, list):
            node = group.create_dataset(name, (len(value), 1), self.h5py.ref_dtype)
            node[:, 0] = [self.refer(item) for item in value]
            kind = "cell"
        elif isinstance(value, str):
            codes = np.frombuffer(value.encode("utf-16-le"), np.uint16)
            node, kind = group.create_dataset(name, data=codes[:, None]), "char"
        else:
            array = np.atleast_2d(value)
            kind = {"f4": "single", "f8": "double"}[array.dtype.str[1:]]
            node = group.create_dataset(name, data=array.T)
        node.attrs["MATLAB_class"] = np.bytes_(kind)

    def refer(self, value):
        refs = self.file.require_group("#refs#")
        name = f"r{len(refs)}_{id(value)}"
        self.put(refs, name, value)
        return refs[name].ref
