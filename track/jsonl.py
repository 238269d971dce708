"""Results as lines of JSON, for a program that follows along."""

import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any

from .records import STATUS
from .story import Story


class Lines:
    """A line a frame, sent off before the next one.

    Attributes:
      closed: whether the reader has gone; what comes then is dropped.

    Args:
      place: file to replace, or ``-`` for standard output.

    Raises:
      OSError: it cannot be written.
    """

    def __init__(self, place: str):
        self.closed = False
        self._own = place != "-"
        self._file = open(place, "w") if self._own else sys.stdout  # noqa: SIM115

    def add(
        self,
        number: int,
        seconds: float,
        size: tuple[int, int],
        dropped: int,
        stories: Sequence[Story],
    ) -> None:
        """Writes what is known in a frame.

        Args:
          number: of the frame.
          seconds: since the first one.
          size: ``(rows, columns)`` of the frame, whose pixels the boxes are in.
          dropped: frames that were skipped so far.
          stories: the targets.

        Raises:
          OSError: it cannot be written, except for a reader that has gone.
        """
        line = {
            "frame": number,
            "time": round(seconds, 4),
            "size": [size[1], size[0]],
            "targets": [_target(story) for story in stories],
            "dropped": dropped,
        }
        if self.closed:
            return
        try:
            self._file.write(json.dumps(line, allow_nan=False) + "\n")
            self._file.flush()
        except BrokenPipeError:
            self.closed = True
            self._forget()

    def close(self) -> None:
        """Completes the file; standard output stays open."""
        if self._own:
            self._file.close()

    def _forget(self) -> None:
        """Lets what is left over go nowhere, also when Python flushes at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)


def _target(story: Story) -> dict[str, Any]:
    told = story.told
    return {
        "id": story.target + 1,
        "tracker": story.tracker,
        "box": [_number(float(x)) for x in told.box],
        "score": _number(told.score),
        "status": STATUS[told.status],
    }


def _number(value: float) -> float | None:
    """Three decimals more than enough for a pixel; null for what JSON cannot say."""
    return round(value, 4) if math.isfinite(value) else None
