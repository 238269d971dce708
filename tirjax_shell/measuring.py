"""Measuring: the conditions, contenders that take turns, spreads, and the report.

A busy or throttled machine changes its speed by the minute. Contenders therefore take
turns, a ratio is of the same round, and every number comes with its spread.
"""

import datetime
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

K, T = TypeVar("K"), TypeVar("T")

PERCENTILES = (10, 50, 90)


def conditions(**more: Any) -> dict[str, Any]:
    """Where and with what numbers are measured; ``more`` follows."""
    import jax

    import tirjax

    device = jax.devices()[0]
    return {
        "date": datetime.date.today().isoformat(),
        "device": f"{device.platform} {device.device_kind}",
        "processor": platform.processor() or platform.machine(),
        "processors": os.cpu_count(),
        "load at the start": load(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "tirjax": tirjax.__version__,
        **more,
    }


def load() -> float | None:
    """Programs that wanted to run in the last minute; None where nobody counts."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def timed(function: Callable[..., T], *arguments: Any) -> tuple[T, float]:
    """The outcome, complete, and the seconds it took."""
    import jax

    started = time.perf_counter()
    outcome = jax.block_until_ready(function(*arguments))
    return outcome, time.perf_counter() - started


def turns(
    contenders: Mapping[K, Callable[[], T]], rounds: int, warmup: int = 0
) -> Iterator[tuple[int, K, T]]:
    """Runs all contenders once a round, every other round backwards.

    Args:
      contenders: by name; each ends before the next begins.
      rounds: that count.
      warmup: rounds before them.

    Yields:
      Number of the round, negative in the warm-up; name; and what it returned.
    """
    for number in range(-warmup, rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            yield number, name, contenders[name]()


def spread(
    values: Sequence[float] | np.ndarray,
    digits: int | None = None,
    between: tuple[int, int, int] = PERCENTILES,
) -> str:
    """Median, and in brackets the range around it.

    Args:
      values: at least one.
      digits: decimals; by default about three figures.
      between: percentiles that are low, middle and high.
    """
    low, middle, high = np.percentile(np.asarray(values, float), between)
    if digits is None:
        digits = 0 if abs(middle) >= 100 else 1 if abs(middle) >= 10 else 2
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def facts(about: Mapping[str, Any]) -> str:
    """Conditions as a Markdown list."""
    return "\n".join(f"* {key}: {value}" for key, value in about.items())


def write(
    folder: Path, name: str, record: Any, text: str, indent: int | None = 1
) -> None:
    """Writes ``name.json`` and ``name.md``.

    Args:
      folder: made if it is not there.
      name: of both, without an ending.
      record: what JSON can hold, and what text can stand for.
      text: Markdown.
      indent: of the JSON; None puts it on one line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(record, indent=indent, default=str)
    (folder / f"{name}.json").write_text(data + "\n")
    (folder / f"{name}.md").write_text(text)
