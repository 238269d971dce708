"""Training sets wherever they lie: as they were published, or prepared by tirjax."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tirjax.data.collection import Cut
from tirjax.data.sequence import DataError, Dataset
from tirjax.data.training.mixture import Mixture
from tirjax.data.training.prepared import SEQUENCES, Prepared, open_prepared
from tirjax.data.training.sets import open_training_set


class Part(NamedTuple):
    """One data set of a mixture.

    Attributes:
      folder: where it lies; None leaves it out.
      weight: as for ``Mixture``.
      cut: as for ``open_any``.
    """

    folder: Path | None
    weight: float = 1.0
    cut: Cut = None


def open_any(name: str, folder: str | Path, cut: Cut = None) -> Dataset:
    """Opens a training set, prepared or not; what the folder holds decides.

    Args:
      name: one of ``TRAINING_SETS``.
      folder: of the set as published, or one that ``open_prepared`` takes.
      cut: a part, as for ``open_training_set``. What is prepared must have been made
        with the same one; None takes whichever it is.

    Raises:
      DataError: as the two readers, or another data set or part was prepared.
    """
    folder = Path(folder)
    places = (SEQUENCES, f"*/{SEQUENCES}", f"*/*/{SEQUENCES}")
    if not any(next(folder.glob(place), None) for place in places):
        return open_training_set(name, folder, cut)
    prepared = open_prepared(folder)
    _check_origin(prepared, name, cut)
    return prepared


def mixture(parts: Mapping[str, Part]) -> Mixture:
    """Opens the data sets whose folders are given.

    Args:
      parts: by name of the data set.

    Raises:
      DataError: no folder is given, or one cannot be used.
    """
    opened = {
        name: open_any(name, part.folder, part.cut)
        for name, part in parts.items()
        if part.folder is not None
    }
    if not opened:
        flags = ", ".join(f"--{name.replace('_', '-')} DIR" for name in parts)
        raise DataError(f"no data set to train on; give at least one of {flags}")
    return Mixture([*opened.values()], [parts[name].weight for name in opened])


def _check_origin(prepared: Prepared, name: str, cut: Cut) -> None:
    """Holds a prepared set to the name and part it was made of, where it says so."""
    of = prepared.about.get("dataset", name)
    if of != name:
        raise DataError(f"{prepared.folder} was prepared from {of}, not from {name}")
    part = prepared.about.get("cut")
    if "cut" in prepared.about and cut is not None and part != cut:
        asked = cut if isinstance(cut, str) else ",".join(cut)
        raise DataError(
            f"{prepared.folder} was prepared with cut {part}; prepare {name} with "
            f"--cut {asked}"
        )
