"""Checkpoints as the ``params`` of trackers."""

import hashlib
import json
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from tirjax.backbones.conv import transformed
from tirjax.checkpoints import fit_variables, read_about, read_variables
from tirjax.data import DataError
from tirjax.trackers import NETWORKS
from tirjax.weights import SHIPPED

from .remembered import remembered

log = logging.getLogger(__name__)


class Weights(NamedTuple):
    """What a tracker's functions take as ``params``.

    Attributes:
      params: variables of its network; ``()`` for a tracker without one.
      origin: what tells these weights from others, for the record; empty without any.
    """

    params: Any = ()
    origin: str = ""


def load(
    names: Iterable[str], texts: Iterable[str], *, plain: bool = False
) -> dict[str, Weights]:
    """Weights of every tracker.

    Args:
      names: trackers.
      texts: ``PATH``, for all trackers with a network, or ``NAME=PATH``.
      plain: leaves out what is only there to be fast on this machine.

    Raises:
      DataError: a tracker has none, or they are those of another network.
    """
    names = list(names)
    given = dict(_split(text) for text in texts)
    known = {name for name in names if name in NETWORKS}
    if strange := set(given) - known - {""}:
        raise DataError(f"--weights for {', '.join(strange)}, which takes none here")
    if given and not known:
        raise DataError("--weights given, but none of the trackers takes any")
    found = {name: _load(name, given) if name in known else Weights() for name in names}
    return found if plain else {name: _fast(loaded) for name, loaded in found.items()}


def _split(text: str) -> tuple[str, Path]:
    """Name and path; the name is empty where none is given."""
    name, equals, path = text.partition("=")
    return (name, Path(path)) if equals and name in NETWORKS else ("", Path(text))


def _load(name: str, given: dict[str, Path]) -> Weights:
    path = given.get(name, given.get("", SHIPPED.get(name)))
    if path is None:
        raise DataError(
            f"{name} has a network: give --weights DIR, a checkpoint that "
            "`python -m train convert` wrote or the --workdir of `python -m train fit`;"
            f" without any there is {', '.join(SHIPPED)}"
        )
    with ThreadPoolExecutor(1) as beside:
        shapes = beside.submit(_shapes, name)
        variables = read_variables(path)
    variables = fit_variables(path, variables, shapes.result())
    about = read_about(path)
    made_for = about.get("architecture", name)
    if made_for != name:
        log.warning("%s: weights of %s, used for %s", path, made_for, name)
    return Weights(variables, str(about.get("sha256") or _digest(variables)))


def _fast(loaded: Weights) -> Weights:
    """With transformed weights where they pay: a GPU's library has its own."""
    if jax.default_backend() != "cpu":
        return loaded
    return loaded._replace(params=transformed(loaded.params))


def _digest(variables: Any) -> str:
    """Tells the steps of a training run apart, which share a folder."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(variables):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def _shapes(name: str) -> Any:
    """Shapes of the network's variables; nothing is computed."""
    found: dict = json.loads(remembered(f"shapes {name}", lambda: _traced(name)))
    shapes = {k: jax.ShapeDtypeStruct(*shape) for k, shape in found.items()}
    return unflatten_dict(shapes, sep="/")


def _traced(name: str) -> bytes:
    """Shape and type of every variable, as JSON."""
    images = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
    boxes = jax.ShapeDtypeStruct((1, 4), jnp.float32)
    network = NETWORKS[name]()
    traced = jax.eval_shape(network.init, jax.random.key(0), images, boxes)
    leaves: Any = flatten_dict(traced, sep="/").items()
    return json.dumps({k: (x.shape, str(x.dtype)) for k, x in leaves}).encode()
