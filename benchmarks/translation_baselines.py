"""Translations without a network, to know what a network is worth.

``grey`` is the luma of the visible image; ``mean`` shows the mean thermal image,
whatever the scene. The others are regressions fitted to all pixels of the training
pairs: ``pixel`` on polynomials of a pixel's colour, ``neighbours`` on its surroundings
and its place in the image as well.
"""

import itertools
from collections.abc import Callable

import numpy as np

DEGREE, REACH, RIDGE = 3, 3, 1e-3
_LUMA = np.array([0.299, 0.587, 0.114])


def grey(sources: np.ndarray) -> np.ndarray:
    """Luma, ``[n, h, w, 1]`` uint8."""
    return _bytes(sources @ _LUMA)


def mean_image(targets: np.ndarray, count: int) -> np.ndarray:
    """The mean of thermal images, ``count`` times."""
    return np.repeat(np.rint(targets.mean(0, keepdims=True)), count, 0).astype(np.uint8)


def polynomials(sources: np.ndarray) -> np.ndarray:
    """Products of up to three colours of a pixel, ``[h, w, f]``."""
    colours = sources.astype(np.float32) / 255
    parts = [np.ones(colours.shape[:-1], np.float32)]
    for degree in range(1, DEGREE + 1):
        for places in itertools.combinations_with_replacement(range(3), degree):
            parts.append(np.prod([colours[..., p] for p in places], axis=0))
    return np.stack(parts, -1)


def neighbourhood(source: np.ndarray) -> np.ndarray:
    """Polynomials, the luma around a pixel, its place and its products with luma."""
    luma = np.pad(source @ _LUMA / 255, REACH, mode="edge").astype(np.float32)
    rows, cols = source.shape[:2]
    around = [
        luma[i : i + rows, j : j + cols]
        for i, j in itertools.product(range(2 * REACH + 1), repeat=2)
    ]
    y, x = np.mgrid[0 : 1 : rows * 1j, -1 : 1 : cols * 1j].astype(np.float32)
    centre = luma[REACH:-REACH, REACH:-REACH]
    place = [y, y**2, y**3, x**2, y * x**2, y * centre, y**2 * centre, x**2 * centre]
    return np.concatenate([polynomials(source), np.stack(around + place, -1)], -1)


def regression(
    features: Callable[[np.ndarray], np.ndarray],
    sources: np.ndarray,
    targets: np.ndarray,
) -> Callable[[np.ndarray], np.ndarray]:
    """Ridge regression from features of a visible image to the thermal one.

    Args:
      features: ``[h, w, 3] -> [h, w, f]``.
      sources: ``[n, h, w, 3]`` uint8.
      targets: ``[n, h, w, 1]`` uint8.

    Returns:
      ``[n, h, w, 3] -> [n, h, w, 1]`` uint8.
    """
    gram, right, count = 0.0, 0.0, 0
    for source, target in zip(sources, targets, strict=True):
        x = features(source).reshape(target.size, -1).astype(np.float64)
        gram, right = gram + x.T @ x, right + x.T @ target.reshape(-1)
        count += len(x)
    weights = np.linalg.solve(gram + RIDGE * count * 1e-3 * np.eye(len(gram)), right)
    return lambda images: np.stack([_bytes(features(i) @ weights) for i in images])


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)[..., None]
