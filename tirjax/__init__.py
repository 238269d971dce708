"""Thermal-infrared tracking as pure JAX functions.

Boxes are ``(x, y, w, h)`` in pixels, zero-based and edge-based: the first pixel covers
``[0, 1)``. Sizes are ``(rows, columns)``. Pixels are in the working range 0..255.
"""

__version__ = "0.1.0.dev0"
