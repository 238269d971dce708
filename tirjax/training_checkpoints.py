"""A training run on disk: its last few states and its best, to go on from or to track.

``WORKDIR/checkpoints/STEP`` holds ``state``, all that training needs to go on,
``variables`` and ``about``, in which it is a checkpoint like any other. Saving runs
beside training; whatever goes wrong there is raised by the next ``save``, ``wait`` or
``close``.
"""

import errno
import logging
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils
from jax.sharding import SingleDeviceSharding
from orbax.checkpoint import checkpoint_managers as policies

from tirjax.checkpoints import (
    ABOUT,
    RUN,
    SIZES,
    VARIABLES,
    check_sizes,
    damaged,
    finished_steps,
    write_sizes,
)
from tirjax.data.sequence import DataError
from tirjax.typing import PyTree

STATE = "state"
# What Orbax calls a checkpoint that it has not finished, and we a damaged one.
HALF, ASIDE = ".orbax-checkpoint-tmp", ".damaged"
FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


def open_manager(
    workdir: Path, keep: int = 3, best: str | None = None
) -> ocp.CheckpointManager:
    """Opens a run for saving; what an interrupted save left behind is removed.

    Args:
      workdir: folder of the run; made if there is none.
      keep: how many of the newest checkpoints stay, at least 1.
      best: metric of which the checkpoint with the highest value stays as well.

    Returns:
      The manager; end with ``close``.

    Raises:
      DataError: ``workdir`` is a file.
    """
    folder = Path(workdir).resolve() / RUN
    if not all(path.is_dir() for path in (folder.parent, folder) if path.exists()):
        raise DataError(f"{folder}: is no folder; choose another --workdir")
    logging.getLogger("absl").addFilter(_not_of_orbax)
    _sweep(folder)
    kept: list = [policies.LatestN(keep)]
    rank = _rank(best) if best else None
    if rank:
        kept.append(policies.BestN(get_metric_fn=rank, n=1))
    options = ocp.CheckpointManagerOptions(
        preservation_policy=policies.AnyPreservationPolicy(kept),
        # Without it metrics are not written, and the best is forgotten on resume.
        best_fn=rank,
        async_options=ocp.AsyncOptions(
            post_finalization_callback=lambda: _seal(folder)
        ),
    )
    return ocp.CheckpointManager(folder, options=options)


def save(
    manager: ocp.CheckpointManager,
    step: int,
    state: PyTree,
    variables: PyTree,
    about: Mapping[str, Any],
    metrics: Mapping[str, float],
) -> None:
    """Begins to write a checkpoint; the arrays may be donated when this returns.

    Every process calls it. A step that is there already is not written again.

    Args:
      manager: of the run.
      step: larger than that of any checkpoint of the run.
      state: arrays, typed random keys excepted.
      variables: what a tracker loads.
      about: record of their origin, as JSON has it; ``step`` is added.
      metrics: scores of this step; one that is not finite is worse than any.

    Raises:
      DataError: the disk is full, now or while the last one was written; earlier
        checkpoints are untouched. Or the run is already past ``step``.
    """
    wait(manager)
    newest = manager.latest_step()
    if newest == step:
        return
    if newest is not None and newest > step:
        raise DataError(
            f"{manager.directory}: is at step {newest}, past {step}; go on from the "
            "newest or choose another --workdir"
        )
    items = ocp.args.Composite(
        **{
            STATE: ocp.args.StandardSave(state),
            VARIABLES: ocp.args.PyTreeSave(variables),
            ABOUT: ocp.args.JsonSave({**about, "step": step}),
        }
    )
    values = {name: float(value) for name, value in metrics.items()}
    _written(manager, lambda: manager.save(step, args=items, metrics=values))


def wait(manager: ocp.CheckpointManager) -> None:
    """Waits until the last checkpoint is on disk.

    Raises:
      DataError: it could not be written.
    """
    _written(manager, manager.wait_until_finished)


def close(manager: ocp.CheckpointManager) -> None:
    """Waits as ``wait`` does, and ends the manager's threads.

    Raises:
      DataError: the last checkpoint could not be written.
    """
    try:
        wait(manager)
    finally:
        manager.close()


def restore(
    manager: ocp.CheckpointManager, like_state: PyTree, step: int | None = None
) -> tuple[int, PyTree] | None:
    """Reads the state to go on from.

    Damaged checkpoints newer than the one that is read are reported and renamed to
    ``STEP.damaged``, so that their steps can be written again.

    Args:
      manager: of the run.
      like_state: arrays or ``jax.ShapeDtypeStruct``; their shardings say where the
        state goes, whatever devices it came from. The first device by default.
      step: which one; the newest that can be read by default.

    Returns:
      Step and state, or None when nothing has been saved.

    Raises:
      DataError: a state of another network or optimizer, none of ``step``, or none that
        can be read.
    """
    folder = Path(manager.directory)
    steps = finished_steps(folder)
    if step is not None:
        if step not in steps:
            raise DataError(f"{folder}: no step {step}; there are {steps or 'none'}")
        steps = [step]
    like = jax.tree.map(_abstract, like_state)
    broken: list[tuple[int, DataError]] = []
    for number in steps:
        try:
            state = _read(manager, number, like)
        except _Damaged as error:
            broken.append((number, error.args[0]))
            continue
        _set_aside(manager, broken)
        return number, state
    if broken:
        raise broken[0][1]
    return None


class _Damaged(Exception):
    """Holds the error to raise if there is no other checkpoint."""


def _read(manager: ocp.CheckpointManager, step: int, like: PyTree) -> PyTree:
    """The state of one step, if it is one of this run."""
    path = Path(manager.directory) / str(step)
    try:
        check_sizes(path, STATE)
        with ocp.StandardCheckpointer() as checkpointer:
            saved: Any = checkpointer.metadata(path / STATE).item_metadata
        difference = _difference(_shapes(saved.tree), _shapes(like))
    # Orbax and the storage below it each have errors of their own for a bad file.
    except Exception as error:
        raise _as_damaged(path, error) from None
    if difference:
        raise DataError(
            f"{path}: a state of another network or optimizer: {difference}; "
            "choose another --workdir"
        )
    try:
        items = ocp.args.Composite(**{STATE: ocp.args.StandardRestore(like)})
        return manager.restore(step, args=items)[STATE]
    except Exception as error:
        raise _as_damaged(path, error) from None


def _as_damaged(path: Path, error: Exception) -> _Damaged:
    return _Damaged(error if isinstance(error, DataError) else damaged(path, error))


def _abstract(leaf: Any) -> jax.ShapeDtypeStruct:
    """Shape, type and place of a leaf; Orbax's default is where it came from."""
    place = getattr(leaf, "sharding", None)
    place = place or SingleDeviceSharding(jax.local_devices()[0])
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place)


def _shapes(tree: PyTree) -> dict[str, tuple[int, ...]]:
    """Shape by name of the leaf; fields, keys and places in a tuple look the same."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    name = lambda keys: jax.tree_util.keystr(keys, simple=True, separator="/")
    return {name(keys): tuple(leaf.shape) for keys, leaf in leaves}


def _difference(saved: dict[str, tuple], wanted: dict[str, tuple]) -> str:
    """The first leaf in which two trees differ; empty if they do not."""
    for name, shape in wanted.items():
        if name not in saved:
            return f"it has no {name}"
        if saved[name] != shape:
            return f"{name} is {saved[name]}, not {shape}"
    extra = [name for name in saved if name not in wanted]
    return f"it has {extra[0]} besides" if extra else ""


def _set_aside(
    manager: ocp.CheckpointManager, broken: list[tuple[int, DataError]]
) -> None:
    """Reports damaged steps and takes them out of the run."""
    if not broken:
        return
    for step, error in broken:
        log.warning("%s; going on from an earlier step", error)
        path = Path(manager.directory) / str(step)
        if jax.process_index() == 0:
            shutil.rmtree(f"{path}{ASIDE}", ignore_errors=True)
            path.rename(f"{path}{ASIDE}")
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("damaged checkpoints set aside")
    manager.reload()


def _sweep(folder: Path) -> None:
    """Removes what interrupted saves left; nothing of it can be read."""
    if jax.process_index() != 0:
        return
    for path in sorted(folder.glob(f"*{HALF}*")):
        step = path.name.partition(".")[0]
        log.warning("%s: half-written checkpoint of step %s ignored", folder, step)
        shutil.rmtree(path, ignore_errors=True)


def _seal(folder: Path) -> None:
    """Lists the sizes of files while the checkpoint still has its unfinished name."""
    if jax.process_index() != 0:
        return
    for path in folder.glob(f"*{HALF}*"):
        if (path / STATE).is_dir() and not (path / SIZES).exists():
            write_sizes(path)


def _rank(name: str) -> Callable[[Mapping[str, float]], float]:
    def rank(metrics: Mapping[str, float]) -> float:
        value = metrics.get(name, -math.inf)
        return value if math.isfinite(value) else -math.inf

    return rank


def _written(manager: ocp.CheckpointManager, act: Callable[[], Any]) -> None:
    """Runs what may fail to write; says which folder and what to do."""
    try:
        act()
    except Exception as error:
        causes = list(_causes(error))
        full = any(
            getattr(cause, "errno", None) in FULL or "No space left" in str(cause)
            for cause in causes
        )
        if full:
            raise DataError(
                f"{manager.directory}: disk full, checkpoint not written; free space "
                "and start again with the same --workdir"
            ) from error
        if any(isinstance(cause, OSError) for cause in causes):
            raise DataError(
                f"{manager.directory}: checkpoint not written ({error})"
            ) from error
        raise


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _not_of_orbax(record: logging.LogRecord) -> bool:
    """Orbax tells of its errors twice, as a traceback too; ours is the exception."""
    return "orbax" not in record.pathname
