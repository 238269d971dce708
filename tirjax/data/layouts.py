"""How benchmarks lay one sequence out on disk: a path in, a ``Sequence`` out.

Coordinates of the OTB, PTB-TIR, LSOTB-TIR and VOT families count from 1. Anti-UAV does
not say: 546 boxes of its 410 test set lie at x = 0 and most that touch the right border
end at x + w = 640, the width, so its files are read as counting from 0.
"""

import dataclasses
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tirjax.data import windows
from tirjax.data.annotations import Polygon, read_boxes, read_flags, read_regions
from tirjax.data.frames import image_folder, open_recording
from tirjax.data.images import ImageFrames
from tirjax.data.pixels import Channels
from tirjax.data.sequence import DataError, Sequence
from tirjax.data.video import VideoFrames

OTB_TRUTH, VOT_TRUTH, OWN_TRUTH = "groundtruth_rect.txt", "groundtruth.txt", "boxes.txt"
UAV_TRUTHS = ("IR_label.json", "infrared.json")
UAV_VIDEOS = ("infrared.mp4", "IR.mp4", "infrared.avi", "IR.avi")

# A flag a frame: the target cannot be seen. GOT-10k's cover says how much can be.
_ABSENT = ("absence.label", "full_occlusion.txt", "out_of_view.txt")
_COVER = "cover.label"
_RENAMED = {"motion": "motion_change", "size": "size_change"}


def otb(
    path: str | Path,
    *,
    truth: str | Path | None = None,
    attributes: Iterable[str] = (),
    numbers: tuple[int, int] | None = None,
    channels: Channels = "auto",
    window: windows.Window | None = None,
) -> Sequence:
    """A folder with pictures in ``img`` and ``groundtruth_rect.txt``, origin 1.

    Args:
      path: the folder: OTB, PTB-TIR, LSOTB-TIR.
      truth: annotation file, if it lies elsewhere or the folder has several targets.
      attributes: names of the challenges.
      numbers: first and last file number that is annotated; None is all.
      channels: as for ``open_frames``.
      window: as for ``open_frames``.

    Raises:
      DataError: something is missing or does not fit; says what.
    """
    path = Path(path)
    boxes = read_boxes(truth or _only_truth(path), origin=1)
    start, stop = _numbered(path, numbers) if numbers else (0, None)
    frames = open_recording(path, channels, window, start, stop)
    return _assemble(path, frames, boxes, attributes)


def vot(
    path: str | Path,
    *,
    polygon: Polygon = "bounding",
    channels: Channels = "auto",
    window: windows.Window | None = None,
) -> Sequence:
    """A folder with ``groundtruth.txt`` of boxes or polygons, origin 1.

    Pictures lie in the folder, in ``img`` or the like, or where its ``sequence`` file
    says (channel ``ir`` before ``color``). Files ``NAME.tag`` or ``NAME.label`` with a
    flag a frame become tags and attributes; LTIR's ``motion`` and ``size`` take the
    longer names of its later copies. GOT-10k and LaSOT folders read the same way.

    Args:
      path: the folder.
      polygon: how four corners become a box, see ``annotations.polygon_box``.
      channels: as for ``open_frames``.
      window: as for ``open_frames``.

    Raises:
      DataError: something is missing or does not fit; says what.
    """
    path = Path(path)
    boxes = read_boxes(path / VOT_TRUTH, origin=1, polygon=polygon)
    frames = open_recording(_vot_pictures(path), channels, window)
    tags = [p for p in sorted(path.iterdir()) if p.suffix in (".tag", ".label")]
    tags = [p for p in tags if p.name not in (*_ABSENT, _COVER)]
    flags = {_RENAMED.get(p.stem, p.stem): read_flags(p) > 0 for p in tags}
    given = [name for name, marked in flags.items() if marked.any()]
    opened = _assemble(path, frames, boxes, given, _absent(path, len(boxes)))
    return dataclasses.replace(
        opened,
        regions=read_regions(path / VOT_TRUTH, origin=1),
        tags={n: marked for n, marked in flags.items() if len(marked) == len(boxes)},
    )


def antiuav(
    path: str | Path,
    *,
    channels: Channels = "auto",
    window: windows.Window | None = None,
) -> Sequence:
    """An Anti-UAV clip, origin 0 (see the top of this file).

    Args:
      path: a video ``NN.avi`` beside ``NN_groundtruth.txt``, or a folder with
        ``IR_label.json`` or ``infrared.json`` (``exist`` and ``gt_rect`` a frame) and
        pictures or a thermal video. A frame without a box becomes a row of NaN.
      channels: 1 or 3; ``'auto'`` is 1, whatever is burnt into the picture.
      window: as for ``open_frames``.

    Raises:
      DataError: something is missing or does not fit; says what.
    """
    path = Path(path)
    if path.is_dir():
        source, absent, boxes = _antiuav_folder(path)
    else:
        source, absent = path, None
        boxes = read_boxes(path.with_name(f"{path.stem}_groundtruth.txt"), origin=0)
    frames = open_recording(source, 1 if channels == "auto" else channels, window)
    return _assemble(path, frames, boxes, (), absent, modality="tir")


def generic(
    path: str | Path,
    boxes: str | Path | np.ndarray | None = None,
    *,
    origin: float = 0,
    channels: Channels = "auto",
    window: windows.Window | None = None,
) -> Sequence:
    """A video or folder of pictures in no benchmark's layout.

    Args:
      path: video file, or folder with the pictures in it or in ``img``.
      boxes: annotation file, or ``[t, 4]`` or ``[1, 4]`` zero-based boxes. None looks
        for ``NAME.txt`` beside the video ``NAME.*``, or ``boxes.txt`` in the folder.
      origin: coordinate of the top left pixel in the annotation file.
      channels: as for ``open_frames``.
      window: as for ``open_frames``.

    Raises:
      DataError: something is missing or does not fit; says what.
    """
    path = Path(path)
    if boxes is None:
        boxes = path / OWN_TRUTH if path.is_dir() else path.with_suffix(".txt")
    if not isinstance(boxes, np.ndarray):
        boxes = read_boxes(boxes, origin=origin)
    frames = open_recording(path, channels, window)
    return _assemble(path, frames, boxes.astype(np.float64).reshape(-1, 4))


def _numbered(path: Path, numbers: tuple[int, int]) -> tuple[int, int]:
    """Where the files numbered ``numbers`` start and stop among the pictures."""
    digits = [re.findall("[0-9]+", p.stem) for p in image_folder(path)]
    inside = [bool(d) and numbers[0] <= int(d[-1]) <= numbers[1] for d in digits]
    if True not in inside:
        raise DataError(
            f"{path}: no picture numbered {numbers[0]} to {numbers[1]}; restore the "
            "file names of the data set"
        )
    return inside.index(True), len(inside) - inside[::-1].index(True)


def otb_truths(path: Path) -> list[Path]:
    """Annotation files of an OTB folder: one, or one a target (``..._rect.2.txt``)."""
    one = path / OTB_TRUTH
    return [one] if one.is_file() else sorted(path.glob("groundtruth_rect.[0-9].txt"))


def _only_truth(path: Path) -> Path:
    found = otb_truths(path)
    if len(found) > 1:
        names = ", ".join(p.name for p in found)
        raise DataError(
            f"{path} has {len(found)} targets: give truth as one of {names}"
        )
    return found[0] if found else path / OTB_TRUTH


def _vot_pictures(path: Path) -> Path:
    """Folder of the pictures, from the VOT toolkit's ``sequence`` file if any."""
    listing = path / "sequence"
    if listing.is_file():
        text = listing.read_text(encoding="utf-8", errors="replace")
        channels = dict(re.findall(r"^channels\.(\w+)\s*=\s*(\S+)", text, re.MULTILINE))
        for name in ("ir", "color", *channels):
            if name in channels:
                return (path / channels[name]).parent
    return path


def _absent(path: Path, count: int) -> np.ndarray:
    """Frames of a GOT-10k or LaSOT folder on which the target cannot be seen."""
    absent = np.zeros(count, bool)
    for file in (path / name for name in _ABSENT):
        if file.is_file():
            absent |= _fit(read_flags(file) > 0, count, file)
    cover = path / _COVER
    if cover.is_file():
        absent |= _fit(read_flags(cover) == 0, count, cover)
    return absent


def _antiuav_folder(path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """Where the frames are, which are absent, and the boxes."""
    label = next((path / n for n in UAV_TRUTHS if (path / n).is_file()), None)
    if label is None:
        raise DataError(
            f"no ground truth in {path}: expected {' or '.join(UAV_TRUTHS)}"
        )
    try:
        content = json.loads(label.read_text(encoding="utf-8-sig"))
        rows = [row if len(row) == 4 else [np.nan] * 4 for row in content["gt_rect"]]
        boxes = np.array(rows, np.float64).reshape(-1, 4)
        exist = np.array(content.get("exist", [1] * len(rows)), bool)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{label}: {error!r}; expected lists 'exist' and 'gt_rect' (x,y,w,h)"
        ) from error
    films = [path / name for name in UAV_VIDEOS]
    source = next((film for film in films if film.is_file()), path)
    return source, _fit(~exist, len(boxes), label), boxes


def _fit(flags: np.ndarray, count: int, file: Path) -> np.ndarray:
    if len(flags) != count:
        raise DataError(
            f"{file}: {len(flags)} flags for {count} boxes; restore the file"
        )
    return flags


def _assemble(
    path: Path,
    frames: ImageFrames | VideoFrames,
    boxes: np.ndarray,
    attributes: Iterable[str] = (),
    absent: np.ndarray | None = None,
    modality: str | None = None,
) -> Sequence:
    if len(boxes) not in (1, len(frames)):
        raise DataError(
            f"{path}: {len(boxes)} boxes for {len(frames)} frames; expected as many, "
            "or one for the first frame"
        )
    # A row of zeros marks the target absent; NaN compares False.
    visible = np.all(boxes[:, 2:] > 0, axis=1)
    if absent is not None:
        visible = visible & ~absent
    if modality is None:
        modality = "rgb" if frames.format.channels == 3 else "tir"
    name = path.stem if path.is_file() else path.resolve().name
    return Sequence(name, frames, boxes, visible, tuple(attributes), modality)
