"""How steep a kind of image is: histograms of gradient lengths.

Thermal images are flatter than grey ones, so a translation into them should be too.
Images have values 0..255; at the border the edge is repeated.

Source: Zhang et al., Synthetic Data Generation for End-to-End Thermal Infrared
Tracking, IEEE TIP 28(4), 2019, who draw such histograms. Neither their operator nor a
distance is published; both are chosen here.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.typing import Float, Num

Operator = Literal["sobel", "prewitt", "central"]
# Left edges 0, 2, .. 254 as in the paper's figure.
BINS = np.arange(0.0, 257.0, 2.0)

# Weights along the edge; a Sobel gradient is 8 times the slope, as in MATLAB.
_ACROSS = {"sobel": (1.0, 2.0, 1.0), "prewitt": (1.0, 1.0, 1.0), "central": (0.0, 1, 0)}
_LUMA = (0.299, 0.587, 0.114)


def gradient_length(
    image: Num[np.ndarray, "rows columns *channels"], operator: Operator = "sobel"
) -> Float[np.ndarray, "rows columns"]:
    """Length of the gradient at every pixel.

    Args:
      image: of one channel, or of red, green and blue, which become grey.
      operator: differences over two pixels, summed across with weights 1 2 1, 1 1 1 or
        0 1 0; nothing is divided.

    Raises:
      DataError: neither one channel nor three.
    """
    padded = np.pad(grey(image), 1, mode="edge")
    along_x = padded[:, 2:] - padded[:, :-2]
    along_y = padded[2:] - padded[:-2]
    low, middle, high = _ACROSS[operator]
    right = low * along_x[:-2] + middle * along_x[1:-1] + high * along_x[2:]
    down = low * along_y[:, :-2] + middle * along_y[:, 1:-1] + high * along_y[:, 2:]
    return np.hypot(right, down)


def gradient_histogram(
    images: Iterable[Num[np.ndarray, "rows columns *channels"]],
    bins: Float[np.ndarray, "n"] = BINS,
    operator: Operator = "sobel",
) -> Float[np.ndarray, "m"]:
    """Pixels in each bin of gradient length, mean over the images.

    Args:
      images: at least one, read one after the other; ``[rows, columns]`` with or
        without channels, 0..255.
      bins: increasing edges, one more than bins. The last bin takes all that is
        longer, so that with a first edge of 0 counts add up to the pixels of an image.
      operator: as for ``gradient_length``.

    Raises:
      DataError: there is no image, or one has neither one channel nor three.
    """
    total, count = np.zeros(len(bins) - 1), 0
    for image in images:
        length = np.minimum(gradient_length(image, operator), bins[-1])
        total += np.histogram(length, bins)[0]
        count += 1
    if not count:
        raise DataError("no image to take gradients of; give at least one")
    return total / count


def histogram_distance(a: Num[np.ndarray, "m"], b: Num[np.ndarray, "m"]) -> float:
    """Share of the pixels that would have to change their bin to turn ``a`` into ``b``.

    Half the sum of absolute differences of shares: 0 for equal shapes, 1 for histograms
    that share no bin.

    Args:
      a: counts, not all 0.
      b: counts over the same bins.
    """
    return float(0.5 * np.abs(a / a.sum() - b / b.sum()).sum())


def grey(
    image: Num[np.ndarray, "rows columns *channels"],
) -> Float[np.ndarray, "rows columns"]:
    """An image as luma, or as it is if it has one channel.

    Raises:
      DataError: neither one channel nor three.
    """
    values = np.asarray(image, np.float64)
    if values.ndim == 2:
        return values
    if values.ndim == 3 and values.shape[2] == 1:
        return values[..., 0]
    if values.ndim == 3 and values.shape[2] == 3:
        return values @ np.array(_LUMA)
    raise DataError(
        f"an image of shape {values.shape}; give rows and columns with one channel or "
        "three"
    )
