"""How far the thermal half of a pair lies from the visible one, and whether it fits.

Warm is not bright, so grey values do not correlate, and an edge may turn from dark to
light. What both halves share is where edges run: each gradient becomes a complex number
of compressed length and twice the direction, which a change of sign leaves as it is.
Phase correlation of these fields gives the displacement; how far its peak stands out of
the rest tells a pair from two strangers.

All is done at one size, so that the spectra of a set can be added up: what moves alike
in all pairs adds, what the scenes do by themselves does not.

Source: Kuglin and Hines, The phase correlation image alignment method, 1975 (phase
correlation); Granlund, In search of a general picture processing operator, CGIP 1978
(double-angle gradients).
"""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np

from tirjax.data.pairs.pair import Pair
from tirjax.typing import Complex, Float

# Rows and columns of the fields; half the size of the usual camera, and fast.
FIELD = (256, 320)
# Share of the size within which a displacement is looked for.
REACH = 0.1
# Of 277 real pairs (RoadScene, TNO, KAIST, MSRS, M3FD) 98 % lie above this, and 4 %
# of as many visible pictures with the thermal one of another pair.
CLEAR = 9.0

_SMOOTH = 1.0  # standard deviation before the gradient, pixels of the field
_WHITENING = 0.5  # 0 correlates as it is, 1 keeps the phase only; noise too, then
_TINY = 1e-6


class Shift(NamedTuple):
    """Where the thermal half is, seen from the visible one.

    Attributes:
      dx: pixels that thermal content lies to the right.
      dy: pixels that it lies lower.
      strength: peak of the correlation, in standard deviations of all of it. Above
        ``CLEAR`` a single pair fits; sums over sets reach far higher.
    """

    dx: float
    dy: float
    strength: float


def shift(pairs: Pair | Iterable[Pair], reach: float = REACH) -> Shift:
    """The displacement of one pair, or the one that all of a set have in common.

    Args:
      pairs: a pair, or at least one of any sizes; each counts alike.
      reach: largest displacement, as a share of the size, in (0, 0.5).

    Returns:
      Pixels of the pair, or of the median size of the set. Strength 0 and no shift
      where a half has no edges at all.
    """
    several = [pairs] if isinstance(pairs, Pair) else pairs
    total, sizes = np.zeros(FIELD, np.complex64), []
    for pair in several:
        total += cross_spectrum(pair)
        sizes.append(pair.visible.shape[:2])
    rows, columns = np.median(sizes, axis=0)
    return locate(total, (float(rows), float(columns)), reach)


def cross_spectrum(pair: Pair) -> Complex[np.ndarray, "rows columns"]:
    """What correlates the edges of both halves, of energy 1; or 0 without any edge."""
    visible, thermal = (np.fft.fft2(_edges(half)) for half in pair)
    product = np.conj(visible) * thermal
    white = product / np.maximum(np.abs(product), _TINY) ** _WHITENING
    energy = np.linalg.norm(white)
    return (white / max(float(energy), _TINY)).astype(np.complex64)


def locate(
    spectrum: Complex[np.ndarray, "rows columns"],
    size: tuple[float, float],
    reach: float = REACH,
) -> Shift:
    """The displacement that a cross spectrum, or a sum of them, stands for.

    Args:
      spectrum: from ``cross_spectrum``.
      size: ``(rows, columns)`` of the pictures, for pixels of theirs.
      reach: as for ``shift``.
    """
    surface = np.fft.fftshift(np.fft.ifft2(spectrum).real)
    spread = float(surface.std())
    if spread < _TINY * _TINY:
        return Shift(0.0, 0.0, 0.0)
    centre = [n // 2 for n in surface.shape]
    most = [max(1, int(n * reach)) for n in surface.shape]
    rows, columns = (slice(c - m, c + m + 1) for c, m in zip(centre, most, strict=True))
    near = surface[rows, columns]
    y, x = np.unravel_index(int(near.argmax()), near.shape)
    y, x = int(y) + rows.start, int(x) + columns.start
    dy = y - centre[0] + _vertex(surface[y - 1 : y + 2, x])
    dx = x - centre[1] + _vertex(surface[y, x - 1 : x + 2])
    strength = (float(surface[y, x]) - float(surface.mean())) / spread
    scale = (size[0] / surface.shape[0], size[1] / surface.shape[1])
    return Shift(float(dx * scale[1]), float(dy * scale[0]), strength)


def _edges(half: np.ndarray) -> Complex[np.ndarray, "rows columns"]:
    """Gradients with doubled direction, fading out to the border."""
    grey = (
        cv2.cvtColor(half, cv2.COLOR_RGB2GRAY) if half.shape[2] == 3 else half[..., 0]
    )
    small = cv2.resize(grey, FIELD[::-1], interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small.astype(np.float32), (0, 0), _SMOOTH)
    right = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    length = np.hypot(right, down)
    doubled = (right + 1j * down) ** 2 / np.maximum(length, _TINY)
    # A headlight must not outweigh all that stands around it.
    field = doubled / np.maximum(length + length.mean(), _TINY)
    fade = [np.hanning(n).astype(np.float32) for n in FIELD]
    return (field - field.mean()) * fade[0][:, None] * fade[1]


def _vertex(three: Float[np.ndarray, "3"]) -> float:
    """Where the parabola through three values is highest, -0.5 to 0.5."""
    left, middle, right = map(float, three)
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
