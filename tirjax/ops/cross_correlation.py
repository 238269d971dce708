"""Correlation of an exemplar's features with those of a search region, per example.

Computed by Fourier transforms: on a CPU the single output channel makes a convolution
eighty times slower, and its derivative five hundred times.

Source: Bertinetto et al., Fully-Convolutional Siamese Networks for Object Tracking,
ECCV 2016 workshops, equation 2.
"""

import jax.numpy as jnp

from tirjax.typing import Array, Float


def cross_correlation(
    exemplar: Float[Array, "#n a b c"], search: Float[Array, "#n h w c"]
) -> Float[Array, "n oh ow"]:
    """Inner product of the exemplar with every window of the search region.

    Bilinear: ``sum over t, c of exemplar[t, c] * search[u + t, c]`` at offset ``u``.

    Args:
      exemplar: a single one serves all search regions.
      search: at least as large as the exemplar.

    Returns:
      Score of each offset, zero first; not divided by the size.
    """
    size = search.shape[-3:-1]
    template = jnp.fft.rfft2(exemplar, size, axes=(-3, -2))
    spectrum = (template.conj() * jnp.fft.rfft2(search, axes=(-3, -2))).sum(-1)
    # Offsets at which the exemplar would wrap around are the ones cut off.
    rows, cols = (n - m + 1 for n, m in zip(size, exemplar.shape[-3:-1], strict=True))
    return jnp.fft.irfft2(spectrum, size)[..., :rows, :cols]
