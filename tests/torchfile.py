"""Files as ``torch.save`` writes them, made without PyTorch.

PyTorch's classes are played by stand-ins under their module names while a file is being
written; no trace of them is left when it is read.
"""

import collections
import contextlib
import io
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
TYPES = {
    "<f4": "FloatStorage",
    "<f8": "DoubleStorage",
    "<f2": "HalfStorage",
    "<i8": "LongStorage",
}


def _global(module: str, name: str, kind=type):
    """A class or function that pickles as ``module.name``."""
    thing = type(name, (), {}) if kind is type else lambda *args: args
    thing.__module__, thing.__name__, thing.__qualname__ = module, name, name
    return thing


STORAGES = {dtype: _global("torch", name) for dtype, name in TYPES.items()}
BFLOAT16 = _global("torch", "BFloat16Storage")
REBUILD = _global("torch._utils", "_rebuild_tensor_v2", kind=None)
PARAMETER = _global("torch._utils", "_rebuild_parameter", kind=None)


class Storage:
    """Numbers in the file, shared by the tensors that hold the same one."""

    def __init__(self, values, kind=None):
        self.values = np.ascontiguousarray(values).ravel()
        self.kind = kind or STORAGES[self.values.dtype.newbyteorder("<").str]


class Tensor:
    """A tensor to be written; by default the whole of a storage of its own."""

    def __init__(self, values, storage=None, offset=0, strides=None):
        values = np.asarray(values)
        self.storage = storage or Storage(values)
        self.shape, self.offset = values.shape, offset
        c_order = np.zeros(values.shape, np.int8).strides
        self.strides = c_order if strides is None else strides

    def __reduce__(self):
        hooks = collections.OrderedDict()
        view = (self.storage, self.offset, self.shape, self.strides, False, hooks)
        return REBUILD, view


class Parameter:
    """A tensor wrapped as a parameter."""

    def __init__(self, values):
        self.tensor = Tensor(values)

    def __reduce__(self):
        return PARAMETER, (self.tensor, True, collections.OrderedDict())


def instance(module: str, name: str, **state):
    """An object of a class that nobody who reads the file can import."""
    thing = _global(module, name)()
    thing.__dict__.update(state)
    return thing


def tensors(state_dict) -> collections.OrderedDict:
    """A state dict of arrays as one of tensors."""
    return collections.OrderedDict((k, Tensor(v)) for k, v in state_dict.items())


class _Pickler(pickle.Pickler):
    def __init__(self, file, view: tuple):
        super().__init__(file, protocol=2)
        self.storages, self.view = [], view

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        if obj not in self.storages:
            self.storages.append(obj)
        key = str(self.storages.index(obj))
        return ("storage", obj.kind, key, "cuda:0", len(obj.values), *self.view)

    def reducer_override(self, obj):
        """Makes the module of a made-up class exist for as long as it takes."""
        kind = obj if isinstance(obj, type | types.FunctionType) else type(obj)
        parts = kind.__module__.split(".")
        if parts[0] in ("torch", "ltr", "dlframework"):
            names = [".".join(parts[: n + 1]) for n in range(len(parts))]
            for name in names:
                sys.modules.setdefault(name, types.ModuleType(name))
            setattr(sys.modules[names[-1]], kind.__name__, kind)
        return NotImplemented


@contextlib.contextmanager
def _modules_restored():
    before = dict(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]
        sys.modules.update(before)


def _pickled(tree, view=()) -> tuple[bytes, list[Storage]]:
    with _modules_restored(), io.BytesIO() as file:
        for parent in ("torch", "torch._utils"):
            sys.modules[parent] = types.ModuleType(parent)
        pickler = _Pickler(file, view)
        pickler.dump(tree)
        return file.getvalue(), pickler.storages


def save_zip(path: Path, tree) -> Path:
    """Writes the archive of PyTorch 1.6 and later."""
    body, storages = _pickled(tree)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", body)
        archive.writestr("archive/byteorder", "little")
        for key, storage in enumerate(storages):
            archive.writestr(f"archive/data/{key}", storage.values.tobytes())
        archive.writestr("archive/version", "3\n")
    return path


def save_stream(path: Path, tree) -> Path:
    """Writes the stream of PyTorch before 1.6."""
    body, storages = _pickled(tree, view=(None,))
    with path.open("wb") as file:
        for head in (MAGIC, PROTOCOL, {"little_endian": True}):
            pickle.dump(head, file, protocol=2)
        file.write(body)
        pickle.dump([str(key) for key in range(len(storages))], file, protocol=2)
        for storage in storages:
            file.write(struct.pack("<q", len(storage.values)))
            file.write(storage.values.tobytes())
    return path
