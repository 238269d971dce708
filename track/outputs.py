"""What ``track run`` leaves behind: boxes, video, a sheet of frames, a plot."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tirjax.data import Frames
from tirjax.data import Sequence as Annotated
from tirjax.evaluation import scores

from . import catalogue, plots, records, scoring, view
from .jsonl import Lines
from .runner import Result
from .story import Story, Thinned
from .tables import Table

SPREAD, WORST = 8, 4  # frames on the sheet: spread over time, and the worst, at most
CELL = 400  # width of a frame on the sheet, pixels


@dataclasses.dataclass(frozen=True)
class Clip:
    """What is tracked.

    Attributes:
      name: for captions.
      frames: the pictures; None of a live source, which shows them once.
      boxes: targets in the first frame; none if they are still to be drawn.
      truth: the sequence, where it is annotated throughout and its target is the one
        that is followed.
      fps: frames per second of the video to write.
    """

    name: str
    frames: Frames | None
    boxes: list[np.ndarray]
    truth: Annotated | None
    fps: float

    @property
    def live(self) -> bool:
        """Whether it has no end that is known."""
        return self.frames is None


class Moment(NamedTuple):
    """What is known of a frame besides its pixels.

    Attributes:
      seconds: since the first one.
      size: ``(rows, columns)`` it arrived with.
      dropped: frames skipped so far.
      note: for the caption.
    """

    seconds: float
    size: tuple[int, int]
    dropped: int = 0
    note: str = ""


class Outputs:
    """Writes and draws frames as they come, and completes everything at the end.

    Attributes:
      clip: what is tracked.
      stories: who is followed; more may be added.
      film: the video.
      guided: whether somebody has helped the trackers; then nothing is scored.

    Args:
      out: folder, made if needed.
      film: whether to write the video.
      shown: whether somebody looks at the pictures.
      lines: where results go as JSON: a file, or `-`.
    """

    def __init__(
        self,
        clip: Clip,
        stories: list[Story],
        out: Path,
        film: bool = True,
        shown: bool = False,
        lines: str | None = None,
    ):
        out.mkdir(parents=True, exist_ok=True)
        self.clip, self.stories, self.out = clip, stories, out
        self.film = view.Film(out / "tracked.mp4", clip.fps)
        self.guided = False
        self._drawn, self._filmed = film or shown, film
        self._lines = Lines(lines) if lines else None
        self._kept: Thinned[tuple[np.ndarray, list[view.Mark]]] = Thinned(SPREAD)
        self._height: int | None = None  # of the first picture
        self._moment = Moment(0.0, (0, 0))
        self._count = 0

    @property
    def closed(self) -> bool:
        """Whether nobody reads the lines any more."""
        return self._lines is not None and self._lines.closed

    def note(
        self, number: int, frame: np.ndarray, results: Iterable[Result], moment: Moment
    ) -> None:
        """Writes down the results in a frame."""
        rows, columns = frame.shape[:2]
        scale = moment.size[1] / columns, moment.size[0] / rows
        for story, result in zip(self.stories, results, strict=True):
            story.add(number, result, scale, self.out)
        if self._lines is not None:
            seconds, size, dropped, _ = moment
            self._lines.add(number, seconds, size, dropped, self.stories)
        self._moment, self._count = moment, number + 1

    def add(self, number: int, frame: np.ndarray) -> np.ndarray | None:
        """Draws a frame that is noted, and appends it to the film.

        Returns:
          The picture; None if it is neither filmed nor shown.
        """
        marks = [story.mark(story.newest) for story in self.stories]
        self._kept.add(number, (frame, marks))
        if not self._drawn:
            return None
        width = view.film_width(frame.shape[1])
        picture = self._draw(number, frame, marks, width, self._moment.note)
        if self._filmed:
            self._height = self._height or len(picture)
            self.film.add(view.shorten(picture, self._height, frame))
        return picture

    def finish(self) -> list[Path]:
        """Writes what there is, the most precious first; returns the files."""
        files = [path for story in self.stories for path in story.close()]
        if self._lines is not None:
            self._lines.close()
        if not self._kept.items:
            return files
        plot, sheet = self.out / "scores.png", self.out / "frames.png"
        overlaps = self.overlaps()
        told = {s.name: np.array([r.score for r in s.results()]) for s in self.stories}
        numbers = {story.name: story.numbers() for story in self.stories}
        plots.write(plots.over_time(told, overlaps, numbers), plot)
        view.write_picture(sheet, self._sheet(overlaps or told))
        self.film.close()
        return [*([self.film.path] if self._filmed else []), sheet, plot, *files]

    def overlaps(self) -> dict[str, np.ndarray]:
        """Overlap with the truth by story; empty without one."""
        truth = self.clip.truth
        if truth is None or self.guided:
            return {}
        found = {}
        for story in self.stories:
            boxes = np.array([r.box for r in story.results()])
            given = np.where(truth.visible[:, None], truth.boxes, np.nan)[: len(boxes)]
            found[story.name] = scoring.overlaps(boxes, given)
        return found

    def table(self) -> Table | None:
        """Scores, if the whole clip was tracked unaided and its truth is known."""
        truth = self.clip.truth
        if truth is None or self.guided or self._count < len(truth.boxes):
            return None
        protocol = catalogue.protocol(None, "folder")
        rows = []
        for story in self.stories:
            kept = records.record(story.results())
            s = scores([scoring.sequence_curves(kept, truth, protocol)], protocol)
            numbers = s.success, s.precision, s.norm_precision
            rows.append([story.name, *numbers, f"{kept.fps:.0f}"])
        heads = ["tracker", "success", "precision", "norm. precision", "frames/s"]
        return Table(heads, rows)

    def _draw(
        self,
        number: int,
        frame: np.ndarray,
        marks: Sequence[view.Mark],
        width: int,
        note: str = "",
    ) -> np.ndarray:
        truth = None if self.clip.truth is None else self.clip.truth.boxes[number]
        caption = f"{self.clip.name}   frame {number}{note}"
        return view.draw(frame, marks, truth, caption, width)

    def _sheet(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Frames spread over time, then the worst of each tracker."""
        cells = [self._draw(i, *kept, CELL) for i, kept in self._kept.items]
        histories = [(story, dict(story.history.items)) for story in self.stories]
        for number, names in sorted(self._worst(values).items()):
            marks = [
                story.mark(result)
                for story, history in histories
                if (result := history.get(number)) is not None
            ]
            assert self.clip.frames is not None, "what is live has no worst frames"
            frame = self.clip.frames[number]
            note = f"   worst of {', '.join(names)}"
            cells.append(self._draw(number, frame, marks, CELL, note))
        return view.sheet(cells)

    def _worst(self, values: dict[str, np.ndarray]) -> dict[int, list[str]]:
        """Numbers of frames that can be shown again, and whose worst they are."""
        each = 0 if self.clip.live else max(1, WORST // len(values))
        lowest: dict[int, list[str]] = {}
        for story in self.stories:
            worst = story.numbers()[scoring.worst(values[story.name], each)]
            for number in worst.tolist():
                lowest.setdefault(number, []).append(story.name)
        return lowest
