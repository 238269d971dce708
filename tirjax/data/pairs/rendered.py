"""Pairs of the synthetic world, by number: what a translator learns from at home.

By day, what is hot shown bright, and temperatures as is usual for what is seen: here a
look tells heat, as far as it ever does.
"""

import functools
from pathlib import Path

import jax
import numpy as np

from tirjax.data.pairs.pair import Pair, PairList
from tirjax.data.sequence import DataError
from tirjax.data.synthetic import Settings, preset, render_frames, sample_scene

NAME = "synthetic"
WORLD = preset("day", rows=192, cols=256)
SEED = 70_000  # of the scenes, which no clip shares


def rendered_pairs(count: int | str, settings: Settings = WORLD) -> PairList:
    """Frames of as many scenes, one each, rendered when asked for.

    Args:
      count: of the pairs, from 2; more of them begin with the same ones.
      settings: of the world.

    Raises:
      DataError: ``count`` is no such number.
    """
    number = int(count) if str(count).isdecimal() else 0
    if number < 2:
        raise DataError(f"{NAME}={count}: give a number of pairs, from 2 on")
    names = tuple(f"{i:06d}" for i in range(number))
    # There are no files; names stand where the scenes would lie.
    paths = tuple((Path(NAME, "rgb", n), Path(NAME, "tir", n)) for n in names)
    openers = tuple(
        functools.partial(rendered_pair, i, settings) for i in range(number)
    )
    return PairList(NAME, names, openers, paths)


def rendered_pair(number: int, settings: Settings = WORLD) -> Pair:
    """A frame of scene ``number``, the same wherever it is rendered."""
    visible, thermal = _render(number, settings)
    return Pair(np.asarray(visible), np.asarray(thermal))


@jax.jit
def _render(number, settings):
    key = jax.random.fold_in(jax.random.key(SEED), number)
    for_scene, for_time = jax.random.split(key)
    time = jax.random.randint(for_time, (1,), 0, settings.frames)
    clip = render_frames(sample_scene(for_scene, settings), time, settings)
    return clip.rgb[0], clip.tir[0]
