"""What one start of a program leaves to the next, beside the compiled programs.

To trace a network in Python takes longer than to read its compiled program, and the
trace is the same every time. So it is kept, under a digest of all that it was made of:
what it was asked for with, the files of the library, versions of what that is built on,
settings of JAX. Code that is changed while it runs is not seen. Without a cache folder
nothing is kept.
"""

import functools
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from jax import export

import tirjax
from tirjax.data.writing import write_file

log = logging.getLogger(__name__)

_FOLDER = "traced"
_SIZE = hashlib.sha256().digest_size
_PACKAGES = Path(tirjax.__file__).parent, Path(__file__).parent
_LIBRARIES = ("jax", "jaxlib", "flax", "numpy", "optax")


def remembered(key: str, make: Callable[[], bytes]) -> bytes:
    """What ``make`` returned when it was first asked for with this key.

    Args:
      key: everything that the bytes depend on, but for code, versions and settings.
      make: makes them: the first time, and where what was kept is damaged.
    """
    folder = _folder()
    if folder is None:
        return make()
    whole = "\n".join((_code(), _settings(), key))
    path = folder / hashlib.sha256(whole.encode()).hexdigest()
    found = _read(path)
    if found is None:
        found = make()
        _write(path, found)
    return found


def lowered(key: str, function: Callable, arguments: tuple, donate: tuple[int, ...]):
    """``jax.jit(function).lower(*arguments)``, traced only if no earlier start did.

    Args:
      key: tells ``function`` from others; empty if nothing does.
      function: of pytrees of arrays and our named tuples.
      arguments: arrays or their shapes.
      donate: positions of arguments that are given away.
    """
    plain = lambda f: jax.jit(f, donate_argnums=donate).lower(*arguments)
    if not key or _folder() is None:
        return plain(function)
    whole = "\n".join((key, jax.default_backend(), *_signature(arguments)))
    trace = lambda: bytes(export.export(jax.jit(function))(*arguments).serialize())
    try:
        _register()
        exported = export.deserialize(bytearray(remembered(whole, trace)))
    # Without flatbuffers, or of what cannot be exported.
    except (ImportError, ValueError, NotImplementedError) as error:
        log.debug("traced anew on every start: %s", error)
        return plain(function)
    return plain(exported.call)


def _signature(arguments: tuple) -> Iterator[str]:
    """Structure, shapes and types."""
    leaves, structure = jax.tree.flatten(arguments)
    yield str(structure)
    yield from (f"{x.dtype} {x.shape}" for x in leaves)


def _folder() -> Path | None:
    """Where compiled programs are kept, if they are."""
    config: Any = jax.config
    kept = config.jax_enable_compilation_cache and config.jax_compilation_cache_dir
    return Path(kept) / _FOLDER if kept else None


@functools.cache
def _code() -> str:
    """Digest of our files and of the versions of the libraries below them."""
    digest = hashlib.sha256(repr([version(name) for name in _LIBRARIES]).encode())
    for package in _PACKAGES:
        for file in sorted(package.rglob("*.py")):
            digest.update(f"{file.relative_to(package)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _settings() -> str:
    """JAX's, such as its precision; where it keeps and logs things does not matter."""
    values: dict[str, Any] = jax.config.values
    told = {k: v for k, v in values.items() if not ("cache" in k or "dump" in k)}
    return json.dumps(told, sort_keys=True, default=str)


def _read(path: Path) -> bytes | None:
    """What was written; None if nothing was, or it is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, found = data[:_SIZE], data[_SIZE:]
    return found if hashlib.sha256(found).digest() == digest else None


def _write(path: Path, data: bytes) -> None:
    """Keeps it; a folder that takes nothing costs the next start time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, hashlib.sha256(data).digest() + data)
    except OSError as error:
        log.warning("not kept for the next start: %s", error)


def _register() -> None:
    """Lets JAX name our named tuples in what it writes, the only classes it meets."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == tirjax.__name__:
            things = list(vars(module).values())
            kinds = [x for x in things if isinstance(x, type) and hasattr(x, "_fields")]
            for kind in kinds:
                _register_one(kind)


@functools.cache
def _register_one(kind: type) -> None:
    if kind.__module__.partition(".")[0] == tirjax.__name__:
        name = f"{kind.__module__}.{kind.__qualname__}"
        export.register_namedtuple_serialization(kind, serialized_name=name)
