"""``train prepare``: a data set on disk becomes one that training reads fast."""

import datetime
import sys
import time
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

import tirjax
from tirjax.data.collection import SequenceList
from tirjax.data.sequence import DataError
from tirjax.data.training import packing, tfds
from tirjax.data.training.prepared import ABOUT
from tirjax.data.training.sets import open_training_set
from tirjax_shell.session import CONSOLE

from .about import now
from .options import Prepare

PLAIN_EVERY = 10.0  # seconds between lines of progress where no bar can be drawn
MOST_LISTED = 20  # lines of one sequence


def prepare(options: Prepare) -> None:
    """Prepares a data set, or checks it; says what it did.

    Args:
      options: the command line.

    Raises:
      DataError: the data set, or a part of it, cannot be used; the disk is full.
    """
    if options.quick and not options.check:
        raise DataError("--quick is for --check; add it")
    if options.check:
        check(options)
        return
    folder = tfds.place(options.out, options.dataset, options.cut)
    if folder.exists():
        _say_finished(folder, options)
        return
    _need_tfds()
    source = _open(options)
    began = time.monotonic()
    with Meter(len(source)) as meter:
        done = tfds.write(
            source,
            options.out,
            options.dataset,
            options.cut,
            skip=meter.say if options.on_error == "skip" else None,
            watch=meter.advance,
            about=_about(options),
        )
    _summary(done, time.monotonic() - began)


def check(options: Prepare) -> None:
    """Lists what is missing or corrupt, a line each.

    Args:
      options: the command line; ``quick`` looks at two frames of each sequence.

    Raises:
      DataError: something is.
    """
    source = _open(options)
    bad = 0
    with Meter(len(source)) as meter:
        for index in range(len(source)):
            lines, frames = _problems(source, index, options.quick)
            for line in lines[:MOST_LISTED]:
                print(line, flush=True)
            if len(lines) > MOST_LISTED:
                print(f"{source.names[index]}: and {len(lines) - MOST_LISTED} more")
            bad += bool(lines)
            meter.advance(frames)
    looked = f"{len(source)} sequences, {meter.frames} frames looked at"
    if bad:
        raise DataError(
            f"{bad} of {looked} are bad, see above; restore the files, or prepare "
            "with --on-error skip"
        )
    print(f"{looked}, all good")


def _problems(source: SequenceList, index: int, quick: bool) -> tuple[list[str], int]:
    """What is wrong with a sequence, and how many frames were looked at."""
    try:
        clip = source[index]
        last = len(clip.frames) - 1
        chosen = sorted({0, last}) if quick else None
        found = [error for _, error in packing.undecodable(clip.frames, chosen)]
    except DataError as error:
        return [packing.named(source, index, error)], 0
    lines = [packing.named(source, index, error) for error in found]
    if not clip.visible.any():
        lines.append(f"{source.names[index]}: no frame has a box; nothing to learn")
    return lines, last + 1 if chosen is None else len(chosen)


def _need_tfds() -> None:
    """Asks for the optional packages before the work begins."""
    try:
        import array_record  # noqa: F401
        import tensorflow_datasets  # noqa: F401
    except ModuleNotFoundError as error:
        raise DataError(
            f"{error}: pip install tensorflow-datasets array_record (no TensorFlow)"
        ) from error


def _open(options: Prepare) -> SequenceList:
    return open_training_set(options.dataset, options.data, options.cut)


def _about(options: Prepare) -> dict[str, str | None]:
    return {
        "dataset": options.dataset,
        "cut": options.cut,
        "data": str(options.data.resolve()) if options.data else None,
        "tirjax": tirjax.__version__,
        "date": now(),
    }


def _say_finished(folder: Path, options: Prepare) -> None:
    """There is nothing to do, if what is there is what is asked for."""
    about = tfds.open_prepared(folder).about
    data, asked = about.get("data"), _about(options)["data"]
    if asked and data != asked:
        raise DataError(
            f"{folder} was prepared from {data}; choose another --out, or delete it"
        )
    skipped = len(about["skipped"])
    without = f" without {skipped} bad sequences, see {ABOUT}" if skipped else ""
    print(f"already prepared{without}: {folder}\ndelete it to prepare it again")


def _summary(done: tfds.Written, seconds: float) -> None:
    size = sum(p.stat().st_size for p in done.folder.rglob("*") if p.is_file())
    shared = done.frames - done.records
    lines = {
        "sequences": f"{done.sequences:,}",
        "frames": f"{done.frames:,}" + (f", {shared:,} shared" if shared else ""),
        "size": f"{size / 1e6:,.1f} MB",
        "time": str(datetime.timedelta(seconds=round(seconds))),
    }
    if done.skipped:
        lines["left out"] = f"{len(done.skipped):,} sequences, see {ABOUT}"
    for name, text in lines.items():
        print(f"{name:<13} {text}")
    print(f"{'written to':<13} {done.folder}")


class Meter:
    """Progress on stderr: a bar on a terminal, else a line now and then.

    Args:
      clips: how many sequences there are.

    Attributes:
      frames: how many are done.
    """

    def __init__(self, clips: int):
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Remaining(),
            console=CONSOLE,
            transient=True,
            disable=not CONSOLE.is_terminal,
        )
        self._task = self._bar.add_task("sequences", total=clips)
        self._clips, self._done, self.frames = clips, 0, 0
        self._last = time.monotonic()

    def __enter__(self) -> "Meter":
        self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """A sequence was left out."""
        CONSOLE.print(f"left out: {line}", markup=False, highlight=False)

    def advance(self, frames: int) -> None:
        """One more sequence is done, of so many frames."""
        self._done, self.frames = self._done + 1, self.frames + frames
        self._bar.update(
            self._task, advance=1, description=f"sequences ({self.frames:,} frames)"
        )
        plain = self._bar.disable and time.monotonic() - self._last >= PLAIN_EVERY
        if plain:
            self._last = time.monotonic()
            text = f"{self._done}/{self._clips} sequences, {self.frames:,} frames"
            print(text, file=sys.stderr, flush=True)
