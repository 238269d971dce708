"""Data sets prepared as ArrayRecord, read back: any frame at random, as ``Sequence``.

A folder holds what TFDS wrote, one record a picture, and tables beside it. Several
tracks of one video, or several objects of one picture, share its record; the table
``frames.npy`` says which. Tables are mapped, not read: opening costs nothing and
processes share the memory.

TFDS is imported when the first frame is read, and TensorFlow never.
"""

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tirjax.data import pixels
from tirjax.data.images import quiet
from tirjax.data.sequence import DataError, Sequence

SPLIT = "frames"
SEQUENCES, FRAMES = "sequences.npy", "frames.npy"
BOXES, VISIBLE, ABOUT = "boxes.npy", "visible.npy", "about.json"

# Errors of the C++ reader of a damaged file, and of the parser of a damaged record.
_DAMAGED = (RuntimeError, ValueError, KeyError, IndexError, TypeError)


def open_prepared(folder: str | Path) -> "Prepared":
    """Opens what ``python -m train prepare`` made.

    Args:
      folder: the data set's own folder, or one above it with no other in it.

    Raises:
      DataError: there is none, several, or one that is not complete.
    """
    return Prepared(_find(Path(folder)))


class Prepared:
    """A data set of prepared sequences; pickles as its path.

    Attributes:
      folder: where it lies.
      about: what was said of it when it was made.
      records: number of pictures.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            self.about: dict[str, Any] = json.loads((folder / ABOUT).read_text())
            self.records = int(self.about["records"])
            tables = (SEQUENCES, FRAMES, BOXES, VISIBLE)
            mapped = [np.load(folder / name, mmap_mode="r") for name in tables]
            for name, size in self.about["files"].items():
                found = (folder / name).stat().st_size
                if found != size:
                    raise ValueError(f"{name} has {found} bytes, not {size}")
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DataError(
                f"{folder} is not complete ({error}); delete it and prepare it again"
            ) from error
        self._rows, self._frames, self._boxes, self._visible = mapped
        self._pictures = _Pictures(folder)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sequences, in order."""
        return tuple(self._rows["name"].tolist())

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sequence:
        """One sequence; its frames are decoded when asked for."""
        row = self._rows[index]
        first, count = int(row["first_frame"]), int(row["frames"])
        start, boxes = int(row["first_box"]), int(row["boxes"])
        size = int(row["rows"]), int(row["columns"])
        form = pixels.PixelFormat(size, np.dtype(np.uint8), int(row["channels"]), None)
        name = str(row["name"])
        numbers = np.array(self._frames[first : first + count])
        return Sequence(
            name,
            RecordFrames(self._pictures, name, numbers, form),
            np.array(self._boxes[start : start + boxes]),
            np.array(self._visible[start : start + boxes]),
            tuple(str(row["attributes"]).split("\n")) if row["attributes"] else (),
            str(row["modality"]),
        )

    def __iter__(self) -> Iterator[Sequence]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self):
        return Prepared, (self.folder,)


class RecordFrames:
    """Frames of one sequence, each an encoded picture in a record.

    Attributes:
      name: of the sequence, for errors.
      numbers: ``[t]`` int64, the record of each frame.
      format: what each must be.
    """

    def __init__(
        self,
        pictures: "_Pictures",
        name: str,
        numbers: np.ndarray,
        form: pixels.PixelFormat,
    ):
        self._pictures, self.name = pictures, name
        self.numbers, self.format = numbers, form

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> np.ndarray:
        index = range(len(self.numbers))[index]
        number = int(self.numbers[index])
        what = f"{self.name}: frame {index} (record {number} of {self._pictures})"
        encoded = np.frombuffer(self._pictures.encoded(number, what), np.uint8)
        with quiet():
            decoded = (
                cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if len(encoded) else None
            )
        if decoded is None:
            raise DataError(f"{what} cannot be decoded; prepare the data set again")
        return pixels.convert(decoded, self.format, what)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))


class _Pictures:
    """The records, opened at the first one that is asked for."""

    def __init__(self, folder: Path):
        self._folder, self._source = folder, None

    def __str__(self) -> str:
        return str(self._folder)

    def __reduce__(self):
        return _Pictures, (self._folder,)

    def encoded(self, number: int, what: str) -> bytes:
        """A picture as it was stored; ``what`` names it in an error."""
        claim_process()
        with _opening:
            if self._source is None:
                self._source = _open(self._folder)
        try:
            record = self._source[number]
            if int(record["number"]) != number:
                raise DataError(f"found record {record['number']}")
        except (OSError, *_DAMAGED) as error:
            raise DataError(
                f"{what} cannot be read ({error}); prepare the data set again"
            ) from error
        return record["image"]


# TFDS imports its parts when they are first needed, at the latest for the first record.
# Threads that do so at once can wait for each other for ever.
_opening = threading.Lock()

# The process in which array_record has started its threads, one for all its files.
_claimed: list[int] = []


def claim_process() -> None:
    """To be called before array_record is: where that would wait for ever, it fails.

    Raises:
      DataError: this is a fork of a process that has used array_record, whose threads
        the fork does not have.
    """
    if not _claimed:
        _claimed.append(os.getpid())
    if _claimed[0] != os.getpid():
        raise DataError(
            "prepared data cannot be read in a fork of a process that has read some; "
            "start workers with 'spawn', or fork before reading"
        )


def _open(folder: Path):
    """The pictures, not decoded."""
    try:
        import tensorflow_datasets as tfds
    except ModuleNotFoundError as error:
        raise DataError(
            f"{folder} is prepared data: pip install tensorflow-datasets array_record"
        ) from error
    builder: Any = tfds.builder_from_directory(folder)
    decoders: Any = {"image": tfds.decode.SkipDecoding()}
    source = builder.as_data_source(SPLIT, decoders=decoders)
    with contextlib.suppress(OSError, *_DAMAGED):
        source[0]
    return source


def _find(folder: Path) -> Path:
    """The one folder with tables in or below ``folder``, at most two levels down."""
    patterns = (SEQUENCES, f"*/{SEQUENCES}", f"*/*/{SEQUENCES}")
    for pattern in patterns:
        found = [p.parent for p in sorted(folder.glob(pattern))]
        found = [p for p in found if not p.name.startswith("incomplete.")]
        if len(found) > 1:
            names = ", ".join(str(p) for p in found)
            raise DataError(f"{folder} has several data sets, choose one: {names}")
        if found:
            return found[0]
    raise DataError(
        f"no prepared data set in {folder}; make one with `python -m train prepare`"
    )
