"""What ``track run`` leaves behind: boxes, video, a sheet of frames, a plot."""

import dataclasses
from pathlib import Path

import numpy as np

from tirjax.data import Frames, Sequence
from tirjax.evaluation import scores

from . import catalogue, plots, records, scoring, view
from .runner import Result
from .tables import Table

SPREAD, WORST = 8, 4  # frames on the sheet: spread over time, and the worst, at most
CELL = 400  # width of a frame on the sheet, pixels


@dataclasses.dataclass(frozen=True)
class Clip:
    """What is tracked.

    Attributes:
      name: for captions.
      frames: the pictures.
      boxes: targets in the first frame.
      truth: the sequence, where it is annotated throughout and its target is the one
        that is followed.
      live: whether it has no end.
      fps: frames per second of the video to write.
    """

    name: str
    frames: Frames
    boxes: list[np.ndarray]
    truth: Sequence | None
    live: bool
    fps: float


@dataclasses.dataclass(frozen=True)
class Story:
    """One target of one tracker, and what became of it so far.

    Attributes:
      name: of the tracker, with the target's number if there are several.
      colour: red, green, blue.
      results: a frame each.
    """

    name: str
    colour: tuple[int, int, int]
    results: list[Result] = dataclasses.field(default_factory=list)


class Outputs:
    """Draws frames as they come, and writes everything at the end.

    Args:
      clip: what is tracked.
      stories: who is drawn; their results grow outside.
      out: folder, made if needed.
    """

    def __init__(self, clip: Clip, stories: list[Story], out: Path):
        out.mkdir(parents=True, exist_ok=True)
        self.clip, self.stories, self.out = clip, stories, out
        self.film = view.Film(out / "tracked.mp4", clip.fps)
        self._kept: list[tuple[int, np.ndarray]] = []
        self._stride = 1

    def add(self, number: int, frame: np.ndarray) -> np.ndarray:
        """Draws a frame with the newest results, appends it to the film, returns it."""
        picture = self._draw(number, frame, view.film_width(frame.shape[1]))
        self.film.add(picture)
        if number % self._stride == 0:
            self._kept.append((number, frame))
        if len(self._kept) > SPREAD:
            self._kept, self._stride = self._kept[::2], self._stride * 2
        return picture

    def finish(self) -> list[Path]:
        """Writes what there is, the most precious first; returns the files."""
        if not self._kept:
            return []
        files = [self._boxes(story) for story in self.stories]
        plot, sheet = self.out / "scores.png", self.out / "frames.png"
        overlaps = self.overlaps()
        told = {s.name: np.array([r.score for r in s.results]) for s in self.stories}
        plots.write(plots.over_time(told, overlaps), plot)
        view.write_picture(sheet, self._sheet(overlaps or told))
        self.film.close()
        return [self.film.path, sheet, plot, *files]

    def overlaps(self) -> dict[str, np.ndarray]:
        """Overlap with the truth by story; empty without one."""
        truth = self.clip.truth
        if truth is None:
            return {}
        found = {}
        for story in self.stories:
            boxes = np.array([r.box for r in story.results])
            given = np.where(truth.visible[:, None], truth.boxes, np.nan)[: len(boxes)]
            found[story.name] = scoring.overlaps(boxes, given)
        return found

    def table(self) -> Table | None:
        """Scores, if the whole clip was tracked and its truth is known."""
        truth = self.clip.truth
        if truth is None or len(self.stories[0].results) < len(truth.boxes):
            return None
        protocol = catalogue.protocol(None, "folder")
        rows = []
        for story in self.stories:
            kept = records.record(story.results)
            s = scores([scoring.sequence_curves(kept, truth, protocol)], protocol)
            numbers = s.success, s.precision, s.norm_precision
            rows.append([story.name, *numbers, f"{kept.fps:.0f}"])
        heads = ["tracker", "success", "precision", "norm. precision", "frames/s"]
        return Table(heads, rows)

    def _boxes(self, story: Story) -> Path:
        kept = records.record(story.results)
        return records.write_record(self.out, story.name, kept, origin=0)

    def _draw(
        self, number: int, frame: np.ndarray, width: int, note: str = ""
    ) -> np.ndarray:
        marks = []
        for story in self.stories:
            r = story.results[number]
            marks.append(view.Mark(story.name, story.colour, r.box, r.score, r.status))
        truth = None if self.clip.truth is None else self.clip.truth.boxes[number]
        caption = f"{self.clip.name}   frame {number}{note}"
        return view.draw(frame, marks, truth, caption, width)

    def _sheet(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Frames spread over time, then the worst of each tracker."""
        cells = [self._draw(i, frame, CELL) for i, frame in self._kept]
        each = 0 if self.clip.live else max(1, WORST // len(values))
        lowest: dict[int, list[str]] = {}
        for name, row in values.items():
            for i in scoring.worst(row, each):
                lowest.setdefault(i, []).append(name)
        for i, names in sorted(lowest.items()):
            note = f"   worst of {', '.join(names)}"
            cells.append(self._draw(i, self.clip.frames[i], CELL, note))
        return view.sheet(cells)
