"""Several sets of pairs as one, from a line of text each."""

from collections.abc import Iterable

from tirjax.data.pairs import rendered
from tirjax.data.pairs.pair import PairList
from tirjax.data.pairs.readers import open_pairs
from tirjax.data.sequence import DataError


def open_all(sets: Iterable[str]) -> PairList:
    """Opens sets given as ``NAME=FOLDER``; of several, pairs are ``0-llvip:NAME``.

    ``synthetic=COUNT`` renders pairs of the synthetic world.

    Args:
      sets: at least one; NAME as for ``open_pairs``. The same set may come twice.

    Raises:
      DataError: not of that form, or a set cannot be opened.
    """
    opened = [_open(text) for text in sets]
    if not opened:
        raise DataError(
            "no set of pairs; give at least one as NAME=FOLDER, or synthetic=COUNT"
        )
    if len(opened) == 1:
        return opened[0]
    rows = [
        (f"{number}-{part.dataset}:{name}", opener, path)
        for number, part in enumerate(opened)
        for name, opener, path in zip(part.names, part.openers, part.paths, strict=True)
    ]
    names, openers, paths = zip(*rows, strict=True)
    unpaired = sum((part.unpaired for part in opened), ())
    dataset = "+".join(part.dataset for part in opened)
    return PairList(dataset, names, openers, paths, unpaired)


def _open(text: str) -> PairList:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise DataError(
            f"pairs {text!r}: write NAME=FOLDER, for example llvip=LLVIP, or "
            "synthetic=600"
        )
    if name == rendered.NAME:
        return rendered.rendered_pairs(folder)
    return open_pairs(name, folder)
