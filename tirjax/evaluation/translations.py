"""How close a translated image is to the true one, and how alike two sets are.

Images have values 0..255 and one channel, or three, which become grey. PSNR and SSIM
need aligned images; the distance of gradient histograms does not.

Source: Wang et al., Image Quality Assessment: From Error Visibility to Structural
Similarity, IEEE TIP 13(4), 2004 (SSIM with its Gaussian window of 1.5 pixels), as
scikit-image computes both.
"""

import importlib
from collections.abc import Sequence

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.evaluation.gradients import gradient_histogram, grey, histogram_distance
from tirjax.typing import Num

_RANGE = 255.0


def psnr(
    found: Num[np.ndarray, "rows columns *channels"],
    true: Num[np.ndarray, "rows columns *channels"],
) -> float:
    """Peak signal-to-noise ratio, dB; infinite for equal images.

    Args:
      found: translation.
      true: what it should be, of the same size.

    Raises:
      DataError: scikit-image is missing.
    """
    a, b = grey(found), grey(true)
    if np.array_equal(a, b):
        return float("inf")
    return float(_metrics().peak_signal_noise_ratio(b, a, data_range=_RANGE))


def ssim(
    found: Num[np.ndarray, "rows columns *channels"],
    true: Num[np.ndarray, "rows columns *channels"],
) -> float:
    """Structural similarity, mean over the image, at most 1.

    Args:
      found: translation, at least 11 pixels a side.
      true: what it should be, of the same size.

    Raises:
      DataError: scikit-image is missing.
    """
    value = _metrics().structural_similarity(
        grey(true),
        grey(found),
        data_range=_RANGE,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(value)


def translation_scores(
    found: Sequence[Num[np.ndarray, "rows columns *channels"]],
    true: Sequence[Num[np.ndarray, "rows columns *channels"]],
) -> dict[str, float]:
    """Mean PSNR and SSIM, and the distance of both sets' gradient histograms.

    Args:
      found: translations, at least one.
      true: what they should be.

    Raises:
      DataError: there is no image, or scikit-image is missing.
    """
    pairs = list(zip(found, true, strict=True))
    histograms = (gradient_histogram(images) for images in (found, true))
    return {
        "gradient_distance": histogram_distance(*histograms),
        "psnr": float(np.mean([psnr(a, b) for a, b in pairs])),
        "ssim": float(np.mean([ssim(a, b) for a, b in pairs])),
    }


def _metrics():
    try:
        return importlib.import_module("skimage.metrics")
    except ModuleNotFoundError as error:
        raise DataError(
            "PSNR and SSIM need scikit-image; pip install 'tirjax[translate]'"
        ) from error
