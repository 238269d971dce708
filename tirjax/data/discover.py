"""Which layout a path has, and which sequences lie below a folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tirjax.data import layouts, video, windows
from tirjax.data.images import natural_key
from tirjax.data.pixels import Channels
from tirjax.data.sequence import DataError, Sequence

EXPECTED = (
    "a folder of pictures with groundtruth_rect.txt (OTB, PTB-TIR, LSOTB-TIR), "
    "groundtruth.txt (VOT), IR_label.json or infrared.json (Anti-UAV) or boxes.txt "
    "(x,y,w,h from 0), or a video NAME.* with NAME_groundtruth.txt (Anti-UAV) or "
    "NAME.txt (x,y,w,h from 0)"
)


def open_sequence(
    path: str | Path,
    *,
    channels: Channels = "auto",
    window: windows.Window | None = None,
) -> Sequence:
    """Opens one annotated sequence in whichever known layout it has.

    Args:
      path: folder or video file.
      channels: as for ``open_frames``.
      window: as for ``open_frames``.

    Raises:
      DataError: no known ground truth; says what was looked for.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; check the path")
    reader = find_reader(path)
    if reader is None:
        raise DataError(f"no ground truth for {path}: expected {EXPECTED}")
    return reader(path, channels=channels, window=window)


def find_reader(path: Path) -> Callable[..., Sequence] | None:
    """The reader for ``path`` by the ground truth it has; None for none."""
    if path.is_dir():
        if layouts.otb_truths(path):
            return layouts.otb
        if (path / layouts.VOT_TRUTH).is_file():
            return layouts.vot
        if any((path / name).is_file() for name in layouts.UAV_TRUTHS):
            return layouts.antiuav
        return layouts.generic if (path / layouts.OWN_TRUTH).is_file() else None
    if path.suffix.lower() not in video.SUFFIXES:
        return None
    if path.with_name(f"{path.stem}_groundtruth.txt").is_file():
        return layouts.antiuav
    return layouts.generic if path.with_suffix(".txt").is_file() else None


def find_sequences(root: Path, depth: int = 3) -> Iterator[Path]:
    """Annotated sequences at ``root`` or up to ``depth`` folders below, in order.

    Folders that are no sequences are passed over; a sequence's own folders are not
    searched.
    """
    if find_reader(root):
        yield root
    elif root.is_dir() and depth:
        for path in sorted(root.iterdir(), key=natural_key):
            if path.name[0] != "." and (path.is_dir() or find_reader(path)):
                yield from find_sequences(path, depth - 1)
