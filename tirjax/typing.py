"""Shape-annotated array types, checked in tests and free at run time; the frame.

With ``jaxtyping`` installed (the ``test`` extra) ``Float[Array, "h w c"]`` is verified
on calls under pytest. Without it the subscript collapses to the array type, so the
library itself needs no extra package.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from jax import Array

if TYPE_CHECKING:
    from jaxtyping import Bool, Complex, Float, Int, Key, Num, PyTree
else:
    try:
        from jaxtyping import Bool, Complex, Float, Int, Key, Num, PyTree
    except ModuleNotFoundError:

        class _Unchecked:
            def __class_getitem__(cls, item):
                return item[0] if isinstance(item, tuple) else item

        Bool = Complex = Float = Int = Key = Num = _Unchecked
        PyTree = Any

__all__ = [
    "Array",
    "Bool",
    "Complex",
    "Float",
    "Frame",
    "Int",
    "Key",
    "Num",
    "PyTree",
]


class Frame(NamedTuple):
    """One picture, possibly padded to a bucket.

    Attributes:
      pixels: ``[rows, columns, channels]``, uint8 or float32, working range 0..255, one
        channel (thermal, grey) or three (red, green, blue). Values outside ``size`` are
        padding and are never read.
      size: ``[2]`` int32, the true ``(rows, columns)``. An array, so another image size
        within a bucket compiles nothing.
    """

    pixels: Num[Array, "*t rows cols channels"]
    size: Int[Array, "*t 2"]
