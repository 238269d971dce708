"""What a run tells while it trains: to the terminal, to files, to TensorBoard.

``WORKDIR/metrics.jsonl`` is the record; all else can be made from it again.
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tirjax.data.sequence import DataError

from . import curves, pictures

METRICS, CURVES, IMAGES, BOARD = "metrics.jsonl", "curves.png", "images", "tensorboard"
LOSS, SPEED, WAITING = "loss", "images_per_second", "waiting"


class Log:
    """Writes the metrics and pictures of a run; a context manager.

    In a terminal there is a progress bar, elsewhere a line for every record. Metrics
    named ``loss``, ``images_per_second`` and ``waiting`` (share of the time spent
    waiting for data, 0..1) are shown there as well.

    Args:
      workdir: folder of the run; made if there is none.
      total: steps of the whole run.
      resumed: step that the run goes on from; records after it are removed, so that
        the file reads as if nothing had interrupted it. None begins a new file.
      writes: False on every process but the first, where nothing is done at all.
      console: where to talk to; the standard output by default.
      clock: seconds; for the time of records and what is left.
    """

    def __init__(
        self,
        workdir: Path,
        total: int,
        resumed: int | None = None,
        writes: bool = True,
        console: Console | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self._workdir, self._total = Path(workdir), total
        self._first, self._writes, self._clock = resumed or 0, writes, clock
        self._console = console or Console(soft_wrap=True)
        self._resumed = resumed

    def __enter__(self) -> "Log":
        """Opens the files.

        Raises:
          OSError: the folder cannot be written.
        """
        if not self._writes:
            return self
        self._workdir.mkdir(parents=True, exist_ok=True)
        path = self._workdir / METRICS
        _keep_until(path, -1 if self._resumed is None else self._resumed)
        self._file = path.open("a")
        self._board = _board(self._workdir / BOARD, self._first)
        self._bar = _bar(self._console)
        self._task = self._bar.add_task(
            "", total=self._total, completed=self._first, text=""
        )
        self._shown: dict[str, float] = {}
        self._began = self._clock()
        self._bar.start()
        if self._board is None:
            self.say("no TensorBoard: `pip install tensorboardX` to have it")
        return self

    def __exit__(self, kind, error, trace) -> None:
        if not self._writes:
            return
        self._bar.stop()
        self._file.close()
        if self._board is not None:
            self._board.close()
        try:
            self.curves()
        except OSError:
            # What ended the run matters more than its picture.
            if error is None:
                raise

    def metrics(self, step: int, values: Mapping[str, Any]) -> None:
        """Records metrics of a step; a value that is not finite is null in the file.

        Args:
          step: number of steps done.
          values: numbers or arrays of one, by name; ``step`` and ``time`` are taken.

        Raises:
          DataError: the disk is full.
        """
        if not self._writes:
            return
        numbers = {name: float(value) for name, value in values.items()}
        record = {"step": step, "time": round(self._clock(), 3)}
        record |= {k: v if math.isfinite(v) else None for k, v in numbers.items()}
        self._append(json.dumps(record, allow_nan=False))
        if self._board is not None:
            for name, value in numbers.items():
                self._board.add_scalar(name, value, step)
        self._shown |= {k: numbers[k] for k in (LOSS, SPEED, WAITING) if k in numbers}
        self.progress(step)
        others = {k: v for k, v in numbers.items() if k not in (LOSS, SPEED, WAITING)}
        if not self._console.is_terminal:
            shown = {k: v for k, v in self._shown.items() if k in numbers}
            parts = [f"step {step}/{self._total}", _text(shown, others)]
            self.say("  ".join([*parts, *([self._left(step)] if shown else [])]))

    def progress(self, step: int) -> None:
        """Moves the progress bar.

        Args:
          step: number of steps done.
        """
        if self._writes:
            text = f"{_text(self._shown, {})}  {self._left(step)}"
            self._bar.update(self._task, completed=step, text=text)

    def say(self, text: str) -> None:
        """Prints a line, above the progress bar where there is one."""
        if self._writes:
            self._console.print(text, markup=False, highlight=False)

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        """Writes ``images/STEP_NAME.png``, the step with leading zeros.

        Args:
          step: number of steps done.
          name: what is shown, as in a file name.
          picture: ``[rows, columns, c]``, 0..255, one channel or three.
        """
        if self._writes:
            file = f"{step:0{len(str(self._total))}d}_{name}.png"
            pictures.write(self._workdir / IMAGES / file, picture)

    def curves(self) -> None:
        """Draws all metrics so far into ``curves.png``."""
        if self._writes:
            records = curves.read(self._workdir / METRICS)
            curves.write(self._workdir / CURVES, records)

    def _append(self, line: str) -> None:
        try:
            self._file.write(line + "\n")
            # A killed run keeps what it has told.
            self._file.flush()
        except OSError as error:
            path = self._workdir / METRICS
            raise DataError(
                f"{path}: not written ({error.strerror}); free space and start again "
                "with the same --workdir"
            ) from error

    def _left(self, step: int) -> str:
        done = step - self._first
        if done <= 0 or step >= self._total:
            return ""
        seconds = (self._clock() - self._began) / done * (self._total - step)
        return f"{_duration(seconds)} left"


def _keep_until(path: Path, step: int) -> None:
    """Drops records after a step and what is no record."""
    if not path.exists():
        return
    kept = [record for record in curves.read(path) if record["step"] <= step]
    half = path.with_name(path.name + ".half")
    half.write_text("".join(json.dumps(record) + "\n" for record in kept))
    os.replace(half, path)


def _board(folder: Path, step: int) -> Any:
    """A writer for TensorBoard; None where it is not installed."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)


def _bar(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[text]}"))
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _text(shown: Mapping[str, float], others: Mapping[str, float]) -> str:
    """Metrics as people read them."""
    parts = []
    if LOSS in shown:
        parts.append(f"loss {shown[LOSS]:.4g}")
    parts += [f"{name} {value:.4g}" for name, value in others.items()]
    if SPEED in shown:
        parts.append(f"{shown[SPEED]:.3g} images/s")
    if WAITING in shown:
        parts.append(f"waiting {100 * shown[WAITING]:.0f} %")
    return "  ".join(parts)


def _duration(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
