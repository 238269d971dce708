"""The devices that a batch is spread over, and the part of a process among several."""

import contextlib
import dataclasses

import jax
from jax.sharding import Mesh

from tirjax.data import DataError, SequenceList

AXIS = "data"


def start(devices: int | None) -> None:
    """Prepares this process; before anything of JAX runs.

    Args:
      devices: how many are wanted; a CPU then has as many virtual ones.
    """
    if devices:
        with contextlib.suppress(RuntimeError):  # too late; `mesh` counts them
            jax.config.update("jax_num_cpu_devices", devices)


def mesh(devices: int | None, batch: int) -> Mesh | None:
    """The devices along one axis; None where one is enough.

    Args:
      devices: how many are wanted; None is one.
      batch: sequences that advance together.

    Raises:
      DataError: there are fewer devices, or the batch cannot be shared out evenly.
    """
    if devices is None or devices == 1:
        return None
    found = jax.local_devices()
    if not 0 < devices <= len(found):
        raise DataError(f"--devices {devices}: there are {len(found)} here")
    if batch % devices:
        raise DataError(
            f"--batch {batch} does not divide among {devices} devices; choose a "
            f"multiple of {devices}"
        )
    kind = (jax.sharding.AxisType.Auto,)
    return jax.make_mesh((devices,), (AXIS,), kind, devices=found[:devices])


def shard(text: str | None) -> tuple[int, int]:
    """Number of this process, from 0, and how many there are, of ``I/N``.

    Raises:
      DataError: not two whole numbers, or ``I`` is not below ``N``.
    """
    if text is None:
        return 0, 1
    try:
        number, count = (int(part) for part in text.split("/"))
    except ValueError:
        number, count = 0, 0
    if not 0 <= number < count:
        raise DataError(f"--shard {text}: expected I/N with I from 0 to N-1, as 0/4")
    return number, count


def own(data: SequenceList, text: str | None) -> SequenceList:
    """The sequences of this process: every N-th, whatever is already complete."""
    number, count = shard(text)
    mine = slice(number, None, count)
    return dataclasses.replace(data, names=data.names[mine], openers=data.openers[mine])
