"""Aligned pairs of a visible and a thermal picture: readers, and how well they fit."""

from tirjax.data.pairs.alignment import Shift, shift
from tirjax.data.pairs.pair import Pair, PairList, split
from tirjax.data.pairs.readers import PAIR_LAYOUTS, PAIR_SETS, open_pairs
from tirjax.data.pairs.rendered import rendered_pairs

__all__ = [
    "PAIR_LAYOUTS",
    "PAIR_SETS",
    "Pair",
    "PairList",
    "Shift",
    "open_pairs",
    "rendered_pairs",
    "shift",
    "split",
]
