"""Pickles of PyTorch read as data.

A pickle is a program: loading one the ordinary way imports and calls whatever it names.
Here a name means one of the few in this file or an inert placeholder that keeps what it
is given; nothing is ever imported.
"""

import collections
import dataclasses
import math
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

BFLOAT16 = "bfloat16"  # numpy has none: read as the upper half of a float32
STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}


class Damaged(Exception):
    """A file contradicts itself or ends too early."""


class Placeholder:
    """Stands for an object of any other class: keeps its arguments and its state."""

    args: tuple = ()
    state: Any = None

    def __new__(cls, *args, **_):
        self = super().__new__(cls)
        self.args = args
        return self

    def __init__(self, *_, **__): ...

    def __setitem__(self, key, value): ...

    def append(self, value):
        """Takes an element as a list would, and forgets it."""

    def extend(self, values):
        """Takes elements as a list would, and forgets them."""


@dataclasses.dataclass(frozen=True)
class StorageType:
    """A class of storages, by what numpy calls its elements."""

    dtype: str


@dataclasses.dataclass(frozen=True)
class Storage:
    """Numbers on disk: ``numel`` of ``dtype``, ``start`` elements into ``key``."""

    dtype: str
    key: str
    start: int
    numel: int
    read: Callable[["Storage"], bytes]

    @property
    def itemsize(self) -> int:
        """Bytes an element takes in the file."""
        return 2 if self.dtype == BFLOAT16 else np.dtype(self.dtype).itemsize

    def numpy(self) -> np.ndarray:
        """Reads it, one-dimensional."""
        try:
            raw = self.read(self)
            if self.dtype == BFLOAT16:
                upper = np.frombuffer(raw, "<u2").astype(np.uint32)
                flat = (upper << 16).view(np.float32)
            else:
                flat = np.frombuffer(raw, self.dtype)
        # What a broken archive raises depends on where it is broken.
        except Exception as error:
            raise Damaged(f"storage {self.key}: {error}") from None
        if len(flat) != self.numel:
            raise Damaged(f"storage {self.key} is too short")
        return flat


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A view of a storage; offset and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self):
        """Holds the view to its storage: numpy would read beyond it."""
        if not isinstance(self.storage, Storage):
            raise Damaged("a tensor without a storage")
        if not _naturals((self.offset, *self.shape, *self.strides)):
            raise Damaged("a tensor of impossible size")
        if len(self.shape) != len(self.strides):
            raise Damaged("a tensor with more sizes than strides")
        count = math.prod(self.shape)
        steps = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((n - 1) * step for n, step in steps)
        room = self.storage.numel
        if count > room or self.offset > room or (count and last >= room):
            raise Damaged("a tensor larger than its storage")

    def numpy(self) -> np.ndarray:
        """Reads the numbers.

        Raises:
          Damaged: they are not in the file.
        """
        flat = self.storage.numpy()[self.offset :]
        steps = [step * flat.itemsize for step in self.strides]
        return np.array(np.lib.stride_tricks.as_strided(flat, self.shape, steps))


class Unpickler(pickle._Unpickler):
    """The machine of pickles with its one door to code, names, closed.

    The Python implementation, because the C one reserves memory for any index of its
    memo that a file cares to mention.

    Args:
      file: open binary file, at the start of a pickle.
      read: gives the bytes of a storage.
    """

    stack: list

    def __init__(self, file: Any, read: Callable[[Storage], bytes]):
        super().__init__(file, encoding="utf-8", errors="replace")
        self.read_storage = read
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name means here; no module is looked at."""
        if (module, name) in KNOWN:
            return _Known(KNOWN[module, name])
        if module in ("torch", "torch.cuda", "torch.storage") and name in STORAGES:
            return StorageType(STORAGES[name])
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        return type("Placeholder", (Placeholder,), {})

    def get_extension(self, code: int):
        """Names by number, from a registry that PyTorch does not use."""
        raise Damaged(f"extension {code}")

    def persistent_load(self, pid: Any) -> Any:
        """The storage that a tensor points to."""
        kind, what, key, _, numel, *view = pid
        if kind != "storage" or not isinstance(what, StorageType):
            return Placeholder(pid)
        root = Storage(what.dtype, str(key), 0, numel, self.read_storage)
        self.storages[root.key] = root
        start, numel = view[0][1:] if view and view[0] else (0, numel)
        if not _naturals((root.numel, start, numel)) or start + numel > root.numel:
            raise Damaged("a storage of impossible size")
        return dataclasses.replace(root, start=start, numel=numel)

    def load_build(self) -> None:
        """Gives an object its state: only placeholders have one to be set."""
        state = self.stack.pop()
        if isinstance(self.stack[-1], Placeholder):
            self.stack[-1].state = state

    dispatch: ClassVar[dict] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: load_build,
    }


class _Known:
    """A function of ours that a pickle may call but cannot change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable):
        self._function = function

    def __call__(self, *args):
        return self._function(*args)


def _tensor(storage, offset, size, stride, *_) -> Tensor:
    return Tensor(storage, offset, tuple(size), tuple(stride))


def _parameter(data, *_):
    return data


def _size(values=()) -> tuple:
    return tuple(values)


KNOWN = {
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    ("torch", "Size"): _size,
} | {
    (module, kind.__name__): kind
    for module in ("builtins", "__builtin__")
    for kind in (dict, list, tuple, set, frozenset)
}


def _naturals(values) -> bool:
    return all(type(v) is int and v >= 0 for v in values)
