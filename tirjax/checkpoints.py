"""Networks on disk: what training writes and tracking reads, with Orbax.

A checkpoint is a folder with the variables and a record of where they come from. A
training run keeps several, ``WORKDIR/checkpoints/STEP``; reading WORKDIR reads the
newest that is finished.
"""

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from tirjax.data.sequence import DataError
from tirjax.typing import PyTree

VARIABLES, ABOUT, SIZES = "variables", "about", "sizes.json"
RUN = "checkpoints"


def save_variables(path: Path, variables: PyTree, about: Mapping[str, Any]) -> None:
    """Writes a checkpoint; one that is there is replaced.

    Args:
      path: folder.
      variables: dictionaries of arrays.
      about: record of their origin: strings, numbers, lists and dictionaries.

    Raises:
      DataError: there is something else at ``path``.
    """
    path = Path(path).resolve()
    free = not path.exists() or (path.is_dir() and not any(path.iterdir()))
    if not free and not _is_checkpoint(path):
        raise DataError(f"{path}: is no checkpoint, so not replaced; choose another")
    items = ocp.args.Composite(
        **{
            VARIABLES: ocp.args.PyTreeSave(variables),
            ABOUT: ocp.args.JsonSave(dict(about)),
        }
    )
    with _quiet(), ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
        checkpointer.save(path, items, force=True)
    write_sizes(path)


def load_variables(path: Path, like: PyTree | None = None) -> PyTree:
    """Reads the variables of a checkpoint.

    Args:
      path: folder of a checkpoint or of a training run.
      like: arrays or their shapes, as of ``jax.eval_shape``. Only what it names is
        returned, with its dtypes; everything by default.

    Returns:
      Dictionaries of arrays on the default device.

    Raises:
      DataError: no checkpoint, a damaged one, or one of another network.
    """
    return fit_variables(path, read_variables(path), like)


def read_variables(path: Path) -> PyTree:
    """Reads the variables of a checkpoint as they are on disk: NumPy arrays.

    Args:
      path: folder of a checkpoint or of a training run.

    Raises:
      DataError: no checkpoint, or a damaged one.
    """
    path = _found(path)
    check_sizes(path, VARIABLES)
    try:
        with _quiet(), ocp.PyTreeCheckpointer() as checkpointer:
            tree = checkpointer.metadata(path / VARIABLES).item_metadata.tree
            as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(np.ndarray), tree)
            arguments = ocp.args.PyTreeRestore(restore_args=as_numpy)
            return checkpointer.restore(path / VARIABLES, arguments)
    # Orbax and the storage below it each have errors of their own for a bad file.
    except Exception as error:
        raise damaged(path, error) from None


def fit_variables(path: Path, variables: PyTree, like: PyTree | None) -> PyTree:
    """What a network takes of ``read_variables``, on the default device.

    Args:
      path: as for ``load_variables``, for the errors.
      variables: of ``read_variables``.
      like: as for ``load_variables``.

    Raises:
      DataError: they are those of another network.
    """
    if like is None:
        return jax.tree.map(jnp.asarray, variables)
    path = _found(path)
    return jax.tree_util.tree_map_with_path(
        lambda keys, leaf: _pick(path, variables, keys, leaf), like
    )


def read_about(path: Path) -> dict[str, Any]:
    """Reads the record of a checkpoint's origin.

    Args:
      path: folder of a checkpoint or of a training run.

    Raises:
      DataError: no checkpoint, or a damaged one.
    """
    path = _found(path)
    try:
        return json.loads((path / ABOUT / "metadata").read_text())
    except (OSError, ValueError) as error:
        raise damaged(path, error) from None


def _pick(path: Path, variables: PyTree, keys: tuple, leaf: Any) -> jax.Array:
    """The array at ``keys``, held to the shape of ``leaf``."""
    name = "/".join(str(key.key) for key in keys)
    value = variables
    for key in keys:
        value = value.get(key.key) if isinstance(value, dict) else None
    if value is None:
        raise DataError(f"{path}: holds another network: it has no {name}")
    if value.shape != leaf.shape:
        raise DataError(
            f"{path}: holds another network: {name} is {value.shape}, not {leaf.shape}"
        )
    return jnp.asarray(value, leaf.dtype)


def write_sizes(path: Path) -> None:
    """Writes down how many bytes every file of a checkpoint has."""
    (path / SIZES).write_text(json.dumps(_sizes(path)))


def check_sizes(path: Path, item: str) -> None:
    """Finds a file cut short before the storage does, which then ends untidily.

    Args:
      path: folder of a checkpoint; one without a list of sizes passes.
      item: folder in it; the others may be damaged.

    Raises:
      DataError: a file is shorter, longer or gone.
    """
    try:
        wanted = json.loads((path / SIZES).read_text())
    except FileNotFoundError:
        return
    except ValueError as error:
        raise damaged(path, f"{SIZES}: {error}") from None
    sizes = _sizes(path)
    for file, size in wanted.items():
        if file.startswith(f"{item}/") and sizes.get(file) != size:
            have = f"has {sizes[file]} of" if file in sizes else "is gone, with its"
            raise damaged(path, f"{file} {have} {size} bytes")


def damaged(path: Path, error: Exception | str) -> DataError:
    """What is raised for a checkpoint that cannot be read."""
    what = " ".join(str(error).split())[:160] or type(error).__name__
    return DataError(f"{path}: damaged checkpoint ({what}); make or copy it again")


def finished_steps(path: Path) -> list[int]:
    """Steps of the finished checkpoints in a folder, newest first; half-written ones
    have names that are no numbers."""
    names = (p.name for p in path.glob("*") if _is_checkpoint(p))
    return sorted((int(name) for name in names if name.isdecimal()), reverse=True)


def _sizes(path: Path) -> dict[str, int]:
    """Bytes of every file in the folders of a checkpoint."""
    return {
        str(file.relative_to(path)): file.stat().st_size
        for file in sorted(path.glob("*/**/*"))
        if file.is_file()
    }


def _is_checkpoint(path: Path) -> bool:
    return (path / VARIABLES).is_dir() and (path / ABOUT).is_dir()


def _found(path: Path) -> Path:
    """The checkpoint at ``path``, or the newest of the training run there."""
    path = Path(path).resolve()
    if _is_checkpoint(path):
        return path
    for folder in (path / RUN, path):
        if steps := finished_steps(folder):
            return folder / str(steps[0])
    raise DataError(
        f"{path}: no checkpoint; train a network with `python -m train fit CONFIG "
        f"--workdir {path.name}` or convert one with `python -m train convert FILE "
        f"--out {path.name}`"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Orbax logs what it finds normal; only its errors matter."""
    log = logging.getLogger("absl")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
