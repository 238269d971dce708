"""The detections that belong to a pair, both pictures' together.

Files are called like the pictures, with ``.txt``. A detector that found nothing often
writes no file, so a missing one is empty.

Source: Sun et al., Unsupervised Cross-Modal Distillation for Thermal Infrared Tracking,
ACM MM 2021, the authors' released code (which boxes are kept).
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tirjax.data.sequence import DataError
from tirjax.data.training.detections import (
    NOTHING,
    Detections,
    Size,
    box_file,
    cmd_yolo,
    fairmot,
    yolo,
)

_KINDS: dict[str, Callable[[Path, Size], Detections]] = {
    "cmd": lambda path, size: cmd_yolo(path),
    "yolo": yolo,
    "boxes": lambda path, size: box_file(path),
}


@dataclasses.dataclass(frozen=True)
class DetectionFiles:
    """Folders of a detector's files, one a picture.

    Attributes:
      visible: folder for the visible pictures; for ``'fairmot'`` the only one. None is
        no detections there.
      thermal: folder for the thermal pictures.
      kind: ``'cmd'``, ``'yolo'``, ``'boxes'`` or ``'fairmot'``, as the readers here.
      most: as for ``combine``.

    Raises:
      DataError: an unknown kind, or a folder that is none.
    """

    visible: Path | None
    thermal: Path | None = None
    kind: str = "cmd"
    most: int = 5

    def __post_init__(self):
        if self.kind not in (*_KINDS, "fairmot"):
            raise DataError(
                f"detections are {self.kind!r}; take one of {', '.join(_KINDS)}, "
                "fairmot"
            )
        given = [p for p in (self.visible, self.thermal) if p is not None]
        if not given or (self.kind == "fairmot" and self.visible is None):
            raise DataError("no folder of detections; give that of the visible ones")
        for folder in given:
            if not Path(folder).is_dir():
                raise DataError(f"no folder {folder}; give that of the detections")

    def paths(self, files: tuple[Path, Path]) -> dict[str, Path]:
        """The files there are for a pair: ``'visible'``, ``'thermal'``, both or none.

        Args:
          files: the visible and the thermal picture; only their names count.
        """
        folders = {"visible": self.visible, "thermal": self.thermal}
        expected = {
            half: Path(folder) / f"{Path(file).stem}.txt"
            for (half, folder), file in zip(folders.items(), files, strict=True)
            if folder is not None
        }
        return {half: path for half, path in expected.items() if path.is_file()}

    def read(self, files: tuple[Path, Path], size: Size) -> np.ndarray:
        """What was found in a pair, ``[n, 5]`` as ``combine`` returns it.

        Args:
          files: as for ``paths``.
          size: of both pictures.

        Raises:
          DataError: a bad line; names it.
        """
        paths = self.paths(files)
        visible, thermal = NOTHING, NOTHING
        if self.kind == "fairmot":
            if "visible" in paths:
                visible, thermal = fairmot(paths["visible"])
        else:
            kind = _KINDS[self.kind]
            if "visible" in paths:
                visible = kind(paths["visible"], size)
            if "thermal" in paths:
                thermal = kind(paths["thermal"], size)
        return combine(visible, thermal, most=self.most)


def combine(
    visible: Detections,
    thermal: Detections,
    most: int = 5,
    others: int = 2,
    duplicate: float = 0.8,
) -> np.ndarray:
    """The best boxes of both pictures together.

    Of a box in one picture and one in the other that are nearly the same the less
    confident goes. Then up to ``others`` that are no persons stay, and persons fill up.

    Args:
      visible: boxes in the visible picture.
      thermal: boxes in the thermal picture.
      most: boxes to keep.
      others: how many of them may show something else than persons.
      duplicate: intersection over union above which two are one.

    Returns:
      ``[n, 5]`` float64 rows ``x, y, w, h, score``, the most confident first.
    """
    overlap = _overlaps(visible.boxes, thermal.boxes) > duplicate
    weaker = visible.scores[:, None] < thermal.scores
    kept = ~np.r_[(overlap & weaker).any(1), (overlap & ~weaker).any(0)]
    boxes, scores, people = (
        np.concatenate(parts)[kept] for parts in zip(visible, thermal, strict=True)
    )
    order = np.argsort(-scores, kind="stable")
    chosen = order[~people[order]][:others]
    chosen = np.r_[chosen, order[people[order]]][:most]
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    return np.c_[boxes[chosen], scores[chosen]]


def _overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of ``a`` with every one of ``b``."""
    low = np.maximum(a[:, None, :2], b[:, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[:, :2] + b[:, 2:])
    common = np.maximum(high - low, 0).prod(-1)
    return common / (a[:, 2:].prod(-1)[:, None] + b[:, 2:].prod(-1) - common)
