"""Files of ``torch.save`` read with numpy alone, without running anything in them.

Two containers: the zip archive (PyTorch 1.6 and later, ``ROOT/data.pkl`` beside
``ROOT/data/KEY``) and the older stream of pickles followed by the storages. Tensors
stay on disk until asked for, so an optimiser's costs nothing.
"""

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tirjax.convert.unpickle import Damaged, Storage, Unpickler
from tirjax.data.sequence import DataError

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Opens a file of ``torch.save``; its tensors can be read inside the ``with``.

    Args:
      path: checkpoint, zip archive or older stream.

    Yields:
      What was saved: containers and plain values as they are, ``Tensor`` for tensors
      and parameters, ``Placeholder`` for everything else.

    Raises:
      DataError: not such a file, damaged, or not readable without running it.
    """
    with path.open("rb") as file, contextlib.ExitStack() as stack:
        archive = file.read(4) == b"PK\x03\x04"
        file.seek(0)
        try:
            tree = _from_zip(file, stack) if archive else _from_stream(file)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        # A damaged or hostile pickle may fail in any way at all.
        except Exception as error:
            raise _damaged(path, error) from None
        try:
            yield tree
        except Damaged as error:
            raise _damaged(path, error) from None


def _from_zip(file: BinaryIO, stack: contextlib.ExitStack) -> Any:
    archive = stack.enter_context(zipfile.ZipFile(file))
    names = [n for n in archive.namelist() if n.endswith("/data.pkl")]
    if len(names) != 1:
        raise DataError("a zip archive but no PyTorch checkpoint; give the .pth file")
    root = names[0].removesuffix("data.pkl")
    order = f"{root}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise DataError("saved on a big-endian machine; save it again on another")

    def read(storage: Storage) -> bytes:
        with archive.open(f"{root}data/{storage.key}") as entry:
            entry.seek(storage.start * storage.itemsize)
            return entry.read(storage.numel * storage.itemsize)

    with archive.open(names[0]) as entry:
        return Unpickler(entry, read).load()


def _from_stream(file: BinaryIO) -> Any:
    places: dict[str, int] = {}

    def read(storage: Storage) -> bytes:
        file.seek(places[storage.key] + storage.start * storage.itemsize)
        return file.read(storage.numel * storage.itemsize)

    try:
        header = [Unpickler(file, read).load() for _ in range(2)]
    except Exception:
        header = []
    if header != [MAGIC, PROTOCOL]:
        raise DataError("not a PyTorch checkpoint; download it again")
    Unpickler(file, read).load()  # facts about the machine that saved it
    body = Unpickler(file, read)
    tree = body.load()
    for key in Unpickler(file, read).load():
        storage = body.storages[key]
        if int.from_bytes(file.read(8), "little") != storage.numel:
            raise Damaged(f"storage {key} has another size")
        places[key] = file.tell()
        file.seek(storage.numel * storage.itemsize, 1)
    if file.tell() > file.seek(0, 2):
        raise Damaged("the file ends within its numbers")
    return tree


def _damaged(path: Path, error: Exception) -> DataError:
    what = " ".join(f"{type(error).__name__} {error}".split())
    # A file must not be able to write to the terminal.
    what = ascii(what)[1:-1][:120].removeprefix("Damaged ")
    return DataError(
        f"{path}: damaged PyTorch checkpoint ({what}); download or copy it again"
    )
