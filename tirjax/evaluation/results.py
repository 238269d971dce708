"""Raw results of any tracker, ours or others', for scoring."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tirjax.data.annotations import read_boxes
from tirjax.data.sequence import DataError


def read_results(
    folder: str | Path, names: Iterable[str] | None = None, *, origin: float
) -> dict[str, np.ndarray]:
    """Boxes from a folder of text files named after their sequences.

    Args:
      folder: holds ``SEQUENCE.txt``, one box ``x y w h`` a frame from the first on,
        separated by commas, semicolons or blanks.
      names: sequences to read; by default every text file there.
      origin: coordinate of the top left pixel in the files, 0 or 1.

    Returns:
      ``[t, 4]`` zero-based boxes by name of sequence, in the order of ``names``.

    Raises:
      DataError: a sequence has no file, or a file holds something else.
    """
    folder = Path(folder)
    files = {path.stem: path for path in sorted(folder.glob("*.txt"))}
    wanted = list(files) if names is None else list(names)
    missing = [name for name in wanted if name not in files]
    if missing or not wanted:
        what = "result files"
        if missing:
            what = (
                f"{len(missing)} of {len(wanted)} sequences, such as {missing[0]}.txt"
            )
        raise DataError(
            f"{folder} lacks {what}; give the folder with a SEQUENCE.txt for each"
        )
    return {name: read_boxes(files[name], origin=origin) for name in wanted}
