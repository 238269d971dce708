"""Sequences with names, opened one by one; what every data set here is."""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Iterator

from tirjax.data.sequence import DataError, Sequence

# Part of a benchmark: the name of a cut, names of sequences, or None for all of it.
Cut = str | Iterable[str] | None
Open = Callable[[], Sequence]


@dataclasses.dataclass(frozen=True)
class SequenceList:
    """A data set whose sequences are opened when asked for.

    Attributes:
      name: the benchmark.
      names: of the sequences, in its order.
      openers: one a sequence.
      modality: of all sequences; None keeps what the frames say.
    """

    name: str
    names: tuple[str, ...]
    openers: tuple[Open, ...]
    modality: str | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sequence:
        """Opens one sequence.

        Raises:
          DataError: it does not fit together or its first frame is unreadable.
        """
        opened = self.openers[index]()
        modality = self.modality or opened.modality
        return dataclasses.replace(opened, name=self.names[index], modality=modality)

    def __iter__(self) -> Iterator[Sequence]:
        return (self[i] for i in range(len(self)))

    def check(self) -> list[str]:
        """Opens every sequence and decodes its first and last frame.

        Returns:
          What is wrong, a line each; empty when all is well.
        """
        return [text for i in range(len(self)) if (text := self._problem(i))]

    def _problem(self, index: int) -> str | None:
        try:
            opened = self[index]
            for number in (0, len(opened.frames) - 1):
                opened.frames[number]
        except DataError as error:
            return f"{self.names[index]}: {error}"
        if not opened.visible[0]:
            return f"{self.names[index]}: no box on the first frame; nothing to follow"
        return None


def choose(dataset: str, cut: Cut, cuts: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Names of the sequences that ``cut`` stands for.

    Args:
      dataset: its name, for the error.
      cut: None, a key of ``cuts``, or names, with commas or one by one.
      cuts: names of the sequences by cut, the whole benchmark first.

    Raises:
      DataError: neither a cut nor a sequence.
    """
    if cut is None:
        return next(iter(cuts.values()))
    if isinstance(cut, str) and cut.lower() in cuts:
        return cuts[cut.lower()]
    names = tuple(cut.split(",") if isinstance(cut, str) else cut)
    known = dict.fromkeys(name for listed in cuts.values() for name in listed)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise DataError(
                f"{dataset} has no sequence or cut {name!r}; {hint}cuts are "
                f"{', '.join(cuts)}"
            )
    return names
