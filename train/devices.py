"""The mesh that a batch is spread over, and which process reads which part.

``jax.jit`` of a ``shard_map`` over one axis: the same program on one device, on eight,
and on several hosts.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from tirjax.data.sequence import DataError
from tirjax.typing import PyTree

AXIS = "data"


def start(
    devices: int | None,
    distributed: bool,
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
) -> None:
    """Prepares this process; before anything of JAX runs.

    Args:
      devices: virtual devices of a CPU; None leaves what is there.
      distributed: whether this is one of several processes. On clusters that JAX knows
        the rest is found out.
      coordinator: ``HOST:PORT`` of the first process.
      processes: how many there are.
      process: number of this one, from 0.

    Raises:
      DataError: the processes do not find each other.
    """
    if devices:
        jax.config.update("jax_num_cpu_devices", devices)
    if not distributed:
        return
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except (RuntimeError, ValueError) as error:
        raise DataError(
            f"--distributed: the processes do not meet ({error}); give --coordinator "
            "HOST:PORT, --processes and --process, the same HOST:PORT to all"
        ) from error


def mesh(batch: int) -> Mesh:
    """All devices of all processes, along one axis.

    Args:
      batch: examples of a step.

    Raises:
      DataError: they cannot be shared out evenly.
    """
    count = jax.device_count()
    if batch % count:
        raise DataError(
            f"a batch of {batch} does not divide among {count} devices; choose a "
            f"--batch that is a multiple of {count}, or other --devices"
        )
    kind = (jax.sharding.AxisType.Auto,)
    return jax.make_mesh((count,), (AXIS,), axis_types=kind)


def part(batch: int) -> slice:
    """The examples of a batch that this process reads."""
    size = batch // jax.process_count()
    return slice(jax.process_index() * size, (jax.process_index() + 1) * size)


def spread(devices: Mesh, raw: PyTree) -> PyTree:
    """This process's part of a batch, put where its examples are needed."""
    place = NamedSharding(devices, P(AXIS))
    put = lambda x: jax.make_array_from_process_local_data(place, np.asarray(x))
    return jax.tree.map(put, raw)


def same(devices: Mesh, value: Any) -> jax.Array:
    """A value that all processes know, on every device; ``device_put`` would compare it
    between the processes each time."""
    place = everywhere(devices)
    return jax.make_array_from_process_local_data(place, np.asarray(value))


def everywhere(devices: Mesh) -> NamedSharding:
    """A copy on every device."""
    return NamedSharding(devices, P())


def parallel(devices: Mesh, step: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles ``(state, raw, number) -> (state, metrics)`` for all devices at once.

    Args:
      devices: mesh.
      step: for the examples of one device; what it returns is the same on all. The
        state's memory is used again.
    """
    sharded = jax.shard_map(
        step,
        mesh=devices,
        in_specs=(P(), P(AXIS), P()),
        out_specs=(P(), P()),
        check_vma=False,
    )
    return jax.jit(sharded, donate_argnums=0)


def mean(tree: PyTree) -> PyTree:
    """Average over the devices, inside of ``parallel``."""
    return jax.lax.pmean(tree, AXIS)


def local(tree: PyTree) -> PyTree:
    """Copies on the host of arrays that are the same on every device."""
    return jax.tree.map(lambda x: np.asarray(x.addressable_data(0)), tree)
