"""MATLAB's .mat files read as plain data, both the older kind and 7.3.

A matrix becomes an array with MATLAB's axes, at least two-dimensional; a text a
``str``; a struct a ``dict``; a cell or struct array a list in MATLAB's order (columns
first). Objects and function handles are not interpreted: an ``Opaque`` says what stood
there. Version 5 is read by ``mat5``, 7.3 by the HDF5 library.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tirjax.convert import mat5
from tirjax.convert.mat5 import Opaque
from tirjax.data.sequence import DataError

MAGIC, HDF5 = b"MATLAB ", b"\x89HDF\r\n\x1a\n"
NUMERIC = {"double", "single", "logical"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def is_mat(path: Path) -> bool:
    """Whether a file begins as a .mat file does."""
    with path.open("rb") as file:
        start = file.read(8)
    return start.startswith(MAGIC) or start == HDF5


def read(path: Path, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Reads the variables of a file; nothing in it is run.

    Args:
      path: .mat file of version 5 to 7.3; 7.3 needs h5py.
      names: variables wanted, as far as there are any; all by default.

    Raises:
      DataError: no .mat file, a damaged one, or h5py is missing.
    """
    wanted = None if names is None else set(names)
    if not is_mat(path):
        raise DataError(f"{path}: not a .mat file; save it in MATLAB with `save`")
    try:
        if _is_hdf5(path):
            return _read_hdf5(path, wanted)
        return mat5.read(path, wanted)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    # What a broken or hostile file raises depends on where it is broken.
    except Exception as error:
        what = ascii(" ".join(f"{type(error).__name__} {error}".split()))[1:-1][:120]
        raise DataError(
            f"{path}: damaged .mat file ({what}); download or copy it again"
        ) from None


def _is_hdf5(path: Path) -> bool:
    """A 7.3 file is HDF5 behind 512 bytes of MATLAB's."""
    with path.open("rb") as file:
        first = file.read(8)
        file.seek(512)
        return HDF5 in (first, file.read(8))


def _read_hdf5(path: Path, wanted: set[str] | None) -> dict[str, Any]:
    try:
        import h5py  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        raise DataError(
            "a MATLAB 7.3 file, which needs h5py: pip install 'tirjax[mat]', "
            "or save it in MATLAB with -v7"
        ) from None
    with h5py.File(path, "r") as file:
        names = [str(k) for k in file if not str(k).startswith("#")]
        names = [k for k in names if wanted is None or k in wanted]
        return {k: _member(h5py, file, k) for k in names}


def _member(h5py: Any, group: Any, name: str) -> Any:
    """The member of a group; one that lies in another file is not followed."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise DataError(f"{name!a} is a link, which MATLAB does not write")
    return _node(h5py, group[name])


def _node(h5py: Any, node: Any) -> Any:
    """A group or data set of HDF5, in our few types."""
    kind = node.attrs.get("MATLAB_class", b"")
    kind = kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)
    if "MATLAB_object_decode" in node.attrs or kind == "function_handle":
        return Opaque(
            "a function handle" if "function" in kind else f"an object {kind}"
        )
    if isinstance(node, h5py.Group):
        if "MATLAB_sparse" in node.attrs:
            return Opaque("a sparse matrix")
        fields = {name: _member(h5py, node, name) for name in node}
        columns = [node[name] for name in node if _is_column(h5py, node[name])]
        return _elements(fields) if fields and len(columns) == len(fields) else fields
    if node.external or node.is_virtual:
        raise DataError("holds numbers of another file, which MATLAB does not write")
    if node.attrs.get("MATLAB_empty", 0):
        shape = tuple(int(n) for n in node[()].ravel())
        return {"char": "", "cell": [], "struct": []}.get(kind, np.zeros(shape))
    if node.dtype == h5py.ref_dtype:
        # Axes are reversed on disk, so that C order there is MATLAB's order.
        return [_node(h5py, node.file[item]) for item in node[()].ravel()]
    if kind == "char":
        return "".join(map(chr, node[()].T.ravel()))
    return node[()].T if kind in NUMERIC else Opaque(f"a {kind or 'data set'}")


def _is_column(h5py: Any, node: Any) -> bool:
    """Whether a field is that of a struct array: references without a class."""
    if not isinstance(node, h5py.Dataset) or "MATLAB_class" in node.attrs:
        return False
    return node.dtype == h5py.ref_dtype


def _elements(fields: dict[str, list]) -> list[dict[str, Any]]:
    """A struct array kept as one array a field, as one dictionary an element."""
    rows = zip(*fields.values(), strict=True)
    return [dict(zip(fields, row, strict=True)) for row in rows]
