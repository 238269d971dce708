"""Tables that come out as Markdown, CSV and LaTeX."""

import csv
import io
import math
from typing import NamedTuple

from tabulate import tabulate

MISSING = "-"
# Around bold cells until the others' braces are escaped; in no name and no font.
_BOLD = "\ue000\ue001"


class Table(NamedTuple):
    """Headers, and rows of texts and numbers.

    Attributes:
      headers: one a column.
      rows: a float is printed with ``digits``; NaN and None as a dash.
      digits: decimals of the floats.
      neutral: headers of columns in which the largest number is not the best.
    """

    headers: list[str]
    rows: list[list]
    digits: int = 3
    neutral: tuple[str, ...] = ()

    def texts(self) -> list[list[str]]:
        """Every cell as it is printed."""
        return [[self._text(cell) for cell in row] for row in self.rows]

    def markdown(self) -> str:
        """A GitHub table; names that would break it are escaped."""
        rows = [[escaped(cell) for cell in row] for row in self.texts()]
        return _layout([escaped(h) for h in self.headers], rows, "pipe") + "\n"

    def latex(self) -> str:
        """A booktabs table, the best numbers bold; special characters are escaped."""
        texts, best = self.texts(), self.best()
        for r, c in best:
            texts[r][c] = f"{_BOLD[0]}{texts[r][c]}{_BOLD[1]}"
        made = _layout(self.headers, texts, "latex_booktabs") + "\n"
        return made.replace(_BOLD[0], r"\textbf{").replace(_BOLD[1], "}")

    def plain(self) -> str:
        """For a terminal."""
        return _layout(self.headers, self.texts(), "simple")

    def best(self) -> set[tuple[int, int]]:
        """Cells (row, column) with the largest number of their column, or of their row.

        Whichever way the trackers run: rows that begin with a tracker's name compare
        down the column, others along the row.
        """
        found = set()
        for cells in self._lines():
            values = [self.rows[r][c] for r, c in cells]
            numbers = [v for v in values if isinstance(v, float) and not math.isnan(v)]
            top = max(numbers, default=None)
            found |= {
                at
                for at, v in zip(cells, values, strict=True)
                if len(numbers) > 1 and v == top
            }
        return found

    def csv(self) -> str:
        """Comma-separated, every digit of the numbers, empty where there is none."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.headers)
        for row in self.rows:
            writer.writerow(["" if _absent(cell) else cell for cell in row])
        return text.getvalue()

    def _lines(self) -> list[list[tuple[int, int]]]:
        rows = range(len(self.rows))
        cols = [c for c, head in enumerate(self.headers) if head not in self.neutral]
        if self.headers[0] == "tracker":
            return [[(r, c) for r in rows] for c in cols]
        return [[(r, c) for c in cols] for r in rows]

    def _text(self, cell) -> str:
        if _absent(cell):
            return MISSING
        return f"{cell:.{self.digits}f}" if isinstance(cell, float) else str(cell)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: a bar opens a cell, a tag is one."""
    text = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(text.splitlines())


def _absent(cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _layout(headers: list[str], rows: list[list[str]], style: str) -> str:
    # As text: tabulate would drop trailing zeros of numbers.
    align = ["left"] + ["right"] * (len(headers) - 1)
    return tabulate(
        rows,
        headers,
        tablefmt=style,
        disable_numparse=True,
        colalign=align[: len(headers)],
    )
