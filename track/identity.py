"""Text that tells a tracker from all others: its functions and what they close over.

The code of the functions is not in it. A digest of the package's files stands for that,
so only functions of ``tirjax`` and of libraries, whose versions are known, can be told.
"""

import dataclasses
import enum
import functools
import hashlib
import types
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_KNOWN = ("tirjax", "jax", "jaxlib", "flax", "numpy", "optax", "functools", "builtins")
_PLAIN = (bool, int, float, complex, str, bytes, types.NoneType, np.dtype, np.generic)


class Untold(Exception):
    """Something has no text that would tell it from others."""


def identity(value: Any) -> str:
    """Text that equal values share.

    Args:
      value: functions, partials, dataclasses, named tuples, arrays, containers.

    Raises:
      Untold: there is something else in it, or a function from elsewhere.
    """
    try:
        return "\n".join(_parts(value))
    except RecursionError:
        raise Untold("something that holds itself") from None


def _parts(value: Any) -> Iterator[str]:
    """Lines of the text; of what has parts the first says how many."""
    if isinstance(value, _PLAIN):
        yield f"{type(value).__name__} {value!r}"
    elif isinstance(value, (np.ndarray, jax.Array)) and not _is_key(value):
        yield f"array {value.dtype} {value.shape} {_digest(value)}"
    elif isinstance(value, enum.Enum):
        yield f"{_name(type(value))} {value.name}"
    elif isinstance(value, type):
        yield f"type {_name(value)}"
    elif isinstance(value, dict):
        yield from _all("dict", [part for item in value.items() for part in item])
    elif isinstance(value, (tuple, list)):
        yield from _all(_name(type(value)), value)
    elif dataclasses.is_dataclass(value):
        fields = [f.name for f in dataclasses.fields(value) if f.name != "parent"]
        pairs = [part for name in fields for part in (name, getattr(value, name))]
        yield from _all(_name(type(value)), pairs)
    else:
        yield from _function(value)


def _function(value: Any) -> Iterator[str]:
    if isinstance(value, functools.partial):
        yield from _all("partial", [value.func, value.args, value.keywords])
    elif isinstance(value, types.MethodType):
        yield from _all("method", [value.__func__, value.__self__])
    elif isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        held = [cells, value.__defaults__, value.__kwdefaults__]
        yield from _all(_name(value), held)
    elif isinstance(value, (types.BuiltinFunctionType, np.ufunc)):
        yield f"builtin {getattr(value, '__module__', '')} {value.__name__}"
    elif callable(getattr(value, "__wrapped__", None)):
        yield from _all(_name(type(value)), [value.__wrapped__])
    else:
        raise Untold(f"{type(value).__name__} of {type(value).__module__}")


def _all(kind: str, values) -> Iterator[str]:
    yield f"{kind} of {len(values)}"
    for value in values:
        yield from _parts(value)


def _name(thing: Any) -> str:
    module = thing.__module__ or ""
    if module.partition(".")[0] not in _KNOWN:
        raise Untold(f"{thing.__qualname__} of {module}")
    code = getattr(thing, "__code__", None)
    line = f" {code.co_firstlineno}" if code else ""  # of lambdas of one function
    return f"{module}.{thing.__qualname__}{line}"


def _is_key(array: Any) -> bool:
    return jnp.issubdtype(array.dtype, jax.dtypes.prng_key)


def _digest(array: Any) -> str:
    return hashlib.sha256(np.asarray(array).tobytes()).hexdigest()
