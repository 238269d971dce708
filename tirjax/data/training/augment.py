"""Random changes of appearance for the frames of one sequence, and mirroring.

Every change takes ``[n, rows, cols, c]`` frames of the working range 0..255 and a key.
What belongs to a sequence (which polarity, how noisy a sensor) is one decision for all
its frames; what varies in it (brightness, the noise itself) is drawn for every frame. A
setting of 0 removes the change from the compiled program.

Source: the published training code of DiMP (grey, brightness, mirroring). The thermal
changes imitate polarity, automatic gain, focus and the column noise of microbolometers;
their ranges are chosen by eye.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp

from tirjax.ops.thermal import invert, to_working
from tirjax.typing import Array, Bool, Float, Key

GREY = (0.299, 0.587, 0.114)
# What an automatic gain takes for the deviation of a flatter frame, grey levels.
LEAST_DEVIATION = 4.0

Frames = Float[Array, "n rows cols c"]


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Which changes happen how often and how far; as it stands, none.

    Attributes:
      mirror_all: probability that all frames of a sequence are mirrored.
      mirror_each: probability, for every frame on its own, that it is mirrored.
      grey: probability of losing colour, all frames.
      brightness: factors of frames are up to this above or below 1.
      blur: largest Gaussian width of a frame, pixels.
      auto_gain: probability that all frames get a new window of grey levels, each
        around its own mean.
      gain_window: range of the window's ends, standard deviations from the mean.
      invert: probability of swapped polarity, all frames.
      contrast: factors around the mean of a frame are within ``exp(+-contrast)``.
      offset: grey levels added to all pixels are up to this above or below 0.
      drift: what a frame deviates from its sequence's contrast and offset, as a share
        of their ranges.
      columns: largest standard deviation of column noise, grey levels.
      noise: largest standard deviation of pixel noise, grey levels.
    """

    mirror_all: float = 0.0
    mirror_each: float = 0.0
    grey: float = 0.0
    brightness: float = 0.0
    blur: float = 0.0
    auto_gain: float = 0.0
    gain_window: tuple[float, float] = (1.5, 4.0)
    invert: float = 0.0
    contrast: float = 0.0
    offset: float = 0.0
    drift: float = 0.0
    columns: float = 0.0
    noise: float = 0.0


RGB = Augmentation(grey=0.05, brightness=0.2)
THERMAL = Augmentation(
    mirror_all=0.5,
    blur=1.0,
    auto_gain=0.25,
    invert=0.2,
    contrast=0.3,
    offset=25.0,
    drift=0.2,
    columns=3.0,
    noise=5.0,
)


def mirrors(
    key: Key[Array, ""], count: int, settings: Augmentation
) -> Bool[Array, " n"]:
    """Which of ``count`` frames to mirror."""
    for_all, for_each = jax.random.split(key)
    each = jax.random.bernoulli(for_each, settings.mirror_each, (count,))
    return each ^ jax.random.bernoulli(for_all, settings.mirror_all)


def mirror_pixels(pixels: Frames, which: Bool[Array, " n"]) -> Frames:
    """Swaps left and right of ``which`` frames."""
    return jnp.where(which[:, None, None, None], pixels[:, :, ::-1], pixels)


def mirror_boxes(
    boxes: Float[Array, "n 4"], which: Bool[Array, " n"], reach: int
) -> Float[Array, "n 4"]:
    """Boxes of mirrored frames.

    Args:
      boxes: of the frames as they were, pixels.
      which: frames that are mirrored.
      reach: twice the position of the mirror; the width in the usual convention.
    """
    mirrored = boxes.at[:, 0].set(reach - boxes[:, 0] - boxes[:, 2])
    return jnp.where(which[:, None], mirrored, boxes)


def _clip(pixels):
    return jnp.clip(pixels, 0.0, 255.0)


def _signed(key, shape=()):
    """Uniform in [-1, 1)."""
    return jax.random.uniform(key, shape, minval=-1.0)


def grey(pixels: Frames, key: Key[Array, ""], chance: float) -> Frames:
    """All frames lose their colour, or none; one channel has none to lose."""
    if pixels.shape[-1] == 1:
        return pixels
    level = (pixels * jnp.array(GREY)).sum(-1, keepdims=True)
    return jnp.where(jax.random.bernoulli(key, chance), level, pixels)


def brightness(pixels: Frames, key: Key[Array, ""], reach: float) -> Frames:
    """Every frame times its own factor in ``1 +- reach``."""
    return _clip(pixels * (1 + reach * _signed(key, (len(pixels), 1, 1, 1))))


def blur(pixels: Frames, key: Key[Array, ""], widest: float) -> Frames:
    """Every frame under its own Gaussian of a width up to ``widest`` pixels."""
    width = jax.random.uniform(key, (len(pixels), 1, 1, 1), maxval=widest)
    reach = math.ceil(2 * widest)
    weights = [
        jnp.exp(-(k**2) / (2 * jnp.maximum(width, 1e-3) ** 2)) for k in range(reach + 1)
    ]
    total = weights[0] + 2 * sum(weights[1:])

    def along(x, axis):
        around = [(reach, reach) if a == axis else (0, 0) for a in range(4)]
        padded, n = jnp.pad(x, around, mode="edge"), x.shape[axis]
        at = lambda k: jax.lax.slice_in_dim(padded, reach + k, reach + k + n, axis=axis)
        sides = (weights[k] * (at(-k) + at(k)) for k in range(1, reach + 1))
        return (weights[0] * x + sum(sides)) / total

    return along(along(pixels, 1), 2)


def auto_gain(
    pixels: Frames, key: Key[Array, ""], chance: float, ends: tuple[float, float]
) -> Frames:
    """Stretches grey levels around the mean over 0..255 and clips the rest.

    Args:
      pixels: frames; each gets the window of its own statistics.
      key: randomness.
      chance: probability that it happens at all.
      ends: range of both ends of the window, standard deviations from the mean.
    """
    for_chance, for_ends = jax.random.split(key)
    over = (1, 2, 3)
    mean = pixels.mean(over, keepdims=True)
    deviation = jnp.maximum(pixels.std(over, keepdims=True), LEAST_DEVIATION)
    below, above = jax.random.uniform(for_ends, (2,), minval=ends[0], maxval=ends[1])
    stretched = to_working(pixels, mean - below * deviation, mean + above * deviation)
    return jnp.where(jax.random.bernoulli(for_chance, chance), stretched, pixels)


def polarity(pixels: Frames, key: Key[Array, ""], chance: float) -> Frames:
    """All frames swap hot and cold, or none."""
    return jnp.where(jax.random.bernoulli(key, chance), invert(pixels), pixels)


def contrast(
    pixels: Frames, key: Key[Array, ""], reach: float, offset: float, drift: float
) -> Frames:
    """Scales grey levels around each frame's mean and adds to them.

    Args:
      pixels: frames.
      key: randomness.
      reach: largest absolute logarithm of the factor.
      offset: largest absolute addend, grey levels.
      drift: share of both that is drawn anew for every frame, on top.
    """
    for_all, for_each = jax.random.split(key)
    draws = _signed(for_all, (2, 1)) + drift * _signed(for_each, (2, len(pixels)))
    factor, addend = jnp.exp(reach * draws[0]), offset * draws[1]
    mean = pixels.mean((1, 2, 3), keepdims=True)
    as_frames = lambda x: x[:, None, None, None]
    return _clip(mean + as_frames(factor) * (pixels - mean) + as_frames(addend))


def noise(pixels: Frames, key: Key[Array, ""], each: float, columns: float) -> Frames:
    """Adds Gaussian noise of pixels and of columns, the same in all channels.

    Column noise is drawn for every frame although a sensor's is fixed: crops move over
    the sensor, and a pattern fixed to the crop would tell where its middle is.

    Args:
      pixels: frames.
      key: randomness.
      each: largest standard deviation of pixels, grey levels.
      columns: largest standard deviation of columns, grey levels.
    """
    for_width, for_columns, for_pixels = jax.random.split(key, 3)
    n, rows, cols, _ = pixels.shape
    widths = jax.random.uniform(for_width, (2,))
    if columns:
        drawn = jax.random.normal(for_columns, (n, 1, cols, 1))
        pixels = pixels + columns * widths[0] * drawn
    if each:
        drawn = jax.random.normal(for_pixels, (n, rows, cols, 1))
        pixels = pixels + each * widths[1] * drawn
    return _clip(pixels)


def augment(pixels: Frames, key: Key[Array, ""], settings: Augmentation) -> Frames:
    """All changes of appearance in the order from scene to display.

    Args:
      pixels: crops of one sequence, 0..255.
      key: randomness.
      settings: which changes. Static.

    Returns:
      float32 of the same shape, in [0, 255].
    """
    s, keys = settings, jax.random.split(key, 7)
    if s.grey:
        pixels = grey(pixels, keys[0], s.grey)
    if s.brightness:
        pixels = brightness(pixels, keys[1], s.brightness)
    if s.blur:
        pixels = blur(pixels, keys[2], s.blur)
    if s.auto_gain:
        pixels = auto_gain(pixels, keys[3], s.auto_gain, s.gain_window)
    if s.invert:
        pixels = polarity(pixels, keys[4], s.invert)
    if s.contrast or s.offset:
        pixels = contrast(pixels, keys[5], s.contrast, s.offset, s.drift)
    if s.noise or s.columns:
        pixels = noise(pixels, keys[6], s.noise, s.columns)
    return pixels
