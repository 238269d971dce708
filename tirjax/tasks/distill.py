"""Learning some branches of a tracker from the others: the core of CMD.

A tracker compares a *reference* frame with a *test* frame. Show one of them in colour
and the other in thermal, and the branch that is held teaches the one that may move.
What moves is kept as a float32 difference from weights that stand still, because steps
of 1e-7 are lost when they are added to a weight of 2.

Source: Sun et al., Unsupervised Cross-Modal Distillation for Thermal Infrared Tracking,
ACM MM 2021, section 3.
"""

from collections.abc import Callable, Collection
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax.traverse_util import flatten_dict, unflatten_dict

from tirjax.backbones.norm import FROZEN, Norm, Norms
from tirjax.data.sequence import DataError
from tirjax.heads.iou_net import REFERENCE
from tirjax.tasks.base import Objective, Preview, Task
from tirjax.typing import PyTree

BRANCHES = ("reference", "test", "classifier")

# Which batch norms take the statistics of the batch, and let the running ones follow:
# those of the branches that move, all of the IoU-Net (as the released code), or none.
Statistics = Literal["moving", "all", "frozen"]


def branch(path: tuple[str, ...]) -> str:
    """The branch that a variable belongs to, or ``'backbone'``.

    Args:
      path: names from the part of the network on, without the collection.
    """
    if path[0] != "iou_net":
        return path[0]
    # Lists of layers carry their position in the name: conv3_1r_0.
    return "reference" if path[1].startswith(REFERENCE) else "test"


def only(variables: PyTree, branches: Collection[str]) -> PyTree:
    """The variables of some branches, by collection; the others are not there.

    Args:
      variables: ``params`` and ``batch_stats``, or some of either.
      branches: of ``BRANCHES``.

    Raises:
      DataError: there is no such branch.
    """
    unknown = sorted(set(branches) - set(BRANCHES))
    if unknown:
        raise DataError(f"no branch {unknown[0]!r}; there are {', '.join(BRANCHES)}")
    flat = flatten_dict(variables)
    return unflatten_dict({k: v for k, v in flat.items() if branch(k[1:]) in branches})


def overlay(variables: PyTree, *parts: PyTree) -> PyTree:
    """The variables with those of ``parts`` in their place; B3 is one.

    Args:
      variables: whole.
      parts: some of the same variables, as of ``only``; the last one counts.
    """
    flat = flatten_dict(variables)
    for part in parts:
        flat |= flatten_dict(part)
    return unflatten_dict(flat)


def norms(statistics: Statistics, moves: Collection[str]) -> Norms:
    """Where a network for distillation takes its statistics from.

    Args:
      statistics: the policy.
      moves: branches whose parameters move.
    """
    adapting = {"moving": set(moves), "all": set(BRANCHES), "frozen": set()}
    batch = {b: Norm(True) for b in BRANCHES if b in adapting[statistics]}
    of = lambda b: batch.get(b, FROZEN)
    return Norms(FROZEN, of("classifier"), of("reference"), of("test"))


class State(NamedTuple):
    """Of a distillation.

    Attributes:
      base: ``params`` and ``batch_stats`` that everything started from; never changed.
      moved: differences of the parameters that may move, and no others.
      batch_stats: running statistics of these branches.
      optimizer: state of the optimiser.
    """

    base: PyTree
    moved: PyTree
    batch_stats: PyTree
    optimizer: optax.OptState


def distill_task(
    base: PyTree,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    preview: Callable[[PyTree, PyTree], Preview],
    *,
    moves: Collection[str],
    trained: Collection[str] = (),
) -> Task:
    """A task in which some branches move and the rest is data.

    Args:
      base: variables of the tracker, float32.
      objective: of all variables; its network's batch norms are those of ``norms``.
      optimizer: of the differences.
      preview: as in ``Task``.
      moves: branches that the result takes from the training.
      trained: branches that are trained; those that move by default. The released code
        trains more, and keeps only what moves.

    Raises:
      DataError: ``moves`` is empty, no branch, or not trained.
    """
    trained = trained or moves
    if not moves or set(moves) - set(trained):
        raise DataError(f"{sorted(moves)} cannot move: {sorted(trained)} is trained")

    def init(key):
        del key
        variables = {name: base.get(name, {}) for name in ("params", "batch_stats")}
        start = only(variables, trained)
        moved = jax.tree.map(jnp.zeros_like, start["params"])
        stats = start.get("batch_stats", {})
        return State(variables, moved, stats, optimizer.init(moved))

    def update(state, batch, key, mean):
        del key

        def loss(moved):
            return objective(_whole(state, moved), batch)

        found = jax.value_and_grad(loss, has_aux=True)(state.moved)
        (value, (metrics, left)), gradients = found
        # A frozen network leaves no statistics.
        stats = only({"batch_stats": left}, trained).get("batch_stats", {})
        stats = stats or state.batch_stats
        metrics = {"loss": value} | metrics
        gradients, metrics, stats = mean((gradients, metrics, stats))
        metrics |= {"grad_norm": optax.tree.norm(gradients)}
        updates, inner = optimizer.update(gradients, state.optimizer, state.moved)
        moved = optax.apply_updates(state.moved, updates)
        metrics |= {"moved": optax.tree.norm(moved)}
        return state._replace(moved=moved, batch_stats=stats, optimizer=inner), metrics

    def variables(state):
        return overlay(state.base, only(_whole(state, state.moved), moves))

    return Task(init, update, variables, preview)


def _whole(state: State, moved: PyTree) -> dict[str, Any]:
    """All variables, the differences added."""
    params: dict[Any, Any] = {**flatten_dict(state.base["params"])}
    for path, change in flatten_dict(moved).items():
        params[path] = params[path] + change
    stats = overlay(state.base["batch_stats"], state.batch_stats)
    return {"params": unflatten_dict(params), "batch_stats": stats}
