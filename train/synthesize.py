"""``train synthesize``: a labelled visible data set becomes a thermal one.

Every frame goes through a generator; labels are those of the original. Repeating an
interrupted command goes on where it stopped.
"""

import contextlib
import datetime
import errno
import time
from typing import Any

import jax

from tirjax.data import fitting
from tirjax.data.sequence import DataError
from tirjax.data.training.sets import open_training_set
from tirjax.translators.translate import side_multiple

from . import devices
from .generators import Loaded, open_generator
from .options import Synthesize
from .prepare import Meter
from .synthetic_set import MANIFEST, SHEET, SyntheticSet
from .synthetic_sheet import write_sheet
from .translation import Translator, Work

A_DEVICE = 4  # images at a time, where no batch is given
_FULL = (errno.ENOSPC, errno.EDQUOT)

# What each choice is where the command does not say.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        **{"fit": "squash", "size": 256, "statistics": "image", "channels": 1},
        **{"rounding": "nearest", "format": "png", "quality": 95},
    },
    "released": {
        **{"fit": "squash", "size": 256, "statistics": "image", "channels": 1},
        **{"rounding": "down", "format": "jpeg", "quality": 75},
    },
}


def synthesize(options: Synthesize) -> None:
    """Translates a data set; says what it did.

    Args:
      options: the command line.

    Raises:
      DataError: the data set, the generator or the settings cannot be used, ``out``
        holds something else, or the disk is full.
    """
    devices.start(options.devices, False)
    chosen = _choices(options)
    running = chosen["statistics"] == "running"
    generator = open_generator(options.generator, options.direction, running)
    multiple = side_multiple(generator.net)
    fit = fitting.Fit(chosen["fit"], chosen["size"], multiple)
    fit.check()
    source = open_training_set(options.dataset, options.data, options.cut)
    out = SyntheticSet(options.out, *_origin(options, chosen, generator))
    todo = [i for i, name in enumerate(source.names) if not out.record(name)]
    sheet = options.out / SHEET
    if not todo and out.complete and sheet.is_file():
        print(f"already synthesized: {options.out}\ndelete it to make it again")
        return
    out.begin()
    batch = options.batch or A_DEVICE * jax.device_count()
    run = Translator(generator, fit, chosen, batch)
    left_out: dict[str, str] = {}
    began, complete = time.monotonic(), False
    with Meter(len(source)) as meter:
        skipping = options.on_error == "skip"
        work = Work(out, source, run, meter, skipping, left_out)
        for _ in range(len(source) - len(todo)):
            meter.advance(0)
        try:
            work.through(todo)
            records = out.conclude(source.names, left_out, True)
            complete = True
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise DataError(
                f"{options.out}: the disk is full after {work.written} frames; free "
                "some space and repeat the command, finished sequences stay"
            ) from error
        finally:
            if not complete:  # on a full disk there may be no room for the manifest
                with contextlib.suppress(OSError):
                    out.conclude(source.names, left_out, False)
    if not records:
        raise DataError(f"{options.out}: no sequence could be translated, see above")
    write_sheet(sheet, source, options.out, records)
    _summary(options, records, left_out, work.written, time.monotonic() - began)


def _choices(options: Synthesize) -> dict[str, Any]:
    """The preset, and over it what the command line says."""
    chosen = dict(PRESETS[options.preset])
    for name in chosen:
        if (given := getattr(options, name)) is not None:
            chosen[name] = given
    if chosen["size"] < 1 or not 1 <= chosen["quality"] <= 100:
        raise DataError(
            f"--size {chosen['size']} --quality {chosen['quality']}: a size of at "
            "least 1 pixel, a quality of 1 to 100"
        )
    if options.batch is not None and options.batch < 1:
        raise DataError(f"--batch {options.batch}: at least 1 image at a time")
    return chosen


def _origin(
    options: Synthesize, chosen: dict[str, Any], generator: Loaded
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What every picture depends on, and what else is worth knowing."""
    settings = {
        "generator": generator.about["sha256_of_variables"],
        "dataset": options.dataset,
        "data": str(options.data.resolve()) if options.data else None,
        **chosen,
    }
    more = {
        "generator": generator.about,
        "direction": options.direction,
        "preset": options.preset,
        "cut": options.cut,
    }
    return settings, more


def _summary(
    options: Synthesize,
    records: list[dict[str, Any]],
    left_out: dict[str, str],
    written: int,
    seconds: float,
) -> None:
    gone = sum(len(record["frames_left_out"]) for record in records)
    lines = {
        "sequences": f"{len(records):,}",
        "frames": f"{sum(record['frames'] for record in records):,}"
        f", {written:,} translated now",
        "time": str(datetime.timedelta(seconds=round(seconds))),
        "speed": f"{written / max(seconds, 1e-9):,.1f} frames a second",
    }
    if left_out or gone:
        what = f"{len(left_out):,} sequences, {gone:,} frames elsewhere"
        lines["left out"] = f"{what}, see {MANIFEST}"
    for name, text in lines.items():
        print(f"{name:<13} {text}")
    print(f"{'look at':<13} {options.out / SHEET}")
    print(f"{'written to':<13} {options.out}")
    print(f"{'read it as':<13} python -m train prepare folder --data {options.out}")
