"""Piles of pictures to compare: a folder, a video, a prepared data set."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tirjax.data import pixels, windows
from tirjax.data.fitting import resize
from tirjax.data.frames import open_recording
from tirjax.data.images import SUFFIXES, natural_key, read_image
from tirjax.data.sequence import DataError, Frames
from tirjax.data.training.prepared import SEQUENCES, open_prepared
from tirjax.data.video import SUFFIXES as FILMS

from .synthetic_set import MANIFEST, SHEET


@dataclasses.dataclass(frozen=True)
class Pile:
    """Pictures spread evenly over what was found, each of one size.

    Attributes:
      name: what plots call it.
      found: how many there are.
      places: which of them are looked at.
      side: of the square that they are resized to, pixels.
      parts: frames that follow each other, or files of single pictures.
    """

    name: str
    found: int
    places: tuple[int, ...]
    side: int
    parts: tuple[Frames, ...] | tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[np.ndarray]:
        """``[side, side, c]``, 0..255; deeper pictures by a window of their own.

        Raises:
          DataError: a picture cannot be read.
        """
        for place in self.places:
            frame = self._frame(place)
            if frame.dtype != np.uint8:
                frame = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
            yield resize(frame, (self.side, self.side))

    def _frame(self, place: int) -> np.ndarray:
        for part in self.parts:
            if isinstance(part, Path):
                break
            if place < len(part):
                return part[place]
            place -= len(part)
        path = self.parts[place]
        assert isinstance(path, Path)
        decoded = read_image(path, place)
        deep = None if decoded.dtype == np.uint8 else windows.FrameWindow()
        form = pixels.decide(decoded, "auto", deep)
        return pixels.convert(decoded, form, str(path))


def open_pile(text: str, sample: int, side: int) -> Pile:
    """Finds pictures.

    Args:
      text: ``PATH`` or ``NAME=PATH``: a folder with pictures at any depth, or with
        videos if it has none; a video; a prepared data set.
      sample: how many to look at, spread evenly.
      side: to resize them to, pixels.

    Raises:
      DataError: there are none.
    """
    name, equals, rest = text.partition("=")
    path = Path(rest if equals and not Path(text).exists() else text)
    parts = _parts(path)
    frames = (1 if isinstance(part, Path) else len(part) for part in parts)
    found = sum(frames)
    if not found:
        raise DataError(f"no pictures or videos in {path}; check the path")
    at = np.unique(np.rint(np.linspace(0, found - 1, min(sample, found))).astype(int))
    label = name if equals and not Path(text).exists() else path.resolve().name
    return Pile(label, found, tuple(at.tolist()), side, parts)


def _parts(path: Path) -> tuple[Frames, ...] | tuple[Path, ...]:
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; check the path")
    if path.is_file():
        return (open_recording(path),)
    files = sorted(_below(path), key=lambda p: (natural_key(p.parent), natural_key(p)))
    if pictures := tuple(p for p in files if p.suffix.lower() in SUFFIXES):
        return pictures
    if any(p.name == SEQUENCES for p in files):
        return tuple(clip.frames for clip in open_prepared(path))
    return tuple(open_recording(p) for p in files if p.suffix.lower() in FILMS)


def _below(folder: Path) -> Iterator[Path]:
    """All files below a folder; none that is hidden, and no contact sheet."""
    for path in folder.iterdir():
        sheet = path.name == SHEET and (folder / MANIFEST).is_file()
        if path.name[0] == "." or sheet:
            continue
        if path.is_dir():
            yield from _below(path)
        else:
            yield path
