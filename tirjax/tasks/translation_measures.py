"""Held-out pairs translated and compared with the truth, during training and after.

Every image is squashed to the side that was learned and translated by itself.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from tirjax.data.pairs import PairList
from tirjax.data.training.image_crops import Placement, Preparing, prepare
from tirjax.data.training.image_feed import on_canvas
from tirjax.data.training.image_sets import Half
from tirjax.evaluation.translations import translation_scores
from tirjax.tasks.run import Eval
from tirjax.translators.networks import Generator
from tirjax.translators.translate import translate
from tirjax.typing import Num, PyTree

MOST = 100  # pairs in a measurement during training


def held_out(
    net: Generator,
    pick: Callable[[PyTree], PyTree],
    pairs: PairList | None,
    every: int,
    *,
    side: int,
    channels: tuple[int, int],
    source: Half = "visible",
) -> dict[str, Eval]:
    """PSNR, SSIM and distance of gradient histograms; nothing without pairs.

    Args:
      net: generator.
      pick: its variables out of those that the task gives.
      pairs: not learned from; at most 100 of them, spread evenly, are measured.
      every: steps between two.
      side: of images, pixels.
      channels: of source and target.
      source: half that is translated.
    """
    if pairs is None:
        return {}
    places = np.linspace(0, len(pairs) - 1, min(len(pairs), MOST)).astype(int)
    some = pairs.take(places.tolist())
    truth = functools.cache(lambda: squashed(some, side, channels, source))

    def measure(variables):
        sources, targets = truth()
        found = translated(net, pick(variables), sources)
        return translation_scores([*found], [*targets])

    return {"held_out": Eval(every, measure)}


def squashed(
    pairs: PairList,
    side: int,
    channels: tuple[int, int],
    source: Half = "visible",
    canvas: tuple[int, int] = (1024, 1280),
) -> tuple[Num[np.ndarray, "n s s c"], Num[np.ndarray, "n s s d"]]:
    """Sources and targets of pairs, in order, uint8.

    Args:
      pairs: aligned.
      side: of the squares that they become, pixels.
      channels: of source and target.
      source: half that is to be translated.
      canvas: rows and columns of an array that holds any of them; a larger picture is
        shrunk first.
    """
    plain = Preparing(side, side, flip=False)
    whole = Placement(jnp.zeros(2), jnp.array(False))
    cut = jax.jit(
        lambda canvas, channels: prepare(
            canvas.pixels, canvas.size, whole, plain, channels
        ),
        static_argnums=1,
    )
    rows = []
    for pair in pairs:
        halves = pair if source == "visible" else pair[::-1]
        placed = (on_canvas(half, canvas) for half in halves)
        both = (cut(x, c) for x, c in zip(placed, channels, strict=True))
        rows.append([_to_bytes((np.asarray(x) + 1) * 127.5) for x in both])
    sources, targets = (np.stack(half) for half in zip(*rows, strict=True))
    return sources, targets


def translated(
    net: Generator, variables: PyTree, sources: Num[np.ndarray, "n h w c"]
) -> Num[np.ndarray, "n h w d"]:
    """Translations, each image by itself, uint8.

    Args:
      net: generator; norms that take statistics take those of the image.
      variables: its own.
      sources: 0..255.
    """
    step = jax.jit(translate, static_argnums=0)
    found = [np.asarray(step(net, variables, image[None]))[0] for image in sources]
    return _to_bytes(np.stack(found))


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
